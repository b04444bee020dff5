package flow

// vantage is where the tap is with respect to one half: c-0.
type vantage uint8

const (
	notTold vantage = iota
	nearSender
	nearReceiver
	between
)

// view compares the shortest delays on both sides of the tap. Below tapFloor
// they tell nothing: on virtual links both ends are that near.
func (h *track) view() vantage {
	down, up := h.minDown, h.minUp
	switch {
	case down < 0 || up < 0 || max(down, up) < tapFloor:
		return notTold
	case float64(down) < nearShare*float64(up):
		return nearReceiver
	case float64(up) < nearShare*float64(down):
		return nearSender
	}
	return between
}

// need says whether retransmission x was needed: whether any octet of it had
// not reached the receiver's TCP by an earlier transmission. b-8, in its order.
func (c *Conn) need(h, r *track, x *odd) Need {
	if x.is&sentSYN != 0 {
		return c.synNeed(h, r, x)
	}
	if x.is2&isEarly != 0 {
		return Unneeded
	}
	if !r.begun || x.cov == 0 && c.unheard(h, r) {
		return Undecided // one direction only, or as good as that
	}
	p := h.earlier(x)
	if p.old > 0 && p.old == p.good {
		return Needed // PAWS dropped the earlier copy: b-29
	}
	if h.view() == nearReceiver {
		if n, _ := h.twice(x); n > h.repairsAfter(x) {
			return Unneeded // it had been slow to say so
		}
		if p.arrived.covers(x.lo, x.hi()) && h.unreplied(x) {
			return Undecided
		}
		if !p.arrived.covers(x.lo, x.hi()) || x.is2&isDropped != 0 || c.firstAtLast(h, r, x, p.newest) {
			return Needed
		}
		return Unneeded
	}
	v := h.needByAnswers(x, &p, h.reports(r))
	if v == Needed && !h.reports(r) && x.is&sentTS == 0 && x.cov != 0 && h.tooSoon(x, &p) {
		return Undecided
	}
	return v
}

// tooSoon reports whether x followed an earlier copy sooner than any answer to
// that can have come: its sender knew of no loss, and may have sent it twice.
func (h *track) tooSoon(x *odd, p *earlier) bool {
	return p.good > 0 && h.minDown >= 0 && h.minUp >= 0 && float64(x.t-p.newest) < reorderRTTs*float64(h.rtt())
}

// reports tells whether r, the receiver of h, names by SACK what came out of order.
func (h *track) reports(r *track) bool { return h.sackOK && r.sackOK || h.maxSACK > 0 }

// firstAtLast reports whether the receiver, next to the tap, shows by not
// reporting a duplicate that x was the first copy it got: an earlier one would
// have been acknowledged by the time x came, or reported after it.
func (c *Conn) firstAtLast(h, r *track, x *odd, newest int64) bool {
	if x.cov == 0 {
		return false
	}
	if !h.reports(r) {
		return h.askedFor(x, newest) || x.is2&isJumped == 0 && h.nextToNeeded(x)
	}
	if x.t-newest < delayedACK {
		return false
	}
	n, _ := h.twice(x)
	return n == 0
}

// askedFor reports whether the receiver still asked for exactly x long after an
// earlier copy had passed.
func (h *track) askedFor(x *odd, newest int64) bool {
	return x.is2&unaKnown != 0 && x.una >= x.lo && x.una < x.hi() && x.unaTime > newest+max(hostSlack, hostSlackDowns*max(h.minDown, 0))
}

// nextToNeeded reports whether x was acknowledged together with the segment in
// front of it, which was needed: a delayed acknowledgement of these two. One that
// goes further, or began before them, says nothing of the kind: what fills a gap
// below others is acknowledged at once (RFC 5681 §4.2).
func (h *track) nextToNeeded(x *odd) bool {
	if x.is2&unaKnown == 0 || x.covUna > x.hi() {
		return false
	}
	found := false
	h.odds.overlapping(x.lo-1, x.lo, func(_ int32, y *odd) {
		found = found || y.is2&isResent != 0 && y.need == Needed && y.covFrame == x.covFrame && y.covFile == x.covFile &&
			x.una >= y.lo && x.una < y.hi()
	})
	return found
}

// earlier is what passed of the octets of x before x, or was sent before it.
type earlier struct {
	arrived ranges // good copies that the receiver's TCP would take
	any     bool
	good    int
	old     int    // good, but too old for the receiver
	oldest  uint32 // lowest timestamp
	stamped bool
	newest  int64 // when the last of the good ones passed
	same    bool  // one has the timestamp of x
}

func (h *track) earlier(x *odd) earlier {
	var p earlier
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.frame == x.frame && q.file == x.file || !q.before(&x.sent) && q.is2&lateOriginal == 0 {
			return
		}
		p.any = true
		if q.is&sentTS != 0 {
			if !p.stamped || int32(q.tsval-p.oldest) < 0 {
				p.oldest = q.tsval
			}
			p.stamped = true
			p.same = p.same || q.tsval == x.tsval
		}
		if q.is&sentBad != 0 {
			return
		}
		p.good++
		p.newest = max(p.newest, q.t)
		if q.is&sentOld != 0 {
			p.old++
			return
		}
		p.arrived.add(q.lo, q.hi())
	})
	return p
}

