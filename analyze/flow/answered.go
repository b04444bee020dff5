package flow

// answered reports whether the receiver of x, whose half of the conversation had last
// carried data at spoke, had answered an earlier copy of x before x came: everything
// that it has sent since that copy passed is missing here, and the acknowledgement that
// x drew is a bare one behind it. What it had not had before it would have acknowledged
// with the answer itself.
func (h *track) answered(x *odd, spoke int64) bool {
	if x.is2&(isResent|fillsGap) != isResent || x.kind != RTO && x.kind != TLP || x.hi() < x.sentTop || x.hi() < h.top {
		return false
	}
	first := x.t
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.is&sentBad == 0 {
			first = min(first, q.t)
		}
	})
	return first < x.t && spoke < first
}

// unheardBelow reports whether x, which a timer sent again, was the end of a flight of
// which two full segments in front of it had not been acknowledged either, though none
// of them was sent again and all have arrived: they had drawn an acknowledgement (RFC
// 5681 §4.2), and that did not come. That of the first copy of x may be lost as well.
func (h *track) unheardBelow(x *odd) bool {
	if x.kind != RTO && x.kind != TLP || x.is2&(unaKnown|bySACK|sackAbove) != unaKnown || x.hi() < x.sentTop ||
		x.una > x.sentUna || x.covUna < x.hi() || x.lo-x.sentUna < 2*h.full {
		return false
	}
	again := false
	h.odds.overlapping(x.sentUna, x.lo, func(_ int32, q *odd) { again = again || q.is2&isResent != 0 || q.is&sentBad != 0 })
	return !again
}
