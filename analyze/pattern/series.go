package pattern

import (
	"math"
	"slices"

	"whydrop/analyze/flow"
)

// An event is one wire packet on its way past the tap, or missing there.
type event struct {
	t     float64 // s since the first frame of the capture
	len   float64 // octets of the IP packet
	q     float64 // queueing delay, s; NaN = not known
	late  float64 // of a missing one: how much later it may have been there, s
	quiet float64 // of a retransmission: since when its sender had heard nothing, s
	ns    int64   // the time of its frame; of a missing one, of the frame in front of its hole
	end   int64   // of a missing one: of the frame behind its hole; else ns
	flow  int32   // which series of an aggregate it is of
	is    marks
}

type marks uint8

const (
	isLost   marks = 1 << iota
	isAgain        // a retransmission
	isSilent       // nobody ever said that it arrived, or that it did not
	isTold         // lost, and its own frames say why
	isFluid        // octets of flows that lost nothing: they use the rate, and say nothing
	isLong         // of a frame of several segments
)

func (e *event) is1(m marks) bool { return e.is&m != 0 }

// passed reports whether e says something by having arrived.
func (e *event) passed() bool { return e.is&(isLost|isFluid) == 0 }

// A series is what is known of one direction and one side of the tap.
type series struct {
	trail  *flow.Trail
	facts  *flow.Facts
	place  flow.Place // BeforeTap or AfterTap
	events []event
	rtt    float64
	longs  int // frames of several segments
	frames int
	delays int // events with q

	// Of datagrams:
	steady bool    // their sender keeps a pace, which shows their delays
	seen   bool    // and the way was seen before anything was missing
	head   float64 // and for how many datagrams, but for the first few
}

// upstream reports whether the series is that of what was lost before the tap:
// its delays are one-way, and what is missing was never seen.
func (s *series) upstream() bool { return s.place == flow.BeforeTap }

// defaultRTT, s, stands for what nothing measured; all that loss-causes.md
// measured at receivers was measured with it.
const defaultRTT = 0.050

// newSeries lays out the transmissions of t; origin is the time of the first
// frame of the capture.
func newSeries(t *flow.Trail, f *flow.Facts, place flow.Place, origin int64) *series {
	s := &series{trail: t, facts: f, place: place, rtt: defaultRTT}
	passages := t.Passages()
	s.frames = len(passages)
	s.events = make([]event, 0, len(passages)+len(t.Holes))
	s.fluid(t, origin)
	holes := t.Holes
	if !s.upstream() {
		holes = nil
	}
	if len(passages) == 0 {
		return s
	}
	for len(holes) > 0 && holes[0].After < passages[0].Time && t.Forgotten > 0 {
		holes = holes[1:] // of transmissions that are forgotten
	}
	gap := s.usualGap(passages, holes)
	for i := range passages {
		p := &passages[i]
		for len(holes) > 0 && holes[0].After <= p.Time {
			s.missing(&holes[0], gap, origin)
			holes = holes[1:]
		}
		s.pass(p, origin)
	}
	switch {
	case t.Datagrams:
		s.paced(passages, origin)
	case s.upstream():
		s.oneWayDelays(passages, origin)
	default:
		s.roundTrips(passages)
	}
	return s
}

// fluid lays out what had passed before the first transmission that is remembered.
func (s *series) fluid(t *flow.Trail, origin int64) {
	for i := 1; i < len(t.Loads); i++ {
		a, b := t.Loads[i-1], t.Loads[i]
		s.spread(a.Time, b.Time, b.Octets-a.Octets, origin)
	}
}

// mostSpread is the most events into which octets are spread.
const mostSpread = 16

