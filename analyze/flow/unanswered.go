package flow

import "whydrop/decode"

// unanswered prepares what silence proves at the end of a conversation: data
// that was never acknowledged is put where judge will look, and SYNs that
// nobody answered are written.
func (c *Conn) unanswered(dir uint8, end int64) {
	h, r := &c.half[dir], &c.half[1-dir]
	if h.onlySYN() && !r.begun {
		c.unansweredSYN(dir, end)
		return
	}
	if h.onlySYN() && !h.synack.ok && !r.synack.ok && c.resets[1-dir] != 0 {
		c.Facts.Refused = true // it arrived: refused, not lost
		return
	}
	if !r.begun || !h.acked || h.view() == nearReceiver || c.unheard(h, r) {
		return
	}
	for i := h.covered; i < h.line.length && len(h.odds.list) < 2*maxOdd; i++ {
		q := h.line.at(i)
		if q.cov != 0 || q.is&(sentBad|sentKept) != 0 || q.payload() == 0 || end-q.t <= silentData || c.closedBy(q.t) {
			continue
		}
		if !h.insisted(q.t) {
			c.Facts.Dir[dir].Untold++
		} else {
			h.odds.add(odd{sent: *q, is2: isRepeated})
			q.is |= sentKept
		}
	}
}

// unheard reports whether the sender of h was told things that are not here: it
// went on with new data after a repair about which nobody said anything, or
// beyond the window. Then silence proves nothing.
func (c *Conn) unheard(h, r *track) bool {
	edge, known := c.windowEnd(h, r)
	return h.heard >= unheardLeast || known && h.top > edge+h.full
}

// insisted reports whether the sender of h itself noticed that nobody answered
// what it sent at t: it repeated something since, or was still there long after.
// If nothing more of it passed, it is the capture that has no answer.
func (h *track) insisted(t int64) bool { return h.lastBack > t || h.lastT-t > silentData }

// unansweredSYN marks SYNs that nobody answered while the capture went on long
// enough. Whether the reverse direction was captured at all, only the whole
// capture can tell.
func (c *Conn) unansweredSYN(dir uint8, end int64) {
	h := &c.half[dir]
	h.promote(h.lowest, h.top)
	var first *odd
	waited := uint32(0)
	for i := range h.odds.list {
		x := &h.odds.list[i]
		if x.is&(sentSYN|sentBad) != sentSYN || end-x.t < silentSYN {
			continue
		}
		c.mark(dir, x, x.lo, x.hi(), -1)
		if first == nil || x.t < first.t {
			first = x
		}
		waited++
	}
	if first == nil {
		return
	}
	c.log.Symptom(Symptom{
		Time: first.t, Frame: first.ref(), Flow: c.number, Packets: waited, Kind: SYNUnanswered, Dir: dir, Protocol: decode.ProtoTCP,
		For: end - first.t,
	})
}

// A quote is an ICMP error about a packet of this conversation.
type quote struct {
	t         int64
	ref       FrameRef
	typ, code uint8
	router    decode.Addr
	dir       uint8
	lo        int64
}

// Quote notes the ICMP error p, whose quote q is of a packet of direction dir.
// If that packet passed here, it is known to be lost, and why.
func (c *Conn) Quote(p *decode.Packet, q *decode.Control, dir uint8) Symptom {
	s := Symptom{
		Time: p.Time, Frame: FrameRef{Number: p.Number, File: p.File}, Flow: c.number, Packets: 1, Kind: ICMPError,
		Dir: dir, Protocol: decode.ProtoTCP,
	}
	h := &c.half[dir]
	if !q.HasPorts || !h.topped || !tellsLoss(q.IPVersion, p.ICMPType) || len(c.quotes) >= maxDSACKs {
		return s
	}
	lo := h.position(q.Seq)
	s.Seq = relative(lo)
	h.promote(lo, lo+1)
	c.quotes = append(c.quotes, quote{
		t: p.Time, ref: s.Frame, typ: p.ICMPType, code: p.ICMPCode, router: q.Router, dir: dir, lo: lo,
	})
	n := int32(len(c.quotes))
	found := (*odd)(nil)
	h.odds.overlapping(lo, lo+1, func(_ int32, x *odd) {
		sameID := x.is&sentID == 0 || uint16(x.id) == uint16(q.ID)
		if x.lo == lo && x.is&sentRefused == 0 && (found == nil || sameID) {
			found = x
		}
	})
	if found != nil {
		found.is |= sentRefused
		found.quote = n
		c.mark(dir, found, found.lo, found.hi(), -1)
	}
	return s
}

// tellsLoss reports whether an ICMP error says that the quoted packet was
// dropped: RFC 792, RFC 4443 §3. Redirects and quenches do not.
func tellsLoss(version, typ uint8) bool {
	if version == 6 {
		return typ >= 1 && typ <= 4
	}
	return typ == 3 || typ == 11 || typ == 12
}

// refused fills in what the ICMP error about x says.
func (c *Conn) refused(x *odd, l *Lost, w *witnesses) {
	q := &c.quotes[x.quote-1]
	l.Place, l.Rule, l.Reason, l.Proof = AfterTap, RuleICMPQuote, ReasonICMP, Second
	l.ICMPType, l.ICMPCode, l.Router = q.typ, q.code, q.router
	l.Last = max(l.Last, q.t)
	w.add(Witness{q.ref, q.t, SaysICMP, uint64(q.typ), uint64(q.code)})
}