// needByAnswers judges by what the receiver said: b-8.3 to b-8.8.
func (h *track) needByAnswers(x *odd, p *earlier, sacks bool) Need {
	if x.cov == 0 {
		return Needed
	}
	wait := x.covered() - x.t
	if h.minDown > tooSoonFloor && float64(wait) < tooSoonDown*float64(h.minDown) {
		return Unneeded // that was for an earlier copy
	}
	byAck := x.is2&bySACK == 0
	stamped := x.is2&echoKnown != 0 && x.is&sentTS != 0
	inside := x.is2&unaKnown != 0 && x.una >= x.lo && x.una < x.hi()
	if byAck && stamped {
		if inside && p.stamped && int32(x.covEcr-x.tsval) < 0 && int32(x.covEcr-p.oldest) >= 0 {
			return Unneeded // Eifel, RFC 3522
		}
		if int32(x.tsval-x.covEcr) > eifelOld {
			return Unneeded
		}
	}
	if x.is2&(movedNothing|isHeld) != 0 && p.good > 0 {
		return Unneeded
	}
	n, first := h.twice(x)
	if x.is2&isJumped != 0 && (n > 0 || !sacks) {
		return Unneeded
	}
	if n > 0 && byAck && stamped && inside && x.covEcr == x.tsval && p.any && !p.same {
		if d := first - x.covered(); d > 1000 && d < repairCopy && h.copiesBehind() {
			return Needed // the network copied the repair, else the original came late
		}
	}
	if n > h.repairsAfter(x) {
		return Unneeded
	}
	if x.is2&answerSent != 0 && p.good > 0 {
		return Unneeded
	}
	if h.unreplied(x) || h.unheardBelow(x) {
		return Undecided
	}
	return Needed
}

// unreplied reports whether the answer to x, which a timer sent again, never
// came: what covered it came too late. Then the first copy and its
// acknowledgement are equally likely to be lost. b-8.8.
func (h *track) unreplied(x *odd) bool {
	direct := x.is2&isDirect != 0 && (x.is&sentTS != 0 || h.maxSACK > 0)
	return x.cov != 0 && (x.kind == RTO || x.kind == TLP) && h.minDown >= 0 && !direct && h.lateAnswer(x)
}

// twice counts the reports that all of x arrived twice, after x passed.
func (h *track) twice(x *odd) (n int, first int64) {
	for i := range h.dsacks {
		d := &h.dsacks[i]
		if d.t > x.t && d.t-x.t < dsackWithin && d.lo <= x.lo && d.hi >= x.hi() {
			if n == 0 {
				first = d.t
			}
			n++
		}
	}
	return n, first
}

// copiesBehind reports whether the receiver got octets twice that were sent
// once: the network behind the tap copies packets.
func (h *track) copiesBehind() bool {
	for i := range h.dsacks {
		d, resent := &h.dsacks[i], false
		h.odds.overlapping(d.lo, d.hi, func(_ int32, q *odd) { resent = resent || q.is2&isResent != 0 && q.t < d.t })
		if !resent {
			return true
		}
	}
	return false
}

// repairsAfter counts later retransmissions of octets of x.
func (h *track) repairsAfter(x *odd) int {
	n := 0
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.is2&isResent != 0 && x.before(&q.sent) {
			n++
		}
	})
	return n
}

// synNeed judges a repeated SYN or SYN-ACK by what its answer echoes: b-8.7.
// A server keeps the timestamp of the first SYN that it got.
func (c *Conn) synNeed(h, r *track, x *odd) Need {
	if !r.begun {
		return Needed
	}
	a := r.synack
	if x.is&sentACK != 0 {
		a = r.firstAck
	}
	rst, own := c.resets[1-c.dirOf(h)], c.resets[c.dirOf(h)]
	switch {
	case rst != 0 && rst < x.t, own != 0 && own < x.t:
		return Unneeded // refused, or an older connection was in the way, and asked again
	case !a.ok:
		return Needed
	case a.t < x.t:
		return Unneeded
	case a.echo && x.is&sentTS != 0 && h.echoedBefore(x, a.ecr):
		return Unneeded
	case x.is&sentACK != 0 && h.view() == nearReceiver && h.syns > 1:
		if p := h.earlier(x); r.synTime > p.newest+hostSlack || a.t > p.newest+hostWaitBlind {
			return Needed // the client asked again with the first answer before it, or said nothing to it
		}
		return Unneeded
	}
	return Needed
}

// echoedBefore reports whether ts is that of a SYN that passed before x.
func (h *track) echoedBefore(x *odd, ts uint32) bool {
	for _, q := range h.synEcho {
		if q.has && q.ts == ts && q.t < x.t {
			return true
		}
	}
	return false
}

// dropped reports whether the receiver shows, when x passes, that it dropped
// the earlier copy that had passed: it still asks for it, acknowledged what was
// sent after it, or has been silent about it for too long. c-1 row 12.
func (c *Conn) dropped(h, r *track, x *odd) bool {
	last := int64(-1)
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.is&sentBad == 0 && q.t < x.t {
			last = max(last, q.t)
		}
	})
	if last < 0 {
		return false
	}
	// An acknowledgement sent after the copy had come would have covered it,
	// if it asks for exactly these octets.
	head := x.lo <= h.una && h.una < x.hi()
	heard := last + max(hostSlack, hostSlackDowns*max(h.minDown, 0))
	switch {
	case head && (h.ackTime > heard || x.t-last > hostWaitBlind):
		return true
	case !h.reports(r):
		return false
	case h.newest > last:
		return true
	}
	return x.t-last > hostWait && r.lastT > last+millisecond || x.t-last > hostWaitBlind
}

// closedBy reports whether a reset passed at or after t.
func (c *Conn) closedBy(t int64) bool { return c.ended > t }

// isSYN reports whether a half sent nothing but SYNs.
func (h *track) onlySYN() bool { return h.topped && h.top-h.lowest <= 1 && h.syns > 0 }

func (c *Conn) dirOf(h *track) uint8 {
	if h == &c.half[0] {
		return 0
	}
	return 1
}
