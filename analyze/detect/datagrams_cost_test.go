package detect

import (
	"math/rand"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// chatter makes packets of many conversations, of every kind that is not TCP,
// with everything that can go wrong.
func chatter(r *rand.Rand, n int) ([]decode.Packet, *decode.Decoded) {
	d := &decode.Decoded{}
	packets := make([]decode.Packet, n)
	addr := func() (a decode.Addr) {
		a[10], a[11], a[12], a[15] = 0xff, 0xff, 10, byte(r.Intn(4))
		return a
	}
	now := int64(0)
	for i := range packets {
		now += int64(r.Intn(50e6))
		p := &packets[i]
		*p = decode.Packet{
			Time: now, Number: uint64(i + 1), Kind: decode.KindUDP, IPVersion: 4, Protocol: decode.ProtoUDP, TTL: 64,
			IPFlags: decode.HasID, ID: uint32(i/3) & 0xffff, PayloadLen: uint32(r.Intn(3) * 8), SrcPort: uint16(r.Intn(3)), DstPort: uint16(r.Intn(3)),
			Src: addr(), Dst: addr(), Control: -1, Outer: -1, TransportSum: decode.ChecksumGood, PayloadCap: 16,
		}
		p.IPLength = p.PayloadLen + 28
		p.Head = [16]byte{0x80, 0x60, byte(i >> 8), byte(i), 9: byte(r.Intn(2))}
		switch r.Intn(8) {
		case 0:
			p.IPFlags |= decode.Fragment | decode.IPFlags(r.Intn(2))*decode.MoreFragments
			p.FragOffset, p.Kind, p.ID = uint16(1+r.Intn(4)), decode.KindIP, uint32(r.Intn(20))
		case 1:
			p.IPFlags |= decode.Fragment | decode.FirstFragment | decode.MoreFragments
			p.ID = uint32(r.Intn(20))
		case 2:
			p.TransportSum = decode.ChecksumBad
		case 3:
			p.Kind, p.Protocol, p.ICMPType = decode.KindICMP, decode.ProtoICMP, uint8(r.Intn(12))
			if r.Intn(2) == 0 && i > 0 {
				q := &packets[r.Intn(i)]
				p.Control = int32(len(d.Controls))
				d.Controls = append(d.Controls, decode.Control{
					Kind: decode.ControlQuote, Protocol: q.Protocol, IPVersion: 4, HasPorts: true, Src: q.Src, Dst: q.Dst,
					SrcPort: q.SrcPort, DstPort: q.DstPort, ID: q.ID, Length: q.IPLength, Router: p.Src,
				})
				p.Src, p.Dst = q.Src, q.Dst // only for the hash
			}
		case 4:
			p.Kind, p.Protocol = decode.KindIP, uint8(r.Intn(256))
		}
		p.PairHash = decode.PairHash(p.Src, p.Dst)
	}
	return packets, d
}

// TestDatagramLaws plays random packets: the books balance, every symptom and
// loss names a flow, and packets are counted once, however few flows may live.
func TestDatagramLaws(t *testing.T) {
	for seed := range int64(30) {
		for _, most := range []int{0, 3} {
			packets, d := chatter(rand.New(rand.NewSource(seed)), 2000)
			e := NewDatagrams(Options{MaxFlows: most})
			for i := range packets {
				if i%100 == 99 {
					e.Tick(packets[i].Time)
				}
				e.Packet(&packets[i], d)
			}
			f := e.Finish(packets[len(packets)-1].Time)
			balanced(t, f)
			counted := uint64(0)
			for i := range f.Flows {
				for _, h := range f.Flows[i].Dir {
					counted += h.Packets + uint64(h.Copies[0]) + uint64(h.Copies[1])
				}
			}
			if counted > uint64(len(packets)) || counted == 0 {
				t.Errorf("seed %d: %d packets counted of %d", seed, counted, len(packets))
			}
			for _, s := range f.Symptoms {
				if int(s.Flow) >= len(f.Flows) || s.Kind >= flow.NumKinds {
					t.Fatalf("seed %d: symptom %+v of %d flows", seed, s, len(f.Flows))
				}
			}
			if most > 0 && f.GaveUp.Flows == 0 {
				t.Errorf("seed %d: more than %d flows, and none was given up", seed, most)
			}
		}
	}
}

// TestDatagramSharding: two engines that share the pairs say what one says.
func TestDatagramSharding(t *testing.T) {
	packets, d := chatter(rand.New(rand.NewSource(1)), 5000)
	one := NewDatagrams(Options{})
	two := [2]*Datagrams{NewDatagrams(Options{}), NewDatagrams(Options{})}
	for i := range packets {
		if i%100 == 99 {
			one.Tick(packets[i].Time)
			two[0].Tick(packets[i].Time)
			two[1].Tick(packets[i].Time)
		}
		one.Packet(&packets[i], d)
		two[packets[i].PairHash>>16&1].Packet(&packets[i], d)
	}
	last := packets[len(packets)-1].Time
	f := one.Finish(last)
	both := concatenate(two[0].Finish(last), two[1].Finish(last))
	if got, want := told(both), told(f); got != want {
		t.Error("two engines say something else than one")
	}
	if len(f.Flows) != len(both.Flows) {
		t.Errorf("%d flows in two engines, %d in one", len(both.Flows), len(f.Flows))
	}
}

// TestFirstPacketWaits: what a conversation says does not depend on how long its first
// packet waited before anybody looked at it.
func TestFirstPacketWaits(t *testing.T) {
	for seed := range int64(20) {
		packets, d := chatter(rand.New(rand.NewSource(100+seed)), 2000)
		waits, looks := NewDatagrams(Options{}), NewDatagrams(Options{})
		for i := range packets {
			waits.Packet(&packets[i], d)
			looks.Packet(&packets[i], d)
			for k := range looks.numTalks {
				if w := looks.talk(k); w.live {
					looks.wake(w)
				}
			}
		}
		last := packets[len(packets)-1].Time
		if waits.awake == waits.live {
			t.Errorf("seed %d: no conversation waits", seed)
		}
		if got, want := told(waits.Finish(last)), told(looks.Finish(last)); got != want {
			t.Errorf("seed %d: who waits says something else\n%s\nthan who does not\n%s", seed, got, want)
		}
	}
}

// TestSummedConversations: those that are only summed up are counted all the same.
func TestSummedConversations(t *testing.T) {
	packets, d := chatter(rand.New(rand.NewSource(7)), 2000)
	all, few := NewDatagrams(Options{}), NewDatagrams(Options{MaxFacts: 5})
	for i := range packets {
		all.Packet(&packets[i], d)
		few.Packet(&packets[i], d)
	}
	last := packets[len(packets)-1].Time
	want, f := uint64(len(all.Finish(last).Flows)), few.Finish(last)
	got := uint64(0)
	for i := range f.Flows {
		got += f.Flows[i].Conversations()
	}
	if got != want || len(f.Flows) != 6 {
		t.Errorf("%d conversations in %d records; there were %d", got, len(f.Flows), want)
	}
}

func BenchmarkDatagrams(b *testing.B) {
	const n = 100000
	packets := make([]decode.Packet, n)
	for i := range packets {
		k := byte(i % 100)
		p := &packets[i]
		*p = decode.Packet{
			Time: int64(i) * 1000, Number: uint64(i + 1), Kind: decode.KindUDP, IPVersion: 4, Protocol: decode.ProtoUDP,
			IPFlags: decode.HasID, ID: uint32(i/100) & 0xffff, PayloadLen: 172, PayloadCap: 172, IPLength: 200,
			SrcPort: 5000, DstPort: uint16(k), Control: -1, PayloadHash: uint32(i),
			Src: decode.Addr{10: 0xff, 11: 0xff, 12: 10, 15: k}, Dst: decode.Addr{10: 0xff, 11: 0xff, 12: 10, 14: 1},
		}
		p.PairHash = decode.PairHash(p.Src, p.Dst)
	}
	b.ReportAllocs()
	e := NewDatagrams(Options{})
	for b.Loop() {
		for i := range packets {
			packets[i].Time += n * 1000
			e.Packet(&packets[i], nil)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/packet")
}
