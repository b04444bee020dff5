package pattern

import (
	"math"
	"slices"
)

// A bucket is one token bucket, and how well it explains who was lost:
// loss-causes.md §3. A queue of the same size loses the same packets.
type bucket struct {
	rate, size float64 // octets/s, octets
	e, s       float64 // shares: of first losses that met an empty bucket, of passed ones that met another
	pv         float64 // share of passed ones that the bucket would have stopped
	j          float64 // share of the uncertainty about "lost" that it takes away, less 3 pv; −1 = does not fit
	firsts     int     // first losses of runs
	empty      int     // of them, with an empty bucket
	firm       int     // first losses that met an empty bucket wherever in their hole they were
	twins      float64 // packets that passed it with no more tokens than the usual loss, per first loss
	slope, xr  float64 // of the delay over the backlog, and over which range of backlog, s
	busy       float64 // highest usual rate, octets/s
	envelope   float64 // highest rate between two losses
	burst      float64 // what passed before the first loss beyond that rate
	events     []event
}

// delay is what a queue of the size of b would have added, s.
func (b *bucket) delay() float64 {
	if b.rate == 0 {
		return 0
	}
	return b.size / b.rate
}

// Constants of the fit, loss-causes.md §3. 7.6 says how much they matter.
const (
	tolOctets   = 3000  // two full packets
	tolSeconds  = 0.003 // jitter; queues look policed with 10 ms
	mostPassed  = 0.01  // pv beyond which a pair is rejected
	passPenalty = 3
	rateWindow  = 0.25 // s
	rateShare   = 0.9
	rateBeyond  = 1.3 // times the rate that is usual when busy: absurd ones explain anything
	rateFrom    = 0.6 // of the mean rate
	rateTo      = 6
	rateStep    = 1.05
	sizeFrom    = 4500.0
	sizeTo      = 6e6
	sizeStep    = 1.6
	sizeLeast   = 2000
)

// refinements are steps of rate and size around the best pair so far.
var refinements = [...][2]float64{{1.01, 1.12}, {1.003, 1.03}}

const (
	refineRates = 5
	refineSizes = 4
)

// A run is the arrivals as the inner loop wants them.
type run struct {
	wait, len []float64
	is        []uint8
	passed    int
}

const (
	runPassed uint8 = iota
	runFirst        // lost, the one before was not
	runLost
	runFluid
)

func layOut(events []event) run {
	r := run{wait: make([]float64, len(events)), len: make([]float64, len(events)), is: make([]uint8, len(events))}
	lost := false
	for i := range events {
		e := &events[i]
		if i > 0 {
			r.wait[i] = max(e.t-events[i-1].t, 0)
		}
		r.len[i] = e.len
		switch {
		case e.is1(isFluid):
			r.is[i] = runFluid
		case !e.is1(isLost):
			r.passed++
			lost = false
		case lost:
			r.is[i] = runLost
		default:
			r.is[i], lost = runFirst, true
		}
	}
	return r
}

// tally is what one pass over the arrivals counts.
type tally struct {
	bad, firsts, passedEmpty, violations int
}

func tolerance(rate float64) float64 { return max(tolOctets, rate*tolSeconds) }

// try runs a bucket over the arrivals. What a packet's fate proves sets the
// tokens; departures beyond the tolerance are counted. It gives up when too
// many passed that should not have. tokens, if not nil, gets the state that
// each packet met.
func (r *run) try(rate, size float64, tokens []float64) (n tally, ok bool) {
	tol := tolerance(rate)
	most := int(mostPassed * float64(r.passed))
	have := size
	wait, length := r.wait[:len(r.is)], r.len[:len(r.is)]
	for i, is := range r.is {
		have += rate * wait[i]
		if have > size {
			have = size
		}
		if tokens != nil {
			tokens[i] = have
		}
		l := length[i]
		switch is {
		case runPassed:
			if have <= l+tol {
				n.passedEmpty++
			}
			if have -= l; have < -tol {
				have = 0
				if n.violations++; n.violations > most && tokens == nil {
					return n, false
				}
			}
		case runFluid:
			have = max(have-l, 0)
		default:
			if is == runFirst {
				n.firsts++
			}
			if have > l+tol {
				n.bad++
			}
			have = min(have, l)
		}
	}
	return n, true
}

// weigh turns a tally into a bucket.
func (r *run) weigh(n tally, rate, size float64) bucket {
	b := bucket{rate: rate, size: size, firsts: n.firsts, empty: max(n.firsts-n.bad, 0)}
	passed := float64(max(r.passed, 1))
	b.e = 1 - float64(n.bad)/float64(max(n.firsts, 1))
	b.s = 1 - float64(n.passedEmpty)/passed
	b.pv = float64(n.violations) / passed
	b.j = shared(float64(n.firsts-n.bad), float64(n.bad), float64(n.passedEmpty), float64(r.passed-n.passedEmpty)) - passPenalty*b.pv
	if b.e+b.s < 1 || b.pv > mostPassed {
		b.j = -1
	}
	return b
}

