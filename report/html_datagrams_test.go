package report

import (
	"math"
	"slices"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// rtpFlow has datagrams of a source whose clock makes 8 000 ticks a second, 20 ms apart.
func rtpFlow(numbers []uint16, lateMS map[int]int64) *galleryFlow {
	f := &galleryFlow{facts: &flow.Facts{Protocol: decode.ProtoUDP}, drawn: true}
	f.facts.Dir[0].RTPStats = &flow.RTPStats{Rate: 8000}
	for i, n := range numbers {
		at := int64(int16(n-numbers[0]))*20e6 + lateMS[i]*1e6
		f.grams[0] = append(f.grams[0], graphDatagram{
			t: at, frame: flow.FrameRef{Number: uint64(i + 1)}, number: n, stamp: uint32(int32(int16(n-numbers[0])) * 160),
		})
	}
	return f
}

func TestDatagramsAreNumbered(t *testing.T) {
	gap := func(before uint64, n uint64, says flow.Says) *analyze.Charge {
		return &analyze.Charge{Packets: n, Evidence: []flow.Witness{{Frame: flow.FrameRef{Number: before}, Says: says}}}
	}
	// RTP: by its own numbers, over the end of their space, and with one that came late.
	f := rtpFlow([]uint16{65534, 65535, 1, 0, 4}, map[int]int64{3: 30})
	lost := gap(4, 2, flow.SaysRTPBefore)
	f.count(0, []*analyze.Charge{lost})
	if got, want := numbersOf(f, 0), []int64{65534, 65535, 65537, 65536, 65540}; !slices.Equal(got, want) {
		t.Errorf("RTP is numbered %v, want %v", got, want)
	}
	if q, ok := f.between(0, gap(3, 2, flow.SaysRTPBefore)); !ok || q != 65538 {
		t.Errorf("what is missing behind number 1 is drawn at %d, want 65538", q)
	}
	// No RTP: in the order of passing, and what is missing takes its places.
	f.facts.Dir[0].RTPStats = nil
	lost = gap(2, 3, flow.SaysIDBefore)
	f.count(0, []*analyze.Charge{lost})
	if got, want := numbersOf(f, 0), []int64{1, 2, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("datagrams are numbered %v, want %v", got, want)
	}
	if q, ok := f.between(0, lost); !ok || q != 3 {
		t.Errorf("the missing ones are drawn at %d, want 3", q)
	}
	// Nothing says behind which frame: behind what had passed by then.
	if q, ok := f.between(0, &analyze.Charge{First: f.grams[0][3].t + 1}); !ok || q != f.segs[0][3].q+1 {
		t.Errorf("a loss by its time alone is drawn at %d", q)
	}
}

func numbersOf(f *galleryFlow, d int) (out []int64) {
	for i := range f.segs[d] {
		out = append(out, f.segs[d][i].q)
	}
	return out
}

// TestJitterOfTheGraph holds it against RFC 3550 §6.4.1 by hand.
func TestJitterOfTheGraph(t *testing.T) {
	f := rtpFlow([]uint16{10, 11, 12, 13}, map[int]int64{2: 8}) // the third comes 8 ms late
	got := f.spacing(0)
	// |D| is 0, 8, 8 ms: J is 0, 8/16, and that plus (8 − 0.5)/16.
	for i, want := range []float64{0, 0.5, 0.96875} {
		if math.Abs(got[i].ms-want) > 0.001 {
			t.Errorf("packet %d: the jitter is %v ms, want %v", i+2, got[i].ms, want)
		}
	}
	f.facts.Dir[0].RTPStats.Rate = 0 // a clock that nobody knows: the spacing is told instead
	if got := f.spacing(0); got[1].ms != 28 || got[2].ms != 12 {
		t.Errorf("the spacing is %v, want 20, 28 and 12 ms", got)
	}
}
