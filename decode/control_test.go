package decode

import (
	"testing"

	"whydrop/capture"
)

func icmp4(kind, code byte, rest string, t *testing.T, quote []byte) []byte {
	b := append(append([]byte{kind, code, 0, 0}, octets(t, rest)...), quote...)
	return ip4(ProtoICMP, sealed(b, 2, nil))
}

func icmp6(kind, code byte, rest string, t *testing.T, quote []byte) []byte {
	b := append(append([]byte{kind, code, 0, 0}, octets(t, rest)...), quote...)
	return ip6(ProtoICMPv6, sealed(b, 2, pseudo6(host6a, host6b, ProtoICMPv6, len(b))))
}

func TestQuotes(t *testing.T) {
	tests := []struct {
		name   string
		packet []byte
		want   Control
	}{
		{
			"port unreachable, UDP", icmp4(3, 3, "00000000", t, udp4(7, filler(10))[:28]),
			Control{Protocol: ProtoUDP, IPVersion: 4, TTL: 64, HasPorts: true, SrcPort: 5353, DstPort: 7, ID: 0x1234, Length: 38},
		},
		{
			"fragmentation needed, TCP", icmp4(3, 4, "0000 0578", t, tcp4(filler(1400))[:28]),
			Control{Protocol: ProtoTCP, IPVersion: 4, TTL: 64, HasPorts: true, SrcPort: 40000, DstPort: 443, ID: 0x1234, Length: 1440, Seq: 0x01020304, MTU: 1400},
		},
		{
			"time exceeded, echo", icmp4(11, 0, "00000000", t, icmp4(8, 0, "0007 0009", t, filler(20))[:28]),
			Control{Protocol: ProtoICMP, IPVersion: 4, TTL: 64, HasPorts: true, EchoID: 7, EchoSeq: 9, ID: 0x1234, Length: 48},
		},
		{
			"quote without ports", icmp4(3, 1, "00000000", t, udp4(7, filler(10))[:20]),
			Control{Protocol: ProtoUDP, IPVersion: 4, TTL: 64, ID: 0x1234, Length: 38},
		},
		{
			"quote of a later fragment", icmp4(11, 1, "00000000", t, ip4Frag(ProtoUDP, 0x0010, filler(40))),
			Control{Protocol: ProtoUDP, IPVersion: 4, TTL: 64, ID: 0x1234, Length: 60},
		},
		{
			"packet too big", icmp6(2, 0, "000004d0", t, tcp6(filler(1400))[:60]),
			Control{Protocol: ProtoTCP, IPVersion: 6, TTL: 64, HasPorts: true, SrcPort: 40000, DstPort: 443, Length: 1460, Seq: 0x01020304, MTU: 1232},
		},
		{
			"IPv6 unreachable, behind extension headers", icmp6(1, 4, "00000000", t,
				ip6(protoHopByHop, append(octets(t, "2c00 0502 0000 0100  1100 0000 00000007"), udpDatagram(9, filler(4))...))),
			Control{Protocol: ProtoUDP, IPVersion: 6, TTL: 64, HasPorts: true, SrcPort: 5353, DstPort: 9, Length: 68, ID: 7},
		},
	}
	for _, tt := range tests {
		p, d, _ := read(capture.LinkRaw, tt.packet)
		if p.Kind != KindICMP || p.Control < 0 || p.TransportSum != ChecksumGood {
			t.Errorf("%s: kind %d, control %d, %v", tt.name, p.Kind, p.Control, p.TransportSum)
			continue
		}
		got, want := d.Controls[p.Control], tt.want
		if got.Protocol == ProtoUDP {
			want.Seq = got.Seq // length and checksum: below
		}
		want.Kind, want.Router = ControlQuote, p.Src
		want.Src, want.Dst = p.Src, p.Dst // the tests know two hosts only
		if got != want {
			t.Errorf("%s:\n%+v, want\n%+v", tt.name, got, want)
		}
		if p.PairHash != PairHash(got.Src, got.Dst) {
			t.Errorf("%s: filed under %#x", tt.name, p.PairHash)
		}
	}
	p, d, _ := read(capture.LinkRaw, icmp4(3, 3, "00000000", t, udp4(7, filler(10))[:28]))
	if got := d.Controls[p.Control].Seq; got>>16 != 18 || got&0xffff == 0 {
		t.Errorf("quoted UDP length and checksum: %#x", got)
	}
}

