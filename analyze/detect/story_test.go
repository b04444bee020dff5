package detect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

const ms = int64(1e6)

// A story is two hosts and the packets of theirs that a tap sees, written down
// packet by packet. Sequence numbers are relative: 0 is the SYN.
type story struct {
	packets []decode.Packet
	now     int64
	isn     [2]uint32
	id      [2]uint16 // next IP ID; 0 = none
	ts      [2]uint32 // timestamp at time 0; 0 = none
	swap    bool      // addresses
	v6      bool
	noSACK  bool
	window  [2]uint16
	ports   [2]uint16
}

func newStory() *story {
	return &story{
		now: 1e18, isn: [2]uint32{1000, 50000}, id: [2]uint16{100, 7000}, ts: [2]uint32{10_000, 90_000},
		window: [2]uint16{500, 500}, ports: [2]uint16{40000, 443},
	}
}

// after lets d ms pass.
func (s *story) after(d float64) *story {
	s.now += int64(d * float64(ms))
	return s
}

// option changes a packet.
type option func(s *story, p *decode.Packet)

// packet adds a packet of dir with octets [lo, hi) that acknowledges ack of the
// other direction.
func (s *story) packet(dir int, flags uint16, lo, n, ack uint32, with ...option) *story {
	p := decode.Packet{
		Time: s.now, Number: uint64(len(s.packets) + 1), WireLength: 66 + n, CapLength: 66 + n, Link: 1, Kind: decode.KindTCP,
		IPVersion: 4, Protocol: decode.ProtoTCP, TTL: 60, IPLength: 52 + n, PayloadLen: n, PayloadCap: n, PayloadHash: lo ^ n<<7,
		SrcPort: s.ports[dir], DstPort: s.ports[1-dir], Flags: flags, Window: s.window[dir],
		Seq: s.isn[dir] + lo, Ack: s.isn[1-dir] + ack, TransportSum: decode.ChecksumGood, Control: -1, Outer: -1,
	}
	addrs := [2]decode.Addr{address("10.0.0.1"), address("10.0.0.2")}
	if s.v6 {
		p.IPVersion, addrs = 6, [2]decode.Addr{address("2001:db8::1"), address("2001:db8::2")}
	}
	if s.swap {
		addrs[0], addrs[1] = addrs[1], addrs[0]
	}
	p.Src, p.Dst = addrs[dir], addrs[1-dir]
	p.PairHash = binary.BigEndian.Uint32(addrs[0][12:]) ^ binary.BigEndian.Uint32(addrs[1][12:])
	if flags&decode.ACK == 0 {
		p.Ack = 0
	}
	if s.ts[dir] != 0 {
		p.Options |= decode.OptTimestamps
		p.TSVal = s.ts[dir] + uint32((s.now-1e18)/ms)
		p.TSEcr = s.heard(dir)
	}
	if s.id[dir] != 0 && !s.v6 {
		p.IPFlags |= decode.HasID
		p.ID = uint32(s.id[dir])
		if s.id[dir]++; s.id[dir] == 0 {
			s.id[dir] = 1
		}
	}
	if flags&decode.SYN != 0 {
		p.Options |= decode.OptMSS | decode.OptScale
		p.MSS, p.Scale = 1460, 7
		if !s.noSACK {
			p.Options |= decode.OptSACKOK
		}
	}
	for _, o := range with {
		o(s, &p)
	}
	s.packets = append(s.packets, p)
	return s
}

// heard is the newest timestamp of the other side that has reached dir, whose
// way to the tap is 10 ms.
func (s *story) heard(dir int) uint32 {
	for i := len(s.packets) - 1; i >= 0; i-- {
		p := &s.packets[i]
		if p.SrcPort == s.ports[1-dir] && p.Time <= s.now-10*ms {
			return p.TSVal
		}
	}
	return 0
}

func address(a string) decode.Addr { return netip.MustParseAddr(a).As16() }

// unseen makes a packet one that the tap did not see.
func (s *story) unseen() *story {
	s.packets = s.packets[:len(s.packets)-1]
	return s
}

func sacks(edges ...uint32) option {
	return func(s *story, p *decode.Packet) {
		dir := 0
		if p.SrcPort != s.ports[0] {
			dir = 1
		}
		p.Options |= decode.OptSACK
		for i := 0; i < len(edges); i += 2 {
			p.SACK[p.NumSACK] = [2]uint32{s.isn[1-dir] + edges[i], s.isn[1-dir] + edges[i+1]}
			p.NumSACK++
		}
	}
}

func echoing(ms uint32) option {
	return func(s *story, p *decode.Packet) {
		dir := 0
		if p.SrcPort != s.ports[0] {
			dir = 1
		}
		p.TSEcr = s.ts[1-dir] + ms
	}
}

