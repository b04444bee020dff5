package analyze

import (
	"math"

	"whydrop/analyze/cause"
)

const (
	// beatLeast: fewer moments of loss have no beat.
	beatLeast = 12

	// beatMost of them are tested: the first ones. The scan is quadratic.
	beatMost = 400

	// beatAgrees is the least length of the mean vector of phases: a spread of 3 %
	// of the period. A clock keeps its phase; what comes after a wait of its own
	// each time, as the sawtooth of a sender does, drifts away within some turns.
	beatAgrees = 0.98

	// beatSkips is how many turns may pass between two losses, in the mean. With
	// more, the times at which a regular sender sends at all look like a beat.
	beatSkips = 3

	// beatJoin, ns: losses so near each other are one moment.
	beatJoin = int64(100e6)

	// beatSlow: a period is at least so many times beatJoin, or joining makes one.
	beatSlow = 4

	// beatOver is how much finer than its resolution the spectrum is scanned.
	beatOver = 5
)

// beats looks for a period: in the moments at which anybody lost, or, where
// events hit many flows, in these. At most one is told of a locus.
func (c *correlation) beats(at cause.Locus, list []episode, moments []Event) []Event {
	for _, some := range [][]episode{list, c.within(list, moments)} {
		times, last := joinedTimes(some)
		b, ok := beatOf(times)
		if !ok || c.trafficBeats(times, b) {
			continue
		}
		for n := range some { // those behind the last moment that was tested
			if some[n].first > last {
				some = some[:n]
				break
			}
		}
		e := c.event(Periodic, at, some)
		e.Period, e.Jitter, e.Chance, e.Episodes = b.period, b.jitter, b.chance, len(times)
		return []Event{e}
	}
	return nil
}

// trafficBeats reports whether the traffic itself may have the beat b: if so
// large a share of all packets came at these phases that losing some of them at
// random gives the beat as well, or if the timeline is too coarse to tell.
func (c *correlation) trafficBeats(times []int64, b beat) bool {
	const (
		finest = 8 // bins that a period must have
		spread = 3 // standard deviations around the mean phase that are counted
	)
	l := &c.res.line
	l.flush()
	if l.bins == nil || l.width*finest > b.period {
		return true
	}
	t := make([]float64, len(times))
	for i := range times {
		t[i] = float64(times[i]-times[0]) / float64(b.period)
	}
	_, angle := agreement(t, 1)
	reach := spread*float64(b.jitter)/float64(b.period) + float64(l.width)/float64(b.period)
	var at, all float64
	first, last := l.index(times[0]), l.index(times[len(times)-1])
	for i := first; i <= last; i++ {
		middle := l.origin + int64(i)*l.width + l.width/2
		off := float64(middle-times[0])/float64(b.period) - angle/(2*math.Pi)
		all += float64(l.bins[i])
		if math.Abs(off-math.Round(off)) <= reach {
			at += float64(l.bins[i])
		}
	}
	return all == 0 || at == 0 || float64(len(times)-1)*math.Log(at/all) > math.Log(beatLevel)
}

// within keeps the episodes that belong to one of the events.
func (c *correlation) within(list []episode, moments []Event) []episode {
	var some []episode
	for i := range list {
		for k := range moments {
			if list[i].first >= moments[k].First && list[i].first <= moments[k].Last {
				some = append(some, list[i])
				break
			}
		}
	}
	return some
}

// joinedTimes are the beginnings of the moments of loss, and when the last one ended.
func joinedTimes(list []episode) (times []int64, last int64) {
	for i := range list {
		p := &list[i]
		if len(times) == 0 || p.first-last > beatJoin {
			if len(times) == beatMost {
				break
			}
			times = append(times, p.first)
		}
		last = max(last, p.last)
	}
	return times, last
}

// A beat is a period and how well it is kept.
type beat struct {
	period, jitter int64
	chance         float64
}

// beatOf tests whether times keep the beat of a clock: the spectrum of the
// point process (Rayleigh's test) is scanned for the period at which the phases
// agree best. Under random times a phase is uniform, and sameness says how
// probable such agreement is; it is multiplied by the number of periods tried.
func beatOf(times []int64) (best beat, ok bool) {
	n := len(times)
	if n < beatLeast {
		return best, false
	}
	span := float64(times[n-1] - times[0])
	if span <= 0 {
		return best, false
	}
	t := make([]float64, n) // in spans
	for i := range times {
		t[i] = float64(times[i]-times[0]) / span
	}
	const step = 1.0 / beatOver
	highest := min(float64(beatSkips*(n-1)), span/float64(beatSlow*beatJoin))
	lowest := float64(n-1) / 2 // one period has at most two losses, in the mean
	most, at, tried := 0.0, 0.0, 0
	for f := lowest; f <= highest; f += step {
		tried++
		if r, _ := agreement(t, f); r > most {
			most, at = r, f
		}
	}
	at, most = refine(t, at, step)
	const alike = 0.01
	for _, turns := range []float64{3, 2} { // a beat agrees with its harmonics, too
		if f, r := refine(t, at/turns, step); at/turns >= lowest-step && r > most-alike {
			at, most = f, r
			break
		}
	}
	if tried == 0 || most < beatAgrees {
		return best, false
	}
	const refined = 2 // trials that refining adds, at most
	best.chance = sameness(n, most) + math.Log(float64(refined*tried))
	best.period = int64(span / at)
	best.jitter = int64(math.Sqrt(max(-2*math.Log(min(most, 1)), 0)) / (2 * math.Pi) * float64(best.period))
	return best, best.chance < math.Log(beatLevel)
}

// refine climbs to the frequency near f at which the phases of t agree best.
func refine(t []float64, f, step float64) (at, length float64) {
	at = f
	length, _ = agreement(t, f)
	for width := step / 2; width > step/64; width /= 2 {
		for _, f := range []float64{at - width, at + width} {
			if r, _ := agreement(t, f); r > length {
				length, at = r, f
			}
		}
	}
	return at, length
}

// agreement is the length and angle of the mean vector of the phases of t at
// frequency f.
func agreement(t []float64, f float64) (length, angle float64) {
	var x, y float64
	for _, at := range t {
		sin, cos := math.Sincos(2 * math.Pi * f * at)
		x += cos
		y += sin
	}
	return math.Hypot(x, y) / float64(len(t)), math.Atan2(y, x)
}
