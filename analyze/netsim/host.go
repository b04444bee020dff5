package netsim

// state is how far a connection has come.
type state uint8

const (
	closed state = iota
	synSent
	synReceived
	established
	dead // gave up
)

// A host is one end of one connection: its TCP and the program above it.
type host struct {
	s    *sim
	flow int
	dir  uint8 // in which it sends
	f    *Flow
	app  *App
	send func(segment)

	state   state
	busy    int64 // received packets are handled one after the other
	isn     uint32
	tsBase  uint32
	id      uint16
	waiting bool // TIME_WAIT: what answers is no socket, and numbers nothing

	sender
	receiver
	program
}

const (
	defaultBuffer = 256 << 10
	windowScale   = 7
	initialWindow = 10 // RFC 6928 §2
	quickACKs     = 16 // Linux tcp_enter_quickack_mode: TCP_MAX_QUICKACKS
)

func newHost(s *sim, flow int, dir uint8, f *Flow, app *App) *host {
	h := &host{s: s, flow: flow, dir: dir, f: f, app: app}
	h.isn = s.rand.Uint32() + s.config.Rotate
	h.tsBase = s.rand.Uint32()
	h.id = uint16(s.rand.Uint32())
	h.cwnd, h.ssthresh = initialWindow, 1<<20
	h.rto = initialRTO
	h.written = 1
	h.buffer = uint64(f.Buffer)
	if h.buffer == 0 {
		h.buffer = defaultBuffer
	}
	h.quick = quickACKs
	h.mss = h.segmentSize()
	s.trace.isns = append(s.trace.isns, h.isn)
	return h
}

// segmentSize is the largest payload of one segment, options deducted.
func (h *host) segmentSize() int {
	n := int(h.announcedMSS())
	if !h.f.NoTimestamps {
		n -= 12
	}
	return n
}

func (h *host) announcedMSS() uint16 {
	switch {
	case h.f.MSS != 0:
		return h.f.MSS
	case h.f.IPv6:
		return 1440
	}
	return 1460
}

// connect sends the SYN.
func (h *host) connect() {
	h.state = synSent
	h.sendSYN()
}

// sendSYN sends SYN or SYN-ACK for the first time.
func (h *host) sendSYN() {
	h.nxt = 1
	h.queue = append(h.queue, sent{lo: 0, hi: 1, syn: true, first: h.s.now, last: h.s.now, tries: 1, stamp: h.stamp()})
	h.emit(segment{flags: flagSYN}, Original)
	h.armRTO()
}

// stamp is the timestamp clock: milliseconds, from anywhere. It does not
// depend on Config.Shift.
func (h *host) stamp() uint32 {
	return h.tsBase + uint32((h.s.now-h.s.begin)/Millisecond)
}

// emit completes g and sends it.
func (h *host) emit(g segment, why Why) {
	g.flow, g.dir = h.flow, h.dir
	g.isn, g.peerISN = h.isn, h.s.trace.isns[2*h.flow+1-int(h.dir)]
	g.v6, g.scale, g.sackOK, g.stamps = h.f.IPv6, windowScale, !h.f.NoSACK, !h.f.NoTimestamps
	g.again = why != Original
	if h.phase == recovery && g.hi() > g.lo {
		h.prrOut++
	}
	synACK := h.dir == 1 && g.flags&flagSYN != 0
	if !h.f.IPv6 && !h.f.ZeroID && !synACK && !h.waiting {
		h.id++
		g.id = h.id
	}
	if g.flags&flagSYN == 0 || synACK {
		g.flags |= flagACK
	}
	if g.stamps {
		g.tsval, g.tsecr = h.stamp(), h.tsRecent
	}
	if g.flags&flagSYN != 0 {
		g.mss = h.announcedMSS()
		g.wide = min(h.buffer, 65535)
		g.window = uint16(g.wide)
		h.windowEnd = max(h.windowEnd, 1+g.wide)
	} else {
		g.wide = h.announce()
		g.window = uint16(g.wide >> windowScale)
		h.appendSACK(&g)
	}
	if g.flags&flagACK != 0 {
		g.ack = h.rcvNxt
		h.acked = h.rcvNxt
		h.ackNow, h.unacked = false, 0
		h.delayed.stop()
	}
	g.truth = len(h.s.trace.Packets)
	h.s.trace.Packets = append(h.s.trace.Packets, Packet{
		Flow: h.flow, Dir: h.dir, Kind: g.kind(), Lo: g.lo, Hi: g.hi(), Octets: uint32(g.octets),
		Sent: h.s.now, CopyOf: -1, Why: why, Probe: g.probe, KeepAlive: g.keepAlive,
	})
	h.send(g)
}

// receive takes g from the link; the host gets round to it a little later.
func (h *host) receive(g segment) {
	h.busy = max(h.busy, h.s.now+h.s.between(5*Microsecond, 40*Microsecond))
	h.s.at(h.busy, func() { h.process(g) })
}

func (h *host) process(g segment) {
	if h.state == dead {
		return
	}
	if g.flags&flagSYN != 0 {
		h.onSYN(&g)
		return
	}
	if h.state == synReceived && g.ack >= 1 {
		h.state = established
	}
	if h.state != established || !h.acceptable(&g) {
		return
	}
	h.onACK(&g)
	h.onData(&g)
	h.goOn()
}

// goOn is what a host does after anything has changed: the program runs, what
// may be sent is sent, and what must be acknowledged by now is.
func (h *host) goOn() {
	h.run()
	h.transmit()
	if h.ackNow {
		h.emit(segment{lo: h.nxt}, Original)
	}
	h.restKeepAlive()
}

// onSYN is both ends of the handshake.
func (h *host) onSYN(g *segment) {
	h.s.trace.Packets[g.truth].acceptable = true
	switch {
	case h.dir == 1 && h.state == closed:
		h.state = synReceived
		h.rcvNxt, h.tsRecent = 1, g.tsval
		h.peerWindow = g.wide
		h.sendSYN()
	case h.dir == 1 && h.state == synReceived:
		// Linux tcp_check_req: a repeated SYN is answered again; TS.recent stays.
		// The timer starts anew, or both would answer at once.
		h.emit(segment{flags: flagSYN}, BySYNACK)
		h.armRTO()
	case h.dir == 0 && h.state == synSent:
		h.state = established
		h.rcvNxt, h.tsRecent = 1, g.tsval
		h.onACK(g)
		h.emit(segment{lo: h.nxt}, Original)
		h.goOn()
	case h.state == established:
		h.emit(segment{lo: h.nxt}, Original) // RFC 5961 §4: challenge ACK
	}
}

// restKeepAlive plans the next keep-alive, RFC 9293 §3.8.4.
func (h *host) restKeepAlive() {
	if h.f.KeepAlive == 0 || h.closing || h.state != established {
		return
	}
	h.s.set(&h.idle, h.s.now+h.f.KeepAlive, func() {
		if h.state != established || h.closing || len(h.queue) > 0 || h.nxt < h.written {
			return
		}
		// Linux tcp_xmit_probe_skb: no octets, at snd_una-1.
		h.emit(segment{lo: h.una - 1, keepAlive: true}, Original)
		h.restKeepAlive()
	})
}
