package decode

import "whydrop/decode/checksum"

const (
	udpLen  = 8
	sctpLen = 12
	portLen = 4
)

// transport reads the header behind IP, which may be another IP header.
func (w *walk) transport(protocol uint8) {
	w.p.Protocol = protocol
	switch protocol {
	case ProtoTCP:
		w.tcp()
	case ProtoUDP:
		w.udp()
	case ProtoUDPLite:
		w.udpLite()
	case ProtoICMP:
		if w.p.IPVersion == 4 {
			w.icmp()
			return
		}
		w.other()
	case ProtoICMPv6:
		if w.p.IPVersion == 6 {
			w.icmp6()
			return
		}
		w.other()
	case ProtoSCTP:
		w.other()
		if len(w.b) >= portLen {
			w.ports()
		}
		if len(w.b) < sctpLen && w.wire >= sctpLen {
			w.cut = true
		}
	case ProtoIPIP:
		w.other()
		w.inside(TunnelIPIP, 0, 0, atIPv4)
	case ProtoIPv6:
		w.other()
		if w.p.IPVersion == 4 {
			w.inside(Tunnel6in4, 0, 0, atIPv6)
		} else {
			w.inside(TunnelIPIP, 0, 0, atIPv6)
		}
	case ProtoGRE:
		w.other()
		w.gre()
	default:
		w.other()
	}
}

// ports reads the two port numbers that TCP, UDP and SCTP have at the same place.
func (w *walk) ports() {
	w.p.SrcPort, w.p.DstPort = be16(w.b[0:2]), be16(w.b[2:4])
}

// headerShort is short for a transport header: what IP said stands, and the
// ports if they were captured.
func (w *walk) headerShort(n int, why Malformed) bool {
	if !w.short(n, why) {
		return false
	}
	w.other()
	if len(w.b) >= portLen {
		w.ports()
	}
	return true
}

// inside enters a tunnel whose header takes n octets. The walk goes on, but the
// packet stays the innermost one until an inner IP header is read.
// A fragment is not looked into: the rest of the inner packet is in another.
func (w *walk) inside(t Tunnel, key uint32, n int, next step) {
	if w.p.IPFlags&Fragment != 0 {
		return
	}
	w.tunnel, w.key = t, key
	w.skip(n)
	w.next = next
}

// udp reads a UDP header, RFC 768.
func (w *walk) udp() {
	p := w.p
	if w.headerShort(udpLen, UDPShort) {
		return
	}
	w.ports()
	p.Kind = KindUDP
	p.HeaderSum = be16(w.b[6:8])
	n := int(be16(w.b[4:6]))
	first := p.IPFlags&Fragment != 0
	switch {
	case n == 0 && p.IPFlags&LengthZero != 0:
		n = w.wire // RFC 2675 §4, or before segmentation
	case n < udpLen || n > w.wire && !first:
		w.blame(UDPBadLength)
		w.payload(w.b[udpLen:], w.wire-udpLen)
		w.udpHead()
		w.verdict(LayerUDP, w.judge(w.b[:udpLen], w.body, p.HeaderSum, n, false))
		return
	case n < w.wire:
		w.limit(n)
	}
	w.payload(w.b[udpLen:], w.wire-udpLen)
	w.udpHead()
	w.verdict(LayerUDP, w.judgeUDP(n, w.whole && len(w.b) >= n))
	if !first {
		w.udpTunnel()
	}
}

// judgeUDP applies the rules for a checksum of zero.
func (w *walk) judgeUDP(length int, complete bool) Checksum {
	p := w.p
	if p.HeaderSum != 0 || !complete {
		return w.judge(w.b[:udpLen], w.body, p.HeaderSum, length, complete)
	}
	// No sum is needed. The payload hash is made in the end, if this stays the innermost packet.
	if p.IPVersion == 4 || mayBeUnsummed(p.DstPort) || mayBeUnsummed(p.SrcPort) {
		// RFC 768: "An all zero transmitted checksum value means that the
		// transmitter generated no checksum".
		return ChecksumAbsent
	}
	return ChecksumForbidden // RFC 8200 §8.1
}

func (w *walk) udpHead() {
	if len(w.body) >= len(w.p.Head) {
		w.p.Head = [16]byte(w.body[:16])
		if b := w.body; b[0]>>6 == version2 && (b[1] == rtcpReceiverReport || b[1] == rtcpSenderReport) {
			w.rtcp()
		}
		return
	}
	copy(w.p.Head[:], w.body)
}

// udpLite reads a UDP-Lite header, RFC 3828 §3.1: in place of the length it
// says how many octets the checksum covers, 0 for all.
func (w *walk) udpLite() {
	p := w.p
	if w.headerShort(udpLen, UDPShort) {
		return
	}
	w.ports()
	p.Kind = KindUDP
	p.HeaderSum = be16(w.b[6:8])
	coverage := int(be16(w.b[4:6]))
	w.payload(w.b[udpLen:], w.wire-udpLen)
	w.udpHead()
	if coverage == 0 {
		coverage = w.wire
	}
	v := ChecksumPartial
	switch {
	case p.IPFlags&Fragment != 0:
	case coverage < udpLen || coverage > w.wire:
		w.blame(UDPBadLength)
	case !w.whole || len(w.b) < coverage:
	case p.HeaderSum == 0:
		v = ChecksumForbidden // RFC 3828 §3.1: it "MUST NOT be zero"
	default:
		v = w.judge(w.b[:udpLen], w.b[udpLen:coverage], p.HeaderSum, w.wire, true)
	}
	w.p.PayloadHash = hashPayload(checksum.Sum(0).Add(w.body), len(w.body))
	w.hashed = true
	w.verdict(LayerUDP, v)
}
