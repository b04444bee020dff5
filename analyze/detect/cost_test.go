package detect

import (
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// traffic makes packets of flows that each send segments, two of them
// acknowledged at once; every lossth segment is lost behind the tap and
// repaired a round trip later, 0 = none.
func traffic(flows, packets, loss int) []decode.Packet {
	out := make([]decode.Packet, 0, packets)
	type side struct {
		story
		next, acked int
		sent        int
	}
	all := make([]side, flows)
	for i := range all {
		s := newStory()
		s.ports[0] = uint16(20000 + i%40000)
		all[i] = side{story: *s}
		all[i].isn[0] = uint32(i) * 77777
	}
	step := ms // between packets of one flow
	now := int64(1e18)
	for len(out) < packets {
		for i := range all {
			f := &all[i]
			f.now = now
			f.packets = f.packets[:0]
			now += max(step/int64(flows), 1)
			switch {
			case f.sent == 0:
				f.handshake()
			case f.sent%3 != 0:
				f.packet(0, flagACK, at1(f.next), mss, 1, echoing(uint32((now-1e18)/ms)))
				f.next++
			default:
				f.ack(f.next, echoing(uint32((now-1e18)/ms)))
				f.acked = f.next
			}
			if loss > 0 && f.sent%loss == loss-1 && f.next > 4 {
				f.packet(0, flagACK, at1(f.acked), mss, 1)
			}
			f.sent++
			for j := range f.packets {
				p := f.packets[j]
				p.Number, p.Time = uint64(len(out)+1), now
				host := uint32(i / 40000)
				binary.BigEndian.PutUint16(p.Src[12:], 0x0a00+uint16(host))
				p.PairHash = uint32(i/100) * 0x9e3779b1
				which := &p.Dst
				if p.SrcPort == f.ports[1] {
					which = &p.Src
				}
				binary.BigEndian.PutUint16(which[14:], uint16(i/100))
				out = append(out, p)
			}
		}
	}
	return out[:packets]
}

func run(e *Engine, packets []decode.Packet) {
	for i := range packets {
		e.Packet(&packets[i], nil)
		if i%4096 == 0 {
			e.Tick(packets[i].Time)
		}
	}
}

func bench(b *testing.B, flows, loss int) {
	packets := traffic(flows, 300_000, loss)
	b.ReportAllocs()
	n := 0
	b.ResetTimer()
	for b.Loop() {
		e := NewEngine(Options{})
		run(e, packets)
		e.Finish(packets[len(packets)-1].Time)
		n += len(packets)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
}

func BenchmarkBulk(b *testing.B)      { bench(b, 1, 0) }
func BenchmarkFlows(b *testing.B)     { bench(b, 1000, 0) }
func BenchmarkLossy(b *testing.B)     { bench(b, 1000, 50) }
func BenchmarkOnePacket(b *testing.B) { benchScan(b) }

// scan is a packet each of many connections.
func scan(n int) []decode.Packet {
	s := newStory()
	s.packet(0, decode.SYN, 0, 0, 0)
	out := make([]decode.Packet, n)
	for i := range out {
		p := s.packets[0]
		p.Time += int64(i) * 1000
		p.Number = uint64(i + 1)
		binary.BigEndian.PutUint32(p.Dst[12:], uint32(i/64))
		p.DstPort = uint16(i % 64)
		p.PairHash = uint32(i/64) * 0x9e3779b1
		out[i] = p
	}
	return out
}

func benchScan(b *testing.B) {
	packets := scan(100_000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		e := NewEngine(Options{})
		run(e, packets)
		n += len(packets)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
}

// TestSteadyStateDoesNotAllocate: in-order traffic of known flows.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	packets := traffic(4, 200_000, 0)
	e := NewEngine(Options{})
	half := len(packets) / 2
	run(e, packets[:half])
	at := half
	const step = 1000
	got := testing.AllocsPerRun(40, func() {
		run(e, packets[at:at+step])
		at += step
	})
	if got > 2 {
		t.Errorf("%v allocations in %d packets of known flows, want none", got, step)
	}
}

// live is the memory that f leaves in use.
func live(f func() any) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	keep := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(keep)
	return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
}

// TestOnePacketFlowsAreSmall: a scan must not cost what conversations do.
func TestOnePacketFlowsAreSmall(t *testing.T) {
	const n = 100_000
	packets := scan(n)
	got := live(func() any {
		e := NewEngine(Options{})
		run(e, packets)
		return e
	})
	runtime.KeepAlive(packets)
	if got/n > 700 {
		t.Errorf("%d octets per one-packet flow, want at most 700", got/n)
	}
}

// TestConversationsAreSmall: as small as 5 000 at once, 300 packets each, in 60 MB need.
func TestConversationsAreSmall(t *testing.T) {
	const flows, each = 5000, 120
	packets := traffic(flows, flows*each, 0)
	got := live(func() any {
		e := NewEngine(Options{})
		run(e, packets)
		return e
	})
	runtime.KeepAlive(packets)
	if got > flows*(60<<20)/5000 {
		t.Errorf("%d octets per conversation, want at most %d", got/flows, (60<<20)/5000)
	}
	t.Logf("%d octets per conversation", got/flows)
}

// TestSizes holds the sizes that the memory budget was made with.
func TestSizes(t *testing.T) {
	for _, x := range []struct {
		name      string
		got, want uintptr
	}{
		{"Segment", unsafe.Sizeof(flow.Segment{}), 64},
		{"conn", unsafe.Sizeof(conn{}), 112},
	} {
		if x.got > x.want {
			t.Errorf("%s has %d octets, want at most %d", x.name, x.got, x.want)
		}
	}
}

// TestLimits: beyond its limits an engine counts and says so, and its books
// still balance.
func TestLimits(t *testing.T) {
	packets := scan(3000)
	for i := range packets { // everybody asks again, and nobody answers
		if again := packets[i]; i%3 == 0 {
			again.Time += int64(5e9)
			again.Number += 3000
			packets = append(packets, again)
		}
	}
	e := NewEngine(Options{MaxFlows: 1000})
	e.keep, e.log.MaxLosses, e.log.MaxSymptoms = 500*tinyShare, 300, 200
	run(e, packets)
	f := e.Finish(packets[len(packets)-1].Time + int64(10e9))
	checkBalance(t, f)
	var n uint64
	for i := range f.Flows {
		n += f.Flows[i].Dir[0].Packets
	}
	if n != uint64(len(packets)) {
		t.Errorf("%d packets in flows, %d played", n, len(packets))
	}
	if len(f.Flows) != 501 || len(f.Symptoms) > 200 || len(f.Losses) > 800 {
		t.Errorf("%d flows, %d symptoms, %d losses kept beyond limits of 500, 200 and 300", len(f.Flows), len(f.Symptoms), len(f.Losses))
	}
	if f.GaveUp.Summed == 0 || f.GaveUp.Symptoms == 0 || f.GaveUp.Losses == 0 {
		t.Errorf("limits were hit and not counted: %+v", f.GaveUp)
	}
}
