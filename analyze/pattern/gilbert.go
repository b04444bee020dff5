package pattern

import (
	"cmp"
	"math"
	"slices"
)

// Thresholds of the models of bursts.
const (
	// elliottLosses in elliottRuns are the fewest of which three parameters are told.
	elliottLosses = 30
	elliottRuns   = 10

	// elliottGain is by how much twice the logarithm of the likelihood must rise for a
	// third parameter to be worth it: 1 % of chi-square with one degree of freedom.
	elliottGain = 6.63

	// searchSteps bounds the search for the best parameters, and searchLeast, in
	// logits, its precision: better than 30 losses know any of them.
	searchSteps = 60
	searchLeast = 0.05
)

// gilbert estimates the simplest model of bursts, in which nothing gets through
// while the path is bad (Gilbert 1960, Elliott 1963): how long it stays so, and
// how often it becomes so.
func (v *Evidence) gilbert() {
	if v.Runs == 0 || v.Packets <= v.Lost {
		return
	}
	v.MeanRun = float64(v.Lost) / float64(v.Runs)
	v.BadShare = float64(v.Runs) / float64(v.Packets-v.Lost)
}

// A gap is how many packets pass between two losses, and how often as many do.
type gap struct {
	passed int
	times  float64
}

// gapsOf counts the gaps between losses.
func gapsOf(events []event) (gaps []gap) {
	all := between(events)
	slices.Sort(all)
	for i, g := range all {
		if i == 0 || g != all[i-1] {
			gaps = append(gaps, gap{passed: g})
		}
		gaps[len(gaps)-1].times++
	}
	return gaps
}

// elliott estimates the next model, in which a share of the packets gets through while
// the path is bad, as where every other packet of a bad time is lost, if it explains the
// losses better than chance makes it. A path that is good loses nothing in either; so a
// loss says that the path is bad, and gaps do not depend on each other.
func (v *Evidence) elliott(events []event) {
	if v.Lost < elliottLosses || v.Runs < elliottRuns || v.PCC*float64(v.Packets) <= burstTimes*float64(v.Lost) {
		return
	}
	gaps := gapsOf(events)
	simple, level := simplest(gaps)
	best, found := bursts{}, math.Inf(-1)
	for _, through := range [...]float64{0.2, 0.6} {
		m := simple
		m.through = through
		m.leaves *= 1 - through // a bad time is longer than a run of it
		if m, l := m.climb(gaps); l > found {
			best, found = m, l
		}
	}
	if gain := 2 * (found - level); gain > elliottGain {
		v.Gain, v.Enters, v.Leaves, v.Through = gain, best.enters, best.leaves, best.through
	}
}

// bursts are the parameters: the chance that a good path becomes bad before a packet,
// that a bad one becomes good, and that a packet gets through a bad one.
type bursts struct{ enters, leaves, through float64 }

// simplest is the best model in which nothing gets through, and the logarithm of its likelihood.
func simplest(gaps []gap) (bursts, float64) {
	var n, ends, passed float64
	for _, g := range gaps {
		n += g.times
		if g.passed > 0 {
			ends += g.times
			passed += g.times * float64(g.passed)
		}
	}
	m := bursts{enters: ends / passed, leaves: ends / n}
	level := (n-ends)*logOf(1-m.leaves) + ends*(logOf(m.leaves)+logOf(m.enters)) + (passed-ends)*logOf(1-m.enters)
	return m, level
}

// logOf is the logarithm of x; of nothing it is that of hardly anything.
func logOf(x float64) float64 { return math.Log(max(x, 1e-300)) }

// likelihood is its logarithm. After a loss the path is bad; before each packet it may
// change; a gap ends with a loss. That is a product of matrices of two by two, which
// their eigenvalues give at once for any gap.
func (m bursts) likelihood(gaps []gap) float64 {
	// From good: to good and pass, to bad and pass; from bad: likewise.
	a, b := 1-m.enters, m.enters*m.through
	c, d := m.leaves, (1-m.leaves)*m.through
	half, det := (a+d)/2, a*d-b*c
	root := math.Sqrt(max(half*half-det, 0))
	x, y := half+root, half-root
	if root == 0 {
		return math.Inf(-1)
	}
	lost := 1 - m.through
	endGood, endBad := m.enters*lost, (1-m.leaves)*lost
	sum := 0.0
	for _, g := range gaps {
		// The row of bad of the matrix to the power n, by Sylvester's formula.
		px, py := math.Pow(x, float64(g.passed)), math.Pow(y, float64(g.passed))
		toGood := c * (px - py) / (x - y)
		toBad := (px*(d-y) - py*(d-x)) / (x - y)
		sum += g.times * logOf(toGood*endGood+toBad*endBad)
	}
	return sum
}

// climb looks for better parameters, one after the other, in ever smaller steps.
func (m bursts) climb(gaps []gap) (bursts, float64) {
	at := [3]float64{logit(m.enters), logit(m.leaves), logit(m.through)}
	model := func() bursts { return bursts{unlogit(at[0]), unlogit(at[1]), unlogit(at[2])} }
	best := model().likelihood(gaps)
	step := 1.0
	for range searchSteps {
		better := false
		for i := range at {
			for _, by := range [...]float64{step, -step} {
				at[i] += by
				l := model().likelihood(gaps)
				if cmp.Compare(l, best) > 0 {
					best, better = l, true
					break
				}
				at[i] -= by
			}
		}
		if better {
			continue
		}
		if step /= 2; step < searchLeast {
			break
		}
	}
	return model(), best
}

func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

func unlogit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
