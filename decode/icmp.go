package decode

import "encoding/binary"

const icmpLen = 8

// ICMP types, RFC 792 and RFC 4443, that speak about other packets.
const (
	icmpEchoReply       = 0
	icmpUnreachable     = 3
	icmpQuench          = 4
	icmpRedirect        = 5
	icmpEcho            = 8
	icmpTimeExceeded    = 11
	icmpParameter       = 12
	icmpNeedsFragments  = 4 // code of unreachable, RFC 1191 §4
	icmp6Unreachable    = 1
	icmp6TooBig         = 2
	icmp6TimeExceeded   = 3
	icmp6Parameter      = 4
	icmp6Echo           = 128
	icmp6EchoReply      = 129
	icmp6Solicitation   = 135 // RFC 4861 §4.3
	icmp6Advertisement  = 136 // RFC 4861 §4.4
	ndLen               = 24
	ndOptionSourceLink  = 1
	ndOptionTargetLink  = 2
	ndOptionEthernetLen = 8
)

// icmpCommon reads what both versions share; ok is false if it is not there.
func (w *walk) icmpCommon(l Layer) (message []byte, ok bool) {
	p := w.p
	if w.short(icmpLen, ICMPShort) {
		w.other()
		return nil, false
	}
	b := w.b
	p.Kind = KindICMP
	p.ICMPType, p.ICMPCode = b[0], b[1]
	p.HeaderSum = be16(b[2:4])
	w.payload(b[icmpLen:], w.wire-icmpLen)
	w.verdict(l, w.judge(b[:icmpLen], w.body, p.HeaderSum, w.wire, w.whole && len(b) >= w.wire))
	return b, true
}

func (w *walk) icmp() {
	b, ok := w.icmpCommon(LayerICMP)
	if !ok {
		return
	}
	switch b[0] {
	case icmpEcho, icmpEchoReply:
		w.p.EchoID, w.p.EchoSeq = be16(b[4:6]), be16(b[6:8])
	case icmpUnreachable, icmpQuench, icmpRedirect, icmpTimeExceeded, icmpParameter:
		mtu := uint32(0)
		if b[0] == icmpUnreachable && b[1] == icmpNeedsFragments {
			mtu = uint32(be16(b[6:8]))
		}
		w.quote(mtu)
	}
}

func (w *walk) icmp6() {
	b, ok := w.icmpCommon(LayerICMPv6)
	if !ok {
		return
	}
	switch b[0] {
	case icmp6Echo, icmp6EchoReply:
		w.p.EchoID, w.p.EchoSeq = be16(b[4:6]), be16(b[6:8])
	case icmp6TooBig:
		w.quote(be32(b[4:8]))
	case icmp6Unreachable, icmp6TimeExceeded, icmp6Parameter:
		w.quote(0)
	case icmp6Solicitation, icmp6Advertisement:
		w.neighbour(b)
	}
}

// quote reads the packet that an ICMP error quotes, as far as it goes, and
// files the error under the addresses of that packet.
func (w *walk) quote(mtu uint32) {
	c := Control{Kind: ControlQuote, Router: w.p.Src, MTU: mtu}
	b := w.body
	if len(b) == 0 {
		return
	}
	var rest []byte
	switch {
	case b[0]>>4 == 4 && len(b) >= ipv4Len:
		rest = c.quote4(b)
	case b[0]>>4 == 6 && len(b) >= ipv6Len:
		rest = c.quote6(b)
	default:
		return
	}
	c.quoteTransport(rest)
	w.p.PairHash = PairHash(c.Src, c.Dst)
	w.paired = true
	w.control(c)
}

func (w *walk) control(c Control) {
	w.p.Control = int32(len(w.d.Controls))
	w.d.Controls = append(w.d.Controls, c)
}

// quote4 reads a quoted IPv4 header and returns what follows, or nil if that is
// no transport header.
func (c *Control) quote4(b []byte) []byte {
	const offsetMask = 0x1fff
	c.IPVersion, c.TTL, c.Protocol = 4, b[8], b[9]
	c.Length, c.ID = uint32(be16(b[2:4])), uint32(be16(b[4:6]))
	binary.BigEndian.PutUint64(c.Src[8:], mappedPrefix4|uint64(be32(b[12:16])))
	binary.BigEndian.PutUint64(c.Dst[8:], mappedPrefix4|uint64(be32(b[16:20])))
	n := int(b[0]&0x0f) * 4
	if n < ipv4Len || n > len(b) || be16(b[6:8])&offsetMask != 0 {
		return nil
	}
	return b[n:]
}

// quote6 is quote4 for IPv6.
func (c *Control) quote6(b []byte) []byte {
	c.IPVersion, c.TTL, c.Protocol = 6, b[7], b[6]
	c.Length = uint32(be16(b[4:6])) + ipv6Len
	c.Src, c.Dst = Addr(b[8:24]), Addr(b[24:40])
	b = b[ipv6Len:]
	for range maxExtensions {
		n := 0
		switch c.Protocol {
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6:
			if len(b) < extUnit {
				return nil
			}
			n = (int(b[1]) + 1) * extUnit
		case protoFragment:
			if len(b) < fragmentLen {
				return nil
			}
			n = fragmentLen
			c.ID = be32(b[4:8])
			if be16(b[2:4])>>3 != 0 {
				c.Protocol = b[0]
				return nil
			}
		default:
			return b
		}
		if n > len(b) {
			return nil
		}
		c.Protocol, b = b[0], b[n:]
	}
	return nil
}

// quoteTransport reads the eight octets that RFC 792 promises of the transport header.
func (c *Control) quoteTransport(b []byte) {
	if len(b) < icmpLen {
		return
	}
	switch c.Protocol {
	case ProtoTCP:
		c.Seq = be32(b[4:8])
	case ProtoUDP, ProtoUDPLite:
		c.Seq = be32(b[4:8])
	case ProtoSCTP:
	case ProtoICMP, ProtoICMPv6:
		switch b[0] {
		case icmpEcho, icmpEchoReply, icmp6Echo, icmp6EchoReply:
			c.EchoID, c.EchoSeq = be16(b[4:6]), be16(b[6:8])
			c.HasPorts = true
		}
		return
	default:
		return
	}
	c.SrcPort, c.DstPort = be16(b[0:2]), be16(b[2:4])
	c.HasPorts = true
}

// neighbour reads a neighbour solicitation or advertisement. It is filed under
// the two hosts that want to talk: the solicitation's source and target; the
// advertisement's target and receiver.
func (w *walk) neighbour(b []byte) {
	if len(b) < ndLen {
		return
	}
	p := w.p
	c := Control{Kind: ControlND, Op: uint16(b[0]), SenderAddr: p.Src, TargetAddr: Addr(b[8:24])}
	for o := b[ndLen:]; len(o) >= ndOptionEthernetLen; {
		n := int(o[1]) * ndOptionEthernetLen
		if n == 0 || n > len(o) {
			break
		}
		switch {
		case n != ndOptionEthernetLen:
		case o[0] == ndOptionSourceLink:
			c.SenderMAC = [6]byte(o[2:8])
		case o[0] == ndOptionTargetLink:
			c.TargetMAC = [6]byte(o[2:8])
		}
		o = o[n:]
	}
	peer := p.Src
	if b[0] == icmp6Advertisement {
		peer = p.Dst
	}
	p.PairHash = PairHash(peer, c.TargetAddr)
	w.paired = true
	w.control(c)
}
