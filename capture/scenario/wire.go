package scenario

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"whydrop/capture"
)

const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoFrag   = 44
	protoGRE    = 47
	protoICMPv6 = 58

	minFrame  = 60 // IEEE 802.3 §4A.2.3.2.4, without the FCS
	portVXLAN = 4789

	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	typeVLAN = 0x8100
	typeARP  = 0x0806
)

// ipHeader is what the network layer needs to know.
type ipHeader struct {
	src, dst netip.Addr
	proto    uint8
	ttl      uint8
	id       uint16
	df       bool
}

// marshal puts the header in front of body.
func (h *ipHeader) marshal(body []byte) []byte {
	if h.src.Is6() {
		b := []byte{0x60, 0, 0, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
		b = append(b, h.proto, h.ttl)
		b = append(append(b, h.src.AsSlice()...), h.dst.AsSlice()...)
		return append(b, body...)
	}
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(body)))
	b = binary.BigEndian.AppendUint16(b, h.id)
	flags := byte(0)
	if h.df {
		flags = 0x40
	}
	b = append(b, flags, 0, h.ttl, h.proto, 0, 0)
	b = append(append(b, h.src.AsSlice()...), h.dst.AsSlice()...)
	sumIPv4(b)
	return append(b, body...)
}

// sumIPv4 fills in the header checksum.
func sumIPv4(ip []byte) {
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip[:20])))
}

func setTTL(ip []byte, ttl uint8) {
	if ip[0]>>4 == 6 {
		ip[7] = ttl
		return
	}
	// RFC 1624 §3: an update leaves a wrong sum wrong.
	old := uint32(ip[8])<<8 | uint32(ip[9])
	ip[8] = ttl
	now := uint32(ip[8])<<8 | uint32(ip[9])
	hc := uint32(^binary.BigEndian.Uint16(ip[10:]))
	binary.BigEndian.PutUint16(ip[10:], ^fold(hc+(^old&0xffff)+now))
}

// fragment is octets from to to of the payload of ip, as a fragment.
func fragment(ip []byte, from, to int) ([]byte, error) {
	n := 20
	if ip[0]>>4 == 6 {
		n = 40
	}
	to = min(to, len(ip)-n)
	if from >= to {
		return nil, fmt.Errorf("fragment from %d is behind the packet", from)
	}
	more := to < len(ip)-n
	off := uint16(from / 8)
	if n == 40 {
		b := append([]byte(nil), ip[:n]...)
		id := ip[n+6 : n+8] // the checksum of UDP: differs from datagram to datagram
		head := []byte{ip[6], 0, byte(off >> 5), byte(off << 3), 0, 0, id[0], id[1]}
		if more {
			head[3] |= 1
		}
		b[6] = protoFrag
		binary.BigEndian.PutUint16(b[4:], uint16(8+to-from))
		return append(append(b, head...), ip[n+from:n+to]...), nil
	}
	b := append(append([]byte(nil), ip[:n]...), ip[n+from:n+to]...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if more {
		off |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], off)
	sumIPv4(b)
	return b, nil
}

// fillSum writes the checksum of the transport header in body, as m wants it.
func fillSum(h *ipHeader, body []byte, m *mods) {
	at := map[uint8]int{protoTCP: 16, protoUDP: 6, protoICMP: 2, protoICMPv6: 2}[h.proto]
	pseudo := uint32(0)
	if h.proto != protoICMP {
		pseudo = sum(sum(pseudo, h.src.AsSlice()), h.dst.AsSlice()) + uint32(h.proto) + uint32(len(body))
	}
	body[at], body[at+1] = 0, 0
	v := ^fold(sum(pseudo, body))
	if v == 0 && h.proto == protoUDP {
		v = 0xffff // RFC 768
	}
	switch {
	case m.sum >= 0:
		v = uint16(m.sum)
	case m.pending:
		v = fold(pseudo)
	case m.badSum:
		v ^= 0x0100
	}
	binary.BigEndian.PutUint16(body[at:], v)
}

// sum adds the 16-bit words of b to s, RFC 1071.
func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// fold needs s below 2^32: 64 Ki words of 16 bits stay below it.
func fold(s uint32) uint16 {
	s = s>>16 + s&0xffff
	return uint16(s>>16 + s)
}

func mac(endpoint int) []byte { return []byte{2, 0, 0, 0, byte(endpoint >> 8), byte(endpoint)} }

func etherType(ip []byte) uint16 {
	switch ip[0] >> 4 {
	case 6:
		return typeIPv6
	case 0: // of no IP version: ARP begins with the hardware type
		return typeARP
	}
	return typeIPv4
}

func ethernet(src, dst int, typ uint16, vlans []uint16) []byte {
	b := append(mac(dst), mac(src)...)
	for _, v := range vlans {
		b = binary.BigEndian.AppendUint16(b, typeVLAN)
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return binary.BigEndian.AppendUint16(b, typ)
}

// linkHeader is what stands before the IP packet.
func linkHeader(link capture.LinkType, src, dst int, ip []byte, vlans []uint16, dir capture.Direction) []byte {
	switch link {
	case capture.LinkRaw:
		return nil
	case capture.LinkLinuxSLL:
		b := make([]byte, 0, 16+len(ip))
		kind := byte(0) // LINUX_SLL_HOST
		if dir == capture.Outbound {
			kind = 4 // LINUX_SLL_OUTGOING
		}
		b = append(b, 0, kind, 0, 1, 0, 6)
		b = append(append(b, mac(src)...), 0, 0)
		return binary.BigEndian.AppendUint16(b, etherType(ip))
	}
	return ethernet(src, dst, etherType(ip), vlans)
}

// encapsulate puts ip into a tunnel over IPv4.
func (b *builder) encapsulate(ip []byte, src, dst int, t tunnelSpec) []byte {
	from, to := &b.s.endpoints[t.src], &b.s.endpoints[t.dst]
	outer := ipHeader{src: from.addr.Addr(), dst: to.addr.Addr(), ttl: from.ttl}
	h := b.half(t.src, t.dst)
	outer.id = h.id
	h.id++
	var body []byte
	if t.kind == "gre" {
		outer.proto = protoGRE
		body = binary.BigEndian.AppendUint16([]byte{0x20, 0}, etherType(ip)) // RFC 2890: key present
		body = binary.BigEndian.AppendUint32(body, t.key)
		return outer.marshal(append(body, ip...))
	}
	outer.proto = protoUDP
	inner := append(ethernet(src, dst, etherType(ip), nil), ip...)
	body = binary.BigEndian.AppendUint16(body, 50000+uint16(src%1000))
	body = binary.BigEndian.AppendUint16(body, portVXLAN)
	body = binary.BigEndian.AppendUint16(body, uint16(16+len(inner)))
	body = append(body, 0, 0, 8, 0, 0, 0) // no checksum; flag I
	body = binary.BigEndian.AppendUint32(body, t.key<<8)
	return outer.marshal(append(body, inner...))
}
