package flow

// A mark says that a repair speaks of a transmission, too, which another one
// that it repeats is likelier to be the lost packet of.
type mark struct{ of, repair int32 }

// condemn marks what retransmission x of dir says about what passed before it:
// if it was needed, every earlier copy of its octets was lost. b-10. What it
// says of others only by the way it adds to aside.
func (c *Conn) condemn(dir uint8, i int32, aside []mark) []mark {
	h := &c.half[dir]
	x := &h.odds.list[i]
	if x.need == Unneeded || x.need == Undecided && x.is2&isVain != 0 {
		return aside
	}
	last := int32(-1)
	h.odds.overlapping(x.lo, x.hi(), func(k int32, q *odd) {
		if k == i || !q.before(&x.sent) {
			return // an original that passed behind its repair was needless, not lost
		}
		if q.cov != 0 && q.covered() <= x.t {
			return // all of it had arrived: x repairs what else it holds
		}
		if q.is&sentSYN != 0 && x.lo == q.lo+1 && x.is2&headHad != 0 {
			return // the SYN had come; its data was not wanted: RFC 7413 §4.2
		}
		switch {
		case x.need != Needed, h.hasty && q.is2&isResent != 0 && x.t-q.t <= copyBare:
			// Or they were sent together, and either may have arrived: inHaste.
			if last < 0 || h.odds.list[last].before(&q.sent) {
				last = k
			}
		case x.payload() > c.segment(dir) || !h.besideOf(x, q):
			c.mark(dir, q, x.lo, x.hi(), i)
		case q.lo < x.lo && x.is2&headHad != 0, q.hi() > x.hi() && x.is2&tailHad != 0:
			// The rest of q had arrived: it was not lost whole, and the packet that
			// was lost is the other one. Frames here are not cut as packets were.
		default:
			aside = append(aside, mark{k, i})
		}
	})
	if last >= 0 {
		if q := &h.odds.list[last]; q.doubt == 0 {
			q.doubt = i + 1
		}
	}
	return aside
}

// besideOf reports whether x, one packet on the wire, repeats only a part of q
// and more of something that lies beside q: a repair that is cut otherwise than
// what it repairs stands for one lost packet, not for two.
func (h *track) besideOf(x, q *odd) bool {
	if q.lo >= x.lo && q.hi() <= x.hi() {
		return false
	}
	share := func(q *odd) int64 { return min(q.hi(), x.hi()) - max(q.lo, x.lo) }
	more := false
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, y *odd) {
		apart := y.hi() <= q.lo || y.lo >= q.hi()
		more = more || apart && y.before(&x.sent) && share(y) > share(q)
	})
	return more
}

// markAside marks what only the edge of a repair speaks of, if nothing better did.
func (c *Conn) markAside(dir uint8, aside []mark) {
	list := c.half[dir].odds.list
	for _, m := range aside {
		if x := &list[m.repair]; len(list[m.of].lost) == 0 {
			c.mark(dir, &list[m.of], x.lo, x.hi(), m.repair)
		}
	}
}
