package decode

import (
	"testing"

	"whydrop/capture"
)

// TestTunnels wraps one TCP segment in each encapsulation.
func TestTunnels(t *testing.T) {
	inner4, inner6 := tcp4(filler(24)), tcp6(filler(24))
	frame4 := ether(etherIPv4, inner4)
	with := func(header string, rest []byte) []byte { return append(octets(t, header), rest...) }
	tests := []struct {
		name   string
		packet []byte
		tunnel Tunnel
		key    uint32
		six    bool
	}{
		{"IP in IP", ip4(ProtoIPIP, inner4), TunnelIPIP, 0, false},
		{"6in4", ip4(ProtoIPv6, inner6), Tunnel6in4, 0, true},
		{"IPv4 in IPv6", ip6(ProtoIPIP, inner4), TunnelIPIP, 0, false},
		{"IPv6 in IPv6", ip6(ProtoIPv6, inner6), TunnelIPIP, 0, true},
		{"GRE", ip4(ProtoGRE, with("0000 0800", inner4)), TunnelGRE, 0, false},
		{"GRE over IPv6", ip6(ProtoGRE, with("0000 86dd", inner6)), TunnelGRE, 0, true},
		{"GRE with checksum, key and sequence", ip4(ProtoGRE, with("b000 0800 12340000 00000539 00000001", inner4)), TunnelGRE, 1337, false},
		{"GRE with source routes", ip4(ProtoGRE, with("4000 0800 00000000 0800 00 04 0a000001 0000 00 00", inner4)), TunnelGRE, 0, false},
		{"GRE with Ethernet", ip4(ProtoGRE, with("2000 6558 00000007", frame4)), TunnelGRE, 7, false},
		{"GRE with MPLS", ip4(ProtoGRE, with("0000 8847 00010140", inner4)), TunnelGRE, 0, false},
		{"PPTP", ip4(ProtoGRE, with("3081 880b 0042 0007 00000001 00000002 ff03 0021", inner4)), TunnelGRE, 0x00420007, false},
		{"VXLAN", udp4(4789, with("08000000 00053900", frame4)), TunnelVXLAN, 1337, false},
		{"VXLAN on Linux's old port", udp4(8472, with("08000000 00053900", frame4)), TunnelVXLAN, 1337, false},
		{"VXLAN with group policy", udp6(4789, with("88000001 00053900", frame4)), TunnelVXLAN, 1337, false},
		{"VXLAN with a tag inside", udp4(4789, with("08000000 00053900 020000000002 020000000001 8100 0007 86dd", inner6)), TunnelVXLAN, 1337, true},
		{"Geneve with options", udp4(6081, with("02000000 00053900 0102 0001 00000000", nil)), TunnelNone, 0, false},
		{"Geneve with Ethernet and options", udp4(6081, with("02006558 00053900 01020001 00000000", frame4)), TunnelGeneve, 1337, false},
		{"Geneve with IP", udp4(6081, with("00000800 00053900", inner4)), TunnelGeneve, 1337, false},
		{"GTP-U", udp4(2152, with("30ff 0040 00000539", inner4)), TunnelGTPU, 1337, false},
		{"GTP-U with sequence and extension", udp4(2152, with("36ff 004c 00000539 0001 00 85 01100000 01000000", inner4)), TunnelNone, 0, false},
		{"GTP-U with extension headers", udp4(2152, with("34ff 0048 00000539 0001 00 85 01 1000 00", inner4)), TunnelGTPU, 1337, false},
		{"ERSPAN I", ip4(ProtoGRE, with("0000 88be", frame4)), TunnelERSPAN, 0, false},
		{"ERSPAN II", ip4(ProtoGRE, with("1000 88be 00000001 1001 0007 00000000", frame4)), TunnelERSPAN, 7, false},
		{"ERSPAN III", ip4(ProtoGRE, with("1000 22eb 00000001 2001 0007 00000000 00000000", frame4)), TunnelERSPAN, 7, false},
		{"ERSPAN III with subheader", ip4(ProtoGRE, with("1000 22eb 00000001 2001 0007 00000000 00000001 0000000000000000", frame4)), TunnelERSPAN, 7, false},
	}
	for _, tt := range tests {
		p, d, _ := read(capture.LinkRaw, tt.packet)
		if tt.tunnel == TunnelNone {
			if p.NumOuter != 0 || p.Kind != KindUDP {
				t.Errorf("%s: kind %d with %d outer headers, want plain UDP", tt.name, p.Kind, p.NumOuter)
			}
			continue
		}
		if p.NumOuter != 1 || len(d.Outers) != 1 {
			t.Errorf("%s: %d outer headers, want 1 (%v)", tt.name, p.NumOuter, p.Malformed)
			continue
		}
		o := d.Outers[p.Outer]
		if o.Tunnel != tt.tunnel || o.Key != tt.key || o.TTL != 64 {
			t.Errorf("%s: outer %+v, want %v with key %d", tt.name, o, tt.tunnel, tt.key)
		}
		version := uint8(4)
		if tt.six {
			version = 6
		}
		if p.Kind != KindTCP || p.IPVersion != version || p.TransportSum != ChecksumGood || p.PayloadLen != 24 || p.IPFlags&Tunnelled == 0 {
			t.Errorf("%s: kind %d, IP version %d, %v, payload %d, flags %#x", tt.name, p.Kind, p.IPVersion, p.TransportSum, p.PayloadLen, p.IPFlags)
		}
	}
}

