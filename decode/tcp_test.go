package decode

import (
	"testing"

	"whydrop/capture"
)

func TestTCPOptions(t *testing.T) {
	tests := []struct {
		name    string
		options string
		want    Packet // only option fields are compared
	}{
		{"none", "", Packet{}},
		{"SYN of Linux", "020405b4 0402 080a 00000001 00000000 01 030307", Packet{
			Options: OptMSS | OptSACKOK | OptTimestamps | OptScale, MSS: 1460, TSVal: 1, Scale: 7,
		}},
		{"everyday timestamps", "0101080a 00000007 00000009", Packet{Options: OptTimestamps, TSVal: 7, TSEcr: 9}},
		{"timestamps without padding in front", "080a 00000007 00000009 0000", Packet{Options: OptTimestamps, TSVal: 7, TSEcr: 9}},
		{"two SACK options", "0101050a 00000001 00000002 0101 050a 00000003 00000004", Packet{
			Options: OptSACK, NumSACK: 2, SACK: [4][2]uint32{{1, 2}, {3, 4}},
		}},
		{"four SACK blocks", "0522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 0101", Packet{
			Options: OptSACK, NumSACK: 4, SACK: [4][2]uint32{{1, 2}, {3, 4}, {5, 6}, {7, 8}},
		}},
		{"scale above 14", "01 0303ff", Packet{Options: OptScale, Scale: 14}},
		{"MPTCP", "1e0c 00810000000000000000 01010101", Packet{Options: OptMPTCP}},
		{"unknown", "fe04 f989 01010101", Packet{Options: OptUnknown}},
		{"end of list before rubbish", "00ffffff", Packet{}},
		{"length 0", "0200 05b4", Packet{Options: OptMalformed}},
		{"length 1", "0201 05b4", Packet{Options: OptMalformed}},
		{"MSS of three octets", "0203 05 01", Packet{Options: OptMalformed}},
		{"SACK of nine octets", "0509 00000001000000 010101", Packet{Options: OptMalformed}},
		{"SACK of seven octets", "0507 0000000100 01", Packet{Options: OptMalformed}},
		{"option beyond the header", "01 01 01 08", Packet{Options: OptMalformed}},
		{"option longer than the header", "01 01 080a", Packet{Options: OptMalformed}},
		{"good ones before a bad one count", "020405b4 0300 0101", Packet{Options: OptMSS | OptMalformed, MSS: 1460}},
	}
	for _, tt := range tests {
		p, _, _ := read(capture.LinkRaw, tcp4(filler(5), octets(t, tt.options)...))
		if p.Kind != KindTCP || p.PayloadLen != 5 || p.TransportSum != ChecksumGood {
			t.Errorf("%s: kind %d, payload %d, %v", tt.name, p.Kind, p.PayloadLen, p.TransportSum)
		}
		w := tt.want
		if p.Options != w.Options || p.MSS != w.MSS || p.Scale != w.Scale || p.TSVal != w.TSVal || p.TSEcr != w.TSEcr ||
			p.NumSACK != w.NumSACK || p.SACK != w.SACK {
			t.Errorf("%s: options %#x MSS %d scale %d timestamps %d %d SACK %d %v, want %#x %d %d %d %d %d %v", tt.name,
				p.Options, p.MSS, p.Scale, p.TSVal, p.TSEcr, p.NumSACK, p.SACK, w.Options, w.MSS, w.Scale, w.TSVal, w.TSEcr, w.NumSACK, w.SACK)
		}
	}
}

func TestTCPOptionsCut(t *testing.T) {
	b := tcp4(filler(50), octets(t, "020405b4 0402 080a 00000001 00000000 01 030307")...)
	for n := 40; n <= 60; n++ {
		p, _, _ := readFrame(capture.Frame{Data: b[:n], WireLength: uint32(len(b)), Link: capture.LinkRaw})
		want := TCPOptions(0)
		for end, o := range map[int]TCPOptions{44: OptMSS, 46: OptSACKOK, 56: OptTimestamps, 60: OptScale} {
			if n >= end {
				want |= o
			}
		}
		if n < 60 {
			want |= OptCut
		}
		if p.Kind != KindTCP || p.Options != want || p.PayloadLen != 50 || p.PayloadCap != 0 || p.TransportSum != ChecksumPartial {
			t.Errorf("cut to %d: kind %d, options %#x, payload %d, %v; want options %#x", n, p.Kind, p.Options, p.PayloadLen, p.TransportSum, want)
		}
	}
}

func TestFlags(t *testing.T) {
	s := tcpSegment(nil)
	s[12], s[13] = 0x51, 0xff // NS and all eight
	p, _, _ := read(capture.LinkRaw, ip4(ProtoTCP, s))
	if want := FIN | SYN | RST | PSH | ACK | URG | ECE | CWR | AE; p.Flags != want {
		t.Errorf("flags %#x, want %#x", p.Flags, want)
	}
}
