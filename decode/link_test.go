package decode

import (
	"testing"

	"whydrop/capture"
)

// TestLinkLayers puts the same TCP segment behind every header that we read.
func TestLinkLayers(t *testing.T) {
	const snap = "aaaa03 000000 0800 "
	tests := []struct {
		name   string
		link   capture.LinkType
		header string
		six    bool
	}{
		{"Ethernet II", capture.LinkEthernet, "020000000002 020000000001 0800", false},
		{"Ethernet II, IPv6", capture.LinkEthernet, "020000000002 020000000001 86dd", true},
		{"802.3 with SNAP", capture.LinkEthernet, "020000000002 020000000001 0048 " + snap, false},
		{"802.3 with the SAP of IP", capture.LinkEthernet, "020000000002 020000000001 0043 060603", false},
		{"802.1Q", capture.LinkEthernet, "020000000002 020000000001 8100 2007 0800", false},
		{"802.1ad with 802.1Q", capture.LinkEthernet, "020000000002 020000000001 88a8 0001 8100 0002 0800", false},
		{"five tags", capture.LinkEthernet, "020000000002 020000000001 88a8 0001 9100 0002 9200 0003 9300 0004 8100 0005 0800", false},
		{"MPLS, one label", capture.LinkEthernet, "020000000002 020000000001 8847 00010140", false},
		{"MPLS, three labels, IPv6", capture.LinkEthernet, "020000000002 020000000001 8847 00010040 00020040 00030140", true},
		{"MPLS pseudowire with control word", capture.LinkEthernet, "020000000002 020000000001 8847 00010140 00000000 020000000004 020000000003 0800", false},
		{"PPPoE session", capture.LinkEthernet, "020000000002 020000000001 8864 1100 0001 0042 0021", false},
		{"PPPoE session, protocol field compressed", capture.LinkEthernet, "020000000002 020000000001 8864 1100 0001 0041 21", false},
		{"PPPoE in QinQ, IPv6", capture.LinkEthernet, "020000000002 020000000001 88a8 0001 8100 0002 8864 1100 0001 0056 0057", true},
		{"PPP", capture.LinkPPP, "0021", false},
		{"PPP with address and control", capture.LinkPPP, "ff03 0021", false},
		{"PPP, everything compressed", capture.LinkPPP, "21", false},
		{"PPP in HDLC framing, IPv6", capture.LinkPPPHDLC, "ff03 0057", true},
		{"Cisco HDLC", capture.LinkPPPHDLC, "0f00 0800", false},
		{"PPP with MPLS", capture.LinkPPP, "ff03 0281 00010140", false},
		{"PPP with direction", capture.LinkPPPDir, "01 ff03 0021", false},
		{"PPPoE as link type", capture.LinkPPPoE, "1100 0001 0042 0021", false},
		{"raw IP", capture.LinkRaw, "", false},
		{"raw IP, IPv6", capture.LinkRaw, "", true},
		{"raw IP, DLT 12", capture.LinkRawBSD, "", true},
		{"raw IP, DLT 14", capture.LinkRawOpenBSD, "", false},
		{"IPv4", capture.LinkIPv4, "", false},
		{"IPv6", capture.LinkIPv6, "", true},
		{"Linux cooked", capture.LinkLinuxSLL, "0004 0001 0006 0200000000010000 0800", false},
		{"Linux cooked, IPv6 in 802.1Q", capture.LinkLinuxSLL, "0000 0001 0006 0200000000010000 8100 0007 86dd", true},
		{"Linux cooked, LLC", capture.LinkLinuxSLL, "0000 0001 0006 0200000000010000 0004 " + snap, false},
		{"Linux cooked v2", capture.LinkLinuxSLL2, "0800 0000 00000003 0001 04 06 0200000000010000", false},
		{"BSD null, little endian", capture.LinkNull, "02000000", false},
		{"BSD null, big endian, FreeBSD's IPv6", capture.LinkNull, "0000001c", true},
		{"BSD null, little endian, Darwin's IPv6", capture.LinkNull, "1e000000", true},
		{"BSD loop, OpenBSD's IPv6", capture.LinkLoop, "00000018", true},
		{"802.11 to the access point", capture.LinkIEEE80211, "0801 0000 020000000001 020000000002 020000000003 1000 " + snap, false},
		{"802.11 with QoS", capture.LinkIEEE80211, "8802 0000 020000000001 020000000002 020000000003 1000 0600 " + snap, false},
		{"802.11 with four addresses", capture.LinkIEEE80211, "0803 0000 020000000001 020000000002 020000000003 1000 020000000004 " + snap, false},
		{"802.11 with QoS and HT control", capture.LinkIEEE80211, "8881 0000 020000000001 020000000002 020000000003 1000 0600 00000000 " + snap, false},
		{"radiotap", capture.LinkRadiotap, "0000 0800 00000000 0801 0000 020000000001 020000000002 020000000003 1000 " + snap, false},
		{"radiotap with TSFT and padded header", capture.LinkRadiotap,
			"0000 1c00 03000080 00000000 00000000 0000000000000000 20 000000 8801 0000 020000000001 020000000002 020000000003 1000 0600 0000" + snap, false},
	}
	for _, tt := range tests {
		segment := tcp4(filler(24))
		if tt.six {
			segment = tcp6(filler(24))
		}
		p, _, dec := read(tt.link, append(octets(t, tt.header), segment...))
		if p.Kind != KindTCP || p.TransportSum != ChecksumGood || p.PayloadLen != 24 || p.Malformed != WellFormed {
			t.Errorf("%s: kind %d, checksum %v, payload %d, %v; want TCP, good, 24",
				tt.name, p.Kind, p.TransportSum, p.PayloadLen, p.Malformed)
		}
		if p.SrcPort != 40000 || p.DstPort != 443 || p.Seq != 0x01020304 {
			t.Errorf("%s: %d > %d, sequence %#x", tt.name, p.SrcPort, p.DstPort, p.Seq)
		}
		if dec.Counts.LinkTypes[tt.link] != 1 || len(dec.Counts.UnknownLink) != 0 {
			t.Errorf("%s: counted as %v, unknown %v", tt.name, dec.Counts.LinkTypes, dec.Counts.UnknownLink)
		}
	}
}

