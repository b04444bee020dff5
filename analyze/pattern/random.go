package pattern

import (
	"math"
	"slices"

	"whydrop/analyze/cause"
)

// Thresholds of row R, loss-causes.md §4 and §5.4.
const (
	randomJ        = 0.10
	randomE        = 0.5
	randomPCC      = 0.25
	randomShare    = 0.04 // of the packets; bursts beyond that are told of nothing
	randomRank     = 0.65
	randomZ        = 1.7
	randomEpisodes = 5
	randomDelayed  = 3
	randomSurely   = 8 // episodes
	randomSurelyZ  = 2
	upstreamShare  = 0.05
	burstTimes     = 3
)

// random applies row R: losses fall at any delay, and no bucket explains them.
func random(v *Evidence, s *series) (verdict, bool) {
	j := v.J
	if s.upstream() && v.Delay < fitUpstream {
		j = min(j, randomJ-0.01)
	}
	share := float64(v.Lost) / float64(max(v.Packets, 1))
	if v.LoadZ >= loadZ && !s.steady {
		return verdict{}, false // they follow the load; that of a steady sender is always the same
	}
	if v.regular(s) {
		return verdict{}, false
	}
	explained := j >= randomJ && v.E >= randomE
	spread := v.FirstRank < randomRank || v.Z < randomZ && v.Delayed >= randomEpisodes && !v.ceiling()
	if explained || v.PCC > randomPCC && share > randomShare || !spread || v.Delayed < max(randomDelayed, (v.Episodes+1)/2) {
		return verdict{}, false
	}
	w := verdict{Cause: cause.RandomLoss, Row: "R", Confidence: cause.Possible}
	if v.Episodes >= randomSurely && j < randomJ && v.PCC <= randomPCC && v.Z < randomSurelyZ &&
		!(s.upstream() && share > upstreamShare) {
		w.Confidence = cause.Likely
	}
	if v.Hollow {
		w.Confidence = cause.Possible
	}
	if s.facts.Dir[s.trail.Dir&1].ChecksumBad > 0 { // some of them may have passed here damaged
		w.Confidence, w.Rival = cause.Possible, cause.TCPChecksum
	}
	if v.PCC > randomPCC {
		w.Rival = cause.Policer // of traffic that is not in this capture
	}
	return w, true
}

// loadWindows are the spans, s, over which load is looked at, and loadZ how far
// from chance the rank of the load at losses may be. A small bucket that short
// bursts empty is found by no fit, for its rate is far above theirs: it must not
// be taken for chance. (Beyond loss-causes.md; it only ever withholds.)
var loadWindows = [...]float64{0.005, 0.020, 0.100}

const loadZ = 4

// load ranks the octets that came shortly before the first loss of each episode
// among those before all packets, and keeps the highest z.
func (v *Evidence) load(events []event, rtt float64) {
	all, sorted := make([]float64, len(events)), make([]float64, 0, len(events))
	for _, w := range loadWindows {
		from, sum := 0, 0.0
		sorted = sorted[:0]
		for i := range events {
			for ; events[i].t-events[from].t > w; from++ {
				sum -= events[from].len
			}
			sum += events[i].len
			all[i] = sum
			if !events[i].is1(isFluid) {
				sorted = append(sorted, sum)
			}
		}
		slices.Sort(sorted)
		last, ranks, n := math.Inf(-1), 0.0, 0
		for i := range events {
			if !events[i].is1(isLost) {
				continue
			}
			if events[i].t-last > max(rtt, episodeLeast) {
				lo, _ := slices.BinarySearch(sorted, all[i]-1)
				hi, _ := slices.BinarySearch(sorted, all[i]+1)
				ranks += float64(lo+hi) / 2 / float64(len(sorted))
				n++
			}
			last = events[i].t
		}
		if n > 0 {
			v.LoadZ = max(v.LoadZ, (ranks/float64(n)-0.5)*math.Sqrt(12*float64(n)))
		}
	}
}

// Bursty reports whether losses come in runs that chance does not make.
func (v *Evidence) Bursty() bool {
	return v.Gain > 0 || v.PCC > randomPCC && v.PCC*float64(v.Packets) > burstTimes*float64(v.Lost)
}
