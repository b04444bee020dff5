package flow

// acknowledge folds what s, of half r, says of half h into h.
func (c *Conn) acknowledge(h, r *track, s *Segment, e *Event) {
	a := h.ackPosition(s.Ack)
	if a <= h.top-plausible || a >= h.top+plausibleAck {
		return
	}
	h.taken(a)
	old, had, since, dups := h.una, h.acked, h.unaTime, h.dups
	h.blind = h.blind || s.is(unread)
	if s.NumSACK > 0 && c.absurd(h, r, s, a) {
		s.NumSACK = 0
	}
	reported := h.maxSACK
	fresh, dup := h.blocks(s, c.sack, a)
	moved := !had || a > old
	held := int32(0)
	switch {
	case moved:
		if c.paused {
			c.resume(s, acknowledges)
		}
		c.move(s)
		held = h.hoard.moved(h, s, old, a)
		h.una, h.acked, h.dups, h.unaTime = a, true, 0, s.Time
		if h.probing && a >= h.probe {
			h.probing = false
		}
		// Eifel, RFC 3522: it answers something sent before the timeout, so
		// the timeout was spurious and the sender undoes it.
		if h.state == losing && (h.rtoHasTS && s.is(hasTS) && int32(s.TSEcr-h.rtoTS) < 0 || h.reports(r) && h.goesFurther(a)) {
			h.state = open
		}
	case a == old && s.bare() && (len(fresh) > 0 || (s.Window == r.window || s.is(unread)) && !dup && h.top > a):
		if h.dups++; h.dups == 3 {
			h.dup3Time = s.Time
		}
		h.dupRef = s.Ref()
		h.heldBy(r).duplicate(h, s)
		e.note(SawDuplicateAck)
		e.Lo = a
	}
	if h.dups < 3 {
		h.dup3Time = 0
	}
	if a == old && h.hoard != nil && len(h.odds.list) > 0 {
		h.hoard.idle(h, s)
	}
	if len(fresh) > 0 {
		h.sackRef, h.sackTime = s.Ref(), s.Time
	}
	h.ackTime, h.ackRef = s.Time, s.Ref()
	if !moved && len(fresh) == 0 && h.dups == dups {
		return
	}
	h.remember(s.Time)
	if !moved && len(fresh) == 0 {
		return
	}
	by := coverage{
		s: s, una: a, before: old, reported: reported, known: had, dup: dup, since: since, held: held, missing: r.ids.missingUntil(r.counted),
	}
	if r.topped && r.position(s.Seq) > r.top {
		by.gone, by.ahead, by.spoke = dup, s.bare(), r.lastData
	}
	c.cover(h, &by, moved, fresh, e)
}

// cover marks what an acknowledgement that changed something covers.
func (c *Conn) cover(h *track, by *coverage, moved bool, fresh []span, e *Event) {
	s, a := by.s, by.una
	if moved {
		from := by.before
		if !by.known {
			from = h.lowest
		}
		c.notSeen(h, s, from, a, e)
		h.coverLine(by)
		h.sacked.forget(a)
	}
	for _, b := range fresh {
		c.notSeen(h, s, b.lo, b.hi, e)
		h.coverSACKed(by, b)
	}
	if by.newest != nil && (len(h.odds.list) == 0 || h.maxSACK != 0 || !h.heldBack(by)) {
		h.sampled(by)
	}
	h.coverOdd(by)
	h.seen.forget(min(a, h.top))
}

// remember notes in the history what the other side has said by t.
func (h *track) remember(t int64) {
	h.history.add(moment{t, h.una, uint32(max(h.maxSACK-h.una, 0)), h.dups}, max(keepRTTs*h.rtt(), keepAtLeast))
}

// goesFurther reports whether an acknowledgement of a covers more than the one
// packet that the timeout sent again, and nothing said before that the rest had
// arrived: the originals did, and the sender undoes the timeout. RFC 5682 §3.1,
// Linux FLAG_ORIG_SACK_ACKED.
func (h *track) goesFurther(a int64) bool {
	n := len(h.odds.list)
	if n == 0 {
		return false
	}
	x := &h.odds.list[n-1]
	if x.kind != RTO || x.t != h.rtoTime || a <= x.hi() || h.sacked.covers(x.hi(), min(a, h.top)) {
		return false
	}
	first := true
	h.odds.overlapping(x.hi(), a, func(_ int32, q *odd) { first = first && q.is2&isResent == 0 })
	return first
}

