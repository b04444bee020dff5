package flow

// doubtVain leaves undecided which repairs were needed where most of their kind
// were not, and nothing but silence tells them apart: without SACK and timestamps
// a receiver that has a segment late says the same as one that has its repair.
// What came late once may have done so again, if it was no later. Where most were
// not needed for certain nothing is counted as missing for it.
func (c *Conn) doubtVain(h, r *track, ripe func(*odd) bool) {
	if h.reports(r) || h.hasTS || h.view() == nearReceiver || !r.begun {
		return
	}
	var of [2]vainly
	for i := range h.odds.list {
		x := &h.odds.list[i]
		k := x.vainKind()
		if k < 0 {
			continue
		}
		switch {
		case x.need == Unneeded && x.is2&isEarly == 0:
			of[k].vain++
		case x.need == Undecided:
			of[k].unsure++
		case x.need == Needed:
			of[k].needed++
			continue
		default:
			continue
		}
		if first := h.lastCopy(x); first != nil && x.cov != 0 {
			of[k].late = max(of[k].late, x.covered()-first.t)
		}
	}
	for i := range h.odds.list {
		x := &h.odds.list[i]
		k := x.vainKind()
		if k < 0 || x.need == Unneeded || x.cov == 0 || !ripe(x) || x.is2&isJudged != 0 || of[k].vain+of[k].unsure < max(vainFew, of[k].needed) {
			continue
		}
		if p := h.earlier(x); p.good > 0 && p.arrived.covers(x.lo, x.hi()) && x.t-p.newest <= of[k].late {
			x.need = Undecided
			if of[k].vain >= max(vainFew, of[k].needed) {
				x.is2 |= isVain
			}
		}
	}
}

// vainly counts the repairs of one kind.
type vainly struct {
	vain, unsure, needed int
	late                 int64 // the longest that one waited for a segment that had not been lost
}

// vainKind is 0 for a repair by a timer, 1 for one that others above it drew, and
// −1 for what says nothing: after a timeout everything is sent again.
func (x *odd) vainKind() int {
	switch {
	case x.is2&isResent == 0 || x.is&sentSYN != 0:
		return -1
	case x.kind == RTO || x.kind == TLP:
		return 0
	case x.kind == Fast:
		return 1
	}
	return -1
}
