package flow

// ackLost charges the acknowledgement that x speaks of: x was sent again by a
// timer although the receiver had its octets, so what told its sender so was
// lost on its way back. It reports whether it did. c-1 rows 3 and 4.
func (c *Conn) ackLost(dir uint8, x *odd) bool {
	h, r := &c.half[dir], &c.half[1-dir]
	if x.need != Unneeded || x.kind != RTO && x.kind != TLP || x.is2&fillsGap != 0 || !r.begun {
		return false
	}
	before := h.lastCopy(x)
	if before == nil {
		return false
	}
	l := Lost{What: ACKPacket, Packets: 1, Rule: RuleAckLost, Proof: Single, Repair: x.ref(), RepairTime: x.t, Last: x.t}
	w := witnesses{l: &l}
	w.add(Witness{before.ref(), before.t, SaysArrived, relative(before.lo), relative(before.hi())})
	switch {
	case x.is2&isEarly != 0 && x.ackTime > 0 && x.t-x.ackTime > h.up()*3/2+answerSlack:
		if r.delivered(x) {
			return false // it was late
		}
		if x.is2&ackWithData != 0 {
			return true // what was lost is data, and charged as such
		}
		if h.spokenFor(x) {
			return true // one lost acknowledgement makes many repairs
		}
		l.Place, l.Frame, l.First = AfterTap, x.ackRef, x.ackTime
		if before.cov != 0 && before.covered() < x.ackTime {
			l.Proof = Fits // several said so: that all were lost is no likelier than that all were late
		}
		w.add(Witness{x.ackRef, x.ackTime, SaysAcked, relative(x.sentUna), 0})
		w.add(Witness{x.ref(), x.t, SaysRepair, relative(x.lo), relative(x.hi())})
	case x.is2&byDSACK != 0 && x.t-before.t > delayedAck && !h.lateAnswer(x) && !h.cameSlowly(x):
		if r.counted {
			if !c.explain(1-dir, before.t, x.covered()) {
				return false // its sender numbers its packets, and none is missing but data
			}
		} else if x.is2&answerGone != 0 {
			return false // its sender's own data is missing, which carried it
		}
		l.Place, l.First = BeforeTap, before.t
		if r.counted {
			l.Proof = Second // without numbers the first copy may have been as late as the repair
		}
		w.add(Witness{x.ref(), x.t, SaysRepair, relative(x.lo), relative(x.hi())})
		w.add(Witness{FrameRef{Number: uint64(x.covFrame), File: x.covFile}, x.covered(), SaysDSACK, relative(x.lo), relative(x.hi())})
	default:
		return false
	}
	c.lose(1-dir, l)
	return true
}

// delivered reports whether the last acknowledgement of x before x passed, which
// h sent with data, reached the sender of x after all: it acknowledged that data,
// which was not sent again in between, or reported as many copies as were sent.
// Copies of the data that came before say the same, since they carried the
// acknowledgement, too, or one that was as good.
func (h *track) delivered(x *odd) bool {
	if x.is2&ackWithData == 0 {
		return false
	}
	for i := range h.odds.list {
		if q := &h.odds.list[i]; q.ref() == x.ackRef {
			again := 0
			h.odds.overlapping(q.lo, q.hi(), func(_ int32, y *odd) {
				if y.t > q.t && y.t < q.covered() {
					again++
				}
			})
			twice, _ := h.twice(q)
			return q.cov != 0 && twice >= again
		}
	}
	return h.acked && h.una >= h.top // none of it was ever sent again
}

// spokenFor reports whether an earlier repair has told that the acknowledgement
// before x was lost.
func (h *track) spokenFor(x *odd) bool {
	for i := range h.odds.list {
		q := &h.odds.list[i]
		if q.t < x.t && q.ackRef == x.ackRef && q.is2&(isResent|isEarly) == isResent|isEarly && (q.kind == RTO || q.kind == TLP) {
			return true
		}
	}
	return false
}

// lastCopy is the last good transmission of octets of x before x.
func (h *track) lastCopy(x *odd) *odd {
	var last *odd
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		if q.before(&x.sent) && q.is&sentBad == 0 && (last == nil || last.before(&q.sent)) {
			last = q
		}
	})
	return last
}

// lateAnswer reports whether what covered x came too late to be its answer.
func (h *track) lateAnswer(x *odd) bool {
	return h.minDown < 0 || float64(x.covered()-x.t) > answerLateDowns*float64(h.minDown)+float64(answerLate)
}

// cameSlowly reports whether the receiver of x spoke long after an earlier copy
// of x had passed, and did not have it yet: that copy was late or lost, and so
// what came twice says nothing of an acknowledgement.
func (h *track) cameSlowly(x *odd) bool {
	slow := false
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		slow = slow || q.t < x.t && float64(x.ackTime-q.t) > answerLateDowns*float64(max(h.minDown, 0))+float64(hostSlack)
	})
	return slow && x.is2&isEarly == 0
}

// explain takes one missing number of half dir between from and to out of what
// is missing for an unknown reason. It reports whether there was one: data that
// is missing has numbers, too, and is charged as data.
func (c *Conn) explain(dir uint8, from, to int64) bool {
	gaps := c.half[dir].ids.gaps
	for i := range gaps {
		g := &gaps[i]
		if g.t1 >= from && g.t1 <= to && int64(g.explained)+c.dataIn(dir, g) < int64(g.to-g.from) {
			g.explained++
			return true
		}
	}
	return false
}
