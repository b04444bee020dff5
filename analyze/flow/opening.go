package flow

// missingOpening is how many packets are missing between the handshake and s, which carries
// the first octets of h: a peer that has sent nothing but one SYN-ACK, which was
// acknowledged, draws no others, so all of them were data, and s repeats the first of it.
func (c *Conn) missingOpening(h, r *track, lo int64, id int32) int32 {
	if !h.last.syn || lo != h.top || h.syns != 1 || !r.topped || r.syns != 1 || r.top-r.lowest > 1 {
		return 0
	}
	n := int32(0)
	for i := len(h.ids.gaps) - 1; i >= 0; i-- {
		g := &h.ids.gaps[i]
		if g.to <= h.last.id {
			break
		}
		if g.to <= id && !g.fromSYN && g.ack1 == g.ack0 {
			n += g.to - g.from
		}
	}
	return n
}

// deafRepair reports whether x, which its sender sent again before any timer can have
// fired, follows no word of the other side since the handshake: an ICMP error made it,
// which did not pass here. Linux tcp_simple_retransmit, RFC 1191 §6.5.
func (h *track) deafRepair(x *odd, known moment, gap int64) bool {
	return x.is2&isTailRepair != 0 && h.last.syn && h.last.ok && known.una <= x.lo && known.dups == 0 && gap < silence
}
