package pattern

import (
	"fmt"
	"math"
	"slices"
)

// Evidence are the numbers that decide, and explain, a verdict: loss-causes.md
// §2 and §3 have their definitions. Times are in seconds, rates in octets a second.
type Evidence struct {
	Packets  int // of the direction, lost ones included
	Lost     int // without those of outages
	Outages  int // lost in outages
	Episodes int // losses less than a round trip apart are one
	Delayed  int // episodes that began beside a packet of known delay
	Runs     int // of packets lost one behind the other
	Longest  int // such run

	PCC       float64 // share of losses that follow a loss at once
	P50, P99  float64 // queueing delay of what was delivered; P99 is the ceiling
	Rank      float64 // mean rank of the delay beside all losses, 0 to 1
	FirstRank float64 // the same, of the first of each episode: er
	Z         float64 // how far that is from 0.5, in standard deviations
	FirstMed  float64 // median delay beside those: emed
	First20   float64 // 20th percentile of the same
	Med       float64 // median delay beside all losses: lmed
	AtCeiling float64 // share of losses beside at least 0.8 of the ceiling
	Near      int     // episodes that began at 0.75 of the ceiling or more
	NearAll   float64 // share of delivered packets there

	Firsts, Empty int     // first losses, and how many met an empty bucket
	E, J          float64 // of the bucket: see bucket
	Firm          int     // first losses that met an empty bucket wherever in their hole they were
	Twins         float64 // packets that passed it as empty as at the usual loss, per first loss
	Rate, Size    float64 // of the bucket that fits best
	Delay         float64 // that a queue of that size would have caused: dp
	Ratio         float64 // delay beside losses, of Delay
	Slope, Range  float64 // how the delay follows the backlog, and over which range of it
	Shared        int     // directions that the bucket was fitted to together
	Hollow        bool    // the bucket is always empty within the tolerance of its fit, and explains nothing

	PolicerRate  float64 // the estimate for people; 0 = none
	RateAtLeast  bool    // it is a lower bound
	Burst        float64 // the same, octets
	BurstAtLeast bool
	QueueRate    float64 // of the bottleneck
	QueueSize    float64 // octets
	MeanRun      float64 // Gilbert–Elliott with loss of everything in the bad state: mean run …
	BadShare     float64 // … and share of good packets behind which one begins

	// Gilbert–Elliott where some get through in the bad state: twice the gain of the
	// logarithm of the likelihood over the former (0 = no better), the chance to enter the
	// bad state and to leave it, a packet, and to get through in it.
	Gain, Enters, Leaves, Through float64

	From, To  int64 // of the outage, ns
	MinLost   int   // black hole: shortest lost packet
	MaxPassed int   // and longest delivered one, octets
	Variation float64
	LoadZ     float64 // like Z, of the load just before the losses
}

// Thresholds of loss-causes.md §2.
const (
	episodeLeast = 0.010 // s: losses nearer than that, or a round trip, are one episode
	besideLeast  = 0.020 // s: or half a round trip: how near a neighbour must be
	besideMost   = 1024  // packets that are looked at for it, each way
	fewSamples   = 10    // delays, of which no rank is told
	ceilingShare = 0.99
	atCeiling    = 0.8
	nearCeiling  = 0.75
	rankSlack    = 1e-9
)

// observe measures everything but the bucket.
func observe(events []event, rtt float64) Evidence {
	var v Evidence
	v.episodes(events, rtt)
	v.delays(events, rtt)
	v.Variation = variation(events)
	v.load(events, rtt)
	return v
}

// episodes counts losses by how they follow each other.
func (v *Evidence) episodes(events []event, rtt float64) {
	last := math.Inf(-1)
	before, run, pairs, both := false, 0, 0, 0
	for i := range events {
		e := &events[i]
		if e.is1(isFluid) {
			continue
		}
		v.Packets++
		lost := e.is1(isLost)
		if before {
			pairs++
			if lost {
				both++
			}
		}
		if lost {
			v.Lost++
			if e.t-last > max(rtt, episodeLeast) {
				v.Episodes++
			}
			last = e.t
			if run++; run == 1 {
				v.Runs++
			}
			v.Longest = max(v.Longest, run)
		} else {
			run = 0
		}
		before = lost
	}
	if pairs > 0 {
		v.PCC = float64(both) / float64(pairs)
	}
}

