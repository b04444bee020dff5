package decode

import (
	"encoding/binary"
	"testing"

	"whydrop/capture"
)

func TestFragments(t *testing.T) {
	udp := udpDatagram(7, filler(100))
	tests := []struct {
		name   string
		packet []byte
		kind   Kind
		flags  IPFlags
		offset uint16
		port   uint16
		id     uint32
	}{
		{"don't fragment", ip4Frag(ProtoUDP, 0x4000, udp), KindUDP, DontFragment | HasID, 0, 5353, 0x1234},
		{"first", ip4Frag(ProtoUDP, 0x2000, udp[:64]), KindUDP, Fragment | FirstFragment | MoreFragments | HasID, 0, 5353, 0x1234},
		{"middle", ip4Frag(ProtoUDP, 0x2008, udp[64:80]), KindIP, Fragment | MoreFragments | HasID, 8, 0, 0x1234},
		{"last", ip4Frag(ProtoUDP, 0x000a, udp[80:]), KindIP, Fragment | HasID, 10, 0, 0x1234},
		{"IPv6 first", ip6(protoFragment, append(octets(t, "1100 0001 00000007"), udp[:64]...)), KindUDP, Fragment | FirstFragment | MoreFragments | HasID, 0, 5353, 7},
		{"IPv6 last", ip6(protoFragment, append(octets(t, "1100 0040 00000007"), udp[64:]...)), KindIP, Fragment | HasID, 8, 0, 7},
	}
	for _, tt := range tests {
		p, _, dec := read(capture.LinkRaw, tt.packet)
		if p.Kind != tt.kind || p.IPFlags != tt.flags || p.FragOffset != tt.offset || p.SrcPort != tt.port || p.ID != tt.id || p.Protocol != ProtoUDP {
			t.Errorf("%s: kind %d, flags %#x, offset %d, port %d, ID %#x, protocol %d",
				tt.name, p.Kind, p.IPFlags, p.FragOffset, p.SrcPort, p.ID, p.Protocol)
		}
		if tt.flags&Fragment != 0 && (dec.Counts.Fragments != 1 || p.TransportSum == ChecksumGood || p.TransportSum == ChecksumBad) {
			t.Errorf("%s: counted %d, checksum %v", tt.name, dec.Counts.Fragments, p.TransportSum)
		}
	}
	// An atomic fragment is a whole packet, RFC 6946.
	whole := sealed(udp, 6, pseudo6(host6a, host6b, ProtoUDP, len(udp)))
	p, _, _ := read(capture.LinkRaw, ip6(protoFragment, append(octets(t, "1100 0000 00000007"), whole...)))
	if p.Kind != KindUDP || p.IPFlags&Fragment != 0 || p.TransportSum != ChecksumGood {
		t.Errorf("atomic fragment: kind %d, flags %#x, %v", p.Kind, p.IPFlags, p.TransportSum)
	}
}

// TestExtensionHeaders puts a TCP segment behind every IPv6 extension header.
// The checksum covers the final destination and the home address.
func TestExtensionHeaders(t *testing.T) {
	final := [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 9}
	segment := tcpSegment(filler(10))
	plain := pseudo6(host6a, host6b, ProtoTCP, len(segment))
	routed := pseudo6(host6a, final, ProtoTCP, len(segment))
	homed := pseudo6(final, host6b, ProtoTCP, len(segment))
	const last = "20010db8 00000000 00000000 00000009"
	tests := []struct {
		name   string
		next   uint8
		header string
		pseudo []byte
	}{
		{"hop-by-hop options", 0, "0600 0502 0000 0100", plain},
		{"destination options", 60, "0601 0102 0000 0100 0000000000000000", plain},
		{"routing, nothing left", 43, "0602 0400" + "00000000" + last, plain},
		{"routing type 0, one left", 43, "0602 0001 00000000" + last, routed},
		{"segment routing, one left", 43, "0604 0401 01000000" + last + "20010db8 00000000 00000000 00000005", routed},
		{"mobile routing, one left", 43, "0602 0201 00000000" + last, routed},
		{"home address", 60, "0602 0102 0000 c910" + last, homed},
		{"authentication", 51, "0604 0000 00000001 00000001 000000000000000000000000", plain},
		{"mobility", 135, "0600 0000 0000 0000", plain},
		{"host identity", 139, "0600 0000 0000 0000", plain},
		{"shim6", 140, "0600 0000 0000 0000", plain},
		{"all at once", 0, "3c00 0502 0000 0100  2b00 0102 0000 0100  3300 0400 0000 0000  0604 0000 00000001 00000001 000000000000000000000000", plain},
	}
	for _, tt := range tests {
		sealed(segment, 16, tt.pseudo)
		p, _, _ := read(capture.LinkRaw, ip6(tt.next, append(octets(t, tt.header), segment...)))
		if p.Kind != KindTCP || p.Protocol != ProtoTCP || p.TransportSum != ChecksumGood || p.PayloadLen != 10 {
			t.Errorf("%s: kind %d, protocol %d, %v, payload %d, %v", tt.name, p.Kind, p.Protocol, p.TransportSum, p.PayloadLen, p.Malformed)
		}
	}
	for name, protocol := range map[string]uint8{"encrypted": ProtoESP, "no next header": protoNoNext} {
		p, _, _ := read(capture.LinkRaw, ip6(protoDestOpts, append([]byte{protocol, 0, 1, 4, 0, 0, 0, 0}, filler(20)...)))
		if p.Kind != KindIP || p.Protocol != protocol || p.PayloadLen != 20 {
			t.Errorf("%s: kind %d, protocol %d, payload %d", name, p.Kind, p.Protocol, p.PayloadLen)
		}
	}
	var chain []byte
	for range maxExtensions + 1 {
		chain = append(chain, protoDestOpts, 0, 1, 4, 0, 0, 0, 0)
	}
	p, _, dec := read(capture.LinkRaw, ip6(protoDestOpts, chain))
	if p.Kind != KindIP || dec.Counts.TooDeep != 1 {
		t.Errorf("%d extension headers: kind %d, too deep %d", maxExtensions+1, p.Kind, dec.Counts.TooDeep)
	}
}