func TestLinksThatSayNothing(t *testing.T) {
	tests := []struct {
		name  string
		link  capture.LinkType
		frame string
		ether uint16 // counted under this EtherType, 0 for none
	}{
		{"spanning tree", capture.LinkEthernet, "0180c2000000 020000000001 0026 424203 000000000000", etherLLC},
		{"LLDP", capture.LinkEthernet, "0180c200000e 020000000001 88cc 0207040200000000", 0x88cc},
		{"PPPoE discovery", capture.LinkEthernet, "020000000002 020000000001 8863 1109 0000 0004 01010000", 0x8863},
		{"PPPoE session with a discovery code", capture.LinkEthernet, "020000000002 020000000001 8864 1109 0000 0004 01010000", etherPPPoE},
		{"PPP, link control", capture.LinkPPP, "ff03 c021 0101 0004", etherPPP},
		{"MPLS, associated channel", capture.LinkEthernet, "020000000002 020000000001 8847 00010140 10000007 00", etherMPLS},
		{"MPLS, control word before no Ethernet", capture.LinkEthernet, "020000000002 020000000001 8847 00010140 00000000 00112233445566778899aabbccdd", etherMPLS},
		{"SNAP of another organisation", capture.LinkEthernet, "020000000002 020000000001 0010 aaaa03 00000c 2000 0001", etherLLC},
		{"802.11 beacon", capture.LinkIEEE80211, "8000 0000 ffffffffffff 020000000002 020000000003 1000 0000", etherWiFi},
		{"802.11 encrypted", capture.LinkIEEE80211, "0841 0000 020000000001 020000000002 020000000003 1000 aaaa03 000000 0800 45", etherWiFi},
		{"802.11 without data", capture.LinkIEEE80211, "4801 0000 020000000001 020000000002 020000000003 1000", etherWiFi},
		{"802.11 later fragment", capture.LinkIEEE80211, "0801 0000 020000000001 020000000002 020000000003 1100 aaaa03 000000 0800 45", etherWiFi},
		{"802.11 aggregate", capture.LinkIEEE80211, "8801 0000 020000000001 020000000002 020000000003 1000 8000 0000", etherWiFi},
		{"netlink in Linux cooked", capture.LinkLinuxSLL, "0004 0338 0000 0000000000000000 0800 45000000", 0},
		{"BSD null with AppleTalk", capture.LinkNull, "10000000 45000014", 0},
	}
	for _, tt := range tests {
		p, _, dec := read(tt.link, octets(t, tt.frame))
		if p.Kind != KindOther || p.IPVersion != 0 || p.Malformed != WellFormed {
			t.Errorf("%s: kind %d, IP version %d, %v; want nothing read", tt.name, p.Kind, p.IPVersion, p.Malformed)
		}
		if tt.ether != 0 && dec.Counts.EtherTypes[tt.ether] != 1 {
			t.Errorf("%s: counted as %v, want %#04x", tt.name, dec.Counts.EtherTypes, tt.ether)
		}
	}
	p, _, dec := read(147, octets(t, "45000014"))
	if p.Kind != KindUnknown || dec.Counts.UnknownLink[147] != 1 {
		t.Errorf("link type 147: kind %d, unknown %v", p.Kind, dec.Counts.UnknownLink)
	}
}

