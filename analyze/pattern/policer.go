package pattern

import (
	"math"
	"slices"

	"whydrop/analyze/cause"
)

// Thresholds of the rows P and P0, and of FIT and FLAT: loss-causes.md §3 and §4.
const (
	fitE, fitJ           = 0.65, 0.10
	fitLooseE, fitStrict = 0.50, 0.15
	fitUpstream          = 0.005 // s: at a receiver the placing of unseen packets makes shorter buckets
	flatRatio            = 0.5
	steepRange           = 0.0035 // s
	steepSlope           = 0.25
	flatSlopeLeast       = -0.15
	flatRange, flatSlope = 0.005, 0.10
	flatDelay, flatLow   = 0.005, 0.25
	flatRangeLoose       = 0.002
	policedLosses        = 10
	policedEpisodes      = 3
	surelyEpisodes       = 5
	surelyRuns           = 10
	surelyJ, surelyE     = 0.2, 0.7
	surelyUpstream       = 0.020 // s
	superFrames          = 0.05  // share of frames of several segments that fakes an empty bucket
)

// fits reports whether one bucket explains who was lost: FIT.
func (v *Evidence) fits(upstream bool) bool {
	if upstream && v.Delay < fitUpstream {
		return false
	}
	return v.E >= fitE && v.J >= fitJ || v.E >= fitLooseE && v.J >= fitStrict
}

// flat reports whether no queue of the size of that bucket was there: FLAT. It
// takes delays beside at least some of the losses to say so.
func (v *Evidence) flat() bool {
	if v.Delayed == 0 || v.Ratio >= flatRatio || v.Range >= steepRange && v.Slope >= steepSlope {
		return false
	}
	return v.Range >= flatRange && v.Slope > flatSlopeLeast && v.Slope < flatSlope ||
		v.Delay >= flatDelay && v.Ratio < flatLow && v.Slope > flatSlopeLeast ||
		v.Range >= flatRangeLoose && v.Slope > flatSlopeLeast && v.Slope < steepSlope
}

// policer applies row P, and P0 to what has few episodes.
func policer(v *Evidence, s *series) (verdict, bool) {
	if !v.fits(s.upstream()) || !v.flat() || s.merged() {
		return verdict{}, false
	}
	if v.Episodes < policedEpisodes {
		return oneOvershoot(v)
	}
	if v.Lost < policedLosses || v.rises() || s.upstream() && v.Firm == 0 && !v.wholeBursts() {
		return verdict{}, false
	}
	w := verdict{Cause: cause.Policer, Row: "P", Confidence: cause.Possible}
	if v.Episodes >= surelyEpisodes && v.Runs >= surelyRuns && v.J >= surelyJ && v.E >= surelyE && v.proven(s.upstream()) &&
		(!s.upstream() || v.Delay >= surelyUpstream) {
		w.Confidence = cause.Likely
	}
	return w, true
}

// Thresholds of row P0.
const (
	overshootRuns  = 8
	overshootJ     = 0.3
	overshootE     = 0.8
	overshootDelay = 0.020 // s
	overshootSlope = 0.1
)

func oneOvershoot(v *Evidence) (verdict, bool) {
	if v.Runs >= overshootRuns && v.J >= overshootJ && v.E >= overshootE && v.Delay >= overshootDelay &&
		v.Ratio < flatLow && math.Abs(v.Slope) < overshootSlope {
		return verdict{Cause: cause.Policer, Row: "P0", Confidence: cause.Possible}, true
	}
	return verdict{}, false
}

// merged reports whether the receiver's interface put segments together before
// they were captured: that delays packets and fakes an empty bucket.
func (s *series) merged() bool {
	return s.upstream() && float64(s.longs) > superFrames*float64(s.frames)
}

// Constants of the estimates, loss-causes.md §6.
const (
	envelopeWindow = 2   // s, or half of the time in which something was lost
	envelopeLooks  = 200 // ends that are tried with each beginning
	rateAgrees     = 0.25
	fewBurst       = 10 // packets; bursts of TCP empty a smaller bucket while its mean rate is far below
)

// envelope is the highest rate of what passed between two first losses. The
// bucket is empty at both, so that what passed is what it let pass; idle time
// only lowers it.
func envelope(events []event) float64 {
	type empty struct{ t, octets float64 }
	var list []empty
	octets, lost := 0.0, false
	for i := range events {
		e := &events[i]
		if !e.is1(isLost) {
			octets += e.len
			lost = lost && e.is1(isFluid)
			continue
		}
		if !lost {
			list = append(list, empty{e.t, octets})
		}
		lost = true
	}
	if len(list) < 2 {
		return 0
	}
	window := min(envelopeWindow, (list[len(list)-1].t-list[0].t)/2)
	best := 0.0
	for i, a := range list {
		from, _ := slices.BinarySearchFunc(list, a.t+window, func(x empty, t float64) int {
			if x.t < t {
				return -1
			}
			return 1
		})
		for k := max(from, i+1); k < len(list) && k < from+envelopeLooks; k++ {
			if d := list[k].t - a.t; d > 0 {
				best = max(best, (list[k].octets-a.octets)/d)
			}
		}
	}
	return best
}

// burst is what had passed at the first loss, drained at rate.
func burst(events []event, rate float64) float64 {
	b := 0.0
	for i := range events {
		if i > 0 {
			b = max(0, b-rate*(events[i].t-events[i-1].t))
		}
		if events[i].is1(isLost) {
			return b
		}
		b += events[i].len
	}
	return 0
}

// estimate says how fast the policer lets pass, and how much at once.
func (v *Evidence) estimate(b *bucket, s *series) {
	v.PolicerRate = b.envelope
	agrees := b.envelope > 0 && math.Abs(b.rate-b.envelope) <= rateAgrees*b.envelope
	packet := float64(s.trail.Segment) + float64(s.trail.Header)
	v.RateAtLeast = !agrees || b.size < fewBurst*packet
	v.Burst = b.burst
	v.BurstAtLeast = !s.trail.Whole // else it may not have been full when the capture began
}
