package pattern

import (
	"math"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// Datagrams show their delays only where their sender keeps a pace: then each
// is due at a time that its number, or its RTP timestamp, says, and how much
// later it comes is what the way added. loss-causes.md §2.

// Conditions of a pace. Beyond loss-causes.md, which measured senders of a
// constant rate only; they only ever withhold.
const (
	paceFew     = 20   // datagrams
	paceEven    = 0.8  // share of neighbours whose timestamps are as far apart, number by number
	paceNear    = 0.75 // share of neighbours that came as far apart as usual …
	paceFactor  = 2    // … within this factor
	pacePause   = 0.25 // s: a sender without timestamps that pauses as long has no pace
	paceWander  = 2.0  // s: no queue is as long; the clock was set, or the sender began anew
	paceFewSeen = 3    // datagrams in front of the first hole that show the way empty
	paceDrift   = 3e-4 // by which two clocks differ: crystals of 100 ppm, and some more
)

// leastBuckets, tolerances of the fit, is the least bucket that explains losses in
// front of the tap. One that is hardly larger is empty whenever a bottleneck paces
// what comes, or datagrams are shorter than the segments that the tolerance is for.
const leastBuckets = 2

// A due is when a datagram came, s, and by the count of its sender.
type due struct{ t, count float64 }

// paced fills in the delays of datagrams, if their sender keeps a pace.
func (s *series) paced(passages []flow.Passage, origin int64) {
	all := append(slices.Clone(s.trail.Stones), passages...)
	if len(passages) < paceFew {
		return
	}
	rtp := passages[0].Is&flow.PassedStamped != 0
	if rtp && !evenStamps(passages) || !rtp && !evenTimes(all) {
		return
	}
	dues := make([]due, len(all))
	for i := range all {
		p := &all[i]
		count := p.TSVal - all[0].TSVal
		if rtp {
			count = p.Delay - all[0].Delay
		}
		dues[i] = due{seconds(p.Time - origin), float64(int32(count))}
	}
	// A queue that fills and then stays full would tilt the fit: without a clock it
	// is made behind the first hole only.
	slope := 0.0
	if rtp && s.trail.Clock > 0 {
		slope = steadiest(dues, 1/float64(s.trail.Clock), paceDrift)
	} else if behind := dues[len(s.trail.Stones):]; behind[len(behind)-1].count > behind[0].count {
		first, last := behind[0], behind[len(behind)-1]
		slope = steadiest(behind, (last.t-first.t)/(last.count-first.count), paceOff)
	}
	least, most := spread(dues, slope)
	if slope <= 0 || most-least > paceWander {
		return
	}
	if s.seen = len(s.trail.Stones) >= paceFewSeen; s.seen {
		s.head = float64(int32(passages[0].TSVal - s.trail.Stones[0].TSVal))
	}
	at := 0
	for _, d := range dues[len(s.trail.Stones):] {
		for at < len(s.events) && (s.events[at].is1(isFluid|isLost) || s.events[at].t < d.t) {
			at++
		}
		if at == len(s.events) {
			break
		}
		s.events[at].q = d.t - slope*d.count
		at++
	}
	s.above(least)
	s.steady = true
}

// evenStamps reports whether RTP timestamps grow evenly with the numbers.
func evenStamps(passages []flow.Passage) bool {
	steps := map[float64]int{}
	n, most := 0, 0
	for i := 1; i < len(passages); i++ {
		a, b := &passages[i-1], &passages[i]
		numbers, stamps := int32(b.TSVal-a.TSVal), int32(b.Delay-a.Delay)
		if numbers <= 0 {
			continue // late
		}
		n++
		if stamps > 0 {
			step := float64(stamps) / float64(numbers)
			steps[step]++
			most = max(most, steps[step])
		}
	}
	return n > 0 && float64(most) >= paceEven*float64(n)
}

// evenTimes reports whether datagrams came evenly by their numbers, and none paused.
func evenTimes(all []flow.Passage) bool {
	var gaps []float64
	pause := 0.0
	for i := 1; i < len(all); i++ {
		a, b := &all[i-1], &all[i]
		numbers := int32(b.TSVal - a.TSVal)
		if numbers <= 0 {
			continue
		}
		each := seconds(b.Time-a.Time) / float64(numbers)
		gaps = append(gaps, each)
		pause = max(pause, each)
	}
	if len(gaps) == 0 || pause > pacePause {
		return false
	}
	usual, near := quantile(gaps, 0.5), 0
	for _, g := range gaps {
		if g >= usual/paceFactor && g <= usual*paceFactor {
			near++
		}
	}
	return float64(near) >= paceNear*float64(len(gaps))
}

// paceOff bounds the search for a pace around its mean.
const paceOff = 0.5

// steadiest is the length of one count, s, near usual, with which the delays
// differ least. How much they differ is the largest of linear functions of it,
// and so convex.
func steadiest(dues []due, usual, off float64) float64 {
	const rounds = 80
	lo, hi := usual*(1-off), usual*(1+off)
	for range rounds {
		a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
		if wander(dues, a) < wander(dues, b) {
			hi = b
		} else {
			lo = a
		}
	}
	return (lo + hi) / 2
}

func wander(dues []due, slope float64) float64 {
	least, most := spread(dues, slope)
	return most - least
}

func spread(dues []due, slope float64) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, d := range dues {
		q := d.t - slope*d.count
		least, most = min(least, q), max(most, q)
	}
	return least, most
}

