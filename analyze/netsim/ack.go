package netsim

// onACK is the sender's side of a segment that came.
func (h *host) onACK(g *segment) {
	if g.flags&flagACK == 0 || g.ack > h.nxt {
		return
	}
	advanced := g.ack > h.una
	h.original, h.foundLost, h.delivered = false, false, 0
	newWindow := h.takeWindow(g)
	newSACK, dsack := h.takeSACK(g)
	if g.ack < h.una {
		return
	}
	if advanced {
		h.takeACK(g)
	}
	duplicate := !advanced && g.octets == 0 && !newWindow && len(h.queue) > 0 && g.flags&(flagFIN|flagSYN) == 0
	h.judge(g, advanced, duplicate, dsack, newSACK)
	if h.tlpEnd != 0 && h.una >= h.tlpEnd {
		h.tlpEnd = 0
	}
	if h.phase == recovery {
		h.reduce(h.delivered, advanced && !h.foundLost)
	}
	if advanced {
		h.backoff, h.probes = 0, 0
		h.armTimers()
	}
}

// takeWindow is RFC 9293 §3.10.7.4's window update.
func (h *host) takeWindow(g *segment) bool {
	if g.ack > h.una || g.lo > h.windowSeq || g.lo == h.windowSeq && g.wide > h.peerWindow {
		changed := g.wide != h.peerWindow
		h.peerWindow, h.windowSeq = g.wide, g.lo
		if changed {
			h.persist.stop()
		}
		return changed
	}
	return false
}

// takeSACK marks what g's blocks cover; dsack says that the first of them
// reports a duplicate (RFC 2883 §4).
func (h *host) takeSACK(g *segment) (found, dsack bool) {
	for b := range g.numSACKs {
		lo, hi := g.sacks[b][0], g.sacks[b][1]
		inside := b == 0 && g.numSACKs > 1 && lo >= g.sacks[1][0] && hi <= g.sacks[1][1]
		if hi <= g.ack || inside {
			dsack = dsack || b == 0
			continue
		}
		for i := range h.queue {
			e := &h.queue[i]
			if !e.sacked && lo <= e.lo && e.hi <= hi {
				e.sacked = true
				h.delivered++
				h.arrived(e, g, true)
				h.noteOriginal(e)
				found = true
			}
		}
	}
	return found, dsack
}

// takeACK drops what is acknowledged and measures the round trip.
func (h *host) takeACK(g *segment) {
	sample := int64(0)
	n, again := 0, false
	for n < len(h.queue) && h.queue[n].hi <= g.ack {
		e := &h.queue[n]
		again = again || e.tries > 1
		if !e.sacked {
			h.delivered++
			h.arrived(e, g, false)
			h.noteOriginal(e)
			if e.tries == 1 {
				sample = h.s.now - e.first // RFC 6298 §3: never of what was sent twice
			}
		}
		n++
	}
	if again && h.f.NoSACK {
		h.original = false // Linux tcp_clean_rtx_queue: nothing tells that it was
	}
	h.queue = h.queue[n:]
	if len(h.queue) > 0 && h.queue[0].lo < g.ack {
		h.queue[0].lo = g.ack
	}
	h.una = g.ack
	h.grow(n)
	if h.finSent && h.una == h.nxt && !h.peerFIN {
		h.waiting = true
	}
	if sample > 0 {
		h.measure(sample)
	}
}

// measure is RFC 6298 §2.2 and §2.3, with Linux's floor under the variance.
func (h *host) measure(rtt int64) {
	if h.minRTT == 0 || rtt < h.minRTT {
		h.minRTT = rtt
	}
	if h.srtt == 0 {
		h.srtt, h.rttvar = rtt, rtt/2
	} else {
		h.rttvar += (max(h.srtt-rtt, rtt-h.srtt) - h.rttvar) / 4
		h.srtt += (rtt - h.srtt) / 8
	}
	h.rto = min(h.srtt+max(minRTO, 4*h.rttvar), maxRTO)
}

// judge moves between the phases.
func (h *host) judge(g *segment, advanced, duplicate, dsack, newSACK bool) {
	if advanced {
		h.dupACKs = 0
	}
	if duplicate && h.f.NoSACK {
		h.dupACKs++
		h.delivered = 1
	}
	if dsack && h.undoSent > 0 {
		h.undoSent--
		if h.undoSent == 0 && h.canUndo && h.phase != open {
			h.undo()
			return
		}
	}
	if h.phase == loss && h.frto && h.judgeTimeout(advanced, duplicate || newSACK) {
		return
	}
	lost := h.detectLost()
	h.foundLost = lost
	switch h.phase {
	case open:
		if h.f.NoSACK && h.dupACKs == 3 && len(h.queue) > 0 {
			h.enterRecovery()
			h.queue[0].lost = true
		} else if lost {
			h.enterRecovery()
		}
	case recovery, loss:
		if !advanced {
			return
		}
		// RFC 3522: the acknowledgement is of the original, sent before the repair.
		if h.canUndo && g.stamps && h.undoSent > 0 && int32(g.tsecr-h.undoStamp) < 0 {
			h.undo()
			return
		}
		if h.una >= h.highSeq {
			h.end()
		} else if h.phase == recovery && h.f.NoSACK && len(h.queue) > 0 {
			// RFC 6582 §3.2 step 3: a partial ACK.
			h.queue[0].lost, h.queue[0].flying = true, false
		}
	}
}

// end leaves a phase that has done its work.
func (h *host) end() {
	if h.phase == recovery {
		h.cwnd = h.ssthresh
	}
	h.phase, h.canUndo, h.dupACKs, h.frto = open, false, 0, false
	for i := range h.queue {
		if h.queue[i].lo >= h.highSeq {
			h.queue[i].lost, h.queue[i].flying = false, false
		}
	}
}