// numbered gives a packet of the originator an earlier number than its turn.
func numbered(id uint16) option {
	return func(s *story, p *decode.Packet) {
		p.ID = uint32(id)
		s.id[0]--
	}
}

func stamped(at uint32) option {
	return func(s *story, p *decode.Packet) { p.TSVal = s.ts[0] + at }
}

func damaged(s *story, p *decode.Packet) { p.TransportSum, p.HeaderSum = decode.ChecksumBad, 0xbad }

func closing(w uint16) option { return func(_ *story, p *decode.Packet) { p.Window = w } }

const (
	flagACK = decode.ACK
	flagPSH = decode.ACK | decode.PSH
)

// handshake is a SYN, a SYN-ACK and an ACK through a tap in the middle of a
// path of 40 ms: 10 ms above it, 10 ms below it, each way.
func (s *story) handshake() *story {
	s.packet(0, decode.SYN, 0, 0, 0).after(20)
	s.packet(1, decode.SYN|decode.ACK, 0, 0, 1, echoing(0)).after(20)
	return s.packet(0, flagACK, 1, 0, 1, echoing(20))
}

// bulk sends n full segments of originator's data from segment number first, 0.1 ms apart.
func (s *story) bulk(first, n int) *story {
	for i := range n {
		s.packet(0, flagACK, at1(first+i), mss, 1).after(.1)
	}
	return s
}

const mss = 1448

// at1 is the relative sequence number of segment n.
func at1(n int) uint32 { return uint32(1 + n*mss) }

// ack acknowledges everything below segment n.
func (s *story) ack(n int, with ...option) *story {
	return s.packet(1, flagACK, 1, 0, at1(n), with...)
}

// without drops the ith packet (from 0) of s: the tap did not see it.
func (s *story) without(i int) *story {
	c := *s
	c.packets = slices.Delete(slices.Clone(s.packets), i, i+1)
	return &c
}

// play gives the packets to an engine, with ticks every second, and ends the
// capture some time after the last packet.
func (s *story) play(longer float64) flow.Findings {
	return playAll(s.packets, int64(longer*float64(ms)))
}

func playAll(packets []decode.Packet, longer int64) flow.Findings {
	e := NewEngine(Options{})
	var tick, last int64
	for i := range packets {
		p := &packets[i]
		if p.Time >= tick {
			if tick != 0 {
				e.Tick(p.Time)
			}
			tick = p.Time - p.Time%1e9 + 1e9
		}
		e.Packet(p, nil)
		last = max(last, p.Time)
	}
	return e.Finish(last + longer)
}

// rules are short names of the rules that TCP uses.
var rules = [flow.NumRules]string{
	flow.RuleSACKHole: "sack-hole", flow.RuleAckLost: "ack-lost", flow.RuleEchoed: "echoed", flow.RuleAmbiguous: "ambiguous",
	flow.RuleGapRepaired: "gap-repaired", flow.RuleAckedUnseen: "acked-unseen", flow.RuleNeverRepaired: "never-repaired",
	flow.RuleIDGap: "id-gap", flow.RuleDroppedAfterTap: "dropped-after-tap", flow.RuleBadChecksum: "bad-checksum",
	flow.RuleTailRepair: "tail-repair", flow.RuleSYN: "syn", flow.RuleICMPQuote: "icmp-quote", flow.RuleOneWay: "one-way",
}

// says writes findings down as a test compares them: losses, then what the
// kinds of symptoms are on which frames.
func says(f flow.Findings) string {
	var out []string
	for i := range f.Losses {
		l := &f.Losses[i]
		out = append(out, fmt.Sprintf("%d %v %v %v %s frame %d repair %d", l.Packets, l.What, l.Place, l.Reason, rules[l.Rule], l.Frame.Number, l.Repair.Number))
	}
	slices.Sort(out)
	var seen []string
	for i := range f.Symptoms {
		y := &f.Symptoms[i]
		t := fmt.Sprintf("%03d %v", y.Frame.Number, y.Kind)
		if y.Detail != flow.NoDetail {
			t += " " + y.Detail.String()
		}
		if y.Kind == flow.Retransmission {
			t += " " + y.Need.String()
		}
		seen = append(seen, t)
	}
	slices.Sort(seen)
	return strings.Join(append(out, seen...), "\n")
}

// checkBalance holds that the counts of flows are the sums over losses.
func checkBalance(t *testing.T, f flow.Findings) {
	t.Helper()
	sum := make([][2][flow.NumPlaces]uint32, len(f.Flows))
	for i := range f.Losses {
		l := &f.Losses[i]
		sum[l.Flow][l.Dir][l.Place] += l.Packets
	}
	for i := range f.Flows {
		for d := range 2 {
			if f.Flows[i].Dir[d].Missing != sum[i][d] {
				t.Errorf("flow %d direction %d: %v missing, %v in losses", i, d, f.Flows[i].Dir[d].Missing, sum[i][d])
			}
		}
	}
}
