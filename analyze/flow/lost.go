package flow

// charge writes the loss of x, which passed here and did not arrive.
func (c *Conn) charge(dir uint8, x *odd, whole bool) {
	h := &c.half[dir]
	if len(x.lost) == 0 {
		if x.doubt != 0 {
			c.chargeDoubt(dir, x)
		}
		return
	}
	n := x.lost.size()
	if whole {
		n = 1
	}
	l := Lost{
		Place: AfterTap, What: x.what(), Packets: uint32(n), First: x.t, Last: x.t, Frame: x.ref(), Proof: Single,
		Octets: uint32(min(x.payload(), n*c.segment(dir))), Rule: RuleNeverRepaired,
	}
	if whole {
		l.Octets = uint32(x.payload())
	}
	w := witnesses{l: &l}
	w.add(Witness{x.ref(), x.t, SaysPassed, relative(x.lo), relative(x.hi())})
	if x.repair != 0 {
		c.repaired(h, x, &h.odds.list[x.repair-1], &l, &w)
	} else {
		l.Proof = Fits
	}
	switch {
	case x.is&sentBad != 0:
		l.Place, l.Rule, l.Reason, l.Proof = InReceiver, RuleBadChecksum, ReasonChecksumTCP, Second
		if x.is&sentBadIP != 0 {
			l.Place, l.Reason = AfterTap, ReasonChecksumIP
		}
		l.Witnesses[0].Says = SaysBadChecksum
		l.Witnesses[0].A, l.Witnesses[0].B = uint64(x.sum), uint64(x.right)
	case x.is&sentRefused != 0:
		c.refused(x, &l, &w)
	case x.is&sentOld != 0:
		l.Place, l.Reason, l.Rule, l.Proof = InReceiver, ReasonPAWS, RuleDroppedAfterTap, Second
		w.add(Witness{x.ref(), x.t, SaysOldTimestamp, uint64(x.tsval), uint64(x.echoed)})
	case h.view() == nearReceiver:
		l.Place, l.Rule = InReceiver, RuleDroppedAfterTap
	case x.is&sentSYN != 0 && !c.half[1-dir].begun:
		l.Rule, l.Reason, l.Proof = RuleNeverRepaired, ReasonUnanswered, Fits
	case x.is&sentSYN != 0:
		l.Rule = RuleSYN
	}
	if l.Place != Unaccounted && c.openingInDoubt(dir, x) {
		l.Proof = Fits
	}
	h.asRepair(x, &l, &w)
	c.lose(dir, l)
}

// openingInDoubt reports whether nothing tells a lost SYN from its lost answer,
// or a lost SYN-ACK from its lost acknowledgement: no timestamp is echoed, and
// the client did not ask again behind the SYN-ACK.
func (c *Conn) openingInDoubt(dir uint8, x *odd) bool {
	return x.is&sentSYN != 0 && x.is&(sentTS|sentBad|sentRefused) == 0 && (x.is&sentACK == 0 || c.half[1-dir].synTime <= x.t)
}

// asRepair notes that the lost x was a retransmission itself, and of what.
func (h *track) asRepair(x *odd, l *Lost, w *witnesses) {
	switch {
	case x.is2&isResent == 0 || x.is&sentSYN != 0:
		return
	case l.Reason == ReasonTail:
		l.Reason = ReasonTailRepair
	case l.Reason == ReasonUnknown:
		l.Reason = ReasonRepair
	default:
		return
	}
	if of := h.lastCopy(x); of != nil {
		w.add(Witness{of.ref(), of.t, SaysRepairOf, relative(of.lo), relative(of.hi())})
	}
}

