package netsim

// rack is what RACK (RFC 8985 §5) knows: the newest transmission that arrived.
type rack struct {
	sent int64
	hi   uint64
	rtt  int64
	fack uint64 // highest position that arrived
	late bool   // reordering was seen
}

// arrived tells RACK that e was acknowledged, or SACKed, for the first time.
func (h *host) arrived(e *sent, g *segment, sacked bool) {
	if e.tries == 1 && e.hi < h.rack.fack && !e.lost {
		h.rack.late = true
	}
	h.rack.fack = max(h.rack.fack, e.hi)
	rtt := h.s.now - e.last
	if e.tries > 1 {
		// RFC 8985 §6.2 step 2: this may be the answer to an earlier copy. What a
		// SACK echoes says nothing of what it reports (Linux tcp_sacktag_one).
		if g.stamps && !sacked && int32(g.tsecr-e.stamp) < 0 || rtt < h.minRTT {
			return
		}
	}
	r := &h.rack
	if e.last > r.sent || e.last == r.sent && e.hi > r.hi {
		r.sent, r.hi, r.rtt = e.last, e.hi, rtt
	}
}

// detectLost is RACK's step 5. It reports whether something new is lost.
func (h *host) detectLost() bool {
	if h.f.NoSACK || h.rack.sent == 0 {
		return false
	}
	window := min(h.minRTT/4, h.srtt)
	if !h.rack.late && (h.phase != open || h.sackedOut() >= 3) {
		window = 0
	}
	found, wait := false, int64(0)
	for i := range h.queue {
		e := &h.queue[i]
		if e.sacked || e.lost && !e.flying {
			continue
		}
		if e.last > h.rack.sent || e.last == h.rack.sent && e.hi >= h.rack.hi {
			continue
		}
		left := e.last + h.rack.rtt + window - h.s.now
		if left <= 0 {
			e.lost, e.flying = true, false
			found = true
		} else {
			wait = max(wait, left)
		}
	}
	if wait > 0 {
		h.s.set(&h.reorder, h.s.now+wait, func() {
			if h.state == established && h.detectLost() {
				h.enterRecovery()
				h.reduce(1, false)
				h.transmit()
			}
		})
	}
	return found
}

func (h *host) sackedOut() int {
	n := 0
	for i := range h.queue {
		if h.queue[i].sacked {
			n++
		}
	}
	return n
}

// enterRecovery begins fast recovery, RFC 6675 §5 or RFC 6582 §3.2, unless the
// sender is recovering already.
func (h *host) enterRecovery() {
	if h.phase != open {
		return
	}
	h.begin(recovery)
	h.shrink(h.f.Reno)
	h.prrDelivered, h.prrOut = 0, 0
	h.tlpEnd = 0
	h.tlp.stop()
}

// begin starts a phase, and what is needed to find out that it was needless.
func (h *host) begin(p phase) {
	h.phase = p
	h.highSeq = h.nxt
	h.prior = h.cwnd
	h.undoMark, h.undoSent, h.canUndo = h.una, 0, true
}

// undo ends a phase that was begun for nothing.
func (h *host) undo() {
	for i := range h.queue {
		h.queue[i].lost, h.queue[i].flying = false, false
	}
	h.cwnd = max(h.cwnd, h.prior)
	h.ssthresh = max(h.ssthresh, h.prior)
	h.phase, h.canUndo, h.frto, h.forward = open, false, false, false
	h.dupACKs = 0
}

// armTimers is what follows the sending of new data, or progress: a tail loss
// probe where one may be sent (RFC 8985 §7.2), else the timeout.
func (h *host) armTimers() {
	if len(h.queue) == 0 {
		h.retransmit.stop()
		h.tlp.stop()
		return
	}
	h.armRTO()
	if h.f.NoSACK || h.phase != open || h.tlpEnd != 0 || h.srtt == 0 || h.sackedOut() > 0 || h.queue[0].syn {
		h.tlp.stop()
		return
	}
	// Linux tcp_schedule_loss_probe.
	wait := 2*h.srtt + tlpSlack
	if len(h.queue) == 1 {
		wait = 2*h.srtt + tlpOne
	}
	h.s.set(&h.tlp, min(h.s.now+wait, h.retransmit.at-1), h.onTLP)
}

func (h *host) armRTO() {
	wait := min(h.rto<<min(h.backoff, 10), maxRTO)
	if h.dir == 1 && h.state == synReceived {
		wait += jiffy // the SYN-ACK's timer is not the finest
	}
	h.s.set(&h.retransmit, h.s.now+wait, h.onRTO)
}

// onTLP sends new data if there is any that may go, else the last segment again.
func (h *host) onTLP() {
	if h.state != established || len(h.queue) == 0 {
		return
	}
	h.tlpEnd = h.nxt
	if h.sendNew(false) {
		h.tlpEnd = h.nxt
	} else {
		h.resend(&h.queue[len(h.queue)-1], ByTLP)
	}
	h.tlp.stop()
	h.armRTO()
}

// onRTO is the timeout, RFC 6298 §5.4 to §5.7.
func (h *host) onRTO() {
	if len(h.queue) == 0 || h.state == dead {
		return
	}
	h.backoff++
	if h.backoff > maxTries {
		h.state = dead
		return
	}
	if h.queue[0].syn {
		why := BySYN
		if h.dir == 1 {
			why = BySYNACK
		}
		h.resend(&h.queue[0], why)
		h.armRTO()
		return
	}
	h.frto, h.forward = h.phase == open || h.backoff > 1, false
	if h.phase != loss || h.una > h.undoMark {
		h.begin(loss)
		h.shrink(h.f.Reno)
	}
	h.phase, h.highSeq = loss, h.nxt
	h.dupACKs = 0
	h.tlpEnd = 0
	h.tlp.stop()
	for i := range h.queue {
		e := &h.queue[i]
		if !e.sacked {
			e.lost, e.flying = true, false
		}
	}
	h.cwnd = 1
	h.resend(&h.queue[0], ByRTO)
	h.armRTO()
}
