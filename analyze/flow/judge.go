package flow

// settle judges what is old enough, because the odd list of a half is full.
// What is not settled then is judged as it stands, and counted.
func (c *Conn) settle(dir uint8, now int64) {
	h := &c.half[dir]
	ripe := max(keepRTTs*h.rtt(), keepAtLeast)
	n := 0
	old := func(x *odd) bool { return x.cov != 0 && now-x.covered() > ripe }
	for i := range h.odds.list {
		if old(&h.odds.list[i]) {
			n++
		}
	}
	if n < maxOdd/4 {
		middle := h.odds.list[len(h.odds.list)/2].t
		for i := range h.odds.list {
			if x := &h.odds.list[i]; !old(x) && x.t < middle {
				c.gaveUp.Gaps++
			}
		}
		was := old
		old = func(x *odd) bool { return was(x) || x.t < middle }
	}
	c.judge(dir, now, old)
	h.odds.keep(func(x *odd) bool { return !old(x) })
}

// Finish ends the conversation: it judges everything that is left. end is the
// time up to which the capture would have seen more of it.
func (c *Conn) Finish(end int64) {
	all := func(*odd) bool { return true }
	c.unfinished()
	for d := range c.half {
		h := &c.half[d]
		if h.zero {
			c.Facts.Dir[d].ZeroWindowNS += c.last - h.zeroSince
			c.log.Symptom(Symptom{
				Time: h.zeroSince, Frame: h.zeroRef, Flow: c.number, Packets: 1, Kind: ZeroWindow, Dir: uint8(d),
				Protocol: c.Facts.Protocol, For: c.last - h.zeroSince,
			})
		}
		c.unanswered(uint8(d), end)
		c.judge(uint8(d), end, all)
	}
	c.finishTwins(end)
	c.finishAlone()
	c.tellMangled()
	for d := range c.half {
		c.tellIgnored(uint8(d))
		c.tellShut(uint8(d))
		c.half[d].loops.finish(func(r *replicas) { c.tellLoop(uint8(d), r) })
		c.unseenHere(uint8(d))
		c.missingIDs(uint8(d), end)
		c.unrepaired(uint8(d), end)
		c.leaveTrail(uint8(d))
		c.summarise(uint8(d))
	}
	c.closeStalls()
	c.tellSpurious(0)
	c.tellSpurious(1)
	for i := range c.outright {
		if d := &c.outright[i]; !c.half[d.dir].offload {
			c.loseOutright(d)
		}
	}
	c.flushRest()
}

// judge decides what the odd transmissions that are ripe were, and what they
// say of those before them. end is as for Finish.
func (c *Conn) judge(dir uint8, end int64, ripe func(*odd) bool) {
	h, r := &c.half[dir], &c.half[1-dir]
	h.believeArrived(ripe)
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if !ripe(x) || x.is2&isJudged != 0 {
			continue
		}
		if x.is2&isResent != 0 {
			x.need = c.need(h, r, x)
			h.unsteady = h.unsteady || h.inVain(x)
		}
	}
	c.doubtVain(h, r, ripe)
	h.needAll()
	var aside []mark
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if !ripe(x) || x.is2&isJudged != 0 {
			continue
		}
		if x.is2&isResent != 0 {
			aside = c.condemn(dir, int32(i), aside)
		}
		if x.is&sentBad != 0 {
			c.mark(dir, x, x.lo, x.hi(), -1)
		}
	}
	c.markAside(dir, aside)
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if ripe(x) && x.is2&isJudged == 0 && x.cov == 0 && x.is&sentBad == 0 {
			c.neverCovered(dir, x, end)
		}
	}
	whole := c.wholeFrames(dir)
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if !ripe(x) || x.is2&isJudged != 0 {
			continue
		}
		x.is2 |= isJudged
		c.report(dir, x)
		c.leaveOdd(dir, x, whole)
		c.charge(dir, x, whole)
		c.chargeUpstream(dir, x)
		if !c.ackLost(dir, x) {
			c.spurious(dir, x)
		}
	}
}

