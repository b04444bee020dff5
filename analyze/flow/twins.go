package flow

import "whydrop/decode"

// A capture on both sides of routers holds each packet twice, the second time
// with a TTL that is lower by as many as there are routers: two capture points
// in one file (wire-evidence.md c-0, c-2). Twins match the two sightings of
// each packet of one direction. They begin with the first copy whose TTL
// differs, so that other captures pay nothing for them.
type twins struct {
	list    []sighted // passed one point and not the other yet, the oldest at head
	head    int
	hops    uint8 // by which the TTL of the second sighting is lower: of the first pair
	top     uint8 // TTL at the first point, of the last pair
	slowest int64 // from one point to the other, ns
}

const (
	// twinLast, ns, is how long the second sighting may take: what copies may, b-2.
	twinLast = copyWithID

	// twinSoon, ns, and twinDelays times the longest so far: a packet this old at
	// the end of a capture has passed one point only.
	twinSoon   = 10 * millisecond
	twinDelays = 4

	// twinMost bounds the packets on their way between the points.
	twinMost = 4096
)

// A sighted packet passed one of the points.
type sighted struct {
	key    uint64
	t      int64
	lo, hi int64 // octets of sequence space; hi <= lo: none
	ref    FrameRef
	octets uint32
	what   What
	ttl    uint8

	late, overdue bool // see Loner
}

// A Loner is a packet that passed one of two capture points only.
type Loner struct {
	Flow    uint32
	Dir     uint8
	What    What
	First   bool // it passed the first point, else the second
	Arrived bool // the receiver acknowledged its octets
	Late    bool // the capture ended too soon behind it to tell by this alone
	Overdue bool // Late, but all others took much less time to the other point
	Octets  uint32
	Time    int64
	Frame   FrameRef
}

// passed notes a packet that is no copy. What waits too long is single.
func (w *twins) passed(x sighted, single func(*sighted)) {
	w.expire(x.t-twinLast, single)
	if len(w.list)-w.head >= twinMost {
		w.head++ // unknown
	}
	if w.head > 64 && 2*w.head > len(w.list) {
		w.list = w.list[:copy(w.list, w.list[w.head:])]
		w.head = 0
	}
	w.list = append(w.list, x)
}

// expire takes out what passed before t.
func (w *twins) expire(t int64, single func(*sighted)) {
	for w.head < len(w.list) && w.list[w.head].t < t {
		single(&w.list[w.head])
		w.head++
	}
}

// finish takes out everything; end is the time up to which a second sighting
// would have been captured.
func (w *twins) finish(end int64, single func(*sighted)) {
	w.expire(end-min(twinLast, max(twinSoon, twinDelays*w.slowest)), single)
	for i := w.head; i < len(w.list); i++ {
		x := &w.list[i]
		x.late, x.overdue = true, end-x.t > twinDelays*w.slowest
		single(x)
	}
	w.list, w.head = nil, 0
}

// match takes out the packet that was sighted before with this key at another
// TTL, and returns how much that was higher.
func (w *twins) match(key uint64, ttl uint8, t int64) (hops int, ok bool) {
	for i := w.head; i < len(w.list); i++ {
		x := &w.list[i]
		if x.key != key || x.ttl == ttl {
			continue
		}
		hops = int(x.ttl) - int(ttl)
		w.top = max(x.ttl, ttl)
		w.slowest = max(w.slowest, t-x.t)
		copy(w.list[w.head+1:i+1], w.list[w.head:i])
		w.head++
		return hops, true
	}
	return 0, false
}

// again notes in f that a packet passed again with TTL ttl, ago after the first
// time. It returns the twins of the direction, which it makes when the TTL
// differs for the first time, and whether the packet is a twin.
func (w *twins) again(f *Half, key uint64, ttl uint8, t, ago int64) (*twins, bool) {
	hops, ok := int(f.TTL)-int(ttl), true
	if w != nil {
		hops, ok = w.match(key, ttl, t)
	} else if hops != 0 {
		w = &twins{top: max(f.TTL, ttl), slowest: ago}
	}
	if hops < 0 {
		hops = -hops
	}
	switch {
	case hops == 0 && ok:
		return w, false
	case !ok: // a third sighting, unless it is from one of the points
		if d := f.TTL - ttl; d != 0 && d != w.hops {
			f.OtherTwins++
		}
		return w, false
	case f.TwinHops == 0:
		f.TwinHops, w.hops = uint8(hops), uint8(hops)
	case w.hops != uint8(hops):
		f.OtherTwins++
		return w, false
	}
	f.Twins++
	if ago >= CopyImmediate {
		f.LateTwins++
	}
	return w, true
}

// single makes a Loner of x, unless its TTL is that of neither point.
func (w *twins) single(x *sighted) (Loner, bool) {
	first := x.ttl == w.top
	return Loner{What: x.what, First: first, Octets: x.octets, Time: x.t, Frame: x.ref,
		Late: x.late, Overdue: x.overdue}, first || x.ttl+w.hops == w.top
}

// twin notes segment s, which is no copy, if its direction passes two points.
func (c *Conn) twin(h *track, s *Segment, key uint64, lo, n int64) {
	x := sighted{key: key, t: s.Time, lo: lo, hi: lo + n, ref: s.Ref(), octets: s.Len, what: s.what(), ttl: s.TTL}
	h.twins.passed(x, func(x *sighted) { c.single(s.Dir, x) })
}

// single writes that x passed one point only.
func (c *Conn) single(dir uint8, x *sighted) {
	h := &c.half[dir]
	if y, ok := h.twins.single(x); ok {
		y.Flow, y.Dir, y.Arrived = c.number, dir, x.hi > x.lo && h.covers(x.lo, x.hi)
		c.log.loner(y)
	}
}

// finishTwins ends the matching of both directions.
func (c *Conn) finishTwins(end int64) {
	for d := range c.half {
		if w := c.half[d].twins; w != nil {
			w.finish(end, func(x *sighted) { c.single(uint8(d), x) })
		}
	}
}

// what says what kind of packet s is.
func (s *Segment) what() What {
	switch {
	case s.Flags&decode.SYN != 0:
		return SYNPacket
	case s.Flags&decode.RST != 0:
		return RSTPacket
	case s.Len > 0:
		return DataPacket
	case s.Flags&decode.FIN != 0:
		return FINPacket
	}
	return ACKPacket
}

// twin notes a datagram that is no copy, if its direction passes two points.
func (t *Talk) twin(h *stream, s *sighting, dir uint8) {
	x := sighted{key: s.key, t: s.t, ref: s.ref, octets: s.octets, what: t.what(), ttl: s.ttl}
	h.twins.passed(x, func(x *sighted) { t.single(h, dir, x) })
}

func (t *Talk) single(h *stream, dir uint8, x *sighted) {
	if y, ok := h.twins.single(x); ok {
		y.Flow, y.Dir = t.number, dir
		t.log.loner(y)
	}
}

// loner keeps s.
func (l *Log) loner(s Loner) {
	if len(l.Loners) >= l.MaxLosses {
		l.GaveUp.Gaps++
		return
	}
	l.Loners = append(l.Loners, s)
}
