package flow

// sentBefore marks what passed last as repairs if s shows them to be: octets are
// missing between them and s, and no number is, so those octets had been sent
// before all of them, and lie above them (tcp-rules §1). They are seen first
// where no copy before them came through: a path that lets nothing long pass, an
// outage, or a policer. Their sender is in recovery up to s (b-1).
func (c *Conn) sentBefore(h *track, s *Segment, lo int64) {
	if !h.counted || s.ID == 0 || h.ids.missingBefore(s.ID, true) {
		return
	}
	from, end := h.ids.first, h.line.length
	if n := len(h.ids.gaps); n > 0 {
		from = h.ids.gaps[n-1].to
	}
	i := end
	for i > 0 && end-i < keepAcked && h.line.at(i-1).is&(sentID|sentKept|sentBad|sentSYN) == sentID && h.line.at(i-1).id >= from {
		i--
	}
	// Nothing is sent before a SYN: numbers that are complete since then count something else.
	if i == end || i > 0 && h.line.at(i-1).is&(sentSYN|sentID) == sentSYN|sentID {
		return
	}
	since := h.synTime
	if i > 0 {
		since = h.line.at(i - 1).t
	}
	if len(h.ids.gaps) == 0 && h.started {
		if h.unnumbered == (span{}) {
			h.unnumbered.lo = h.line.at(i).lo
		}
		h.unnumbered.hi = lo
	}
	for ; i < end; i++ {
		q := h.line.at(i)
		h.promote(q.lo, q.hi())
		x := &h.odds.list[len(h.odds.list)-1]
		x.is2, x.via, x.kind = isResent|fillsGap, viaMissing, Loss
		switch {
		case since != 0 && q.t-since >= silence:
			x.kind = RTO
		case h.state == recovering:
			x.kind = Fast
		}
		since = q.t
		if x.kind == Fast {
			continue
		}
		if x.kind == RTO || h.state != losing {
			h.rtoTime, h.rtoTS, h.rtoHasTS = x.t, x.tsval, x.is&sentTS != 0
		}
		h.state, h.wasLost = losing, true
	}
	h.high = max(h.high, lo)
}

// unnumberedIn is how many packets that no number counts x repairs: segments that
// begin in x, as they were before the repair made them shorter.
func (c *Conn) unnumberedIn(dir uint8, x *odd) int64 {
	u, m := c.half[dir].unnumbered, c.segment(dir)
	if x.lo < u.lo || x.hi() > u.hi {
		return 0
	}
	return (x.hi()-u.lo+m-1)/m - (x.lo-u.lo+m-1)/m
}