// repaired fills in what the repair of x shows.
func (c *Conn) repaired(h *track, x, by *odd, l *Lost, w *witnesses) {
	l.Repair, l.RepairTime, l.Last = by.ref(), by.t, max(x.t, by.t)
	if by.blocks != (FrameRef{}) && by.is2&sackAbove != 0 {
		w.add(Witness{Frame: by.blocks, Time: by.blockTime, Says: SaysSACK, A: relative(x.lo), B: relative(x.hi())})
	}
	w.add(Witness{by.ref(), by.t, SaysRepair, relative(by.lo), relative(by.hi())})
	if by.cov != 0 {
		w.add(Witness{FrameRef{Number: uint64(by.covFrame), File: by.covFile}, by.covered(), SaysAcked, relative(by.covUna), 0})
	}
	atTail := x.hi() >= by.sentTop
	// Only the answer to the left edge of what is missing says what drew it:
	// further on, a neighbour of the same millisecond may have.
	inside := by.is&sentSYN != 0 || by.is2&unaKnown != 0 && by.una >= by.lo && by.una < by.hi()
	echoed := inside && by.is2&echoKnown != 0 && by.is&sentTS != 0 && by.covEcr == by.tsval && x.tsval != by.tsval
	if atTail && by.is2&sackAbove == 0 && x.is&(sentSYN|sentBad) == 0 && !h.wentOn(x, by) {
		l.Reason = ReasonTail
	}
	// Without SACK, one acknowledgement of two repairs that were sent together echoes both, and
	// the second may have been there before: two segments stay undecided, b-8.4.
	second := !h.reports(&c.half[1-c.dirOf(h)]) && (by.is2&unaKnown == 0 || by.una < by.lo || by.una >= by.hi())
	switch {
	case !echoed || atTail || by.is2&bySACK != 0:
	case second:
		l.Proof = Fits
	default:
		// Where packets overtake one another the original may be late, and the report of it lost.
		// Of several segments in one frame the answer speaks of the first.
		if !h.unsteady && l.Packets == 1 {
			l.Proof = Second
		}
		w.add(Witness{FrameRef{Number: uint64(by.covFrame), File: by.covFile}, by.covered(), SaysEcho, uint64(by.covEcr), 0})
	}
	switch {
	case by.is2&sackAbove != 0:
		l.Rule = RuleSACKHole
	case by.cov == 0:
		l.Rule, l.Proof = RuleNeverRepaired, Fits
	case echoed && !atTail || h.sackOK && (!h.blind || l.Reason != ReasonTail): // a tail that comes twice is echoed, too: b-8.5
		l.Rule = RuleEchoed
	case h.lackedHere(x, by):
		l.Rule = RuleEchoed
		if by.is2&isAskedFor != 0 {
			w.add(Witness{by.ackRef, by.ackTime, SaysDupAck, relative(by.una), 0})
		}
	default:
		l.Rule, l.Proof = RuleAmbiguous, Fits
	}
}

// wentOn reports whether something that was sent behind x arrived before by
// repaired x: then x was no tail, which only its timer repairs, but the last
// that its sender came to of the losses of one window.
func (h *track) wentOn(x, by *odd) bool {
	for i := range h.odds.list {
		y := &h.odds.list[i]
		if y.t > x.t && y.t < by.t && y.is2&isResent != 0 && len(y.lost) == 0 && y.is&sentBad == 0 && (y.hi() <= x.lo || y.lo >= x.hi()) {
			return true
		}
	}
	return false
}

// lackedHere reports whether a receiver without SACK still asked for x when
// what was sent after it had come, and so lacked it: it went on until there by
// repairs, or acknowledged the same octet again and again.
func (h *track) lackedHere(x, by *odd) bool {
	return h.askedFor(by, x.t) || by.is2&isAskedFor != 0 && by.ackTime > x.t+max(h.minDown, hostSlack)
}

// chargeDoubt writes that x, or its acknowledgement, was lost: a repair of it
// followed, and nothing tells. Where only one direction was captured nothing
// ever does.
func (c *Conn) chargeDoubt(dir uint8, x *odd) {
	by := &c.half[dir].odds.list[x.doubt-1]
	l := Lost{
		Place: Unaccounted, What: x.what(), Packets: uint32(c.segments(dir, x.payload())), Octets: uint32(x.payload()),
		First: x.t, Last: by.t, Frame: x.ref(), Repair: by.ref(), RepairTime: by.t,
		Rule: RuleAmbiguous, Reason: ReasonAmbiguous,
	}
	if !c.half[1-dir].begun {
		l.Rule, l.Reason = RuleOneWay, ReasonOneWay
	}
	w := witnesses{l: &l}
	w.add(Witness{x.ref(), x.t, SaysPassed, relative(x.lo), relative(x.hi())})
	w.add(Witness{by.ref(), by.t, SaysRepair, relative(by.lo), relative(by.hi())})
	c.lose(dir, l)
}

// chargeUpstream writes that an earlier copy of x was lost before the tap: x is
// a retransmission, and none of its octets had passed. Where IP IDs count the
// packets they do it better, and missingIDs charges instead.
func (c *Conn) chargeUpstream(dir uint8, x *odd) {
	h, r := &c.half[dir], &c.half[1-dir]
	if x.is2&isResent == 0 || x.is2&fillsGap == 0 || x.is2&isEarly != 0 || x.hi() <= h.firstHere() {
		return
	}
	syn := x.is&sentSYN != 0
	n := c.segments(dir, x.payload())
	if h.counted && !syn {
		n = c.unnumberedIn(dir, x)
	}
	if n == 0 || h.cameLate(x) {
		return
	}
	l := Lost{
		Place: BeforeTap, What: x.what(), Packets: uint32(n), Octets: uint32(x.payload()),
		First: h.before(x.lo), Last: x.t, Repair: x.ref(), RepairTime: x.t, Rule: RuleGapRepaired, Proof: Single,
	}
	switch {
	case syn:
		l.Rule = RuleSYN
	case x.is2&isTailRepair != 0:
		l.Rule, l.Reason = RuleTailRepair, ReasonTail
		if x.via == viaNoPush {
			l.Proof = Fits // the acknowledgement that its sender waited for may have been late
		}
	}
	if !r.begun {
		l.Place, l.Rule, l.Reason, l.Proof = Unaccounted, RuleOneWay, ReasonOneWay, Fits
	}
	l.First = min(l.First, x.t)
	w := witnesses{l: &l}
	if x.blocks != (FrameRef{}) && x.is2&sackAbove != 0 {
		w.add(Witness{Frame: x.blocks, Time: x.blockTime, Says: SaysSACK, A: relative(x.lo), B: relative(x.hi())})
	}
	w.add(Witness{x.ref(), x.t, SaysRepair, relative(x.lo), relative(x.hi())})
	c.lose(dir, l)
}