func TestUnreadableQuotes(t *testing.T) {
	for name, quote := range map[string][]byte{
		"nothing": nil, "19 octets": tcp4(nil)[:19], "39 octets of IPv6": tcp6(nil)[:39], "version 5": {0x50, 19: 0},
	} {
		p, d, _ := read(capture.LinkRaw, icmp4(3, 1, "00000000", t, quote))
		if p.Kind != KindICMP || p.Control != -1 || len(d.Controls) != 0 {
			t.Errorf("%s: kind %d, control %d", name, p.Kind, p.Control)
		}
	}
}

func TestEcho(t *testing.T) {
	p, _, _ := read(capture.LinkRaw, icmp4(8, 0, "0007 0009", t, filler(20)))
	q, _, _ := read(capture.LinkRaw, icmp6(129, 0, "0007 0009", t, filler(20)))
	for _, p := range []Packet{p, q} {
		if p.Kind != KindICMP || p.EchoID != 7 || p.EchoSeq != 9 || p.PayloadLen != 20 || p.Control != -1 {
			t.Errorf("echo: kind %d, %d/%d, payload %d", p.Kind, p.EchoID, p.EchoSeq, p.PayloadLen)
		}
	}
}

func TestARP(t *testing.T) {
	p, d, _ := read(capture.LinkEthernet, ether(etherARP, octets(t,
		"0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002 000000000000 00000000")))
	if p.Kind != KindARP || p.Control != 0 {
		t.Fatalf("kind %d, control %d", p.Kind, p.Control)
	}
	c := d.Controls[0]
	if c.Kind != ControlARP || c.Op != 2 || c.SenderMAC != [6]byte{2, 0, 0, 0, 0, 1} || c.TargetMAC != [6]byte{2, 0, 0, 0, 0, 2} ||
		c.SenderAddr.String() != "10.0.0.1" || c.TargetAddr.String() != "10.0.0.2" {
		t.Errorf("%+v", c)
	}
	if p.PairHash != PairHash(c.TargetAddr, c.SenderAddr) {
		t.Errorf("filed under %#x", p.PairHash)
	}
	_, _, dec := read(capture.LinkEthernet, ether(etherARP, octets(t, "0006 0800 06 04 0002")))
	if dec.Counts.EtherTypes[etherARP] != 1 {
		t.Errorf("ARP of another link: %v", dec.Counts.EtherTypes)
	}
}

func TestNeighbourDiscovery(t *testing.T) {
	target := "20010db8 00000000 00000000 00000009"
	p, d, _ := read(capture.LinkRaw, icmp6(135, 0, "00000000"+target+"0101 020000000001", t, nil))
	if p.Control != 0 {
		t.Fatalf("solicitation: control %d", p.Control)
	}
	c := d.Controls[0]
	if c.Kind != ControlND || c.Op != 135 || c.SenderAddr != p.Src || c.TargetAddr.String() != "2001:db8::9" || c.SenderMAC != [6]byte{2, 0, 0, 0, 0, 1} {
		t.Errorf("solicitation: %+v", c)
	}
	if p.PairHash != PairHash(p.Src, c.TargetAddr) {
		t.Error("a solicitation is filed under its source and target")
	}
	p, d, _ = read(capture.LinkRaw, icmp6(136, 0, "60000000"+target+"0201 020000000002", t, nil))
	if c := d.Controls[0]; c.Op != 136 || c.TargetMAC != [6]byte{2, 0, 0, 0, 0, 2} || p.PairHash != PairHash(p.Dst, c.TargetAddr) {
		t.Errorf("advertisement: %+v", c)
	}
}
