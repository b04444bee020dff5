package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/capture/scenario"
	"whydrop/decode"
)

// hosts are a and b with an address each for both versions, and a router.
const hosts = `
a = 10.0.0.1:5000 id 1000
b = 10.0.0.2:6000 id 9000
n = 10.0.0.1:5000 id none
c = 10.0.0.1:5001 id random
s = [2001:db8::1]:5000
t = [2001:db8::2]:6000
r = 10.0.0.254
`

// hear plays a capture written as text to an engine, with the ticks of the
// pipeline, and returns what is found until longer seconds after its end.
func hear(t *testing.T, text string, longer int) flow.Findings {
	t.Helper()
	s, err := scenario.Parse("test", []byte(hosts+text))
	if err != nil {
		t.Fatal(err)
	}
	return listen(s.Frames(), int64(longer)*1e9)
}

func listen(frames []capture.Frame, longer int64) flow.Findings {
	const second = int64(1e9)
	e, dec, d := NewEngine(Options{}), decode.NewDecoder(), &decode.Decoded{}
	last, tick := int64(0), int64(0)
	for i := range frames {
		dec.Batch(capture.NewBatch(frames[i:i+1], nil), d)
		p := &d.Packets[0]
		if p.Time >= tick {
			if tick != 0 {
				e.Tick(p.Time)
			}
			tick = p.Time - p.Time%second + second
		}
		e.Packet(p, d)
		last = p.Time
	}
	for now := last; now <= last+longer; now += second {
		e.Tick(now)
	}
	return e.Finish(last + longer)
}

// datagramRules are short names of the rules that only datagrams use.
var datagramRules = map[flow.Rule]string{
	flow.RuleDatagramID: "datagram-id", flow.RuleRTP: "rtp", flow.RuleFragments: "fragments",
}

