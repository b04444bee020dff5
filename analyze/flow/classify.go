package flow

import "whydrop/decode"

// is says what a segment is to what passed before it.
type is uint8

const (
	inOrder is = iota // begins where the last ended
	afterGap
	resent
	late
	lateFirst // late, and its octets had passed: those were the repair
)

// A class is what Classify says.
type class struct {
	is    is
	via   via
	early bool  // all of it had been covered by ACK or SACK
	fills bool  // octets that had not passed here
	tail  int32 // copies of a lost tail, by ID
}

// classify says what a segment [lo, hi) is to its half. Looking changes
// nothing: the next segment is compared with the same.
//
// A segment is a retransmission if and only if its sender had sent a packet
// with the same or higher octets before: tcp-rules.md §1.
func (c *Conn) classify(s *Segment, lo, hi int64, id int32, numbered bool) class {
	h := &c.half[s.Dir]
	if !h.topped {
		if s.Flags&decode.SYN != 0 && c.repeatedSYN(s) {
			return class{is: resent, via: viaEcho, fills: true}
		}
		return class{}
	}
	if lo >= h.top {
		k := class{}
		if lo > h.top {
			k.is = afterGap
		}
		if k.is == inOrder && h.ordered && numbered && lo < h.hidden {
			return class{is: resent, via: viaMissing, fills: true}
		}
		if h.last.ok {
			if v, n := c.tailRepair(s, lo, hi, id, numbered); v != viaNothing {
				return class{is: resent, via: v, tail: n, fills: true}
			}
		}
		return k
	}
	k := class{early: s.Flags&decode.SYN == 0 && h.covers(lo, hi)}
	bad := s.is(damagedFields)
	overlaps, good, before := 0, 0, 0
	h.overlapping(lo, hi, func(q *sent) {
		overlaps++
		if q.is&sentBad == 0 {
			good++
			if o, _ := h.order(id, numbered, s.TSVal, s.is(hasTS), q); o < 0 {
				before++
			}
		}
	})
	switch {
	case good > 0 && before == good && !bad:
		k.is, k.via = lateFirst, viaOriginal
	case overlaps > 0 && h.answersSYN(s):
	case overlaps > 0:
		k.is, k.via = resent, viaSeen
	default:
		k.fills = true
		k.is, k.via = c.fill(h, s, hi, id, numbered, k.early)
		if bad && k.is == late {
			k.is = inOrder
		}
	}
	return k
}

// covers reports whether the other side has said that it has [lo, hi).
func (h *track) covers(lo, hi int64) bool {
	return h.acked && (hi <= h.una || h.sacked.covers(max(lo, h.una), hi))
}

// fill decides between late and sent again for a segment that overlaps nothing
// and lies below the top: b-3.
func (c *Conn) fill(h *track, s *Segment, hi int64, id int32, numbered, early bool) (is, via) {
	var first int64
	above, older, equal := 0, 0, 0
	proof := viaNothing
	h.above(hi, func(q *sent) bool {
		if q.is&sentBad != 0 {
			return true
		}
		if above == 0 || q.t < first {
			first = q.t
		}
		above++
		o, v := h.order(id, numbered, s.TSVal, s.is(hasTS), q)
		if o < 0 {
			older++
		}
		if v == viaEqualTS {
			equal++
		}
		if o != 0 {
			proof = v
		}
		return o <= 0
	})
	trip := c.trip(h)
	if above == 0 { // forgotten, after a second: the top was reached no earlier than that
		first = s.Time
		if h.last.ok {
			first = h.last.t
		}
	}
	wait := s.Time - first
	switch {
	case above > 0 && older < above && proof != viaNothing && c.later(h, s, hi, id, numbered):
		return resent, proof
	case above > 0 && older == above:
		return late, proof
	case early:
		return resent, viaCovered
	case older > 0 && older+equal == above:
		return late, proof // what was sent after it has overtaken it
	case equal > 0 && h.rttKnown() && trip > h.sameTick():
		return late, viaEqualTS
	case !h.rttKnown():
		if wait > noRTTReorder {
			return resent, viaTime
		}
		return late, viaTime
	case float64(wait) < reorderRTTs*float64(trip):
		return late, viaTime
	}
	return resent, viaTime
}

// later reports whether something above a fill was sent before it.
func (c *Conn) later(h *track, s *Segment, hi int64, id int32, numbered bool) bool {
	found := false
	h.above(hi, func(q *sent) bool {
		if q.is&sentBad == 0 {
			o, _ := h.order(id, numbered, s.TSVal, s.is(hasTS), q)
			found = o > 0
		}
		return !found
	})
	return found
}

// above calls f for transmissions that begin at or behind hi, nearest first,
// as long as it answers true. At most maxAbove are looked at.
func (h *track) above(hi int64, f func(q *sent) bool) {
	n := 0
	for i := h.line.search(hi); i < h.line.length && n < maxAbove; i++ {
		q := h.line.at(i)
		if q.lo < hi {
			continue
		}
		n++
		if q.is&sentKept == 0 && !f(q) {
			return
		}
	}
	h.odds.overlapping(hi, hi+int64(maxAbove)*max(int64(h.longest), 1), func(_ int32, q *odd) {
		if n < 2*maxAbove && q.lo >= hi {
			n++
			if !f(&q.sent) {
				n = 2 * maxAbove
			}
		}
	})
}

// overlapping calls f for every transmission that shares octets with [lo, hi).
func (h *track) overlapping(lo, hi int64, f func(q *sent)) {
	for i := h.line.search(lo); i < h.line.length; i++ {
		q := h.line.at(i)
		if q.lo >= hi {
			break
		}
		if q.is&sentKept == 0 {
			f(q)
		}
	}
	h.odds.overlapping(lo, hi, func(_ int32, q *odd) { f(&q.sent) })
}

// repeatedSYN reports whether the first SYN-ACK that passed is not the first
// that was sent: it echoes another SYN than the newest, or comes too late.
func (c *Conn) repeatedSYN(s *Segment) bool {
	if s.Flags&decode.ACK == 0 || !s.is(hasTS) || s.TSEcr == 0 {
		return false
	}
	syns := c.half[1-s.Dir].synEcho
	for i, q := range syns {
		if !q.has || q.ts != s.TSEcr {
			continue
		}
		if i < len(syns)-1 && syns[len(syns)-1].ts != s.TSEcr {
			return true
		}
		return s.Time-q.t >= max(lateSYNACK, 3*c.pair.MinRTT)
	}
	return false
}
