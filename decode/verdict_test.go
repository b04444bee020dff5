package decode

import (
	"encoding/binary"
	"math/rand"
	"testing"

	"whydrop/capture"
)

// TestUDPVerdict judges datagrams between 10.0.0.1 and 10.0.0.2, or 2001:db8::1
// and ::2. The header is 03e8 07d0, length 12.
func TestUDPVerdict(t *testing.T) {
	const unknown, pending = capture.OffloadUnknown, capture.OffloadPending
	// Over IPv4 the octets behind "right" sum to zero, so that ffff is sent.
	tests := []struct {
		name  string
		six   bool
		udp   string
		short int // octets cut by the snap length
		off   capture.Offload
		want  Checksum
	}{
		{"right", false, "03e8 07d0 000c 0000 0000 e01b", 0, unknown, ChecksumGood},
		{"right, IPv6", true, "03e8 07d0 000c 0000 0000 e01b", 0, unknown, ChecksumGood},
		{"one bit flipped", false, "03e8 07d0 000c 0000 0000 e01b", 0, unknown, ChecksumBad},
		{"one bit flipped, IPv6", true, "03e8 07d0 000c 0000 0000 e01b", 0, unknown, ChecksumBad},
		{"zero over IPv4", false, "03e8 07d0 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"zero over IPv6", true, "03e8 07d0 000c 0000 0000 e01a", 0, unknown, ChecksumForbidden},
		{"zero over IPv6 to VXLAN", true, "03e8 12b5 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"zero over IPv6 to Geneve", true, "03e8 17c1 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"zero over IPv6 to GTP-U", true, "03e8 0868 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"zero over IPv6 to LISP", true, "03e8 10f5 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"zero over IPv6 from AMT", true, "08dc 07d0 000c 0000 0000 e01a", 0, unknown, ChecksumAbsent},
		{"wrong and announced as not filled in", false, "03e8 07d0 000c 1234 0000 e01a", 0, pending, ChecksumPending},
		{"cut by the snap length", false, "03e8 07d0 000c 1234 0000 e01a", 4, unknown, ChecksumPartial},
		{"cut, and announced as not filled in", false, "03e8 07d0 000c 1234 0000 e01a", 4, pending, ChecksumPartial},
		{"length larger than the packet", false, "03e8 07d0 0010 1234 0000 e01a", 0, unknown, ChecksumPartial},
	}
	for _, tt := range tests {
		u := octets(t, tt.udp)
		pseudo := pseudo4(host4a, host4b, ProtoUDP, len(u))
		if tt.six {
			pseudo = pseudo6(host6a, host6b, ProtoUDP, len(u))
		}
		if tt.want == ChecksumGood || tt.want == ChecksumBad {
			sealed(u, 6, pseudo)
		}
		if tt.want == ChecksumBad {
			u[11] ^= 1
		}
		packet := ip4(ProtoUDP, u)
		if tt.six {
			packet = ip6(ProtoUDP, u)
		}
		p, _, dec := readFrame(capture.Frame{
			Data: packet[:len(packet)-tt.short], WireLength: uint32(len(packet)), Link: capture.LinkRaw, Offload: tt.off,
		})
		if p.TransportSum != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, p.TransportSum, tt.want)
		}
		if dec.Counts.Checksums[LayerUDP][tt.want] != 1 {
			t.Errorf("%s: counted as %v", tt.name, dec.Counts.Checksums[LayerUDP])
		}
	}
}

// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
func TestUDPZeroSentAsOnes(t *testing.T) {
	u := udpDatagram(7, []byte{0, 0})
	pseudo := pseudo4(host4a, host4b, ProtoUDP, len(u))
	binary.BigEndian.PutUint16(u[8:], ^slowSum(pseudo, u)) // now the rest sums to all ones
	u[6], u[7] = 0xff, 0xff
	if p, _, _ := read(capture.LinkRaw, ip4(ProtoUDP, u)); p.TransportSum != ChecksumGood {
		t.Errorf("computed zero, sent as ffff: %v, want good", p.TransportSum)
	}
}