// delays ranks the delays beside the losses among those of all that was
// delivered. Loss that does not care is beside any of them: the mean rank is a half.
func (v *Evidence) delays(events []event, rtt float64) {
	var all []float64
	for i := range events {
		if e := &events[i]; e.passed() && e.q == e.q {
			all = append(all, e.q)
		}
	}
	if len(all) < fewSamples {
		return
	}
	v.P50 = quantile(all, 0.5) // which sorts
	v.P99 = quantile(all, ceilingShare)
	rank := func(q float64) float64 {
		lo, _ := slices.BinarySearch(all, q-rankSlack)
		hi, _ := slices.BinarySearch(all, q+rankSlack)
		return float64(lo+hi) / 2 / float64(len(all))
	}
	var beside, firsts []float64
	last, sum, firstSum, at := math.Inf(-1), 0.0, 0.0, 0
	for i := range events {
		if !events[i].is1(isLost) {
			continue
		}
		first := events[i].t-last > max(rtt, episodeLeast)
		last = events[i].t
		q, ok := delayBeside(events, i, rtt)
		if !ok {
			continue
		}
		r := rank(q)
		sum += r
		beside = append(beside, q)
		if q >= atCeiling*v.P99 {
			at++
		}
		if first {
			v.Delayed++
			firstSum += r
			firsts = append(firsts, q)
			if q >= nearCeiling*v.P99 {
				v.Near++
			}
		}
	}
	if len(beside) > 0 {
		v.Rank = sum / float64(len(beside))
		v.AtCeiling = float64(at) / float64(len(beside))
		v.Med = quantile(beside, 0.5)
	}
	if v.Delayed > 0 {
		v.FirstRank = firstSum / float64(v.Delayed)
		v.Z = (v.FirstRank - 0.5) * math.Sqrt(12*float64(v.Delayed))
		v.FirstMed = quantile(firsts, 0.5)
		v.First20 = quantile(firsts, 0.2)
	}
	near, _ := slices.BinarySearch(all, nearCeiling*v.P99)
	v.NearAll = 1 - float64(near)/float64(len(all))
}

// delayBeside is the delay of the delivered packet next to lost packet i of
// the same direction: the one before it, else the one behind it.
func delayBeside(events []event, i int, rtt float64) (float64, bool) {
	e := &events[i]
	within := max(rtt/2, besideLeast)
	fits := func(x *event) bool { return x.passed() && x.flow == e.flow && x.q == x.q }
	for k := i - 1; k >= max(0, i-besideMost) && e.t-events[k].t < within; k-- {
		if fits(&events[k]) {
			return events[k].q, true
		}
	}
	for k := i + 1; k < min(len(events), i+1+besideMost) && events[k].t-e.t < within; k++ {
		if fits(&events[k]) {
			return events[k].q, true
		}
	}
	return 0, false
}

// between counts the packets that pass between one loss and the next.
func between(events []event) (gaps []int) {
	passed, seen := 0, false
	for i := range events {
		switch {
		case events[i].is1(isFluid):
		case !events[i].is1(isLost):
			passed++
		default:
			if seen {
				gaps = append(gaps, passed)
			}
			passed, seen = 0, true
		}
	}
	return gaps
}

// variation is the coefficient of variation of how many packets pass between
// losses: 1 where each is lost by chance, 0 where losses come like clockwork;
// −1 = not known.
func variation(events []event) float64 {
	var gaps []float64
	for _, n := range between(events) {
		gaps = append(gaps, float64(n))
	}
	if len(gaps) < 3 {
		return -1
	}
	mean, square := 0.0, 0.0
	for _, g := range gaps {
		mean += g
	}
	mean /= float64(len(gaps))
	for _, g := range gaps {
		square += (g - mean) * (g - mean)
	}
	return math.Sqrt(square/float64(len(gaps)-1)) / (mean + 1)
}

// String is a finding on one line, for tests and for people who look into one.
func (f *Finding) String() string {
	if f == nil {
		return "nothing"
	}
	v := &f.Evidence
	return fmt.Sprintf("%s %s by %s: lost %d+%d of %d in %d episodes, %d with a delay, %d runs, pcc %.3f, delay p50 %.6f p99 %.6f "+
		"beside %.6f rank %.3f z %.2f, bucket %.0f B at %.0f B/s E %d/%d J %.3f firm %d twins %.2f slope %.3f over %.6f, load z %.2f, policer %.0f B/s %.0f B",
		f.Confidence, f.Cause, f.Row, v.Lost, v.Outages, v.Packets, v.Episodes, v.Delayed, v.Runs, v.PCC, v.P50, v.P99,
		v.FirstMed, v.FirstRank, v.Z, v.Size, v.Rate, v.Empty, v.Firsts, v.J, v.Firm, v.Twins, v.Slope, v.Range, v.LoadZ, v.PolicerRate, v.Burst)
}
