package host

import "sync"

// Bounds of the join.
const (
	// joinFrames is how many captured frames are remembered: at 50 000 a second,
	// the last five seconds, in 13 MB.
	joinFrames = 1 << 18
	// framesPerHead is how many frames share a chain: a drop walks a longer one, so
	// that a frame meets a table that lies in the cache.
	framesPerHead = 8
	// joinSteps bounds the search among frames with the same hash.
	joinSteps = 1024
	// joinSlack is how far the frames must have gone past a drop before it is
	// judged: several rings hand their blocks out up to 60 ms apart.
	joinSlack = 100e6 // ns
	// joinAhead is how much later than its drop a frame may be stamped: the
	// clocks are compared once a minute, and that is good for microseconds.
	joinAhead = 1e6 // ns
	// joinNear is within which a frame is the dropped one though others look the
	// same: what is dropped on the way up dies within 120 µs of its capture.
	joinNear = 5e6 // ns
	// joinLongest is how long the kernel keeps a packet that it drops in the end:
	// fragments wait 30 s for their siblings (net.ipv4.ipfrag_time).
	joinLongest = 35e9 // ns
	// joinTranslated is how old a frame may be that is found by its IP-ID and
	// sequence numbers only, since a NAT changed its addresses.
	joinTranslated = 1e9 // ns
)

// A remembered frame. 48 octets, so that a frame costs one line of the cache.
type remembered struct {
	identity
	time   int64
	number uint64
	next   uint32 // position of an older frame with the same hash, plus one
	taken  bool   // a dropped packet was this frame
}

// A waiter is a dropped packet in search of its frame.
type waiter struct {
	identity
	time  int64
	frame uint64 // 0 = none
	after int64
	known bool // identity could be read
}

// A joiner finds the captured frame that a dropped packet was. Each frame is
// given away once. Its frame method is for one goroutine; the drops may come
// from another.
type joiner struct {
	ring  []remembered
	heads []uint32
	count uint32 // frames so far, wrapping
	clock int64  // the latest frame

	mu      sync.Mutex
	waiting []*waiter // in the order of their coming
	due     due
}

func newJoiner(frames int) *joiner {
	j := &joiner{ring: make([]remembered, frames), heads: make([]uint32, max(1, frames/framesPerHead))}
	j.due.never()
	return j
}

// frame remembers a frame, b being its octets from the IP header on; and when
// the time has come, it judges the drops that waited.
func (j *joiner) frame(number uint64, time int64, b []byte) {
	if id, ok := identify(b); ok {
		mask := uint32(len(j.ring) - 1)
		head := &j.heads[uint32(id.loose)&uint32(len(j.heads)-1)]
		j.ring[j.count&mask] = remembered{identity: id, time: time, number: number, next: *head}
		j.count++
		*head = j.count
	}
	if time > j.clock {
		j.clock = time
		if j.due.passed(time) {
			j.settle(time - joinSlack)
		}
	}
}

// wait takes a dropped packet that is to be joined later.
func (j *joiner) wait(w *waiter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, w)
	j.due.atMost(w.time + joinSlack)
}

// settle judges the drops up to a time. Only the goroutine of frame calls it, or
// the one that closes after it.
func (j *joiner) settle(upTo int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.due.never()
	left := j.waiting[:0]
	for _, w := range j.waiting {
		if w.time > upTo {
			left = append(left, w)
			j.due.atMost(w.time + joinSlack)
			continue
		}
		if f := j.find(w); f != nil {
			f.taken = true
			w.frame, w.after = f.number, w.time-f.time
		}
	}
	clear(j.waiting[len(left):])
	j.waiting = left
}

// find returns the one frame that w was, or nil. Of frames that look alike it is
// the last before the drop, if that is near; of translated ones, the only one.
func (j *joiner) find(w *waiter) *remembered {
	var same, near, translated *remembered
	alike, others := 0, 0
	if !w.known {
		return nil
	}
	mask := uint32(len(j.ring) - 1)
	at, age := j.heads[uint32(w.loose)&uint32(len(j.heads)-1)], uint32(0)
	for range joinSteps {
		older := j.count - at + 1
		if at == 0 || older <= age || older > uint32(len(j.ring)) {
			break
		}
		age = older
		f := &j.ring[(at-1)&mask]
		at = f.next
		if f.time < w.time-joinLongest {
			break
		}
		if !f.fits(w) {
			continue
		}
		switch {
		case f.src == w.src && f.dst == w.dst && f.sum == w.sum:
			alike++
			if same == nil || same.time > w.time && f.time <= w.time {
				same = f
			}
			if w.time-f.time < joinNear {
				near = nearer(w, near, f)
			}
		case (f.src == w.src || f.dst == w.dst) && w.time-f.time < joinTranslated:
			others++
			translated = f
		}
	}
	switch {
	case near != nil:
		return near
	case alike == 1:
		return same
	case alike == 0 && others == 1:
		return translated
	}
	return nil
}

// fits says whether f may have become w at all.
func (f *remembered) fits(w *waiter) bool {
	return f.loose == w.loose && !f.taken && f.time <= w.time+joinAhead &&
		(f.more == w.more || f.more == 0 || w.more == 0)
}

// nearer returns which of two frames was captured last before the drop.
func nearer(w *waiter, a, b *remembered) *remembered {
	if a == nil {
		return b
	}
	aAfter, bAfter := a.time > w.time, b.time > w.time
	switch {
	case aAfter != bAfter:
		if aAfter {
			return b
		}
		return a
	case aAfter == (b.time < a.time):
		return b
	}
	return a
}