// TestPendingForms are the fields that stacks leave for the NIC to complete.
func TestPendingForms(t *testing.T) {
	for _, six := range []bool{false, true} {
		for _, protocol := range []uint8{ProtoTCP, ProtoUDP} {
			s, at := tcpSegment(filler(33)), 16
			if protocol == ProtoUDP {
				s, at = udpDatagram(7, filler(33)), 6
			}
			wrap, withLength, without := ip4, pseudo4(host4a, host4b, protocol, len(s)), pseudo4(host4a, host4b, protocol, 0)
			if six {
				wrap, withLength, without = ip6, pseudo6(host6a, host6b, protocol, len(s)), pseudo6(host6a, host6b, protocol, 0)
			}
			for name, field := range map[string]uint16{
				"pseudo-header": slowSum(withLength), "without length": slowSum(without),
			} {
				binary.BigEndian.PutUint16(s[at:], field)
				if p, _, _ := read(capture.LinkRaw, wrap(protocol, s)); p.TransportSum != ChecksumPending {
					t.Errorf("%s, protocol %d, IPv6 %v: %v, want pending", name, protocol, six, p.TransportSum)
				}
				binary.BigEndian.PutUint16(s[at:], field+1)
				if p, _, _ := read(capture.LinkRaw, wrap(protocol, s)); p.TransportSum != ChecksumBad {
					t.Errorf("%s and one, protocol %d, IPv6 %v: %v, want bad", name, protocol, six, p.TransportSum)
				}
			}
		}
	}
}

// TestVerdictsAreTheReference compares verdicts, and what a bad checksum should
// have been, with RFC 1071 read aloud.
func TestVerdictsAreTheReference(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for i := range 20000 {
		six := r.Intn(2) == 1
		protocol := []uint8{ProtoTCP, ProtoUDP, ProtoICMP}[r.Intn(3)]
		var s []byte
		at := 16
		switch protocol {
		case ProtoTCP:
			s = tcpSegment(filler(1+r.Intn(99)), timestamps...)
		case ProtoUDP:
			s, at = udpDatagram(7, filler(1+r.Intn(99))), 6
		case ProtoICMP:
			s, at = append([]byte{8, 0, 0, 0, 0, 1, 0, 2}, filler(1+r.Intn(99))...), 2
		}
		var pseudo []byte
		switch {
		case six && protocol == ProtoICMP:
			protocol = ProtoICMPv6
			s[0] = icmp6Echo
			fallthrough
		case six:
			pseudo = pseudo6(host6a, host6b, protocol, len(s))
		case protocol != ProtoICMP:
			pseudo = pseudo4(host4a, host4b, protocol, len(s))
		}
		sealed(s, at, pseudo)
		if i%2 == 1 {
			// Behind the checksum field nothing decides how the rest is read.
			s[at+2+r.Intn(len(s)-at-2)] ^= 1 << r.Intn(8)
		}
		want := ChecksumBad
		if slowSum(pseudo, s) == 0xffff {
			want = ChecksumGood
		}
		packet := ip4(protocol, s)
		if six {
			packet = ip6(protocol, s)
		}
		p, _, _ := read(capture.LinkRaw, packet)
		if p.TransportSum != want {
			t.Fatalf("protocol %d, %x: %v, want %v", protocol, s, p.TransportSum, want)
		}
		if want == ChecksumBad {
			sealed(s, at, pseudo)
			right := be16(s[at:])
			if p.RightSum != right {
				t.Fatalf("protocol %d, %x: should be %#04x, we say %#04x", protocol, s, right, p.RightSum)
			}
		}
	}
}

