package flow

import "whydrop/decode"

func sentOf(s *Segment, lo, n int64, id int32, numbered bool, key uint64) sent {
	x := sent{
		t: s.Time, lo: lo, n: uint32(n), tsval: s.TSVal, id: id, key: uint32(key), frame: uint32(s.Number), file: s.File,
		sum: s.Sum, right: s.Right,
	}
	if s.is(hasTS) {
		x.is |= sentTS
	}
	if numbered {
		x.is |= sentID
	}
	if s.Flags&decode.SYN != 0 {
		x.is |= sentSYN
	}
	if s.Flags&decode.FIN != 0 {
		x.is |= sentFIN
	}
	if s.Flags&decode.ACK != 0 {
		x.is |= sentACK
	}
	if s.is(damagedFields) {
		x.is |= sentBad
	}
	if s.is(badIP) {
		x.is |= sentBadIP
	}
	return x
}

// carry judges a transmission and folds it in.
func (c *Conn) carry(h, r *track, s *Segment, x sent, e *Event) {
	lo, hi := x.lo, x.hi()
	k := c.classify(s, lo, hi, x.id, x.is&sentID != 0)
	if x.is&sentTS != 0 && r.hasEcho && int32(x.tsval-r.echoed) < 0 && s.Flags&decode.SYN == 0 && !h.covers(lo, hi) {
		x.is |= sentOld
	}
	switch k.is {
	case inOrder, afterGap:
		if k.is == afterGap && !s.is(damagedFields) {
			c.gap(h, s, lo, e)
		}
		if c.fillsWindow(h, r, hi) && x.payload() > 0 {
			e.note(SawWindowFull)
		}
	default:
		if k.fills && !k.early && k.via != viaMissing && k.via != viaNoPush && k.via != viaEcho {
			e.note(SawFill)
			e.Lo, e.Hi = lo, hi
		}
	}
	if k.is <= afterGap && lo >= h.top || !h.topped && k.is <= afterGap {
		if x.is&sentBad != 0 { // needed at the end, repeated or not
			h.odds.add(odd{sent: x, is2: isRepeated})
			x.is |= sentKept
		}
		if h.lastBack > h.ackTime && s.Len > 0 {
			h.heard++
		}
		c.backInTime(h, &x)
		h.line.push(&x, c.pool)
		if len(h.seen) > maxSpans {
			c.gaveUp.Gaps++
			h.seen.forget(h.seen[0].hi)
		}
	} else {
		c.addOdd(h, r, s, x, k)
	}
	if !h.topped || hi > h.top {
		if x.is&sentBad == 0 {
			h.last = edge{
				t: x.t, id: x.id, hasID: x.is&sentID != 0, push: s.Flags&decode.PSH != 0, data: s.Len > 0,
				resent: k.is == resent, syn: s.Flags&(decode.SYN|decode.ACK) == decode.SYN, ok: true,
			}
		}
		if c.paused {
			c.resumeBy(s, k)
		}
		c.move(s)
		h.top = hi
	}
	if !h.topped || lo < h.lowest {
		h.lowest = lo
	}
	h.topped = true
	h.seen.add(lo, hi)
	if l := s.Len; l <= mostMSS && l > h.longest {
		h.longest = l
	}
	if s.is(unread) && s.Len > 0 && (h.options == 0 || s.Scale < h.options) {
		h.options = s.Scale
	}
	h.lastSeq, h.seqTS = s.Time, x.stamp()
	if s.Len > 0 {
		h.lastData = s.Time
	}
	if k.is == resent {
		h.lastBack = s.Time
	}
}

// gap notes octets missing before s. In a sender that timed out they show where
// its snd_nxt was: b-1.
func (c *Conn) gap(h *track, s *Segment, lo int64, e *Event) {
	c.afterOpening(h, s, lo)
	c.afterTimeout(h, s)
	e.note(SawGap)
	e.Lo, e.Hi = h.top, lo
	e.Packets = c.segments(s.Dir, lo-h.top)
	if h.maybeBefore(s.Time) && !h.ids.missingBefore(s.ID, h.counted) {
		h.seen.add(h.top, lo)
	} else {
		h.missed(s.Time, h.top, lo, e.Packets)
	}
	trip := h.rtt()
	if !h.rttKnown() {
		trip = afterLossRTT
	}
	if h.wasLost && h.state != recovering && h.rtoTime != 0 && s.Time-h.rtoTime < afterLoss*trip {
		h.state, h.high = losing, max(h.high, lo)
	}
	c.sentBefore(h, s, lo)
}

