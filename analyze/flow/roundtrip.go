package flow

// Without timestamps the handshake alone measures the delay above the tap, and the
// two hosts made their connection in that time, too. Two other moments show the
// same delay, at a tap that data reaches late.

// trip is the shortest round trip that is known of the path of h: of this
// connection, or of another between the same hosts.
func (c *Conn) trip(h *track) int64 {
	trip := h.rtt()
	if c.pair.MinRTT > 0 && c.pair.MinRTT < trip {
		return c.pair.MinRTT
	}
	return trip
}

// clocked takes the delay from an acknowledgement to the first octets that it
// made the sender send. It is at least the delay of the path, so it only makes one
// that is known shorter.
func (c *Conn) clocked(h *track, from, t int64) {
	if d := t - from; h.minUp >= 0 && float64(d) >= clockedShare*float64(c.trip(h)) {
		shortest(&h.minUp, d)
	}
}

// afterTimeout measures by s, the first packet of h that passes after a timeout
// sent one again: the loss window is one segment (RFC 5681 §3.1), so only its
// acknowledgement can have made the sender go on.
func (c *Conn) afterTimeout(h *track, s *Segment) {
	n := len(h.odds.list)
	if n == 0 || h.state == open || s.is(hasTS) {
		return
	}
	x := &h.odds.list[n-1]
	if x.kind != RTO || x.t != h.rtoTime || h.lastSeq != x.t || x.cov == 0 || x.is2&(isEarly|unaKnown) != unaKnown ||
		x.una < x.lo || x.una >= x.hi() {
		return
	}
	c.clocked(h, x.covered(), s.Time)
}

// afterOpening measures by the first packet beyond the initial window of at most
// ten segments (RFC 6928 §2): its sender had heard the first acknowledgement of
// data. It looks when octets are missing for the first time, since only then
// anybody asks; s is what passes behind them.
func (c *Conn) afterOpening(h *track, s *Segment, lo int64) {
	if h.opened || s.is(hasTS) {
		return
	}
	h.opened = true
	start := h.lowest + 1 // behind the SYN
	end := start + initialSegments*c.segment(s.Dir)
	if !h.started || len(h.odds.list) > 0 {
		return
	}
	first := int64(0)
	for _, p := range h.history.list {
		if p.moment(h.una).una > start {
			first = p.t
			break
		}
	}
	if first == 0 {
		return
	}
	at, before := s.Time, h.lastSeq
	if h.top >= end {
		i := h.line.search(end)
		if i == 0 || i >= h.line.length {
			return
		}
		at, before = h.line.at(i).t, h.line.at(i-1).t
	} else if lo < end {
		h.opened = false
		return
	}
	if float64(at-before) >= clockedShare*float64(c.trip(h)) {
		c.clocked(h, first, at)
	}
}
