package detect

import "testing"

func TestQuotedDatagrams(t *testing.T) {
	for _, h := range []hearing{
		{"a closed port", "0 a > b udp 200 as x\n+.01 b > a icmp 3/3 quotes x\n", `
002 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 1`},
		{"a closed port, IPv6", "0 s > t udp 200 as x\n+.01 t > s icmp 1/4 quotes x\n", `
002 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 1`},
		{"no room on the way", "0 a > b udp 1400 as x\n+.01 r > a icmp 3/4 quotes x mtu 1280\n", `
002 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 1`},
		{"TTL expired", "0 a > b udp 200 as x\n+.01 r > a icmp 11/0 quotes x\n", `
002 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 1`},
		{"an answer to the second of three", "0 a > b udp 200\n+.01 a > b udp 200 as x\n+.01 a > b udp 200\n+.01 b > a icmp 3/3 quotes x\n", `
004 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 2`},
		{"two errors about one datagram", "0 a > b udp 200 as x\n+.01 r > a icmp 3/1 quotes x\n+.01 r > a icmp 3/1 quotes x\n", `
002 icmp-error
003 icmp-error
1 datagram after-tap icmp icmp-quote dir 0 frame 1`},
		{"a redirect is no loss", "0 a > b udp 200 as x\n+.01 r > a icmp 5/1 quotes x\n", `002 icmp-error`},
		{"a source quench is no loss", "0 a > b udp 200 as x\n+.01 r > a icmp 4/0 quotes x\n", `002 icmp-error`},
		{"the datagram passed elsewhere", "0 a > b udp 200 as x unseen\n+.01 b > a icmp 3/3 quotes x\n", `001 icmp-error`},
		{"an echo request that a router refused", "0 a > b icmp 8/0 octets 56 as x\n+.01 r > a icmp 3/1 quotes x\n", `
002 icmp-error
1 icmp after-tap icmp icmp-quote dir 0 frame 1`},
		{"an echo request that nobody answered", "0 a > b icmp 8/0 octets 56\n+1 a > b icmp 8/0 octets 56\n", ``},
		{"a damaged datagram is lost once", "0 a > b udp 200\n+.1 a > b udp 200 bad udp as x\n+.01 b > a icmp 3/3 quotes x\n", `
002 checksum-bad udp
003 icmp-error
1 datagram after-tap checksum-udp bad-checksum dir 0 frame 2`},
	} {
		t.Run(h.name, h.hold)
	}
}
