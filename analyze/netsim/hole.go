package netsim

// A Hole is a link for packets of at most MTU octets of IP, behind a router
// that drops the longer ones. It tells their sender, RFC 1191 §4 and RFC 8201
// §3, or it does not: a black hole.
type Hole struct {
	MTU   int
	Tells bool
}

func (h *Hole) place() stage { return h }

func (h *Hole) take(s *sim, g *segment) (int64, Cause) {
	switch {
	case g.ipLength() <= h.MTU:
		return s.now, NoCause
	case h.Tells:
		s.tell(g, h.MTU)
		return 0, TooBigTold
	}
	return 0, TooBig
}

// tell sends the router's ICMP error to the sender of g. It passes the tap if
// the router is behind it.
func (s *sim) tell(g *segment, mtu int) {
	quoted := *g
	e := segment{flow: g.flow, dir: 1 - g.dir, v6: g.v6, quoted: &quoted, mtu: mtu, truth: len(s.trace.Packets)}
	s.trace.Packets = append(s.trace.Packets, Packet{Flow: g.flow, Dir: e.dir, Kind: ICMP, Sent: s.now, CopyOf: -1})
	links, to := &s.wires[g.flow].links[e.dir], s.hosts[2*g.flow+int(g.dir)]
	back := func(g segment) { to.onTooBig(&quoted, mtu) }
	if !s.trace.Packets[g.truth].Passed {
		s.at(s.now+links[1].Delay/2, func() { back(e) })
		return
	}
	s.at(s.now+links[0].Delay/2, func() {
		s.trace.pass(s, &e, false)
		s.cross(&links[1], e, LostAfter, back)
	})
}

// onTooBig is what a host does when it is told that g was too long for a link:
// shorter segments from now on, and again what was too long, Linux tcp_v4_mtu_reduced.
// It does so in loss recovery, tcp_simple_retransmit, with the window that it had:
// nothing was lost for want of room.
func (h *host) onTooBig(g *segment, mtu int) {
	size := mtu - (g.ipLength() - g.octets)
	if h.state != established || g.octets == 0 || size >= h.mss || size < 1 {
		return
	}
	h.mss = size
	var cut []sent
	for _, e := range h.queue {
		if e.sacked || e.syn || int(e.hi-e.lo) <= size {
			cut = append(cut, e)
			continue
		}
		for lo := e.lo; lo < e.hi; lo += uint64(size) {
			piece := e
			piece.lo, piece.hi = lo, min(lo+uint64(size), e.hi)
			piece.fin = e.fin && piece.hi == e.hi
			piece.lost, piece.flying = true, false
			cut = append(cut, piece)
		}
	}
	h.queue = cut
	if h.phase != loss {
		h.begin(loss)
		h.frto, h.canUndo = false, false
		h.tlpEnd = 0
		h.tlp.stop()
	}
	h.transmit()
}
