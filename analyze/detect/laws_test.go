package detect

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// rotations are initial sequence numbers around every edge of sequence space.
var rotations = []uint32{0, 1, 1 << 31, 1<<31 - 1, 1<<32 - 1, 1<<32 - 3000, 1<<32 - 30_000, 1<<31 - 5000, 12345}

// TestConclusionsSurviveRotation: no verdict depends on where in sequence
// space a connection starts.
func TestConclusionsSurviveRotation(t *testing.T) {
	for _, tale := range tales {
		s := tale.tell()
		want := says(s.play(100))
		for _, by := range rotations {
			if got := says(playAll(rotated(s.packets, by), 100*ms)); got != want {
				t.Errorf("%s, rotated by %d: got\n%s\nwant\n%s", tale.name, by, got, want)
			}
		}
	}
}

// rotated adds by to all sequence numbers.
func rotated(packets []decode.Packet, by uint32) []decode.Packet {
	out := make([]decode.Packet, len(packets))
	for i, p := range packets {
		p.Seq += by
		if p.Flags&decode.ACK != 0 {
			p.Ack += by
		}
		for j := range p.NumSACK {
			p.SACK[j][0] += by
			p.SACK[j][1] += by
		}
		out[i] = p
	}
	return out
}

// TestConclusionsSurviveShift: nothing depends on the date.
func TestConclusionsSurviveShift(t *testing.T) {
	for _, tale := range tales {
		s := tale.tell()
		want := says(s.play(100))
		for _, by := range []int64{1, -5e17, 3e17 + 7} {
			moved := make([]decode.Packet, len(s.packets))
			for i, p := range s.packets {
				p.Time += by
				moved[i] = p
			}
			if got := says(playAll(moved, 100*ms)); got != want {
				t.Errorf("%s, moved by %d ns: got\n%s\nwant\n%s", tale.name, by, got, want)
			}
		}
	}
}

// TestConclusionsSurviveReflection: with the addresses swapped all is the same.
func TestConclusionsSurviveReflection(t *testing.T) {
	for _, tale := range tales {
		s := tale.tell()
		want := says(s.play(100))
		mirrored := make([]decode.Packet, len(s.packets))
		for i, p := range s.packets {
			swap := map[decode.Addr]decode.Addr{address("10.0.0.1"): address("10.0.0.2"), address("10.0.0.2"): address("10.0.0.1")}
			p.Src, p.Dst = swap[p.Src], swap[p.Dst]
			mirrored[i] = p
		}
		if got := says(playAll(mirrored, 100*ms)); got != want {
			t.Errorf("%s, reflected: got\n%s\nwant\n%s", tale.name, got, want)
		}
	}
}

// TestConclusionsDoNotDependOnNeighbours: what is said of two addresses is the
// same however many others the engine watches.
func TestConclusionsDoNotDependOnNeighbours(t *testing.T) {
	for _, tale := range tales {
		s := tale.tell()
		want := says(s.play(100))
		var packets []decode.Packet
		for i, p := range s.packets {
			packets = append(packets, p)
			for j := range 3 {
				q := s.packets[(i*7+j)%len(s.packets)]
				q.Time = p.Time
				q.Src[13], q.Dst[13] = byte(j+1), byte(j+1)
				q.PairHash += uint32(j + 1)
				q.Number = 0
				packets = append(packets, q)
			}
		}
		f := playAll(packets, 100*ms)
		if got := says(only(f, address("10.0.0.1"))); got != want {
			t.Errorf("%s, with neighbours: got\n%s\nwant\n%s", tale.name, got, want)
		}
	}
}

// only is what f says of flows of addr.
func only(f flow.Findings, addr decode.Addr) flow.Findings {
	mine := func(i uint32) bool { return f.Flows[i].Originator.Addr == addr || f.Flows[i].Responder.Addr == addr }
	var out flow.Findings
	for _, y := range f.Symptoms {
		if mine(y.Flow) {
			out.Symptoms = append(out.Symptoms, y)
		}
	}
	for _, l := range f.Losses {
		if mine(l.Flow) {
			out.Losses = append(out.Losses, l)
		}
	}
	return out
}

