package decode

import (
	"encoding/binary"
	"testing"

	"whydrop/capture"
)

func TestMalformed(t *testing.T) {
	const mac = "020000000002 020000000001 "
	set16 := func(b []byte, at int, v uint16) []byte {
		binary.BigEndian.PutUint16(b[at:], v)
		return b
	}
	set8 := func(b []byte, at int, v uint8) []byte { b[at] = v; return b }
	tests := []struct {
		name string
		link capture.LinkType
		b    []byte
		want Malformed
		kind Kind
	}{
		{"no octets at all", capture.LinkEthernet, nil, EthernetShort, KindOther},
		{"half an Ethernet header", capture.LinkEthernet, octets(t, "0200000000"), EthernetShort, KindOther},
		{"half a tag", capture.LinkEthernet, octets(t, mac+"8100 00"), VLANShort, KindOther},
		{"half a label", capture.LinkEthernet, octets(t, mac+"8847 0001"), MPLSShort, KindOther},
		{"a label and nothing", capture.LinkEthernet, octets(t, mac+"8847 00010140"), MPLSShort, KindOther},
		{"half a PPPoE header", capture.LinkEthernet, octets(t, mac+"8864 1100"), PPPoEShort, KindOther},
		{"half an ARP packet", capture.LinkEthernet, octets(t, mac+"0806 0001 0800 06 04 0001 0200"), ARPShort, KindOther},
		{"half an IPv4 header", capture.LinkIPv4, tcp4(nil)[:19], IPv4Short, KindOther},
		{"IPv4 of version 5", capture.LinkIPv4, set8(tcp4(nil), 0, 0x55), IPv4BadVersion, KindOther},
		{"IPv4 header of 16 octets", capture.LinkIPv4, set8(tcp4(nil), 0, 0x44), IPv4BadHeaderLength, KindOther},
		{"IPv4 header longer than the frame", capture.LinkIPv4, set8(ip4(253, nil), 0, 0x46), IPv4BadHeaderLength, KindOther},
		{"IPv4 total length below the header", capture.LinkIPv4, set16(tcp4(nil), 2, 19), IPv4BadTotalLength, KindIP},
		{"IPv4 total length above the frame", capture.LinkIPv4, set16(tcp4(nil), 2, 41), IPv4BadTotalLength, KindTCP},
		{"half an IPv6 header", capture.LinkIPv6, tcp6(nil)[:39], IPv6Short, KindOther},
		{"IPv6 of version 7", capture.LinkIPv6, set8(tcp6(nil), 0, 0x70), IPv6BadVersion, KindOther},
		{"IPv6 payload length above the frame", capture.LinkIPv6, set16(tcp6(nil), 4, 21), IPv6BadLength, KindTCP},
		{"IPv6 extension beyond the packet", capture.LinkIPv6, ip6(protoDestOpts, octets(t, "0601 0102 0000 0000")), IPv6BadExtension, KindIP},
		{"raw IP of version 0", capture.LinkRaw, octets(t, "00000000"), IPv4BadVersion, KindOther},
		{"ping of death", capture.LinkIPv4, ip4Frag(ProtoICMP, 0x1fff, filler(64)), FragmentBadOffset, KindIP},
		{"half a TCP header", capture.LinkIPv4, ip4(ProtoTCP, tcpSegment(nil)[:12]), TCPShort, KindIP},
		{"TCP header of 16 octets", capture.LinkIPv4, ip4(ProtoTCP, set8(tcpSegment(nil), 12, 0x40)), TCPBadDataOffset, KindIP},
		{"TCP header beyond the segment", capture.LinkIPv4, ip4(ProtoTCP, set8(tcpSegment(filler(3)), 12, 0x60)), TCPBadDataOffset, KindIP},
		{"half a UDP header", capture.LinkIPv4, ip4(ProtoUDP, filler(7)), UDPShort, KindIP},
		{"UDP length of 7", capture.LinkIPv4, ip4(ProtoUDP, set16(udpDatagram(7, filler(9)), 4, 7)), UDPBadLength, KindUDP},
		{"UDP length of 0", capture.LinkIPv4, ip4(ProtoUDP, set16(udpDatagram(7, filler(9)), 4, 0)), UDPBadLength, KindUDP},
		{"UDP length above the packet", capture.LinkIPv4, ip4(ProtoUDP, set16(udpDatagram(7, filler(9)), 4, 18)), UDPBadLength, KindUDP},
		{"half an ICMP header", capture.LinkIPv4, ip4(ProtoICMP, filler(7)), ICMPShort, KindIP},
		{"half a GRE header", capture.LinkIPv4, ip4(ProtoGRE, filler(3)), GREShort, KindIP},
		{"GRE key missing", capture.LinkIPv4, ip4(ProtoGRE, octets(t, "2000 0800")), GREShort, KindIP},
		{"half a cooked header", capture.LinkLinuxSLL, octets(t, "0000 0001"), LinkShort, KindOther},
		{"inner IPv4 header cut short by its sender", capture.LinkIPv4, ip4(ProtoIPIP, tcp4(nil)[:12]), IPv4Short, KindIP},
	}
	seen := map[Malformed]bool{}
	for _, tt := range tests {
		p, _, dec := read(tt.link, tt.b)
		if p.Malformed != tt.want || p.Kind != tt.kind {
			t.Errorf("%s: %v, kind %d, want %v, %d", tt.name, p.Malformed, p.Kind, tt.want, tt.kind)
		}
		if dec.Counts.Malformed[tt.want] != 1 {
			t.Errorf("%s: counted as %v", tt.name, dec.Counts.Malformed)
		}
		if dec.Counts.HeadersCut != 0 || p.IPFlags&HeaderCut != 0 {
			t.Errorf("%s: counted as cut by the capture", tt.name)
		}
		seen[tt.want] = true
	}
	for m := range NumMalformed {
		if m != WellFormed && m != TunnelShort && !seen[m] {
			t.Errorf("no test makes a packet that is %v", m)
		}
		if m.String() == "" || m.String() == "invalid" {
			t.Errorf("malformation %d has no name", m)
		}
	}
}