func TestAuthenticationHeaderOverIPv4(t *testing.T) {
	segment := sealed(tcpSegment(filler(10)), 16, pseudo4(host4a, host4b, ProtoTCP, 30))
	ah := octets(t, "0604 0000 00000001 00000001 000000000000000000000000")
	p, _, _ := read(capture.LinkRaw, ip4(protoAH, append(ah, segment...)))
	if p.Kind != KindTCP || p.TransportSum != ChecksumGood {
		t.Errorf("kind %d, %v", p.Kind, p.TransportSum)
	}
}

// TestLengthZero: packets too long for their length field, or yet to be segmented.
func TestLengthZero(t *testing.T) {
	segment := tcpSegment(filler(70000))
	sealed(segment, 16, pseudo4(host4a, host4b, ProtoTCP, len(segment)))
	four := ip4(ProtoTCP, segment)
	four[2], four[3] = 0, 0
	binary.BigEndian.PutUint16(four[10:], 0)
	binary.BigEndian.PutUint16(four[10:], ^slowSum(four[:20]))
	sealed(segment, 16, pseudo6(host6a, host6b, ProtoTCP, len(segment)))
	six := ip6(ProtoTCP, segment)
	six[4], six[5] = 0, 0
	jumbo := ip6(0, append(octets(t, "0600 c204 00011184"), segment...))
	binary.BigEndian.PutUint32(jumbo[44:], uint32(8+len(segment)))
	jumbo[4], jumbo[5] = 0, 0
	for name, packet := range map[string][]byte{"IPv4": four, "IPv6": six, "IPv6 with jumbo option": jumbo} {
		p, _, _ := read(capture.LinkRaw, packet)
		if p.Kind != KindTCP || p.PayloadLen != 70000 || p.IPFlags&LengthZero == 0 || p.TransportSum != ChecksumGood || int(p.IPLength) != len(packet) {
			t.Errorf("%s: kind %d, payload %d, flags %#x, %v, IP length %d of %d",
				name, p.Kind, p.PayloadLen, p.IPFlags, p.TransportSum, p.IPLength, len(packet))
		}
	}
	// Without payload the octets behind the IPv6 header are Ethernet padding.
	empty := append(ip6(protoNoNext, nil), 0, 0, 0, 0, 0, 0)
	if p, _, _ := read(capture.LinkRaw, empty); p.IPFlags&LengthZero != 0 || p.PayloadLen != 0 || p.IPFlags&Padded == 0 {
		t.Errorf("no next header and padding: flags %#x, payload %d", p.IPFlags, p.PayloadLen)
	}
}

func TestIPv4Options(t *testing.T) {
	segment := sealed(tcpSegment(filler(10)), 16, pseudo4(host4a, host4b, ProtoTCP, 30))
	b := ip4(ProtoTCP, append(octets(t, "94040000 01010100"), segment...))
	b[0] = 0x47
	binary.BigEndian.PutUint16(b[10:], 0)
	binary.BigEndian.PutUint16(b[10:], ^slowSum(b[:28]))
	p, _, _ := read(capture.LinkRaw, b)
	if p.Kind != KindTCP || p.IPChecksum != ChecksumGood || p.TransportSum != ChecksumGood || p.PayloadLen != 10 {
		t.Errorf("kind %d, %v, %v, payload %d", p.Kind, p.IPChecksum, p.TransportSum, p.PayloadLen)
	}
}

func TestCountedProtocols(t *testing.T) {
	p, _, dec := read(capture.LinkRaw, ip4(ProtoSCTP, append([]byte{0x13, 0x88, 0x13, 0x89}, filler(20)...)))
	if p.Kind != KindIP || p.SrcPort != 5000 || p.DstPort != 5001 || dec.Counts.ByProtocol[ProtoSCTP] != 1 {
		t.Errorf("SCTP: kind %d, %d > %d, %d counted", p.Kind, p.SrcPort, p.DstPort, dec.Counts.ByProtocol[ProtoSCTP])
	}
	p, _, dec = read(capture.LinkRaw, ip4(ProtoIGMP, filler(8)))
	if p.Kind != KindIP || p.PayloadLen != 8 || dec.Counts.ByProtocol[ProtoIGMP] != 1 {
		t.Errorf("IGMP: kind %d, payload %d", p.Kind, p.PayloadLen)
	}
}
