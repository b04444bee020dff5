package netsim

// receiver is the receiving half of a host.
type receiver struct {
	rcvNxt    uint64
	ooo       ranges      // arrived beyond rcvNxt
	recent    [][2]uint64 // of them, the newest first: RFC 2018 §4
	dsack     [2]uint64
	hasDSACK  bool
	tsRecent  uint32
	acked     uint64 // Last.ACK.sent
	buffer    uint64
	unread    uint64
	windowEnd uint64 // the right edge once announced is never taken back
	fin       uint64 // position of the peer's FIN; 0 = not known
	peerFIN   bool
	ackNow    bool
	unacked   int // octets that came since the last ACK
	quick     int // ACKs still to be sent at once

	delayed timer
}

const delayedACK = 40 * Millisecond // Linux TCP_DELACK_MIN

// acceptable does what Linux tcp_validate_incoming does, RFC 7323 §5.3 and
// RFC 9293 §3.4: it answers what is too old or beyond the window.
func (h *host) acceptable(g *segment) bool {
	truth := &h.s.trace.Packets[g.truth]
	occupies := g.hi() > g.lo
	if g.stamps && occupies && int32(g.tsval-h.tsRecent) < 0 {
		truth.lose(Refused, OldStamp)
		h.repeat(g)
		return false
	}
	if g.hi() < h.acked || g.lo > h.windowEnd {
		switch {
		case g.lo > h.windowEnd && occupies:
			truth.lose(Refused, NoWindow)
		case occupies:
			truth.acceptable = true // an old duplicate of what had arrived
		}
		if occupies || g.lo < h.rcvNxt {
			h.repeat(g)
			return false
		}
		return g.lo <= h.windowEnd
	}
	if g.stamps && g.lo <= h.acked && int32(g.tsval-h.tsRecent) >= 0 {
		h.tsRecent = g.tsval // RFC 7323 §4.3 (2)
	}
	return true
}

// repeat answers a segment that is not taken.
func (h *host) repeat(g *segment) {
	if g.hi() > g.lo && g.lo < h.rcvNxt {
		h.setDSACK(g.lo, min(g.hi(), h.rcvNxt))
	}
	// The acknowledgement it carries still counts, unless it is too old.
	h.onACK(g)
	h.transmit()
	h.emit(segment{lo: h.nxt}, Original)
}

func (h *host) setDSACK(lo, hi uint64) { h.dsack, h.hasDSACK = [2]uint64{lo, hi}, true }

// onData takes the octets and the FIN of an acceptable segment.
func (h *host) onData(g *segment) {
	if g.hi() == g.lo {
		return
	}
	truth := &h.s.trace.Packets[g.truth]
	switch {
	case g.hi() <= h.rcvNxt || h.ooo.contains(g.lo, g.hi()):
		truth.acceptable = true
		h.setDSACK(g.lo, g.hi())
		h.ackNow = true
	case g.lo >= h.windowEnd && g.octets > 0:
		truth.lose(Refused, NoWindow) // Linux tcp_data_queue: zero window, out of window
		h.ackNow = true
	default:
		truth.acceptable = true
		h.store(g)
	}
}

// store puts g's octets where they belong.
func (h *host) store(g *segment) {
	if g.flags&flagFIN != 0 {
		h.fin = g.hi() - 1
	}
	if g.lo > h.rcvNxt {
		whole := h.ooo.add(g.lo, g.hi())
		h.remember(whole)
		h.ackNow = true
		return
	}
	if g.lo < h.rcvNxt {
		h.setDSACK(g.lo, h.rcvNxt)
	}
	filled := len(h.ooo) > 0
	before := h.rcvNxt
	h.rcvNxt = h.ooo.add(h.rcvNxt, g.hi())[1]
	h.ooo.below(h.rcvNxt + 1)
	h.forget()
	h.unread += h.rcvNxt - before
	if h.fin != 0 && h.rcvNxt > h.fin && !h.peerFIN {
		h.peerFIN = true
		h.unread--
		h.ackNow = true
	}
	h.unacked += int(h.rcvNxt - before)
	switch {
	case filled || h.unacked > h.mss:
		h.ackNow = true // RFC 5681 §4.2
	case h.quick > 0:
		h.quick--
		h.ackNow = true
	case !h.delayed.armed:
		h.s.set(&h.delayed, h.s.now+delayedACK, func() { h.emit(segment{lo: h.nxt}, Original) })
	}
}

// remember puts the block that grew in front of the others.
func (h *host) remember(block [2]uint64) {
	kept := [][2]uint64{block}
	for _, b := range h.recent {
		if (b[0] < block[0] || b[1] > block[1]) && len(kept) < 4 {
			kept = append(kept, b)
		}
	}
	h.recent = kept
}

// forget drops the blocks that rcvNxt has passed.
func (h *host) forget() {
	kept := h.recent[:0]
	for _, b := range h.recent {
		if b[1] > h.rcvNxt {
			kept = append(kept, b)
		}
	}
	h.recent = kept
}

// appendSACK gives g the DSACK, if one is due, and the newest blocks.
func (h *host) appendSACK(g *segment) {
	if h.f.NoSACK {
		return
	}
	room := 4
	if g.stamps {
		room = 3
	}
	if h.hasDSACK {
		g.sacks[0], g.numSACKs = h.dsack, 1
		h.hasDSACK = false
	}
	for _, b := range h.recent {
		if g.numSACKs == room {
			break
		}
		g.sacks[g.numSACKs] = b
		g.numSACKs++
	}
	for g.octets > 0 && g.numSACKs > 0 && g.optionLength()+g.octets > int(h.announcedMSS()) {
		g.numSACKs-- // a full segment has no room for them
	}
}

// announce is the window to announce: Linux __tcp_select_window.
func (h *host) announce() uint64 {
	free := h.buffer - min(h.buffer, h.unread+h.ooo.octets())
	if free < h.buffer/16 || free < uint64(h.mss) {
		free = 0
	}
	window := free >> windowScale << windowScale
	if standing := h.windowEnd - min(h.windowEnd, h.rcvNxt); window < standing {
		window = (standing + 1<<windowScale - 1) >> windowScale << windowScale
	}
	window = min(window, 65535<<windowScale)
	h.windowEnd = max(h.windowEnd, h.rcvNxt+window)
	return window
}