// rowClockwork is the name of row U: no bucket was fitted, nor is one needed.
const rowClockwork = "U"

// Thresholds of row U, loss-causes.md §4.
const (
	clockworkCV     = 0.5
	clockworkRuns   = 10
	clockworkShare  = 0.7 // of the packets, lost
	clockworkDeep   = 0.005
	clockworkNear   = 0.5 // of the highest delay, beside the losses
	clockworkSurely = 20  // runs, of a policer
)

// Thresholds beyond loss-causes.md, which only withhold: a queue that is full
// from the first hole on delays everything alike, as a policer does.
const (
	clockworkFlat  = 0.7   // of the highest delay: jitter alone is beside the losses at half of it
	clockworkNoise = 0.001 // s: delays below that are no plateau
)

// clockwork applies row U: a sender that keeps its pace loses something again
// and again after as many packets.
func clockwork(v *Evidence, s *series) (verdict, bool) {
	if !v.regular(s) || float64(v.Lost) >= clockworkShare*float64(v.Packets) {
		return verdict{}, false
	}
	switch {
	case v.Delayed > 0 && v.P99 >= clockworkDeep && v.FirstMed >= clockworkNear*v.P99 && v.plateau():
		return verdict{Cause: cause.QueueOverflow, Row: rowClockwork, Confidence: cause.Likely}, true
	case v.Delayed > 0 && v.P99 < clockworkDeep:
		w := verdict{Cause: cause.Policer, Row: rowClockwork, Confidence: cause.Possible}
		if v.Runs >= clockworkSurely && s.seen && !v.plateau() && !(v.counted() && s.head <= countedHead*float64(v.Packets)/float64(v.Runs)) {
			w.Confidence = cause.Likely
		}
		return w, true
	}
	return verdict{}, false
}

// regular reports whether a sender with a steady pace loses something as
// regularly. Chance never does.
func (v *Evidence) regular(s *series) bool {
	return s.steady && v.Variation >= 0 && v.Variation < clockworkCV && v.Runs >= clockworkRuns
}

// Clockwork reports whether f is told by how regularly something was lost.
func (f *Finding) Clockwork() bool { return f.Row == rowClockwork }

// plateau reports whether the delays beside losses are nearer to the highest
// than jitter makes them.
func (v *Evidence) plateau() bool {
	return v.P99 >= clockworkNoise && max(v.FirstMed, v.Med) >= clockworkFlat*v.P99
}