func TestIPv4Verdict(t *testing.T) {
	zero := func(b []byte) []byte { b[10], b[11] = 0, 0; return b }
	flip := func(b []byte) []byte { b[8] ^= 0x10; return b }
	noLength := func(b []byte) []byte { b[2], b[3], b[10], b[11] = 0, 0, 0, 0; return b }
	pending := func(b []byte) []byte {
		binary.BigEndian.PutUint16(b[20+16:], slowSum(pseudo4(host4a, host4b, ProtoTCP, len(b)-20)))
		return zero(b)
	}
	tests := []struct {
		name      string
		change    func([]byte) []byte
		direction capture.Direction
		want      Checksum
	}{
		{"right", func(b []byte) []byte { return b }, 0, ChecksumGood},
		{"TTL flipped", flip, 0, ChecksumBad},
		{"TTL flipped, going out", flip, capture.Outbound, ChecksumBad},
		{"zero, going out: the NIC fills it in", zero, capture.Outbound, ChecksumPending},
		{"zero, coming in", zero, capture.Inbound, ChecksumBad},
		{"zero, direction unknown", zero, 0, ChecksumBad},
		{"zero, and TCP's is left to the NIC", pending, 0, ChecksumPending},
		{"zero, and no total length: to be segmented", noLength, 0, ChecksumPending},
	}
	for _, tt := range tests {
		b := tt.change(tcp4(filler(9)))
		p, _, dec := readFrame(capture.Frame{Data: b, WireLength: uint32(len(b)), Link: capture.LinkRaw, Direction: tt.direction})
		if p.IPChecksum != tt.want || (p.IPFlags&BadIPHeader != 0) != (tt.want == ChecksumBad) {
			t.Errorf("%s: %v, flags %#x, want %v", tt.name, p.IPChecksum, p.IPFlags, tt.want)
		}
		if dec.Counts.Checksums[LayerIPv4][tt.want] != 1 {
			t.Errorf("%s: counted as %v", tt.name, dec.Counts.Checksums[LayerIPv4])
		}
		if p.Kind != KindTCP || p.PayloadLen != 9 {
			t.Errorf("%s: kind %d, payload %d; a bad header is decoded all the same", tt.name, p.Kind, p.PayloadLen)
		}
	}
}

func TestUDPLiteCoverage(t *testing.T) {
	build := func(coverage int, spoil int) []byte {
		s := udpDatagram(7, filler(20))
		binary.BigEndian.PutUint16(s[4:], uint16(coverage))
		covered := coverage
		if coverage == 0 || coverage > len(s) {
			covered = len(s)
		}
		pseudo := pseudo4(host4a, host4b, ProtoUDPLite, len(s))
		binary.BigEndian.PutUint16(s[6:], ^slowSum(pseudo, s[:covered]))
		if spoil > 0 {
			s[spoil] ^= 1
		}
		return ip4(ProtoUDPLite, s)
	}
	tests := []struct {
		name            string
		coverage, spoil int
		want            Checksum
		malformed       Malformed
	}{
		{"everything", 0, 0, ChecksumGood, WellFormed},
		{"everything, damaged", 0, 20, ChecksumBad, WellFormed},
		{"header only", 8, 0, ChecksumGood, WellFormed},
		{"header only, payload damaged", 8, 20, ChecksumGood, WellFormed},
		{"twelve octets, damaged inside", 12, 11, ChecksumBad, WellFormed},
		{"less than the header", 7, 0, ChecksumPartial, UDPBadLength},
		{"more than there is", 99, 0, ChecksumPartial, UDPBadLength},
	}
	for _, tt := range tests {
		p, _, _ := read(capture.LinkRaw, build(tt.coverage, tt.spoil))
		if p.Kind != KindUDP || p.TransportSum != tt.want || p.Malformed != tt.malformed || p.PayloadLen != 20 {
			t.Errorf("%s: %v, %v, payload %d; want %v, %v, 20", tt.name, p.TransportSum, p.Malformed, p.PayloadLen, tt.want, tt.malformed)
		}
	}
}

// TestRightHeaderSum: a damaged IPv4 header is told with the checksum it had
// and the one that would be right for what it says now.
func TestRightHeaderSum(t *testing.T) {
	for at := range ipv4Len {
		b := ip4(ProtoUDP, udp4(53, filler(20)))
		if at == 0 || at == 2 || at == 3 || at == 9 {
			continue // version and lengths: another packet; protocol: nothing of IP changes
		}
		b[at] ^= 0x20
		p, _, _ := read(capture.LinkRaw, b)
		if p.IPChecksum != ChecksumBad || p.IPSum != be16(b[10:]) {
			t.Fatalf("octet %d damaged: %v, %#04x, want %#04x", at, p.IPChecksum, p.IPSum, be16(b[10:]))
		}
		b[10], b[11] = byte(p.IPRight>>8), byte(p.IPRight)
		if p, _, _ = read(capture.LinkRaw, b); p.IPChecksum != ChecksumGood {
			t.Errorf("octet %d damaged: %#04x would not be right", at, be16(b[10:]))
		}
	}
}