// fillsWindow reports whether octets up to hi use the window to its end.
func (c *Conn) fillsWindow(h, r *track, hi int64) bool {
	edge, known := c.windowEnd(h, r)
	return known && r.window != 0 && hi == edge
}

// windowEnd is the octet up to which the other side lets h send, if the scale
// of its window is known.
func (c *Conn) windowEnd(h, r *track) (int64, bool) {
	if !h.acked || !r.spoke || !r.started || !h.started {
		return 0, false
	}
	shift := uint8(0)
	if h.scaled && r.scaled && !r.fromSYN { // RFC 7323 §2.2: the window of a SYN is never scaled
		shift = r.scale
	}
	return h.una + int64(r.window)<<shift, true
}

// addOdd keeps a transmission that did not go beyond all before it, and what
// it overlaps.
func (c *Conn) addOdd(h, r *track, s *Segment, x sent, k class) {
	c.afterTimeout(h, s)
	o := odd{sent: x, via: k.via, is2: h.deafAt(s), notYet: c.notYet(h, r, s), tailCopies: k.tail, sentUna: h.una, sentTop: h.top, blocks: h.sackRef, blockTime: h.sackTime, echoed: r.echoed}
	o.ackTime, o.ackRef = h.ackTime, h.ackRef
	if k.early {
		o.is2 |= isEarly
	}
	if r.lastData != 0 && r.lastData == h.ackTime {
		o.is2 |= ackWithData
	}
	if k.fills {
		o.is2 |= fillsGap
	}
	if k.via == viaMissing || k.via == viaNoPush {
		o.is2 |= isTailRepair
	}
	if h.ackTime != 0 {
		o.is2 |= sawAcks
	}
	if h.dups > 0 && x.lo <= h.una && h.una < x.hi() {
		o.is2 |= isAskedFor
	}
	if k.early {
		o.cover(x.t)
	}
	h.promote(x.lo, x.hi())
	switch k.is {
	case late:
		o.is2 |= isLate
		h.unsteady = true
		h.arrivedLate(x.lo, x.hi())
		h.cameAfterAll(x.lo, x.hi(), c.segment(s.Dir))
	case lateFirst:
		o.is2 |= isLate | lateOriginal
		h.unsteady = true
		h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
			if q.is2&isResent == 0 && q.is&sentBad == 0 {
				q.is2 = q.is2&^(isLate|isEarly|isRepeated) | isResent
				q.via = viaOriginal
				c.resend(h, r, q)
			}
		})
	case resent:
		o.is2 |= isResent
		c.inHaste(h, s, &o)
		c.resend(h, r, &o)
		h.heldBy(r).again(h, &o)
		if c.dropped(h, r, &o) {
			o.is2 |= isDropped
		}
		if h.covers(x.lo-1, x.lo) {
			o.is2 |= headHad
		}
		if h.covers(x.hi(), x.hi()+1) {
			o.is2 |= tailHad
		}
		c.hiddenTail(h, &o)
		if k.via == viaMissing && k.tail > 0 {
			h.ids.tail(x.id, k.tail)
			if n := k.tail - c.triesBefore(h, x.t-h.last.t); n >= hiddenLeast {
				h.hidden = max(h.hidden, x.lo+int64(n)*c.segment(s.Dir))
			}
		}
	}
	h.loss()
	if len(h.odds.list) >= maxOdd {
		c.settle(s.Dir, s.Time)
	}
	h.odds.add(o)
}

// tail notes that of the numbers missing before id, n were a lost tail.
func (n *numbers) tail(id int32, lost int32) {
	for i := len(n.gaps) - 1; i >= 0; i-- {
		if n.gaps[i].to == id {
			n.gaps[i].tail = lost
			return
		}
	}
}

// promote copies what lies in [lo, hi) from the queue to the odd list.
func (h *track) promote(lo, hi int64) {
	for i := h.line.search(lo); i < h.line.length; i++ {
		q := h.line.at(i)
		if q.lo >= hi {
			return
		}
		if q.is&sentKept != 0 {
			continue
		}
		h.odds.add(odd{sent: *q, is2: isRepeated})
		q.is |= sentKept
	}
}