// clean is a lossless upload of n segments with an ACK for every second one,
// through a tap in the middle, in order of passing.
func clean(n int) *story {
	s := newStory().handshake().after(5)
	start := s.now
	var packets []decode.Packet
	for i := range n {
		s.now = start + int64(i)*ms
		s.packet(0, flagACK, at1(i), mss, 1)
	}
	packets = append(packets, s.packets...)
	s.packets = s.packets[:0]
	for i := 2; i <= n; i += 2 {
		s.now = start + int64(i)*ms + 20*ms
		s.packet(1, flagACK, 1, 0, at1(i), echoing(uint32((start-1e18)/ms)+uint32(i-1)))
	}
	s.packets = inOrder(append(packets, s.packets...))
	return s
}

// inOrder sorts packets by time and numbers them.
func inOrder(packets []decode.Packet) []decode.Packet {
	for i := 1; i < len(packets); i++ {
		for j := i; j > 0 && packets[j].Time < packets[j-1].Time; j-- {
			packets[j], packets[j-1] = packets[j-1], packets[j]
		}
	}
	for i := range packets {
		packets[i].Number = uint64(i + 1)
	}
	return packets
}

// TestInnocence: a lossless connection lacks nothing, however much the path
// reorders it before the tap.
func TestInnocence(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		for _, variant := range []string{"plain", "no IDs", "no timestamps", "neither"} {
			s := clean(200)
			late := 0
			for i := range s.packets {
				p := &s.packets[i]
				if variant == "no IDs" || variant == "neither" {
					p.ID = 0
				}
				if variant == "no timestamps" || variant == "neither" {
					p.Options &^= decode.OptTimestamps
				}
				if p.PayloadLen > 0 && r.IntN(10) == 0 {
					p.Time += r.Int64N(15 * ms)
					late++
				}
			}
			f := playAll(inOrder(s.packets), 100*ms)
			for i := range f.Losses {
				t.Errorf("seed %d, %s, %d late: a loss was claimed: %+v", seed, variant, late, f.Losses[i])
			}
			if n := f.Flows[0].Dir[0].Retransmissions; n != [flow.NumDetails]uint32{} {
				t.Errorf("seed %d, %s, %d late: retransmissions %v", seed, variant, late, n)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// TestDeleteOne: a packet missing from a clean capture was acknowledged, so
// only the capture lacks it. The last ones are not acknowledged in time.
func TestDeleteOne(t *testing.T) {
	s := clean(60)
	for i := range s.packets {
		p := &s.packets[i]
		if p.PayloadLen == 0 {
			continue
		}
		f := s.without(i).play(100)
		checkBalance(t, f)
		var n [flow.NumPlaces]uint32
		for _, l := range f.Losses {
			n[l.Place] += l.Packets
		}
		first := p.Seq == s.isn[0]+1 // octets below the first ones seen are not missed: the SYN is there, so they are
		if want := [flow.NumPlaces]uint32{flow.OnlyCapture: 1}; n != want {
			t.Errorf("without packet %d (first %v): missing %v, want one in the capture alone\n%s", i, first, n, says(f))
		}
	}
}

// TestManyWraps: 20 GB of one connection pass the tap, a segment in every few
// megabytes of sequence space, and it stays the same connection.
func TestManyWraps(t *testing.T) {
	s := newStory()
	s.ts, s.id = [2]uint32{}, [2]uint16{}
	s.handshake().after(1)
	const step = 1 << 19
	for i := range 40_000 {
		lo := 1 + uint32(i)*step
		s.packet(0, flagACK, lo, step, 1).after(1)
		s.packet(1, flagACK, 1, 0, lo+step).after(1)
	}
	f := s.play(10)
	if len(f.Losses) > 0 || len(f.Symptoms) > 0 {
		t.Errorf("%d losses, %d symptoms in an in-order connection: %s", len(f.Losses), len(f.Symptoms), says(f)[:200])
	}
	if got, want := f.Flows[0].Dir[0].Octets, uint64(40_000)*step; got != want {
		t.Errorf("%d octets, want %d", got, want)
	}
}

// TestFindingsAreDeterministic: the same packets, the same findings.
func TestFindingsAreDeterministic(t *testing.T) {
	packets := traffic(50, 20_000, 20)
	a, b := playAll(packets, 0), playAll(packets, 0)
	if !reflect.DeepEqual(a, b) {
		t.Error("two runs over the same packets differ")
	}
	checkBalance(t, a)
}
