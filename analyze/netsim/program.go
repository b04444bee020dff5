package netsim

// program is where an App has come to.
type program struct {
	step    int // next of App.Sends
	after   timer
	waited  bool // the After of this step is over
	paused  bool
	resumed bool
	reading timer
}

// readTick is how often a slow program reads.
const readTick = 5 * Millisecond

// got is how many octets the program has read.
func (h *host) got() uint64 {
	n := h.rcvNxt - min(h.rcvNxt, 1) - h.unread
	if h.peerFIN {
		n--
	}
	return n
}

// run lets the program read and write as far as it can.
func (h *host) run() {
	if h.state != established {
		return
	}
	h.read()
	for h.step < len(h.app.Sends) {
		next := h.app.Sends[h.step]
		if h.got() < next.Got || h.after.armed {
			return
		}
		if next.After > 0 && !h.waited {
			h.s.set(&h.after, h.s.now+next.After, func() {
				h.waited = true
				h.goOn()
			})
			return
		}
		h.waited = false
		h.written += next.Octets
		h.step++
	}
	if !h.app.Open && (!h.app.Stays || h.peerFIN) {
		h.closing = true
	}
}

// read empties the receive buffer as fast as the program reads.
func (h *host) read() {
	if h.unread == 0 || h.reading.armed {
		return
	}
	switch {
	case h.app.Pause > 0 && !h.resumed:
		if !h.paused {
			h.paused = true
			h.s.set(&h.reading, h.s.now+h.app.Pause, func() {
				h.resumed = true
				h.goOn()
				h.updateWindow()
			})
		}
	case h.app.Rate == 0:
		h.unread = 0
		h.updateWindow()
	default:
		h.s.set(&h.reading, h.s.now+readTick, func() {
			h.unread -= min(h.unread, uint64(h.app.Rate*readTick/Second))
			h.goOn()
			h.updateWindow()
		})
	}
}

// updateWindow announces a window that has opened, Linux tcp_cleanup_rbuf:
// when it has at least doubled.
func (h *host) updateWindow() {
	now := h.windowEnd - min(h.windowEnd, h.rcvNxt)
	free := h.buffer - min(h.buffer, h.unread+h.ooo.octets())
	if now*2 <= h.buffer && free >= 2*now && free >= uint64(h.mss) && free >= h.buffer/16 && h.state == established {
		h.ackNow = false
		h.emit(segment{lo: h.nxt, update: true}, Original)
	}
}