// told writes losses and symptoms, one a line.
func told(f flow.Findings) string {
	var out []string
	for _, l := range f.Losses {
		rule := rules[l.Rule] + datagramRules[l.Rule]
		out = append(out, fmt.Sprintf("%d %v %v %v %s dir %d frame %d", l.Packets, l.What, l.Place, l.Reason, rule, l.Dir, l.Frame.Number))
	}
	for _, s := range f.Symptoms {
		line := strings.TrimSpace(fmt.Sprintf("%03d %v %v", s.Frame.Number, s.Kind, s.Detail))
		if s.Packets > 1 {
			line += fmt.Sprintf(" of %d", s.Packets)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// A hearing is a capture and what must be said of it.
type hearing struct {
	name string
	text string
	want string
}

func (h hearing) hold(t *testing.T) {
	t.Helper()
	f := hear(t, h.text, 3)
	balanced(t, f)
	if got, want := told(f), strings.TrimSpace(h.want); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", h.name, got, want)
	}
}

// balanced checks that the facts of flows and the losses say the same.
func balanced(t *testing.T, f flow.Findings) {
	t.Helper()
	missing := make([][2][flow.NumPlaces]uint32, len(f.Flows))
	for _, l := range f.Losses {
		missing[l.Flow][l.Dir][l.Place] += l.Packets
	}
	for i := range f.Flows {
		for d := range f.Flows[i].Dir {
			if f.Flows[i].Dir[d].Missing != missing[i][d] {
				t.Errorf("flow %d, direction %d: missing %v, losses say %v", i, d, f.Flows[i].Dir[d].Missing, missing[i][d])
			}
		}
	}
}

// ten datagrams in a row, which calibrate the counter.
const ten = `
repeat 10
+.001  a > b  udp 200
end
`

func TestNumberedDatagrams(t *testing.T) {
	for _, h := range []hearing{
		{"two missing IDs are two datagrams lost before the tap",
			ten + "+.001 a > b udp 200 unseen\n+.001 a > b udp 200 unseen\n" + ten, `
2 datagram before-tap unknown datagram-id dir 0 frame 0`},
		{"a late one is reordered, and nothing is lost",
			ten + "+.001 a > b udp 200 unseen as x\n+.001 a > b udp 200\n+.0001 = x\n" + ten, `012 reordered`},
		{"numbers missing all the time are those of a counter for the whole host",
			strings.Repeat("+.001 a > b udp 200\n+.0005 a > b udp 200 unseen\n+.0005 a > b udp 200\n", 20), ``},
		{"IDs of 0 number nothing", strings.ReplaceAll(ten, "a >", "n >") +
			"+.001 n > b udp 200 unseen\n" + strings.ReplaceAll(ten, "a >", "n >"), ``},
		{"random IDs number nothing", strings.ReplaceAll(ten, "a >", "c >") +
			"+.001 c > b udp 200 unseen\n" + strings.ReplaceAll(ten, "a >", "c >"), ``},
		{"a few datagrams calibrate nothing", "0 a > b udp 200\n+.1 a > b udp 200 unseen\n+.1 a > b udp 200\n", ``},
		{"the wrap of the counter is no loss", `
repeat 10
+.001 a > b udp 200
end
+.001 a > b udp 200 id 65534
+.001 a > b udp 200 id 65535
+.001 a > b udp 200 id 0
+.001 a > b udp 200 id 1
`, ``},
		{"a datagram that was damaged is not missing as well",
			ten + "+.001 a > b udp 200 bad udp as x\n" + ten, `
011 checksum-bad udp
1 datagram after-tap checksum-udp bad-checksum dir 0 frame 11`},
		{"silence says nothing about loss", "0 s > t udp 200\n+1 s > t udp 300\n+1 t > s udp 100\n", ``},
	} {
		t.Run(h.name, h.hold)
	}
}

// TestSharedCounter: two sockets that share a counter take each other's numbers.
func TestSharedCounter(t *testing.T) {
	var b strings.Builder
	id := 1000
	// Mostly one conversation, so that most of its numbers do follow each other.
	for i := range 60 {
		from := "a"
		if i%5 == 4 {
			from = "c"
		}
		fmt.Fprintf(&b, "+.001 %s > b udp 200 id %d\n", from, id)
		id++
	}
	hearing{"shared", b.String(), ``}.hold(t)
}

func TestDatagramCopies(t *testing.T) {
	for _, h := range []hearing{
		{"the same ID again is a copy", ten + "+.001 a > b udp 200 as x\n+.0002 = x\n+.05 = x\n", `
012 duplicate network
013 duplicate network`},
		{"a router later", "0 a > b udp 200 as x\n+.0002 = x ttl 63\n", `002 duplicate network`},
		{"without ID, behind a router", "0 s > t udp 200 as x\n+.0002 = x ttl 63\n", `002 duplicate network`},
		{"the same words again are no copy", "repeat 30\n+.0005 s > t udp 200\nend\n", ``},
		{"the same words again, without an ID, are no copy", "repeat 30\n+.0005 n > b udp 200\nend\n", ``},
		{"a copy among different words", "0 s > t udp 100\n+.1 s > t udp 200 as x\n+.0001 = x\n", `003 duplicate network`},
		{"the same ID after a long time is another datagram", "0 a > b udp 200 id 7\n+1.5 a > b udp 200 id 7\n", ``},
		{"a copy of an echo request", "0 a > b icmp 8/0 octets 56 as x\n+.0001 = x\n", `002 duplicate network`},
	} {
		t.Run(h.name, h.hold)
	}
}

func TestDatagramChecksums(t *testing.T) {
	for _, h := range []hearing{
		{"damaged in transit", ten + "+.001 a > b udp 200 bad udp\n", `
011 checksum-bad udp
1 datagram after-tap checksum-udp bad-checksum dir 0 frame 11`},
		{"a bit of a port flipped", ten + "+.001 a > b udp 200 flip 160\n", `
011 checksum-bad udp
1 datagram after-tap checksum-udp bad-checksum dir 0 frame 11`},
		{"the IP header is damaged", ten + "+.001 a > b udp 200 bad ip\n", `
011 checksum-bad ipv4
1 datagram after-tap checksum-ip bad-checksum dir 0 frame 11`},
		{"left to the NIC", ten + "+.001 a > b udp 200 pending\n", ``},
		{"cut by the snap length", "snap 60\n" + ten + "+.001 a > b udp 200 bad udp\n", ``},
		{"nobody computes them", "with bad udp\n" + ten + ten, strings.TrimSpace(allBad(20))},
		{"on its way out", ten + "+.001 a > b udp 200 bad udp out\n", `011 checksum-bad udp`},
	} {
		t.Run(h.name, h.hold)
	}
}

func allBad(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%03d checksum-bad udp\n", i+1)
	}
	return b.String()
}