// TestPortsAloneMakeNoTunnel sends to the ports of tunnels what is none.
func TestPortsAloneMakeNoTunnel(t *testing.T) {
	tests := []struct {
		name    string
		port    uint16
		payload string
	}{
		{"VXLAN without the I flag", 4789, "00000000 00053900 020000000002 020000000001 0800 4500"},
		{"VXLAN with reserved octets", 4789, "08000000 00053901 020000000002 020000000001 0800 4500"},
		{"VXLAN cut before the Ethernet header", 4789, "08000000 00053900 0200"},
		{"another protocol on 8472", 8472, "08000000 00053900 020000000002 020000000001 1234 4500"},
		{"Geneve of another version", 6081, "40006558 00053900 020000000002 020000000001 0800 4500"},
		{"Geneve with options beyond the end", 6081, "3f006558 00053900 020000000002 020000000001 0800 4500"},
		{"GTP-U echo request", 2152, "3201 0004 00000000 00010000"},
		{"GTP-U with neither IPv4 nor IPv6", 2152, "30ff 0004 00000539 c0210000"},
		{"GTP-U that claims more than there is", 2152, "30ff 0400 00000539 45000014"},
		{"VXLAN with LLDP inside", 4789, "08000000 00053900 0180c200000e 020000000001 88cc 0207"},
	}
	for _, tt := range tests {
		p, d, _ := read(capture.LinkRaw, udp4(tt.port, octets(t, tt.payload)))
		if p.Kind != KindUDP || p.NumOuter != 0 || len(d.Outers) != 0 || p.DstPort != tt.port || p.PayloadHash == 0 {
			t.Errorf("%s: kind %d, %d outer headers, port %d, hash %#x; want plain UDP",
				tt.name, p.Kind, p.NumOuter, p.DstPort, p.PayloadHash)
		}
	}
}

func TestTunnelsEnd(t *testing.T) {
	packet := tcp4(filler(4))
	for range maxTunnels {
		packet = ip4(ProtoIPIP, packet)
	}
	p, d, dec := read(capture.LinkRaw, packet)
	if p.Kind != KindTCP || p.NumOuter != maxTunnels || len(d.Outers) != maxTunnels || dec.Counts.TooDeep != 0 {
		t.Errorf("%d tunnels: kind %d, %d outer, too deep %d", maxTunnels, p.Kind, p.NumOuter, dec.Counts.TooDeep)
	}
	p, d, dec = read(capture.LinkRaw, ip4(ProtoIPIP, packet))
	if p.Kind != KindIP || p.NumOuter != maxTunnels || dec.Counts.TooDeep != 1 || len(d.Outers) != maxTunnels {
		t.Errorf("one more: kind %d, %d outer, too deep %d", p.Kind, p.NumOuter, dec.Counts.TooDeep)
	}
	labels := octets(t, "020000000002 020000000001 8847")
	for range 1000 {
		labels = append(labels, 0, 1, 0, 64)
	}
	if _, _, dec := read(capture.LinkEthernet, labels); dec.Counts.TooDeep != 1 {
		t.Errorf("a thousand labels: too deep %d, want 1", dec.Counts.TooDeep)
	}
}

func TestOuterVerdictsAreKept(t *testing.T) {
	frame := ether(etherIPv4, tcp4(filler(4)))
	outer := udp4(4789, append(octets(t, "08000000 00053900"), frame...))
	outer[26] ^= 0x55 // the UDP checksum
	p, d, dec := read(capture.LinkRaw, outer)
	if p.IPFlags&OuterBad == 0 || d.Outers[0].TransportSum != ChecksumBad || p.TransportSum != ChecksumGood {
		t.Errorf("flags %#x, outer %v, inner %v", p.IPFlags, d.Outers[0].TransportSum, p.TransportSum)
	}
	c := &dec.Counts.Checksums
	if c[LayerUDP][ChecksumBad] != 1 || c[LayerTCP][ChecksumGood] != 1 || c[LayerIPv4][ChecksumGood] != 2 {
		t.Errorf("counted %v", c)
	}
}

func TestARPInVXLAN(t *testing.T) {
	arp := octets(t, "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002")
	p, d, _ := read(capture.LinkRaw, udp4(4789, append(octets(t, "08000000 00053900"), ether(etherARP, arp)...)))
	if p.Kind != KindARP || p.NumOuter != 1 || d.Controls[p.Control].Kind != ControlARP {
		t.Errorf("kind %d, %d outer, control %d", p.Kind, p.NumOuter, p.Control)
	}
}

// A fragment of a tunnel holds only part of what is inside.
func TestFragmentedTunnelIsNotEntered(t *testing.T) {
	p, _, _ := read(capture.LinkRaw, ip4Frag(ProtoIPIP, 0x2000, tcp4(filler(12))))
	if p.Kind != KindIP || p.NumOuter != 0 || p.Protocol != ProtoIPIP || p.IPFlags&FirstFragment == 0 {
		t.Errorf("kind %d, %d outer, protocol %d, flags %#x", p.Kind, p.NumOuter, p.Protocol, p.IPFlags)
	}
}