// blocks folds the SACK blocks of s, sack, into h. It returns what they report that
// was not known, and whether the first reports octets that came twice.
func (h *track) blocks(s *Segment, sack *Blocks, a int64) (fresh []span, dup bool) {
	n := int(s.NumSACK)
	if n == 0 {
		return nil, false
	}
	var all [4]span
	k := 0
	for i := range n {
		lo := a + int64(int32(sack[i][0]-s.Ack))
		hi := a + int64(int32(sack[i][1]-s.Ack))
		if hi > lo && hi-a < plausible && lo > a-plausible {
			all[k] = span{lo, hi}
			k++
		}
	}
	list := all[:k]
	// RFC 2883 §4: a first block below the ACK, or inside the second one.
	if k > 0 && (list[0].hi <= a || k > 1 && list[1].lo <= list[0].lo && list[0].hi <= list[1].hi) {
		dup = true
		if len(h.dsacks) < maxDSACKs {
			h.dsacks = append(h.dsacks, dsack{s.Time, list[0].lo, list[0].hi, s.Ref()})
		}
		list = list[1:]
	}
	fresh = h.fresh[:0]
	for _, b := range list {
		if b.lo < a {
			continue
		}
		if h.acked { // an old acknowledgement may come late
			if b.lo = max(b.lo, h.una); b.hi <= b.lo {
				continue
			}
		}
		if !h.sacked.covers(b.lo, b.hi) {
			h.sacked.missing(b.lo, b.hi, func(lo, hi int64) { fresh = append(fresh, span{lo, hi}) })
			if len(h.sacked) < maxSpans || h.sacked.touches(b.lo-1, b.hi+1) {
				h.sacked.add(b.lo, b.hi)
			}
		}
		h.maxSACK = max(h.maxSACK, b.hi)
	}
	h.fresh = fresh
	return fresh, dup
}

// A coverage is an acknowledgement and what it changed.
type coverage struct {
	since       int64 // when una came to be before
	s           *Segment
	una, before int64
	known       bool  // before is valid
	dup         bool  // it reports octets that came twice, too
	missing     int64 // when the last packet of its half passed before which numbers are missing
	gone        bool  // and data of its half is missing before it
	ahead       bool  // it is bare, and data of its half is missing before it,
	spoke       int64 // of which the last passed then
	reported    int64 // the highest octet that SACK had reported before
	newest      *sent // that it covered
	newly       int   // how many it covered
	held        int32 // segments that its sender held before it, at least, of which SACK says nothing
}

// coverLine marks what the cumulative acknowledgement covers.
func (h *track) coverLine(by *coverage) {
	newest := int64(-1)
	for h.covered < h.line.length {
		q := h.line.at(h.covered)
		if q.hi() > by.una {
			h.split = h.split || q.lo < by.una && q.is&sentKept == 0 && q.payload() > int64(h.mss)
			break
		}
		h.covered++
		if q.cov == 0 {
			// What was sent after it had come, and nobody sent it again: it was late.
			h.unsteady = h.unsteady || q.hi() <= by.reported && q.is&(sentKept|sentBad) == 0
			h.coverOne(q, by.s.Time)
			newest = q.t
			by.newest = q
			by.newly++
		}
	}
	if newest >= 0 {
		h.sampleDown(by.s.Time - newest)
	}
}

// sampled marks the newest of what became covered: only its delay is a round
// trip. One that nothing follows may have waited for the timer of a delayed
// acknowledgement.
func (h *track) sampled(by *coverage) {
	q := by.newest
	if q.is&(sentKept|sentBad) != 0 {
		return
	}
	q.is |= sentSample
	if by.newly == 1 && by.s.NumSACK == 0 && int64(q.n) <= h.full {
		q.is |= sentLone
	}
}

// heldBack reports whether what by covers had waited for a hole to be filled, since
// what it begins with was sent again. A receiver without SACK says only then that the
// rest has come, and no delay of the path shows.
func (h *track) heldBack(by *coverage) bool {
	again := false
	h.odds.overlapping(by.before, by.before+1, func(_ int32, q *odd) { again = again || q.is2&isResent != 0 })
	return again
}

func (h *track) coverOne(q *sent, t int64) {
	q.cover(t)
	h.newest = max(h.newest, q.t)
	if q.is&(sentBad|sentKept) == 0 {
		shortest(&h.minDown, t-q.t)
	}
}

// coverSACKed marks what became covered by block b.
func (h *track) coverSACKed(by *coverage, b span) {
	for i := max(h.line.search(b.lo), h.covered); i < h.line.length; i++ {
		q := h.line.at(i)
		if q.lo >= b.hi {
			return
		}
		if q.cov == 0 && h.covers(q.lo, q.hi()) {
			h.coverOne(q, by.s.Time)
			if by.newly++; by.newest == nil || q.lo > by.newest.lo {
				by.newest = q
			}
		}
	}
}

// coverOdd marks what became covered of the odd list.
func (h *track) coverOdd(by *coverage) {
	if len(h.odds.open) == 0 {
		return
	}
	left := h.odds.open[:0]
	for _, i := range h.odds.open {
		x := &h.odds.list[i]
		if !h.covers(x.lo, x.hi()) {
			left = append(left, i)
			continue
		}
		h.coverRepair(x, by)
	}
	h.odds.open = left
}

