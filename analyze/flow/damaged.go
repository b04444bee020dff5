package flow

import "whydrop/decode"

// takeDamaged folds in a segment with a bad checksum: its octets were sent,
// and did not arrive. Of its header only what fits is believed, and never the
// acknowledgement, window or SACK. b-16.
func (c *Conn) takeDamaged(h, r *track, s *Segment, e *Event) {
	key := s.key(c.sack)
	if t, yes := h.recent.find(key, s.Time, h.copyWithin(s)); yes {
		c.sawCopy(s, s.Time-t, e)
		return
	}
	h.recent.add(key, s.Time)
	c.count(h, s)
	if s.is(badIP) {
		e.note(SawBadIP)
	} else {
		e.note(SawBadTCP)
	}
	id, numbered := h.ids.unwrap(s)
	n := s.space()
	lo, fits := int64(0), false
	if h.topped {
		lo, fits = h.repairSeq(s, n)
	}
	switch {
	case numbered && fits:
		c.enumerate(h, r, s, id, lo, n)
	case numbered && h.topped:
		c.enumerate(h, r, s, id, h.top, 0)
	case s.is(hasID) && s.is(badIP):
		h.ids.strays++
	}
	h.lastT = s.Time
	if n == 0 || !fits {
		c.lostOutright(s, n)
		return
	}
	x := sentOf(s, lo, n, id, numbered, key)
	c.carry(h, r, s, x, e)
}

// believeSum takes a segment with a wrong checksum for whole as long as its
// sender never showed a right one: a host that leaves checksums to its NIC may
// fill in nothing at all, and then they are all wrong where it is captured. b-16.
// For IP headers it takes more than one or two: a damaged address makes a
// conversation of its own, whose packets are all damaged.
func (c *Conn) believeSum(h *track, s *Segment, e *Event) {
	if s.is(badIP) && h.goodHeads == 0 && h.badHeads >= fewHeads {
		e.note(SawBadIP)
		if !s.is(badTCP) || h.summed {
			c.Facts.Dir[s.Dir].ChecksumBad++
		}
		s.marks &^= badIP
	}
	switch {
	case s.is(badIP):
	case s.is(badTCP) && (!h.summed || h.blanked(s)):
		e.note(SawBadTCP)
		if h.summed {
			c.Facts.Dir[s.Dir].ChecksumBlanked++
		}
		h.trusted, h.scrubbed = s.Ref(), h.summed
		c.Facts.Dir[s.Dir].ChecksumBad++
		s.marks &^= badTCP
	case !s.is(badTCP | sumPending | cut):
		h.summed = true
		h.summedData = h.summedData || s.Len > 0
	}
}

// blanked reports whether the capture overwrote the payload of s, as archives of
// headers do: it is all zeros, and none of its sender has a right checksum over
// payload here. Its header may be whole; nobody can tell.
func (h *track) blanked(s *Segment) bool {
	return s.Len > 0 && !h.summedData && s.Hash == decode.HashOfZeros(s.Len)
}

// repairSeq finds the octets of a damaged segment: its sequence number, or that
// with one bit turned back, if it begins where something else begins or ends.
func (h *track) repairSeq(s *Segment, n int64) (int64, bool) {
	for bit := -1; bit < 32; bit++ {
		seq := s.Seq
		if bit >= 0 {
			seq ^= 1 << bit
		}
		if lo := h.position(seq); h.fits(lo) {
			return lo, true
		}
	}
	lo := h.position(s.Seq)
	near := lo - h.top
	return lo, n > 0 && near > -plausibleBad && near < plausibleBad
}

// fits reports whether a segment can begin at lo: at the top, where another
// one began, or where seen octets end.
func (h *track) fits(lo int64) bool {
	if lo == h.top {
		return true
	}
	if i := h.seen.find(lo - 1); i < len(h.seen) && h.seen[i].hi == lo {
		return true
	}
	begins := false
	h.overlapping(lo, lo+1, func(q *sent) { begins = begins || q.lo == lo })
	return begins
}

// lostOutright accounts for a damaged packet whose place in the stream is not
// known, or that has none.
func (c *Conn) lostOutright(s *Segment, n int64) {
	c.outright = append(c.outright, damage{
		t: s.Time, ref: s.Ref(), dir: s.Dir, n: uint32(min(n, 1<<20)), ip: s.is(badIP),
		syn: s.Flags&decode.SYN != 0, fin: s.Flags&decode.FIN != 0, rst: s.Flags&decode.RST != 0,
		sum: s.Sum, right: s.Right,
	})
}

// A damage is a damaged packet that no transmission stands for.
type damage struct {
	t                 int64
	ref               FrameRef
	n                 uint32
	sum, right        uint16
	dir               uint8
	ip, syn, fin, rst bool
}

// believeArrived finds segments with bad checksums that the receiver has and
// that no good copy can have brought it: their checksums were filled in behind
// this tap. b-16.
func (h *track) believeArrived(ripe func(*odd) bool) {
	var arrived []int32
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if h.summed && x.ref() == h.trusted && (h.summedData || !h.scrubbed) {
			x.is |= sentBad // its sender does compute checksums
		}
		if !ripe(x) || x.is&sentBad == 0 || x.cov == 0 || x.is2&isJudged != 0 {
			continue
		}
		good := false
		h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) { good = good || q.is&sentBad == 0 })
		if !good {
			arrived = append(arrived, int32(i))
		}
	}
	for _, i := range arrived {
		h.odds.list[i].is &^= sentBad | sentBadIP
		h.offload = true
	}
}
