package pattern

import (
	"math"
	"testing"

	"whydrop/analyze/flow"
)

// TestDelayedACKsAreNoCeiling: the timer of a delayed acknowledgement, 40 ms, is
// no queue, unless nearly nothing else was measured. loss-causes.md §9, test 4.
func TestDelayedACKsAreNoCeiling(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lone  int // of four samples
		spike float64
	}{{"some", 2, 0.002}, {"nearly all", 4, 0.041}} {
		var passages []flow.Passage
		s := &series{trail: &flow.Trail{Segment: 1448, Header: 52}, facts: &flow.Facts{}, place: flow.AfterTap}
		for i := range 200 {
			p := flow.Passage{Time: int64(i) * 1e6, Octets: 1448, Delay: 10_000 + uint32(i%3)*500, Is: flow.PassedSample}
			if i%4 < tt.lone {
				p.Is |= flow.PassedLone
				if i%2 == 0 {
					p.Delay = 50_000
				}
			}
			passages = append(passages, p)
			s.pass(&p, 0)
		}
		s.roundTrips(passages)
		highest := 0.0
		for i := range s.events {
			if q := s.events[i].q; !math.IsNaN(q) {
				highest = max(highest, q)
			}
		}
		if highest > tt.spike || highest < tt.spike/4 {
			t.Errorf("%s: highest delay %.4f s, want about %.4f", tt.name, highest, tt.spike)
		}
	}
}

// TestOneWayWithholds: where no acknowledgement was captured nothing is known to
// be lost behind the tap, and no cause is told of it. loss-causes.md §9, test 7.
func TestOneWayWithholds(t *testing.T) {
	facts := []*flow.Facts{{}}
	facts[0].Dir[0].Missing[flow.Unaccounted] = 50
	told := Tell([]flow.Trail{{Segment: 1448, Header: 52}}, facts, 0, 1)
	l := flow.Lost{Place: flow.AfterTap, Packets: 1, Frame: flow.FrameRef{Number: 7}}
	if f, _, ok := told.Of(&l); ok {
		t.Errorf("told as %s", f)
	}
}

// TestPaceWithoutClock: datagrams without timestamps show their delay by their
// numbers, if they come evenly, and none if their sender pauses.
func TestPaceWithoutClock(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pause  int64
		steady bool
	}{{"even", 0, true}, {"a pause", 600e6, false}} {
		var passages []flow.Passage
		s := &series{trail: &flow.Trail{Datagrams: true, Segment: 500, Header: 28}, facts: &flow.Facts{}, place: flow.BeforeTap}
		for i := range 200 {
			at := int64(i) * 5e6
			if i >= 100 {
				at += tt.pause
			}
			if i%10 == 0 {
				at += 2e6
			}
			p := flow.Passage{Time: at, Octets: 500, TSVal: uint32(i), Is: flow.PassedNumbered}
			passages = append(passages, p)
			s.pass(&p, 0)
		}
		s.paced(passages, 0)
		if s.steady != tt.steady {
			t.Errorf("%s: steady %t", tt.name, s.steady)
		}
		if v := observe(s.events, s.rtt); tt.steady && math.Abs(v.P99-0.002) > 0.0002 {
			t.Errorf("%s: highest delay %.4f s, want 2 ms", tt.name, v.P99)
		}
	}
}
