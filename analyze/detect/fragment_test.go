package detect

import (
	"fmt"
	"strings"
	"testing"

	"whydrop/decode"
)

// whole is a datagram of 4008 octets behind IP that never passes as a whole.
const whole = "+.001 a > b udp 4000 unseen as x\n"

// pieces are its fragments but those that are left out.
func pieces(without ...int) string {
	var b strings.Builder
	for i, r := range [][2]int{{0, 1480}, {1480, 2960}, {2960, 4008}} {
		skip := false
		for _, n := range without {
			skip = skip || n == i
		}
		if !skip {
			fmt.Fprintf(&b, "+.0001 = x frag %d:%d\n", r[0], r[1])
		}
	}
	return b.String()
}

func TestFragments(t *testing.T) {
	for _, h := range []hearing{
		{"all pieces", ten + whole + pieces() + ten, ``},
		{"the middle is missing", ten + whole + pieces(1) + ten, `
012 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"the end is missing", ten + whole + pieces(2) + ten, `
012 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"the first is missing, and its ID is not missing as well", ten + whole + pieces(0) + ten, `
012 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"the last one alone does not say how many are missing", ten + whole + pieces(0, 1) + ten, `
011 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"nor do tiny ones", ten + whole + "+.0001 = x frag 0:80\n+.0001 = x frag 2960:4008\n" + ten, `
012 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"a hole of two", ten + "+.001 a > b udp 5000 unseen as x\n+.0001 = x frag 0:1480\n+.0001 = x frag 4440:5008\n" + ten, `
012 fragment-missing of 2
2 fragment before-tap fragment fragments dir 0 frame 0`},
		{"all are missing: a datagram", ten + whole + pieces(0, 1, 2) + ten, `
1 datagram before-tap unknown datagram-id dir 0 frame 0`},
		{"the capture begins in the middle of it", whole + pieces(0) + ten, ``},
		{"out of order", ten + whole + "+.0001 = x frag 2960:4008\n+.0001 = x frag 0:1480\n+.0001 = x frag 1480:2960\n", ``},
		{"each twice", ten + whole + strings.ReplaceAll(pieces(), "\n", "\n+.0001 = x frag 1480:2960\n"), `
013 duplicate network
014 duplicate network
016 duplicate network`},
		{"overlapping", ten + whole + "+.0001 = x frag 0:1480\n+.0001 = x frag 800:2960\n+.0001 = x frag 2960:4008\n", ``},
		{"no time to send again: IPv6", "0 s > t udp 100\n+.1 s > t udp 4000 unseen as x\n" + pieces(1), `
003 fragment-missing
1 fragment before-tap fragment fragments dir 0 frame 0`},
		{"the receiver waited for a piece that passed here", ten + whole + pieces() + "+30 b > a icmp 11/1 quotes x\n", `
014 icmp-error`},
	} {
		t.Run(h.name, h.hold)
	}
}

// TestManyFragments sends datagrams of which the second halves never pass.
func TestManyFragments(t *testing.T) {
	var b strings.Builder
	b.WriteString(ten)
	for range 300 {
		b.WriteString("+.00001 a > b udp 2000 unseen as x\n+.00001 = x frag 0:1480\n")
	}
	f := hear(t, b.String(), 3)
	balanced(t, f)
	if n := len(f.Losses); n != 300 {
		t.Errorf("%d datagrams lack a piece, want 300", n)
	}
}

// TestFragmentsAreBounded: what is forgotten early is counted.
func TestFragmentsAreBounded(t *testing.T) {
	e := NewDatagrams(Options{})
	p := decode.Packet{
		IPVersion: 4, Protocol: decode.ProtoUDP, IPFlags: decode.Fragment | decode.MoreFragments | decode.HasID,
		FragOffset: 10, PayloadLen: 80, Kind: decode.KindIP, Control: -1,
	}
	const extra = 100
	for i := range maxFragmented + extra {
		p.ID, p.Time = uint32(i)&0xffff, int64(i)
		e.Packet(&p, nil)
	}
	if n := len(e.fragments); n > maxFragmented {
		t.Errorf("%d datagrams remembered, want at most %d", n, maxFragmented)
	}
	if e.log.GaveUp.Gaps != extra {
		t.Errorf("%d given up, want %d", e.log.GaveUp.Gaps, extra)
	}
}