// inVain reports whether x, the first repair of its octets, was sent because what lies above
// them had arrived, and the receiver says that they then came twice: they were late, not lost.
func (h *track) inVain(x *odd) bool {
	if x.kind != Fast || x.need != Unneeded || x.is2&(sackAbove|fillsGap) != sackAbove || h.sentAgain(x) {
		return false
	}
	n, _ := h.twice(x)
	return n > 0
}

// needAll makes verdicts agree: if a repair was needed, its octets had not
// arrived before, so every earlier repair of them was needed, too.
func (h *track) needAll() {
	for i := len(h.odds.list) - 1; i >= 0; i-- {
		x := &h.odds.list[i]
		if x.is2&isResent == 0 || x.need != Needed {
			continue
		}
		h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
			if q.before(&x.sent) && q.is2&(isResent|isJudged) == isResent && (q.cov == 0 || q.covered() > x.t) {
				q.need = Needed
			}
		})
	}
}

// mark notes that the segments of q that hold octets of [lo, hi) were lost.
// repair is the index of what was sent instead, or −1.
func (c *Conn) mark(dir uint8, q *odd, lo, hi int64, repair int32) {
	m := c.segment(dir)
	a, b := max(lo, q.lo)-q.lo, min(hi, q.hi())-q.lo
	if c.segments(dir, q.payload()) == 1 {
		a, b = 0, 1
	} else {
		a, b = a/m, max(a, b-1)/m+1
	}
	q.lost.add(a, b)
	if repair >= 0 && (q.repair == 0 || c.half[dir].odds.list[q.repair-1].before(&q.sent)) {
		q.repair = repair + 1
	}
}

// neverCovered marks a transmission that the other side never acknowledged.
// Where there are no acknowledgements at all, silence says nothing. b-10.
func (c *Conn) neverCovered(dir uint8, x *odd, end int64) {
	h, r := &c.half[dir], &c.half[1-dir]
	if !r.begun || !h.acked || h.view() == nearReceiver || c.unheard(h, r) {
		return
	}
	repaired := int32(-1)
	h.odds.overlapping(x.lo, x.hi(), func(k int32, q *odd) {
		if x.before(&q.sent) && repaired < 0 {
			repaired = k
		}
	})
	switch {
	case repaired >= 0,
		x.is2&isResent != 0 && end-x.t > silentRepair,
		end-x.t > silentData && x.payload() > 0 && h.insisted(x.t) && !c.closedBy(x.t):
		c.mark(dir, x, x.lo, x.hi(), repaired)
	}
}

// wholeFrames reports whether super-frames were lost whole: then the path
// carries them so, and each is one packet. b-17. A full queue and a policer
// lose them whole, too, segment by segment; but then a receiver acknowledges
// the middle of others.
func (c *Conn) wholeFrames(dir uint8) bool {
	h := &c.half[dir]
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if len(x.lost) > 0 && c.segments(dir, x.payload()) > 1 && x.is2&isJudged == 0 {
			h.bigLost++
			if x.lost.size() == c.segments(dir, x.payload()) {
				h.bigWhole++
			}
		}
	}
	return !h.split && h.bigLost >= superFew && float64(h.bigWhole) >= superShare*float64(h.bigLost)
}

// report writes the symptom of x.
func (c *Conn) report(dir uint8, x *odd) {
	s := Symptom{
		Time: x.t, Frame: x.ref(), Flow: c.number, Octets: uint32(x.payload()), Seq: relative(x.lo), Dir: dir,
		Packets: uint32(c.segments(dir, x.payload())), Protocol: c.Facts.Protocol,
	}
	f := &c.Facts.Dir[dir]
	switch {
	case x.is2&isResent != 0:
		s.Kind, s.Detail, s.Need = Retransmission, x.kind, x.need
		if s.Detail == NoDetail {
			s.Detail = Other
		}
		f.Retransmissions[s.Detail]++
		switch x.need {
		case Unneeded:
			f.Unneeded++
			c.waits.needless(dir, x.t)
		case Undecided:
			f.UndecidedNeed++
		}
	case x.is2&isLate != 0 && x.payload() > 0:
		s.Kind = Reordered
		f.Reordered++
	default:
		return
	}
	c.log.Symptom(s)
}
