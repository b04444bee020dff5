package flow

// told is the mood of a repair that no acknowledgement and no timer made, but the word that
// packets are too long: an ICMP error, or the loss of a probe of the path's MTU. Linux calls
// tcp_simple_retransmit for both, which goes to loss recovery.
func (m mood) told(x *odd, top int64) mood {
	m.kind, m.state, m.high, m.lost, m.rto = Loss, losing, top, true, true
	x.is2 |= isTold
	return m
}

// toldAgain is the mood of the repairs behind the first one.
func (m mood) toldAgain(x *odd) mood {
	m.kind = Loss
	x.is2 |= isTold
	return m
}

// rejected reports whether an ICMP error spoke of octets of x, and when the last did.
func (c *Conn) rejected(h *track, x *odd) (found bool, at int64) {
	if len(c.quotes) == 0 {
		return false, 0
	}
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.is&sentRefused != 0 && q.quote > 0 {
			found, at = true, max(at, c.quotes[q.quote-1].t)
		}
	})
	return found, at
}

// simple reports whether the last repair before t was made by such a word, and no
// acknowledgement came since.
func (h *track) simple(t int64) bool {
	x := h.lastRepair()
	return x != nil && x.is2&isTold != 0 && (h.ackTime < x.t || t == x.t)
}

// goesOn reports whether x follows at once, and goes on behind, a repair that such a word made.
func (h *track) goesOn(x *odd) bool {
	last := h.lastRepair()
	return last != nil && last.is2&isTold != 0 && x.lo == last.hi() && x.t-last.t < millisecond
}

// lastRepair is the last retransmission that was kept; nil = none.
func (h *track) lastRepair() *odd {
	for i := len(h.odds.list) - 1; i >= 0; i-- {
		if x := &h.odds.list[i]; x.is2&isResent != 0 {
			return x
		}
	}
	return nil
}

// probeFailed reports whether x begins to repeat, cut shorter, what its sender had sent
// longer than all its neighbours: a probe of the path's MTU (RFC 4821 §7.6.2, Linux
// tcp_mtu_probe). One that was lost before the tap is a hole of one number. What is twice
// as long, or more, is several segments that an interface joined.
func (h *track) probeFailed(x *odd) bool {
	i := h.line.search(x.lo)
	if i == 0 || i >= h.line.length {
		return false
	}
	before, after := h.line.at(i-1), h.line.at(i)
	long := after.lo - x.lo
	switch {
	case after.lo == x.lo && i+1 < h.line.length:
		long, after = int64(after.n), h.line.at(i+1)
	case long <= 0 || before.hi() != x.lo || !h.counted || after.is&sentID == 0 || h.ids.gapTo(after.id) != 1:
		return false
	}
	return x.is&sentFIN == 0 && x.n == max(before.n, after.n) && long > int64(x.n) && long < 2*int64(x.n)
}

// gapTo is how many numbers are missing right before id.
func (n *numbers) gapTo(id int32) int32 {
	for i := len(n.gaps) - 1; i >= 0 && n.gaps[i].to >= id; i-- {
		if g := &n.gaps[i]; g.to == id {
			return g.to - g.from
		}
	}
	return 0
}