// shared is the mutual information of "empty" and "lost", by the entropy of
// "lost": counts of lost and passed ones that met an empty bucket or not.
func shared(lostEmpty, lostNot, passedEmpty, passedNot float64) float64 {
	entropy := func(a, b float64) float64 {
		if a <= 0 || b <= 0 {
			return 0
		}
		n := a + b
		return -(a*math.Log(a/n) + b*math.Log(b/n))
	}
	all := entropy(lostEmpty+lostNot, passedEmpty+passedNot)
	if all == 0 {
		return 0
	}
	return (all - entropy(lostEmpty, passedEmpty) - entropy(lostNot, passedNot)) / all
}

// fit looks for the bucket that explains best who was lost.
func fit(events []event) bucket {
	best := bucket{j: -1}
	mean, ok := meanRate(events)
	if !ok {
		return best
	}
	r := layOut(events)
	busy := busyRate(events)
	consider := func(rate, size float64) {
		if rate > rateBeyond*busy || size < sizeLeast {
			return
		}
		n, ok := r.try(rate, size, nil)
		if !ok {
			return
		}
		if b := r.weigh(n, rate, size); b.j > best.j {
			best = b
		}
	}
	for rate := mean * rateFrom; rate < mean*rateTo; rate *= rateStep {
		for size := sizeFrom; size < sizeTo; size *= sizeStep {
			consider(rate, size)
		}
	}
	for _, step := range refinements {
		around := best
		for i := -refineRates; i <= refineRates && around.j > -1; i++ {
			for k := -refineSizes; k <= refineSizes; k++ {
				consider(around.rate*math.Pow(step[0], float64(i)), around.size*math.Pow(step[1], float64(k)))
			}
		}
	}
	best.busy, best.events = busy, events
	best.envelope = envelope(events)
	best.burst = burst(events, best.envelope)
	if best.rate > 0 {
		best.follow(&r)
	}
	return best
}

// meanRate is the rate of what passed between the first and the last loss, octets/s.
func meanRate(events []event) (float64, bool) {
	first, last := -1, -1
	for i := range events {
		if events[i].is1(isLost) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 || events[last].t <= events[first].t {
		return 0, false
	}
	sum := 0.0
	for i := range events {
		if e := &events[i]; !e.is1(isLost) && e.t >= events[first].t && e.t <= events[last].t {
			sum += e.len
		}
	}
	return sum / (events[last].t - events[first].t), sum > 0
}

// busyRate is the rate of what passed in all but the busiest tenth of the
// windows that end with a packet, octets/s.
func busyRate(events []event) float64 {
	rates := make([]float64, 0, len(events))
	first, sum := 0, 0.0
	for i := range events {
		if !events[i].is1(isLost) {
			sum += events[i].len
		}
		for ; events[i].t-events[first].t > rateWindow; first++ {
			if !events[first].is1(isLost) {
				sum -= events[first].len
			}
		}
		rates = append(rates, sum/rateWindow)
	}
	return quantile(rates, rateShare)
}

// fewDelays is how many delays it takes to see whether they follow the backlog.
const fewDelays = 20

// follow sees whether the delay follows the backlog that a queue of the rate
// and size of b would have had: in a queue it does, at a policer it does not.
// What else its tokens tell is asked on the way.
func (b *bucket) follow(r *run) {
	tokens := make([]float64, len(b.events))
	r.try(b.rate, b.size, tokens)
	b.prove(r, tokens)
	type point struct{ backlog, delay float64 }
	var points []point
	for i := range b.events {
		if e := &b.events[i]; e.passed() && e.q == e.q {
			points = append(points, point{(b.size - max(tokens[i]-e.len, 0)) / b.rate, e.q})
		}
	}
	if len(points) <= fewDelays {
		return
	}
	slices.SortStableFunc(points, func(x, y point) int {
		switch {
		case x.backlog < y.backlog:
			return -1
		case x.backlog > y.backlog:
			return 1
		}
		return 0
	})
	k := max(len(points)/4, 5)
	middle := func(l []point) (float64, float64) {
		x, y := make([]float64, len(l)), make([]float64, len(l))
		for i, p := range l {
			x[i], y[i] = p.backlog, p.delay
		}
		return quantile(x, 0.5), quantile(y, 0.5)
	}
	x0, y0 := middle(points[:k])
	x1, y1 := middle(points[len(points)-k:])
	if b.xr = x1 - x0; b.xr > 0 {
		b.slope = (y1 - y0) / b.xr
	}
}
