package analyze

const (
	// window is how many packets a late one may be moved back to its place in
	// time. Files merged from several queues or interfaces are out of order by
	// a few; a clock that was set back for good is not worth sorting.
	window = 1024

	// step, ns, is how far back in time a frame is moved at most. A clock
	// that is wrong by more than this is set, not slewed (the step threshold of
	// NTP, RFC 5905), and what comes after such a step is not late.
	step = int64(128e6)

	// tickEvery, ns, is how often in capture time shards are told the time, and
	// tickFrames after how many frames at the latest.
	tickEvery  = int64(1e9)
	tickFrames = 2048

	// leapFrom, ns, is how long without any frame is told: a clock was set, or
	// the capture rested. Keep-alives alone make a live network busier than that.
	leapFrom = int64(600e9)

	// minTime and maxTime, 1933 and 2116 in ns since the epoch, bound what a
	// damaged or hostile file may say, so that no timer, and no difference of
	// two times, runs over.
	minTime, maxTime = -int64(1) << 60, int64(1) << 62
)

// A dispatcher puts packets into capture order, sorts them by time within a
// window, and hands them to shards. What it does depends on the sequence of
// frames only: not on batches, nor on the number of shards, so neither does
// anything behind it.
type dispatcher struct {
	p       *pipeline
	waiting map[uint64]*job // decoded before their turn
	turn    uint64

	ring   [window]ref // sorted by time, oldest at head
	head   int
	length int

	out         []*parcel // by shard, being filled
	tick        int64     // when the next tick is due
	sinceTick   int       // frames
	first, last int64
	previous    int64
	disorder    uint64
	sent        int64  // time of the frame that left the window last
	unsorted    uint64 // frames that left it with an earlier one
	leaps       uint64
	leap        int64 // the longest
	frames      uint64
	fine        bool   // not all frames are whole seconds apart
	same        uint64 // as long as they are: frames with the time of the one in front
	line        timeline
}

func (o *dispatcher) init(p *pipeline) {
	o.p = p
	o.waiting = map[uint64]*job{}
	for range p.shards {
		o.out = append(o.out, p.parcel())
	}
}

// dispatchAll takes jobs in any order until ready is closed, and then closes
// the channels of the shards.
func (o *dispatcher) dispatchAll(ready <-chan *job) {
	for j := range ready {
		o.waiting[j.number] = j
		for next := o.waiting[o.turn]; next != nil; next = o.waiting[o.turn] {
			delete(o.waiting, o.turn)
			o.turn++
			o.take(next)
		}
	}
	for o.length > 0 {
		o.send(o.pop())
	}
	for i, out := range o.out {
		o.p.shards[i] <- out
		close(o.p.shards[i])
	}
}

// take adds all packets of j to the window.
func (o *dispatcher) take(j *job) {
	if len(j.decoded.Packets) == 0 {
		o.p.jobs.put(j)
		return
	}
	for i := range j.decoded.Packets {
		p := &j.decoded.Packets[i]
		p.Time = min(max(p.Time, minTime), maxTime)
		o.watch(p.Time)
		if o.length == window {
			o.send(o.pop())
		}
		o.push(ref{p, j})
	}
}

// watch notes the extremes of time, steps backwards, and leaps ahead of all before.
func (o *dispatcher) watch(t int64) {
	if o.frames == 0 {
		o.first, o.last = t, t
	}
	if o.frames > 0 && t < o.previous {
		o.disorder++
	}
	if ahead := t - o.last; o.frames > 0 && ahead > leapFrom {
		o.leaps++
		o.leap = max(o.leap, ahead)
	}
	if !o.fine {
		o.tell(t)
	}
	o.frames++
	o.line.add(t)
	o.previous = t
	o.first, o.last = min(o.first, t), max(o.last, t)
}

// tell notes whether the clock ticks finer than once in a second.
func (o *dispatcher) tell(t int64) {
	switch d := t - o.previous; {
	case o.frames == 0:
	case d == 0:
		o.same++
	default:
		o.fine = d%1e9 != 0
	}
}

// push inserts r behind everything that is not later: a stable insertion from
// the young end, which for frames in order is one comparison.
func (o *dispatcher) push(r ref) {
	i := o.length
	for i > 0 && o.at(i-1).packet.Time > r.packet.Time && o.at(i-1).packet.Time-r.packet.Time <= step {
		o.ring[(o.head+i)%window] = *o.at(i - 1)
		i--
	}
	o.ring[(o.head+i)%window] = r
	o.length++
}

func (o *dispatcher) at(i int) *ref { return &o.ring[(o.head+i)%window] }

func (o *dispatcher) pop() ref {
	r := o.ring[o.head]
	o.head = (o.head + 1) % window
	o.length--
	return r
}

// send hands r to its shard, and the time to all shards when it is due.
func (o *dispatcher) send(r ref) {
	t := r.packet.Time
	if t < o.sent {
		o.unsorted++
	}
	o.sent = t
	if o.sinceTick++; t >= o.tick || o.sinceTick > tickFrames {
		if o.tick != 0 {
			o.tickAll(t)
		}
		o.tick, o.sinceTick = t-t%tickEvery+tickEvery, 0
	}
	// The pair hash is well mixed: its upper half chooses the shard, its lower
	// half is free for hash tables.
	i := int(uint64(r.packet.PairHash>>16) * uint64(len(o.out)) >> 16)
	out := o.out[i]
	out.refs = append(out.refs, r)
	if len(out.refs) == handover {
		o.flush(i)
	}
}

func (o *dispatcher) tickAll(now int64) {
	for i := range o.out {
		o.out[i].tick = now
		o.flush(i)
	}
}

func (o *dispatcher) flush(i int) {
	o.p.shards[i] <- o.out[i]
	o.out[i] = o.p.parcel()
}
