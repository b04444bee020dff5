package flow

import "whydrop/decode"

// ignored notes that s repeats a SYN-ACK although the answer to it passed: what
// comes to its sender is lost, or its queue of new connections is full, where
// Linux drops the answer and what follows it (tcp_v4_syn_recv_sock in
// net/ipv4/tcp_ipv4.c, LINUX_MIB_LISTENOVERFLOWS).
//
// A listener that waits for data (TCP_DEFER_ACCEPT) does the same on purpose;
// that is why the octets that passed until then are noted as well.
func (c *Conn) ignored(h, r *track, s *Segment) {
	if !h.synack.ok || !r.firstAck.ok || s.Time < r.firstAck.t+max(ignoredWait, startRTTs*c.anyRTT(h)) {
		return
	}
	g := h.again
	if g == nil {
		g = &Sign{Kind: SignIgnored, Flow: c.number, Dir: 1 - s.Dir, Protocol: decode.ProtoTCP, First: r.firstAck.t}
		h.again = g
	}
	if g.N < uint64(len(g.Witnesses)) {
		g.Witnesses[g.N] = Witness{Frame: s.Ref(), Time: s.Time, Says: SaysSYNACKAgain}
	}
	g.N++
	g.M = uint64(max(r.top-r.lowest-1, 0))
	g.Last = s.Time
}

// tellIgnored writes what ignored noted.
func (c *Conn) tellIgnored(dir uint8) {
	if h := &c.half[dir]; h.again != nil {
		c.log.Sign(*h.again)
	}
}