// TestCutIsNotMalformed shortens a sound frame to every length: what is
// missing is missing in the capture.
func TestCutIsNotMalformed(t *testing.T) {
	for name, b := range everyday() {
		whole, _, _ := read(capture.LinkEthernet, b)
		for n := range b {
			p, _, dec := readFrame(capture.Frame{Data: b[:n:n], WireLength: uint32(len(b)), Link: capture.LinkEthernet})
			if p.Malformed != WellFormed {
				t.Fatalf("%s cut to %d octets is called %v", name, n, p.Malformed)
			}
			if v := p.TransportSum; v != ChecksumUnread && v != ChecksumPartial && v != whole.TransportSum && p.NumOuter == whole.NumOuter {
				t.Fatalf("%s cut to %d octets: %v, whole it was %v", name, n, v, whole.TransportSum)
			}
			if p.TransportSum == ChecksumBad || p.IPChecksum == ChecksumBad {
				t.Fatalf("%s cut to %d octets is called bad", name, n)
			}
			if dec.Counts.Truncated != 1 {
				t.Fatalf("%s cut to %d octets: truncated %d", name, n, dec.Counts.Truncated)
			}
			if p.Kind == KindTCP && p.NumOuter == whole.NumOuter && (p.Seq != whole.Seq || p.PayloadLen != whole.PayloadLen) {
				t.Fatalf("%s cut to %d octets: sequence %d, payload %d", name, n, p.Seq, p.PayloadLen)
			}
		}
	}
}

func TestHeadersCut(t *testing.T) {
	b := tcp4(filler(100), timestamps...)
	for _, tt := range []struct {
		n    int
		cut  uint64
		kind Kind
		port uint16
	}{{10, 1, KindOther, 0}, {20, 1, KindIP, 0}, {24, 1, KindIP, 40000}, {39, 1, KindIP, 40000}, {40, 0, KindTCP, 40000}, {60, 0, KindTCP, 40000}} {
		p, _, dec := readFrame(capture.Frame{Data: b[:tt.n], WireLength: uint32(len(b)), Link: capture.LinkRaw})
		if dec.Counts.HeadersCut != tt.cut || p.Kind != tt.kind || p.SrcPort != tt.port {
			t.Errorf("cut to %d: headers cut %d, kind %d, port %d; want %d, %d, %d",
				tt.n, dec.Counts.HeadersCut, p.Kind, p.SrcPort, tt.cut, tt.kind, tt.port)
		}
		if p.Kind == KindTCP && p.PayloadLen != 100 {
			t.Errorf("cut to %d: payload %d, want the 100 that were claimed", tt.n, p.PayloadLen)
		}
	}
}

// TestOuterLengthBoundsTheInner: an ACK inside PPPoE whose IP length counts the
// padding of the Ethernet frame, too. PPPoE says where the packet ends; padding
// is no payload.
func TestOuterLengthBoundsTheInner(t *testing.T) {
	ack := tcp4(nil)
	padded := append(ack[:len(ack):len(ack)], make([]byte, 6)...)
	binary.BigEndian.PutUint16(padded[2:], uint16(len(padded)))
	session := binary.BigEndian.AppendUint16([]byte{0x11, 0, 0, 1}, uint16(2+len(ack)))
	session = binary.BigEndian.AppendUint16(session, 0x0021)
	p, _, _ := read(capture.LinkPPPoE, append(session, padded...))
	if p.Malformed != IPv4BadTotalLength || p.Kind != KindTCP || p.PayloadLen != 0 {
		t.Errorf("%v, kind %d, %d octets of payload; want %v, %d, 0", p.Malformed, p.Kind, p.PayloadLen, IPv4BadTotalLength, KindTCP)
	}
	// Where nothing but the end of the frame disagrees, the frame may be cut.
	p, _, _ = read(capture.LinkIPv4, padded[:len(ack)])
	if p.PayloadLen != 6 {
		t.Errorf("a frame that ends early: %d octets of payload, want the 6 that IP claims", p.PayloadLen)
	}
}