func TestLinkFacts(t *testing.T) {
	ack := tcp4(nil)
	p, _, _ := read(capture.LinkEthernet, append(octets(t, "020000000002 020000000001 88a8 0001 8100 a002 8100 0003 0800"), ack...))
	if p.NumVLAN != 3 || p.VLAN != [2]uint16{1, 2} {
		t.Errorf("three tags: %d, %v", p.NumVLAN, p.VLAN)
	}
	q, _, _ := read(capture.LinkEthernet, append(octets(t, "020000000002 020000000001 88a8 0001 8100 a004 8100 0003 0800"), ack...))
	r, _, _ := read(capture.LinkEthernet, ether(etherIPv4, ack))
	if p.MACHash == q.MACHash || p.MACHash == r.MACHash || r.MACHash == 0 {
		t.Errorf("MAC hashes %#x %#x %#x: want three different ones", p.MACHash, q.MACHash, r.MACHash)
	}
	s, _, _ := read(capture.LinkRaw, ack)
	if s.MACHash != 0 {
		t.Errorf("a MAC hash %#x without MAC addresses", s.MACHash)
	}
	padded, _, _ := read(capture.LinkEthernet, append(ether(etherIPv4, ack), 0, 0, 0, 0, 0, 0))
	if padded.IPFlags&Padded == 0 || padded.PayloadLen != 0 || padded.TransportSum != ChecksumGood {
		t.Errorf("Ethernet padding: flags %#x, payload %d, %v", padded.IPFlags, padded.PayloadLen, padded.TransportSum)
	}
	for _, tt := range []struct {
		link   capture.LinkType
		header string
		want   capture.Direction
	}{
		{capture.LinkLinuxSLL, "0004 0001 0006 0200000000010000 0800", capture.Outbound},
		{capture.LinkLinuxSLL, "0000 0001 0006 0200000000010000 0800", capture.Inbound},
		{capture.LinkLinuxSLL, "0003 0001 0006 0200000000010000 0800", capture.DirectionUnknown},
		{capture.LinkLinuxSLL2, "0800 0000 00000003 0001 04 06 0200000000010000", capture.Outbound},
		{capture.LinkPPPDir, "00 0021", capture.Inbound},
		{capture.LinkPPPDir, "01 0021", capture.Outbound},
	} {
		p, _, _ := read(tt.link, append(octets(t, tt.header), ack...))
		if p.Direction != tt.want {
			t.Errorf("link type %d, %s: direction %v, want %v", tt.link, tt.header, p.Direction, tt.want)
		}
	}
	bad, _, _ := read(capture.LinkRadiotap, octets(t, "0000 0900 02000000 50 8000 0000 ffffffffffff 020000000002 020000000003 1000 00000000"))
	if bad.LinkErrors&capture.LinkErrorCRC == 0 {
		t.Errorf("radiotap with a bad frame check sequence: link errors %#x", bad.LinkErrors)
	}
}
