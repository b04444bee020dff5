package netsim

// sent is a segment that is not yet acknowledged.
type sent struct {
	lo, hi      uint64
	syn, fin    bool
	first, last int64 // sent for the first and the last time
	tries       int
	stamp       uint32 // TSval of the last time
	sacked      bool
	lost        bool // judged so
	flying      bool // sent again after it was judged lost
}

// phase is the sender's congestion state.
type phase uint8

const (
	open phase = iota
	recovery
	loss // after a timeout
)

// Timer limits of Linux (include/net/tcp.h).
const (
	jiffy      = 4 * Millisecond   // at 250 Hz
	initialRTO = 1 * Second        // TCP_TIMEOUT_INIT, RFC 6298 §2.1
	minRTO     = 200 * Millisecond // TCP_RTO_MIN
	maxRTO     = 120 * Second      // TCP_RTO_MAX
	maxTries   = 8                 // then the connection is dead
	tlpSlack   = 2 * Millisecond   // TCP_TIMEOUT_MIN
	tlpOne     = 200 * Millisecond // one segment in flight: its ACK may be delayed
)

// sender is the sending half of a host.
type sender struct {
	queue      []sent
	una, nxt   uint64
	written    uint64 // the position behind what the program has written
	closing    bool   // and then FIN
	finSent    bool
	mss        int
	peerWindow uint64
	windowSeq  uint64 // of the segment that announced it
	control
	phase        phase
	highSeq      uint64 // nxt when the phase began
	dupACKs      int
	prior        int    // cwnd to return to when the phase proves needless
	undoMark     uint64 // una when the phase began
	undoStamp    uint32 // TSval of its first retransmission
	undoSent     int    // retransmissions that no DSACK has explained
	canUndo      bool
	delivered    int  // segments that this ACK reports for the first time
	foundLost    bool // it shows that something is lost
	rack         rack
	minRTT, srtt int64
	rttvar, rto  int64
	backoff      int
	probes       int
	tlpEnd       uint64 // nxt when the tail loss probe was sent; 0 = none is out
	frto         bool   // it may yet turn out that the timeout was needless, RFC 5682
	forward      bool   // and new data is to find out
	original     bool   // what this ACK covers for the first time was sent but once

	retransmit, tlp, reorder, persist, idle timer
}

// inFlight is Linux tcp_packets_in_flight.
func (h *host) inFlight() int {
	n := 0
	for i := range h.queue {
		e := &h.queue[i]
		if !e.sacked && (!e.lost || e.flying) {
			n++
		}
	}
	if h.f.NoSACK {
		n -= h.dupACKs // each tells of one packet that has left the network
	}
	return n
}

// transmit sends what may be sent: first what was judged lost, then new data.
func (h *host) transmit() {
	if h.state != established {
		return
	}
	why := ByFast
	if h.phase == loss {
		why = ByLoss
	}
	if h.forward && h.sendForward() {
		return
	}
	for i := range h.queue {
		e := &h.queue[i]
		if !e.lost || e.flying || e.sacked {
			continue
		}
		if !h.mayGo() {
			return
		}
		h.resend(e, why)
	}
	h.limited = false
	for {
		if !h.mayGo() {
			h.limited = true
			break
		}
		if !h.sendNew(false) {
			break
		}
	}
	h.guardWindow()
}

// mayGo reports whether one more packet may go.
func (h *host) mayGo() bool { return h.inFlight() < h.cwnd }

// sendNew sends one new segment, if there is one that the window lets pass.
// forced lets a part of one go, when only that fits.
func (h *host) sendNew(forced bool) bool {
	n := min(uint64(h.mss), h.written-min(h.nxt, h.written))
	end := h.una + h.peerWindow
	if n > 0 && h.nxt+n > end {
		if !forced || h.nxt >= end {
			return false
		}
		n = end - h.nxt
	}
	last := h.nxt+n == h.written
	fin := h.closing && last && !h.finSent
	if n == 0 && !fin {
		return false
	}
	g := segment{lo: h.nxt, octets: int(n), tail: last && n > 0}
	if last && n > 0 {
		g.flags |= flagPSH
	}
	e := sent{lo: h.nxt, hi: h.nxt + n, first: h.s.now, last: h.s.now, tries: 1, stamp: h.stamp()}
	if fin {
		g.flags |= flagFIN
		e.fin, h.finSent = true, true
		e.hi++
	}
	h.nxt = e.hi
	h.queue = append(h.queue, e)
	h.emit(g, Original)
	h.persist.stop()
	if !h.retransmit.armed || h.tlp.armed {
		h.armTimers()
	}
	return true
}

// resend sends e again.
func (h *host) resend(e *sent, why Why) {
	g := segment{lo: e.lo, octets: int(e.hi - e.lo)}
	switch {
	case e.syn:
		g.octets, g.flags = 0, flagSYN
	case e.fin:
		g.octets--
		g.flags |= flagFIN
	}
	if g.octets > 0 && e.lo+uint64(g.octets) == h.written {
		g.flags |= flagPSH
		g.tail = true
	}
	e.flying = true
	e.tries++
	e.last, e.stamp = h.s.now, h.stamp()
	if h.undoSent == 0 {
		h.undoStamp = e.stamp
	}
	h.undoSent++
	h.emit(g, why)
	if !h.retransmit.armed {
		h.armRTO()
	}
}

// guardWindow starts the persist timer when only the peer's window holds data
// back and nothing is in flight whose timeout would find out (RFC 9293 §3.8.6.1).
func (h *host) guardWindow() {
	if len(h.queue) > 0 || h.nxt >= h.written || h.persist.armed {
		return
	}
	h.s.set(&h.persist, h.s.now+min(h.rto<<min(h.probes, 10), maxRTO), func() {
		if h.state != established || len(h.queue) > 0 || h.nxt >= h.written {
			return
		}
		h.probes++
		if !h.sendNew(true) {
			// Linux tcp_xmit_probe_skb: no octets, at snd_una-1.
			h.emit(segment{lo: h.una - 1, probe: true}, Original)
		}
		h.guardWindow()
	})
}
