package pattern

import (
	"math"
	"math/rand/v2"
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A chooser says which packets are lost: by their train, their place in it, and
// their number of all.
type chooser func(train, at, count, size int, r *rand.Rand) bool

// trains is what a sender of trains of packets shows on one side of the tap, if
// something loses those that choose names.
func trains(r *rand.Rand, size int, least, most float64, place flow.Place, choose chooser) *series {
	const number, step = 160, 0.0003
	s := seriesOf(nil, 0.040)
	s.place = place
	t, last, count, missing := 0.1, 0.0, 0, uint32(0)
	for i := range number {
		for k := range size {
			at := t + float64(k)*step
			ns := int64(at * 1e9)
			lost := choose(i, k, count, size, r)
			count++
			switch {
			case lost && place == flow.BeforeTap:
				missing++
				continue
			case lost:
				s.events = append(s.events, event{t: at, len: wire, q: math.NaN(), is: isLost, ns: ns, end: ns})
				continue
			case missing > 0:
				s.missing(&flow.Hole{Before: int64(last * 1e9), After: ns, Packets: missing}, step, 0)
				missing = 0
			}
			s.events = append(s.events, event{t: at, len: wire, q: 0.001 * r.Float64(), ns: ns, end: ns})
			last = at
		}
		t += least + (most-least)*r.Float64()
	}
	s.frames = len(s.events)
	s.above(0)
	return s
}

// TestTrainsAreNoBuckets: what is lost by its place in a train, or by a counter,
// is explained by a bucket of the size of a train, but no bucket lost it.
func TestTrainsAreNoBuckets(t *testing.T) {
	late := func(i int) bool { return i > 5 }
	shapes := []struct {
		name   string
		sizes  []int
		choose chooser
	}{
		{"the first of every fifth", []int{2, 4, 10}, func(i, k, _, _ int, _ *rand.Rand) bool { return late(i) && k == 0 && i%5 == 0 }},
		{"the first of one of five", []int{4, 10}, func(i, k, _, _ int, r *rand.Rand) bool { return late(i) && k == 0 && r.IntN(5) == 0 }},
		{"the first of every one", []int{4, 10}, func(i, k, _, _ int, _ *rand.Rand) bool { return late(i) && k == 0 }},
		{"the last of every fifth", []int{2, 4, 10}, func(i, k, _, n int, _ *rand.Rand) bool { return late(i) && k == n-1 && i%5 == 0 }},
		{"the last of one of five", []int{4, 10}, func(i, k, _, n int, r *rand.Rand) bool { return late(i) && k == n-1 && r.IntN(5) == 0 }},
		{"one of twenty", []int{2, 4, 10}, func(_, _, _, _ int, r *rand.Rand) bool { return r.IntN(20) == 0 }},
		{"every 20th", []int{2, 4, 10}, func(_, _, c, _ int, _ *rand.Rand) bool { return c%20 == 19 }},
		{"every 21st", []int{2, 4, 10}, func(_, _, c, _ int, _ *rand.Rand) bool { return c%21 == 20 }},
		{"every 7th", []int{2, 4, 10}, func(_, _, c, _ int, _ *rand.Rand) bool { return c%7 == 6 }},
	}
	for _, x := range shapes {
		for _, place := range [...]flow.Place{flow.BeforeTap, flow.AfterTap} {
			for _, size := range x.sizes {
				for n, gaps := range [...][2]float64{{0.04, 0.04}, {0.02, 0.2}, {0.1, 0.5}} {
					d := tellOf(trains(newRand(uint64(n)), size, gaps[0], gaps[1], place, x.choose))[0]
					if f := &d.finding; f.Confidence == cause.Likely && (f.Cause == cause.Policer || f.Cause == cause.QueueOverflow) {
						t.Errorf("%s of %d, place %d, %v s apart: %v", x.name, size, place, gaps, f)
					}
				}
			}
		}
	}
}
