package flow

// missingIDs writes what the missing IP IDs were: b-22b. A number never says
// data by itself; what is missing beyond the gap in the octets is data only if
// its sender was waiting and had nothing to acknowledge.
func (c *Conn) missingIDs(dir uint8, end int64) {
	h, r := &c.half[dir], &c.half[1-dir]
	if !h.counted {
		return
	}
	strays := int64(h.ids.strays)
	for i := range h.ids.gaps {
		g := &h.ids.gaps[i]
		miss := int64(g.to - g.from)
		if cut := min(strays, miss); cut > 0 { // packets whose number was unreadable
			strays -= cut
			miss -= cut
		}
		n := min(miss, c.dataIn(dir, g))
		if g.outstanding && !g.peerData && h.repairedSince(g) {
			n = miss
		}
		only := min(n, c.onlyHere(dir, g))
		c.chargeGap(dir, g, n-only, r.begun, end)
		if acks := miss - n - int64(g.explained) - c.onlyBehind(dir, g); acks > 0 {
			c.chargeNumbers(dir, g, acks)
		}
	}
}

// dataIn is how many of the packets missing in g were data, as the octets that
// are missing with them and the repairs of tails tell.
func (c *Conn) dataIn(dir uint8, g *idGap) int64 {
	var hole int64
	if g.hi > g.lo {
		hole = c.segments(dir, g.hi-g.lo)
	}
	return max(hole, min(hole+int64(g.tail), int64(g.to-g.from)))
}

// repairedSince reports whether the sender of h sent anything again behind g.
// Data between octets that follow each other can only have been a repair.
func (h *track) repairedSince(g *idGap) bool {
	for i := range h.odds.list {
		if x := &h.odds.list[i]; x.is2&isResent != 0 && x.t >= g.t0 {
			return true
		}
	}
	return false
}

// onlyHere is how many of the packets missing in g the other side acknowledged.
func (c *Conn) onlyHere(dir uint8, g *idGap) int64 {
	var n int64
	for _, u := range c.half[dir].unseen {
		if lo, hi := max(u.lo, g.lo), min(u.hi, g.hi); hi > lo {
			n += c.segments(dir, hi-lo)
		}
	}
	return n
}

// onlyBehind is how many of the packets missing in g, which no missing octets show, the
// other side acknowledged all the same: the capture missed the first copy of what passed
// next.
func (c *Conn) onlyBehind(dir uint8, g *idGap) (n int64) {
	if g.hi > g.lo {
		return 0
	}
	for _, u := range c.half[dir].unseen {
		if !u.before && u.lo >= g.hi && u.t >= g.t0 && u.t <= g.t1 {
			n += c.segments(dir, u.hi-u.lo)
		}
	}
	return n
}

func (c *Conn) chargeGap(dir uint8, g *idGap, n int64, twoWay bool, end int64) {
	if n <= 0 {
		return
	}
	l := Lost{
		Place: BeforeTap, What: DataPacket, Packets: uint32(n), First: min(g.t0, g.t1), Last: g.t1, Rule: RuleIDGap, Proof: Single,
	}
	if g.hi > g.lo {
		l.Rule, l.Octets = RuleGapRepaired, uint32(min(g.hi-g.lo, n*c.segment(dir)))
	} else if g.tail > 0 {
		l.Rule, l.Reason = RuleTailRepair, ReasonTail
	}
	w := witnesses{l: &l}
	w.add(Witness{g.before, g.t0, SaysIDBefore, uint64(uint16(g.beforeID)), 0})
	w.add(Witness{g.next, g.t1, SaysIDAfter, uint64(uint16(g.to)), 0})
	h := &c.half[dir]
	lo, hi := g.lo, g.hi
	if hi <= lo {
		lo, hi = g.hi, g.hi+1
	}
	done := false
	h.odds.overlapping(lo, hi, func(_ int32, x *odd) {
		if done || x.is2&isResent == 0 || x.is2&fillsGap == 0 {
			return
		}
		done = true
		l.Repair, l.RepairTime, l.What = x.ref(), x.t, x.what()
		l.Last = max(l.Last, x.t)
		if l.Reason == ReasonTail && x.is2&isTold != 0 {
			l.Reason = ReasonUnknown // no tail: all that was on its way, and no timer repaired it
		}
		w.add(Witness{x.ref(), x.t, SaysRepair, relative(x.lo), relative(x.hi())})
	})
	if !done && g.hi > g.lo && end-g.t1 < silentData && !h.closed(g) {
		// Nobody repaired it, and there was no time to: it may come late, after the end.
		l.Place, l.Rule, l.Reason, l.Proof = Unaccounted, RuleNeverRepaired, ReasonEnd, Fits
	}
	if !twoWay {
		l.Place, l.Rule, l.Reason, l.Proof = Unaccounted, RuleOneWay, ReasonOneWay, Fits
	}
	c.lose(dir, l)
}

// closed reports whether what is missing in g came after all, or was acknowledged.
func (h *track) closed(g *idGap) bool {
	return h.seen.covers(max(g.lo, h.una), g.hi) || h.covers(g.lo, g.hi)
}

// chargeNumbers writes that numbers are missing which data does not explain:
// acknowledgements that are not here, lost or not captured.
func (c *Conn) chargeNumbers(dir uint8, g *idGap, n int64) {
	l := Lost{
		Place: Unaccounted, What: ACKPacket, Packets: uint32(n), First: min(g.t0, g.t1), Last: g.t1,
		Rule: RuleIDGap, Reason: ReasonAmbiguous,
	}
	w := witnesses{l: &l}
	w.add(Witness{g.before, g.t0, SaysIDBefore, uint64(uint16(g.beforeID)), 0})
	w.add(Witness{g.next, g.t1, SaysIDAfter, uint64(uint16(g.to)), 0})
	c.lose(dir, l)
}
