package pattern

import (
	"math"
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// elliottPath loses a share of what comes while it is bad.
type elliottPath struct {
	gilbertPath
	through float64
}

func (p *elliottPath) offer(t, octets float64) (bool, float64) {
	bad, d := p.gilbertPath.offer(t, octets)
	return bad && p.r.Float64() >= p.through, d
}

// plain are n packets that meet path, without any time between them.
func plain(path limiter, n int) []event {
	events := make([]event, n)
	for i := range events {
		if lost, _ := path.offer(0, wire); lost {
			events[i].is |= isLost
		}
		events[i].t = float64(i)
	}
	return events
}

// TestElliottFindsWhatGetsThrough: the parameters of a path whose bad times let half of
// the packets through are found again; where they let nothing through, and where each
// packet is lost by chance, the third parameter is not told.
func TestElliottFindsWhatGetsThrough(t *testing.T) {
	const seeds = 60
	found, wrong := 0, 0
	for seed := range uint64(seeds) {
		look := func(through float64) Evidence {
			r := newRand(seed)
			events := plain(&elliottPath{gilbertPath{becomesBad: 0.004, becomesGood: 0.1, r: r}, through}, 20_000)
			var v Evidence
			v.episodes(events, 0)
			v.elliott(events)
			return v
		}
		v := look(0.5)
		if v.Gain > 0 {
			found++
			if math.Abs(v.Through-0.5) > 0.15 || v.Leaves < 0.05 || v.Leaves > 0.2 || v.Enters < 0.002 || v.Enters > 0.008 {
				t.Errorf("seed %d: %+v", seed, v)
			}
		}
		if v = look(0); v.Gain > 0 {
			wrong++
		}
		var alone Evidence
		events := plain(&chance{p: 0.02, r: newRand(seed)}, 20_000)
		alone.episodes(events, 0)
		if alone.elliott(events); alone.Gain > 0 {
			t.Errorf("seed %d: single losses told as bad times: %+v", seed, alone)
		}
	}
	if found < seeds*9/10 || wrong > 2 {
		t.Errorf("found %d of %d, and %d where nothing gets through", found, seeds, wrong)
	}
	t.Logf("found %d of %d, %d where nothing gets through", found, seeds, wrong)
}

// TestElliottOnAPath: a flow with other traffic beside it says so, too, or nothing.
func TestElliottOnAPath(t *testing.T) {
	told := 0
	for seed := range uint64(10) {
		r := newRand(seed)
		path := chain{&elliottPath{gilbertPath{becomesBad: 0.002, becomesGood: 0.15, r: r}, 0.6}, &others{r: r}}
		f := tellOf(emulate(r, path, 40, 0.002, oneSender())[0])[0].finding
		if f.Cause != cause.RandomLoss && f.Cause != cause.Unknown {
			t.Errorf("seed %d: told as %s %s", seed, f.Confidence, f.Cause)
		}
		if v := &f.Evidence; v.Gain > 0 {
			told++
			if !v.Bursty() || math.Abs(v.Through-0.6) > 0.25 {
				t.Errorf("seed %d: %+v", seed, v)
			}
		}
	}
	t.Logf("told in %d of 10", told)
}

// TestSimplestLikelihood: both models agree where nothing gets through.
func TestSimplestLikelihood(t *testing.T) {
	events := plain(&gilbertPath{becomesBad: 0.01, becomesGood: 0.3, r: newRand(1)}, 5000)
	gaps := gapsOf(events)
	m, level := simplest(gaps)
	m.through = 1e-9
	if got := m.likelihood(gaps); math.Abs(got-level) > 1e-3 {
		t.Errorf("%v and %v", got, level)
	}
}

// TestBurstsSeenByTheReceiverAreNoPolicer: holes of many packets have no exact time, so
// that a bucket is believed with less; bursts of chance must not be taken for one.
func TestBurstsSeenByTheReceiverAreNoPolicer(t *testing.T) {
	for seed := range uint64(30) {
		r := newRand(seed)
		path := chain{&gilbertPath{becomesBad: 0.002, becomesGood: 0.1, r: r}, &others{r: r}}
		s := emulate(r, path, 30, 0.002, oneSender())[0]
		s.place = flow.BeforeTap
		for i := range s.events {
			if s.events[i].is1(isLost) {
				s.events[i].late = 0.1
			}
		}
		if f := tellOf(s)[0].finding; f.Cause == cause.Policer {
			t.Errorf("seed %d: %s", seed, f.String())
		}
	}
}