// cameLate reports whether an original of x passed after all, behind x.
func (h *track) cameLate(x *odd) bool {
	late := false
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) { late = late || q.is2&lateOriginal != 0 })
	return late
}

// unseenHere writes what was acknowledged and never passed here.
func (c *Conn) unseenHere(dir uint8) {
	h := &c.half[dir]
	for i := range h.unseen {
		u := &h.unseen[i]
		if u.before {
			continue
		}
		l := Lost{
			Place: OnlyCapture, What: DataPacket, Packets: uint32(c.segments(dir, u.hi-u.lo)), Octets: uint32(u.hi - u.lo),
			First: min(u.since, u.t), Last: u.t, Rule: RuleAckedUnseen, Reason: ReasonCaptureDrop, Proof: Second,
		}
		w := witnesses{l: &l}
		w.add(Witness{u.ref, u.t, SaysUnseenAck, relative(u.lo), relative(u.hi)})
		c.lose(dir, l)
	}
}

// arrivedLate takes octets that came after all, late, out of what was
// acknowledged and not seen: the capture had only recorded them out of order.
func (h *track) arrivedLate(lo, hi int64) {
	if len(h.unseen) == 0 {
		return
	}
	var left []unseen
	for _, u := range h.unseen {
		if u.hi <= lo || u.lo >= hi {
			left = append(left, u)
			continue
		}
		if u.lo < lo {
			v := u
			v.hi = lo
			left = append(left, v)
		}
		if u.hi > hi {
			v := u
			v.lo = hi
			left = append(left, v)
		}
	}
	h.unseen = left
}

// unrepaired writes gaps that nobody filled or acknowledged: c-1 row 10. IDs
// say the same better where they count.
func (c *Conn) unrepaired(dir uint8, end int64) {
	h, r := &c.half[dir], &c.half[1-dir]
	if !h.topped || h.counted {
		return
	}
	from := h.firstHere()
	if h.acked {
		from = max(from, h.una)
	}
	h.seen.missing(from, h.top, func(lo, hi int64) {
		since := h.before(lo)
		if h.sacked.touches(lo, hi) {
			return
		}
		l := Lost{
			Place: BeforeTap, What: DataPacket, Packets: uint32(c.segments(dir, hi-lo)), Octets: uint32(hi - lo),
			First: since, Last: since, Rule: RuleNeverRepaired,
		}
		switch {
		case !r.begun:
			l.Place, l.Rule, l.Reason = Unaccounted, RuleOneWay, ReasonOneWay
		case end-since < silentData:
			l.Place, l.Reason = Unaccounted, ReasonEnd
		case !h.acked:
			l.Place, l.Reason = Unaccounted, ReasonAmbiguous
		}
		c.lose(dir, l)
	})
}

// loseOutright writes a damaged packet that no transmission stands for.
func (c *Conn) loseOutright(d *damage) {
	l := Lost{
		Place: InReceiver, What: ACKPacket, Packets: 1, First: d.t, Last: d.t, Frame: d.ref,
		Rule: RuleBadChecksum, Reason: ReasonChecksumTCP, Proof: Second,
	}
	switch {
	case d.syn:
		l.What = SYNPacket
	case d.rst:
		l.What = RSTPacket
	case d.n > 1:
		l.What, l.Octets = DataPacket, d.n
	case d.fin:
		l.What = FINPacket
	}
	if d.ip {
		l.Place, l.Reason = AfterTap, ReasonChecksumIP
	}
	w := witnesses{l: &l}
	w.add(Witness{d.ref, d.t, SaysBadChecksum, uint64(d.sum), uint64(d.right)})
	c.lose(d.dir, l)
}

// witnesses fills the witnesses of a Lost, as many as there is room for.
type witnesses struct {
	l *Lost
	n int
}

func (w *witnesses) add(x Witness) {
	if w.n < len(w.l.Witnesses) {
		w.l.Witnesses[w.n] = x
		w.n++
	}
}
