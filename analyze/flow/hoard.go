package flow

// A hoard is what a receiver without SACK holds above the octets that it lacks. It never
// says which, but how many segments: each that comes out of order draws a duplicate
// acknowledgement at once, and so does each that comes while it holds some (RFC 5681 §4.2).
type hoard struct {
	n       int32  // segments, at least
	ecr     uint32 // TSecr of the acknowledgement that moved una to where it is
	stamped bool   // ecr is valid
	from    int64  // since when octets above una are sent again: what comes then may have come before; 0 = none are
	top     int64  // behind the highest of those
}

// heldBy is the hoard of r for h, which it makes; nil if r tells by SACK.
func (h *track) heldBy(r *track) *hoard {
	if h.hoard == nil && !h.reports(r) {
		h.hoard = new(hoard)
	}
	return h.hoard
}

// duplicate counts s, a duplicate acknowledgement of a receiver without SACK.
func (g *hoard) duplicate(h *track, s *Segment) {
	if g != nil && h.maxSACK == 0 && !g.younger(s) && (g.from == 0 || s.Time < g.from+max(h.minDown, 0)) {
		g.n++
	}
}

// younger reports whether s, which moves nothing, echoes a younger timestamp than the
// acknowledgement that moved una here: something came in between that begins at or below
// una (RFC 7323 §4.3: SEG.SEQ <= Last.ACK.sent), and brought nothing new.
func (g *hoard) younger(s *Segment) bool {
	return g.stamped && s.is(hasTS) && int32(s.TSEcr-g.ecr) > 0
}

// moved notes that s moved una from old to a. One segment drew it, and the rest was held.
// It returns how many were held before.
func (g *hoard) moved(h *track, s *Segment, old, a int64) int32 {
	if g == nil {
		return 0
	}
	n := g.n
	g.ecr, g.stamped = s.TSEcr, s.is(hasTS)
	g.n = max(g.n-int32(min((a-old-1)/max(h.full, 1), int64(g.n))), 0)
	if a >= g.top {
		g.from = 0
	}
	return n
}

// again notes that x, a repair, passed. What lies above una may have arrived.
func (g *hoard) again(h *track, x *odd) {
	if g == nil || x.lo <= h.una {
		return
	}
	if g.from == 0 {
		g.from = x.t
	}
	g.top = max(g.top, x.hi())
	above := (h.top - h.una) / max(h.full, 1) // with the one that is lacking
	if above > 1 && heldShare*float64(above-1) <= float64(g.n) {
		x.is2 |= mostHeld
	}
}

// idle takes s, an acknowledgement that moves nothing. What it shows to have come, and had
// been covered by then, had arrived before: without SACK this is the one report of it.
func (g *hoard) idle(h *track, s *Segment) {
	if !g.younger(s) {
		return
	}
	for i := len(h.odds.list) - 1; i >= 0; i-- {
		x := &h.odds.list[i]
		if x.is&sentTS == 0 || x.is2&isResent == 0 {
			continue
		}
		if int32(x.tsval-s.TSEcr) < 0 {
			return
		}
		if x.tsval == s.TSEcr && x.cov != 0 && x.hi() <= h.una && x.is2&echoKnown != 0 && int32(x.covEcr-x.tsval) < 0 {
			x.is2 |= movedNothing
		}
	}
}