func (h *track) coverRepair(x *odd, by *coverage) {
	s := by.s
	x.cover(s.Time)
	h.newest = max(h.newest, x.t)
	if x.is&sentBad == 0 && x.is2&isResent == 0 {
		shortest(&h.minDown, s.Time-x.t)
	}
	x.covUna, x.una, x.unaTime = by.una, by.before, by.since
	x.covFrame, x.covFile = uint32(s.Number), s.File
	if by.known {
		x.is2 |= unaKnown
	}
	if by.dup {
		x.is2 |= byDSACK
	}
	if by.gone {
		x.is2 |= answerGone
	}
	if by.missing < x.t {
		x.is2 |= isDirect
	}
	if by.ahead && h.answered(x, by.spoke) {
		x.is2 |= answerSent
	}
	if s.is(hasTS) {
		x.covEcr = s.TSEcr
		x.is2 |= echoKnown
	}
	if x.hi() > by.una {
		x.is2 |= bySACK
		return
	}
	if by.known && x.lo > by.before {
		x.is2 |= h.jumped(x, by)
	}
}

// jumped reports whether the acknowledgement went further than what drew it:
// then everything beyond had been there already. b-8.4.
func (h *track) jumped(x *odd, by *coverage) oddMarks {
	// A receiver that had reported what lies above would have reported this, too. What its
	// interface put together (GRO) it acknowledges at once.
	if h.maxSACK >= x.hi() {
		return 0
	}
	drew, at, later, again := int64(-1), int64(-1), false, false
	h.overlapping(by.before, by.before+1, func(q *sent) {
		fromNow := q.cov == 0 || q.covered() >= by.s.Time-1000
		again = again || fromNow && q.t > x.t && h.mayHaveDrawn(q, by.s)
		if fromNow && q.t <= x.t && q.t > at {
			drew, at = q.hi(), q.t
			later = by.s.is(hasTS) && q.is&sentTS != 0 && int32(by.s.TSEcr-q.tsval) > 0
		}
	})
	// A newer timestamp than that of the segment is echoed: a later packet came to the left edge
	// of what was missing and drew this acknowledgement, and the segment's own was lost. Without
	// SACK the later packet may repeat what had arrived, and nothing would report that.
	if later && h.maxSACK > 0 {
		return 0
	}
	// The left edge was sent again after x: that copy may have drawn the acknowledgement, long
	// after x had come and filled its place, which only SACK would have reported.
	if again && h.maxSACK == 0 {
		if x.is2&mostHeld != 0 && by.una-x.hi() >= h.full {
			return isHeld
		}
		return 0
	}
	if at >= 0 && x.lo >= drew && (by.una-drew > h.full+jumpSlack || by.alone(h, x)) {
		return isJumped
	}
	return 0
}

// alone reports whether one segment drew the acknowledgement, though it covers two: who
// holds others delays none (RFC 5681 §4.2), and x would have been echoed.
func (by *coverage) alone(h *track, x *odd) bool {
	return by.held > 0 && !h.unsteady && by.s.is(hasTS) && x.is&sentTS != 0 && int32(by.s.TSEcr-x.tsval) < 0
}

// mayHaveDrawn reports whether transmission q had the time to draw s, and the timestamp.
func (h *track) mayHaveDrawn(q *sent, s *Segment) bool {
	if s.is(hasTS) && q.is&sentTS != 0 && int32(s.TSEcr-q.tsval) < 0 {
		return false
	}
	return float64(s.Time-q.t) >= tooSoonDown*float64(max(h.minDown, 0))
}

// notSeen notes which of the octets [lo, hi), now acknowledged, never passed
// here: only the capture lacks them. b-10.
func (c *Conn) notSeen(h *track, s *Segment, lo, hi int64, e *Event) {
	lo = max(lo, h.firstHere())
	if hi > h.top && h.maybeBefore(s.Time) {
		if len(h.unseen) < maxUnseen {
			h.unseen = append(h.unseen, unseen{lo: max(lo, h.top), hi: hi, t: s.Time, ref: s.Ref(), before: true})
		}
		h.seen.add(h.top, hi)
	}
	if hi <= lo || h.seen.covers(lo, hi) {
		return
	}
	h.seen.missing(lo, hi, func(lo, hi int64) {
		if len(h.unseen) >= maxUnseen {
			c.gaveUp.Gaps++
			return
		}
		u := unseen{lo: lo, hi: hi, t: s.Time, since: h.before(lo), ref: s.Ref(), ecr: s.TSEcr, stamped: s.is(hasTS)}
		h.unseen = append(h.unseen, u)
		e.note(SawUnseenAck)
		e.UnseenLo, e.UnseenHi = lo, hi
	})
	h.seen.add(lo, hi)
}

// before is when the last transmission in front of octet at passed.
func (h *track) before(at int64) int64 {
	if i := h.line.search(at - 1); i < h.line.length && h.line.at(i).lo < at {
		return h.line.at(i).t
	} else if i > 0 {
		return h.line.at(i - 1).t
	}
	return h.lastSeq
}
