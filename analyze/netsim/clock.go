package netsim

// An event is something that happens at a time. Events of one time happen in
// the order in which they were planned.
type event struct {
	at    int64
	order uint64
	do    func()
}

// clock is simulated time and what is planned in it: a binary heap.
type clock struct {
	now     int64
	planned uint64
	queue   []event
}

// at plans do for time t, or for now if t has passed.
func (c *clock) at(t int64, do func()) {
	c.planned++
	c.queue = append(c.queue, event{max(t, c.now), c.planned, do})
	for i := len(c.queue) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.before(i, parent) {
			return
		}
		c.queue[i], c.queue[parent] = c.queue[parent], c.queue[i]
		i = parent
	}
}

// play lets everything happen that is planned until end.
func (c *clock) play(end int64) {
	for len(c.queue) > 0 && c.queue[0].at <= end {
		e := c.queue[0]
		last := len(c.queue) - 1
		c.queue[0] = c.queue[last]
		c.queue[last] = event{}
		c.queue = c.queue[:last]
		c.sink()
		c.now = e.at
		e.do()
	}
}

func (c *clock) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(c.queue) {
			return
		}
		if child+1 < len(c.queue) && c.before(child+1, child) {
			child++
		}
		if !c.before(child, i) {
			return
		}
		c.queue[i], c.queue[child] = c.queue[child], c.queue[i]
		i = child
	}
}

func (c *clock) before(i, j int) bool {
	a, b := &c.queue[i], &c.queue[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// A timer is one plan that can be changed or given up.
type timer struct {
	armed bool
	at    int64
	turn  uint64
}

// set plans do for time t in place of what tm had planned.
func (c *clock) set(tm *timer, t int64, do func()) {
	tm.turn++
	tm.armed, tm.at = true, t
	turn := tm.turn
	c.at(t, func() {
		if tm.turn == turn && tm.armed {
			tm.armed = false
			do()
		}
	})
}

func (tm *timer) stop() { tm.armed = false }
