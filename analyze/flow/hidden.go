package flow

// hiddenTail notes how far the sender of h had come beyond what passed here, when the repair x
// shows it: c-11. Numbers are missing between the packet in front of x and x. What was sent there
// was a repair of one of the open holes below x, a try of a timer, or went beyond everything that
// passed: a tail, lost before the tap, whose repairs look like new data when they follow.
func (c *Conn) hiddenTail(h *track, x *odd) {
	if !h.counted || x.kind != Fast && x.kind != RTO || x.is&sentID == 0 || x.hi() > h.top || !h.acked {
		return
	}
	n := len(h.ids.gaps)
	if n == 0 || h.ids.gaps[n-1].to != x.id || h.ids.gaps[n-1].from <= h.last.id || !h.last.hasID {
		return
	}
	g := &h.ids.gaps[n-1]
	if g.peerData || g.ack1 != g.ack0 || g.fromSYN {
		return // acknowledgements may be among them
	}
	below := x.lo
	if h.lastBack > h.last.t {
		below = h.top // its repairs had gone on, and begin anew with x
	}
	lost := int64(g.to-g.from) - c.open(h, below) - int64(c.triesBefore(h, x.t-h.last.t))
	if lost >= hiddenLeast && lost <= tailMost {
		h.hidden = max(h.hidden, h.top) + lost*c.segment(c.dirOf(h))
	}
}

// open is how many segments below an octet the other side lacks, as far as it said, of which no
// repair passed: so many repairs may have been lost.
func (c *Conn) open(h *track, below int64) int64 {
	n, dir := int64(0), c.dirOf(h)
	h.sacked.missing(h.una, below, func(lo, hi int64) {
		open := c.segments(dir, hi-lo)
		h.odds.overlapping(lo, hi, func(_ int32, q *odd) {
			if q.is2&isResent != 0 {
				open -= c.segments(dir, min(hi, q.hi())-max(lo, q.lo))
			}
		})
		n += max(open, 0)
	})
	return n
}
