package flow

import "whydrop/decode"

// A mood is what classifying a retransmission changes in the state of its sender.
type mood struct {
	kind  Detail
	state recovery
	high  int64
	rto   bool // a timeout: note its time and timestamp
	lost  bool
	probe bool
	first bool // of its recovery: its sender was in none
}

// kindOf says why x was sent again, and what that makes of its sender's state.
// It judges by what the sender could know when it sent: b-4 to b-7.
func (c *Conn) kindOf(h, r *track, x *odd) mood {
	m := mood{state: h.state, high: h.high, lost: h.wasLost}
	if x.is&sentSYN != 0 {
		return m.opening(x)
	}
	top := max(h.top, x.hi())
	trip := h.rtt()
	gap, deaf := h.quietFor(x)
	known := h.knownTo(x)
	blind := !h.acked && h.ackTime == 0
	told, at := c.rejected(h, x)
	silent := h.silentBefore(x, gap, trip, blind, deaf) && (!told || x.t-at > h.mayAnswer())
	sack := h.reports(r)
	head := x.lo <= known.una && known.una < x.hi()
	above := known.sack > 0 && known.una+int64(known.sack) >= x.hi()
	if above {
		x.is2 |= sackAbove
	}
	above = above || h.blind && head && known.dups > 0 // it reported something, which was not captured
	if m.state != open && known.una >= h.high {
		m.state = open
	}
	m.first = m.state == open
	again := h.sentAgain(x)
	stuck := known.dups >= 3 && head && h.dup3Time != 0 && float64(x.t-h.dup3Time) >= max(stuckRTTs*float64(trip), float64(silence))
	timeout := mood{kind: RTO, state: losing, high: top, rto: true, lost: true, first: m.first}
	undone := h.undoes(x, again)
	switch {
	case !sack && (again && head && x.t-h.unaTime >= restartAfter || stuck):
		return timeout
	case m.state == losing && (told && h.simple(x.t) || h.goesOn(x)):
		return m.toldAgain(x)
	case m.state == losing && silent:
		m.kind, m.high, m.rto = RTO, max(h.high, top), true
		if undone {
			m.state = open
		}
		return m
	case m.state == losing:
		return m.onward(sack && above && (h.sentAgainSince(x, h.rtoTime) || h.cameBy(x, h.rtoTime)), max(h.high, top))
	case blind && !silent:
		m.kind = Fast
		return m
	case m.first && above && head && h.probeFailed(x):
		return m.told(x, top)
	case above || known.dups >= 3 || m.state == recovering:
		if silent {
			if undone {
				timeout.state = open
			}
			return timeout
		}
		return m.fast(top)
	case told && !silent || h.deafRepair(x, known, gap):
		return m.told(x, top)
	case x.is2&isTailRepair != 0 && h.wasLost && gap < silence:
		m.kind, m.state, m.high = Loss, losing, top
		return m
	case sack && x.hi() == top && !h.probing && !again && x.extra() < 2 && float64(gap) >= probeRTTs*float64(trip):
		m.kind, m.probe = TLP, true
		return m
	case gap < silence:
		return m.fast(top)
	}
	if undone {
		timeout.state, timeout.lost = open, false
	}
	return timeout
}

// knownTo is what the sender of x knew when it sent x.
func (h *track) knownTo(x *odd) moment {
	known, ok := h.history.at(x.t-max(int64(lagUp*float64(h.up())), x.notYet), h.una)
	if !ok {
		known.una = h.lowest
	}
	return known
}

// opening is the mood of a SYN or SYN-ACK that is sent again.
func (m mood) opening(x *odd) mood {
	m.kind = SYN
	if x.is&sentACK != 0 {
		m.kind = SYNACK
	}
	return m
}

// onward is the mood of a repair by the ACK clock after a timeout. If a repair
// was lost, too, Linux goes from loss to recovery (net/ipv4/tcp_input.c:
// tcp_fastretrans_alert, FLAG_LOST_RETRANS).
func (m mood) onward(lostAgain bool, high int64) mood {
	m.kind = Loss
	if lostAgain {
		m.kind, m.state, m.high = Fast, recovering, high
	}
	return m
}

func (m mood) fast(top int64) mood {
	m.kind = Fast
	if m.state == open {
		m.state, m.high = recovering, top
	}
	return m
}

// silentBefore reports whether only a timer can have made the sender speak at t.
func (h *track) silentBefore(x *odd, gap, trip int64, blind, deaf bool) bool {
	if blind {
		return gap >= silence
	}
	back := x.t - h.ackTime
	return float64(gap) >= max(float64(silence), silenceRTTs*float64(trip)) &&
		(deaf || back > h.mayAnswer())
}

// mayAnswer is how long after a packet of the other side what its receiver sends may be the answer.
func (h *track) mayAnswer() int64 { return min(h.up()*3/2+answerSlack, silence+h.up()) }

// undoes reports whether the answer to x, all of which had arrived, will end the
// timeout. It does but for one whose first repair was lost: the DSACK of that
// never comes, and the answer to the newest octets echoes x (RFC 7323 §4.3),
// nothing older than all repairs. Linux tcp_may_undo.
func (h *track) undoes(x *odd, again bool) bool {
	return x.is2&isEarly != 0 && (!again || x.is&sentTS != 0 && x.hi() < h.una)
}

// sentAgain reports whether octets of x had been sent again before.
func (h *track) sentAgain(x *odd) bool {
	again := false
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		again = again || q.is2&isResent != 0 && q.frame != x.frame
	})
	return again
}

// sentAgainSince reports whether octets of x had been sent again at or after t.
func (h *track) sentAgainSince(x *odd, t int64) bool {
	again := false
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		again = again || q.is2&isResent != 0 && q.frame != x.frame && q.t >= t
	})
	return again
}

// cameBy reports whether something above x that was sent again since t has arrived:
// repairs go upwards (Linux tcp_xmit_retransmit_queue), so one of x had been sent
// before it, and was lost in front of the tap.
func (h *track) cameBy(x *odd, t int64) bool {
	for i := len(h.odds.list) - 1; i >= 0; i-- {
		switch q := &h.odds.list[i]; {
		case q.t < t:
			return false
		case q.is2&isResent != 0 && q.lo >= x.hi() && q.cov != 0 && q.is2&(isEarly|isLate) == 0:
			return true
		}
	}
	return false
}

// extra is how many copies of a tail are known to be lost.
func (x *odd) extra() int32 { return x.tailCopies }

// resend gives x its kind, and its sender the state that goes with it.
func (c *Conn) resend(h, r *track, x *odd) {
	m := c.kindOf(h, r, x)
	x.kind = m.kind
	h.state, h.high, h.wasLost = m.state, m.high, m.lost
	if m.probe {
		h.probing, h.probe = true, max(h.top, x.hi())
	}
	// What was sent before the first repair undoes a timeout, whichever it was: Linux keeps
	// retrans_stamp until the recovery ends. A probe is none (net/ipv4/tcp_output.c).
	if m.first && m.state != open {
		h.rtoTS, h.rtoHasTS = x.tsval, x.is&sentTS != 0 && x.is2&isTold == 0
	}
	if m.rto {
		h.rtoTime = x.t
	}
}

// finOrSYN are the flags that take sequence space.
const finOrSYN = decode.FIN | decode.SYN