// spread lays octets evenly between two times.
func (s *series) spread(from, to int64, octets uint64, origin int64) {
	each := uint64(s.trail.Segment)
	n := (octets + each - 1) / max(each, 1)
	length := float64(octets)/float64(max(n, 1)) + float64(s.trail.Header)
	k := min(n, mostSpread)
	for i := range k {
		at := from + (to-from)*int64(i+1)/int64(k)
		s.events = append(s.events, event{
			t: seconds(at - origin), len: length * float64(n) / float64(k), q: math.NaN(), ns: at, end: at, is: isFluid,
		})
	}
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// pass lays out the wire packets of a frame.
func (s *series) pass(p *flow.Passage, origin int64) {
	e := event{t: seconds(p.Time - origin), q: math.NaN(), ns: p.Time, end: p.Time}
	if p.Is&flow.PassedAgain != 0 {
		e.is |= isAgain
		e.quiet = e.t - float64(p.Delay)/1e6
	}
	if p.Is&flow.PassedSilent != 0 {
		e.is |= isSilent
	}
	if !s.upstream() && p.Is&flow.PassedLost != 0 {
		e.is |= isLost
		if p.Is&flow.PassedTold != 0 {
			e.is |= isTold
		}
	}
	left, each := p.Octets, s.trail.Segment
	if s.trail.Datagrams {
		each = left
	}
	if left > each {
		s.longs++
		e.is |= isLong
		if s.trail.Sweep {
			each = left
		}
	}
	for left > 0 {
		n := min(left, max(each, 1))
		left -= n
		e.len = float64(n) + float64(s.trail.Header)
		s.events = append(s.events, e)
	}
}

// usualGap is the median time between frames that follow each other, s.
func (s *series) usualGap(passages []flow.Passage, holes []flow.Hole) float64 {
	if len(holes) == 0 {
		return 0
	}
	var gaps []float64
	for i := 1; i < len(passages); i++ {
		if (passages[i].Is|passages[i-1].Is)&flow.PassedAgain != 0 {
			continue
		}
		for len(holes) > 0 && holes[0].After < passages[i].Time {
			holes = holes[1:]
		}
		if len(holes) > 0 && holes[0].After == passages[i].Time {
			continue
		}
		gaps = append(gaps, seconds(passages[i].Time-passages[i-1].Time))
	}
	return quantile(gaps, 0.5)
}

// missing lays out the packets of a hole: behind the packet in front of it, at
// the pace of the others. At either edge of the hole they would spoil the
// bucket: loss-causes.md §2.
func (s *series) missing(h *flow.Hole, gap float64, origin int64) {
	before := seconds(h.Before - origin)
	step := seconds(h.After-h.Before) / float64(h.Packets+1)
	if gap > 0 {
		step = min(step, gap)
	}
	for k := range h.Packets {
		s.events = append(s.events, event{
			t: before + step*float64(k+1), len: float64(s.trail.Segment) + float64(s.trail.Header), q: math.NaN(),
			late: max(seconds(h.After-h.Before)-step*float64(h.Packets+1), 0),
			ns:   h.Before, end: h.After, is: isLost,
		})
	}
}

// roundTrips fills in the delays that acknowledgements show.
func (s *series) roundTrips(passages []flow.Passage) {
	lone, all := 0, 0
	for i := range passages {
		if passages[i].Is&flow.PassedSample != 0 {
			all++
			if passages[i].Is&flow.PassedLone != 0 {
				lone++
			}
		}
	}
	// The timer of a delayed acknowledgement would be taken for the ceiling of a queue.
	drop := float64(lone) <= loneShare*float64(all)
	at, least := 0, math.Inf(1)
	for i := range passages {
		p := &passages[i]
		for at < len(s.events) && (s.events[at].is1(isFluid) || s.events[at].ns < p.Time) {
			at++
		}
		if p.Is&flow.PassedSample == 0 || drop && p.Is&flow.PassedLone != 0 {
			continue
		}
		for at+1 < len(s.events) && s.events[at+1].ns == p.Time {
			at++
		}
		if at < len(s.events) {
			s.events[at].q = float64(p.Delay) / 1e6
			least = min(least, s.events[at].q)
		}
	}
	if least < math.Inf(1) {
		s.rtt = least
	}
	s.above(least)
}

// loneShare: samples of acknowledgements of one segment are dropped unless more
// than this share of all is such.
const loneShare = 0.75

// oneWayDelays fills in how much later than their timestamps packets came.
func (s *series) oneWayDelays(passages []flow.Passage, origin int64) {
	if f := s.facts.Dir[s.trail.Dir&1].RTTMin; f > 0 {
		s.rtt = seconds(f)
	}
	tick := tickOf(passages)
	if tick == 0 {
		return
	}
	at, least := 0, math.Inf(1)
	var base uint32
	for i := range passages {
		p := &passages[i]
		if p.Is&flow.PassedStamped == 0 {
			continue
		}
		if least == math.Inf(1) {
			base = p.TSVal
		}
		for at < len(s.events) && (s.events[at].is1(isFluid|isLost) || s.events[at].ns < p.Time) {
			at++
		}
		if at == len(s.events) {
			break
		}
		q := s.events[at].t - float64(int32(p.TSVal-base))*tick
		s.events[at].q = q
		least = min(least, q)
		at++
	}
	s.above(least)
}

// above counts delays from the shortest.
func (s *series) above(least float64) {
	for i := range s.events {
		if e := &s.events[i]; e.q == e.q {
			e.q -= least
			s.delays++
		}
	}
}

// ticks are the clocks of timestamps, Hz: Linux' milliseconds, and two of old.
var ticks = [...]float64{1000, 250, 100}

// tickError is how far the slope of the timestamps may be from one of ticks.
const tickError = 0.05

// tickOf is the length of a tick of the timestamps, s; 0 = not known.
func tickOf(passages []flow.Passage) float64 {
	first, last := -1, -1
	for i := range passages {
		if passages[i].Is&flow.PassedStamped != 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first == last {
		return 0
	}
	a, b := &passages[first], &passages[last]
	took := seconds(b.Time - a.Time)
	count := float64(int32(b.TSVal - a.TSVal))
	for _, hz := range ticks {
		if slack := tickError*took*hz + 2; math.Abs(count-took*hz) <= slack && took*hz > slack {
			return 1 / hz
		}
	}
	return 0
}

// quantile is the f-quantile of v, which it sorts; 0 if v is empty.
func quantile(v []float64, f float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(f*float64(len(v))))]
}
