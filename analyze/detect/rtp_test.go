package detect

import (
	"fmt"
	"strings"
	"testing"
)

// call is ten packets of RTP, without IP IDs to number them.
const call = `
repeat 10
+.02 s > t udp 172 rtp next
end
`

func TestRTP(t *testing.T) {
	for _, h := range []hearing{
		{"two are missing", call + "+.02 s > t udp 172 rtp next unseen\n+.02 s > t udp 172 rtp next unseen\n" + call, `
011 rtp-gap of 2
2 datagram before-tap unknown rtp dir 0 frame 0`},
		{"one is late", call + "+.02 s > t udp 172 rtp next unseen as x\n+.02 s > t udp 172 rtp next\n+.001 = x\n" + call, `
012 reordered`},
		{"a gap before it is known to be RTP", "+.02 s > t udp 172 rtp 100\n+.02 s > t udp 172 rtp 102\n+.02 s > t udp 172 rtp 103\n" + call, `
002 rtp-gap
1 datagram before-tap unknown rtp dir 0 frame 0`},
		{"numbers wrap", "+.02 s > t udp 172 rtp 65530\n" + call, ``},
		{"too few to be sure", "+.02 s > t udp 172 rtp 100\n+.02 s > t udp 172 rtp 103\n", ``},
		{"IP IDs number the same packets: lost once",
			strings.ReplaceAll(call, "s > t", "a > b") + "+.02 a > b udp 172 rtp next unseen\n" + strings.ReplaceAll(call, "s > t", "a > b"), `
011 rtp-gap
1 datagram before-tap unknown datagram-id dir 0 frame 0`},
		{"the sender starts anew", call + "+.02 s > t udp 172 rtp 30000\n" + call, ``},
		{"no RTP: the payload is the same each time", "repeat 30\n+.02 s > t udp 172\nend\n", ``},
	} {
		t.Run(h.name, h.hold)
	}
}

// TestRTPSwapped sends every second packet before the first of its pair.
func TestRTPSwapped(t *testing.T) {
	const pairs = 300
	var b strings.Builder
	b.WriteString("+.02 s > t udp 172 rtp 0\n")
	for i := range pairs {
		fmt.Fprintf(&b, "+.02 s > t udp 172 rtp %d\n+.001 s > t udp 172 rtp %d\n", 2*i+2, 2*i+1)
	}
	f := hear(t, b.String(), 3)
	if len(f.Losses) != 0 || f.Flows[0].Dir[0].Reordered != pairs || !f.Flows[0].Dir[0].RTP {
		t.Errorf("%d losses, %d reordered, want 0, %d: %v", len(f.Losses), f.Flows[0].Dir[0].Reordered, pairs, f.Losses)
	}
}
