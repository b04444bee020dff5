package pattern

import "math"

// A bucket that explains who was lost may still not be what lost them: losses
// that always stand at the same place of a train of packets are explained by a
// bucket of about the size of the train. Two questions tell, beyond
// loss-causes.md; they only ever withhold. Their thresholds stand between what
// policers of emulated paths and of kernels showed and what losses by the place
// in a train or by a counter did.
const (
	twinsMost     = 1.1  // policers downstream: up to 1.02, a counter and trains: from 1.75 on
	twinsUpstream = 2    // up to 1.88, for the places of what is missing are less exact
	firmShare     = 0.10 // policers upstream: from 0.11 on, trains that lost their first: up to 0.06
	firmFew       = 4
)

// prove asks of the bucket that explains best, with the tokens each packet met:
// how many losses met an empty bucket wherever in their hole they were, and how
// many packets passed it although it held no more than at half of the losses.
func (b *bucket) prove(r *run, tokens []float64) {
	tol := tolerance(b.rate)
	var had []float64
	for i, is := range r.is {
		if is != runFirst {
			continue
		}
		had = append(had, tokens[i])
		if min(tokens[i]+b.rate*b.events[i].late, b.size) <= r.len[i]+tol {
			b.firm++
		}
	}
	if len(had) == 0 {
		return
	}
	n, middle := len(had), quantile(had, 0.5)
	twins := 0
	for i, is := range r.is {
		if is == runPassed && tokens[i] <= middle {
			twins++
		}
	}
	b.twins = float64(twins) / float64(n)
}

// proven reports whether the losses are those of a bucket, and not of a place in
// a train of packets, or in a count, that a bucket fits as well.
func (v *Evidence) proven(upstream bool) bool {
	if v.counted() {
		return false
	}
	if !upstream {
		return v.Twins <= twinsMost
	}
	return v.Twins <= twinsUpstream && v.Firm >= firmFew && float64(v.Firm) >= firmShare*float64(v.Firsts)
}

// Thresholds of holes that are whole bursts. What is missing from a hole of many packets
// was sent at some time within a round trip or more, in which any bucket fills: none of
// them is firm. But trains that lose their first packet lose no runs, and nothing but
// policers of the lab fitted as well and lost so (8 directions of 8; a share of 0.5 is that
// of the shortest).
const (
	burstsPCC    = 0.5
	burstsJ      = 0.5
	burstsE      = 0.8
	burstsFirsts = 6
)

// wholeBursts reports whether a bucket explains holes of several packets so well that
// it is possible though none of them is firm.
func (v *Evidence) wholeBursts() bool {
	return v.PCC >= burstsPCC && v.J >= burstsJ && v.E >= burstsE && v.Firsts >= burstsFirsts && v.Twins <= twinsMost &&
		v.Delay >= surelyUpstream && v.Ratio < flatLow && math.Abs(v.Slope) < overshootSlope
}

// countedCV is the most that the count of packets between losses varies if a
// counter chose them: one among thousands may be missing in the capture.
const countedCV = 0.02

// countedHead: a counter loses the first packet after no more than its count. The
// bucket of a policer is full at first and lets more pass.
const countedHead = 1.25

// counted reports whether always as many packets passed between two losses. No
// bucket that is filled by time and emptied by octets keeps count of what TCP sends.
func (v *Evidence) counted() bool {
	return v.Runs >= surelyRuns && v.Variation >= 0 && v.Variation < countedCV
}
