package pattern

import (
	"math"
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

const mbit = 1e6 / 8

func oneSender() *sender {
	return &sender{rtt: 0.040, rate: 2 * wire / 0.040, grow: 0.25 * mbit, most: 20 * mbit, burst: 4}
}

// TestQueueAndPolicerAreOppositeTwins: they lose the same packets of the same
// arrivals, so that the fit is the same; only the delay tells them apart.
func TestQueueAndPolicerAreOppositeTwins(t *testing.T) {
	for _, x := range []struct{ rate, size float64 }{{2 * mbit, 40e3}, {5 * mbit, 60e3}, {10 * mbit, 150e3}} {
		var got [2]*direction
		for i, queues := range []bool{false, true} {
			path := &tokenBucket{rate: x.rate, size: x.size, queues: queues}
			got[i] = tellOf(emulate(newRand(1), path, 40, 0.001, oneSender())[0])[0]
		}
		a, b := got[0].own, got[1].own
		if a.rate != b.rate || a.size != b.size || a.j != b.j {
			t.Errorf("%v: fits %v and %v differ", x, a, b)
		}
		if f := got[0].finding; f.Cause != cause.Policer || f.Confidence != cause.Likely {
			t.Errorf("%v: policer told as %s %s, %+v", x, f.Confidence, f.Cause, f.Evidence)
		}
		if f := got[1].finding; f.Cause != cause.QueueOverflow || f.Confidence != cause.Likely {
			t.Errorf("%v: queue told as %s %s, %+v", x, f.Confidence, f.Cause, f.Evidence)
		}
		near(t, "rate of the policer", got[0].finding.Evidence.PolicerRate, x.rate, 0.10)
		near(t, "size of the queue", got[1].finding.Evidence.QueueSize, x.size, 0.30)
	}
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s: %.0f, want %.0f", what, got, want)
	}
}

// TestChanceHitsAnyDelay: independent loss is beside any delay, and no bucket
// explains it. 1000 seeds.
func TestChanceHitsAnyDelay(t *testing.T) {
	seeds := 1000
	if testing.Short() {
		seeds = 100
	}
	far, told := 0, map[cause.ID]int{}
	for seed := range seeds {
		r := newRand(uint64(seed))
		path := chain{&chance{0.01, r}, &others{r: r}}
		s := emulate(r, path, 8, 0.002, oneSender())[0]
		if v := observe(s.events, s.rtt); math.Abs(v.Z) >= 3 {
			far++
		}
		if seed%5 == 0 { // the fit takes longer
			told[tellOf(s)[0].finding.Cause]++
		}
	}
	if limit := seeds * 3 / 1000 * 3; far > max(limit, 3) {
		t.Errorf("|z| >= 3 in %d of %d", far, seeds)
	}
	if told[cause.Policer] > 0 || told[cause.LinkOutage] > 0 || told[cause.MTUBlackHole] > 0 {
		t.Errorf("chance told as %v", told)
	}
	t.Logf("%v", told)
}

// TestBurstsAreNoPolicer: the first loss of each burst meets no empty bucket.
func TestBurstsAreNoPolicer(t *testing.T) {
	for seed := range uint64(20) {
		r := newRand(seed)
		path := chain{&gilbertPath{becomesBad: 0.002, becomesGood: 0.1, r: r}, &others{r: r}}
		d := tellOf(emulate(r, path, 20, 0.002, oneSender())[0])[0]
		f := d.finding
		if f.Cause != cause.RandomLoss && f.Cause != cause.Unknown || f.Confidence == cause.Likely {
			t.Errorf("seed %d: bursts told as %s %s %s %+v", seed, f.Confidence, f.Cause, f.Row, f.Evidence)
		}
		if f.Cause == cause.RandomLoss && !f.Evidence.Bursty() {
			t.Errorf("seed %d: not called bursts, pcc %.2f", seed, f.Evidence.PCC)
		}
	}
}

// TestAggregateFindsWhatFlowsDoNot: each of two flows sees a bucket that the
// other has emptied.
func TestAggregateFindsWhatFlowsDoNot(t *testing.T) {
	both := 0
	for seed := range uint64(10) {
		list := emulate(newRand(seed), &tokenBucket{rate: 4 * mbit, size: 30e3}, 40, 0.001, oneSender(), oneSender())
		alone := 0
		for _, s := range list {
			if f := tellOf(s)[0].finding; f.Cause == cause.Policer && f.Confidence == cause.Likely {
				alone++
			}
		}
		together := 0
		for _, d := range tellOf(list...) {
			if f := d.finding; f.Cause == cause.Policer && f.Confidence == cause.Likely {
				together++
			}
		}
		if together < alone {
			t.Errorf("seed %d: %d alone, %d together", seed, alone, together)
		}
		if together == 2 {
			both++
		}
	}
	if both < 9 {
		t.Errorf("%d of 10 pairs found, want at least 9", both)
	}
}

// TestCutsNeverAccuse: less of the same says less, not something else.
func TestCutsNeverAccuse(t *testing.T) {
	for seed := range uint64(6) {
		for _, x := range []struct {
			is   cause.ID
			path func() limiter
		}{
			{cause.Policer, func() limiter { return &tokenBucket{rate: 3 * mbit, size: 50e3} }},
			{cause.QueueOverflow, func() limiter { return &tokenBucket{rate: 3 * mbit, size: 50e3, queues: true} }},
			{cause.RandomLoss, func() limiter {
				r := newRand(seed + 99)
				return chain{&chance{0.01, r}, &others{r: r}}
			}},
		} {
			whole := emulate(newRand(seed), x.path(), 20, 0.001, oneSender())[0].events
			for n := 50; n < len(whole); n += len(whole)/25 + 1 {
				cut := make([]event, n)
				copy(cut, whole)
				f := tellOf(seriesOf(cut, 0.040))[0].finding
				if f.Confidence == cause.Likely && f.Cause != x.is && f.Cause != cause.Unknown {
					t.Errorf("seed %d: %s, cut to %d of %d, told as likely %s (%s) %+v", seed, x.is, n, len(whole), f.Cause, f.Row, f.Evidence)
				}
			}
		}
	}
}

// TestMergedFramesWithhold: what GRO has put together fakes an empty bucket.
func TestMergedFramesWithhold(t *testing.T) {
	s := emulate(newRand(3), &tokenBucket{rate: 4 * mbit, size: 60e3}, 40, 0.001, oneSender())[0]
	s.place = flow.BeforeTap
	if f := tellOf(s)[0].finding; f.Cause != cause.Policer {
		t.Fatalf("at a receiver told as %s", f.Cause)
	}
	s.longs = s.frames / 10
	if f := tellOf(s)[0].finding; f.Cause == cause.Policer {
		t.Errorf("%d of %d frames were merged, and it is a %s %s", s.longs, s.frames, f.Confidence, f.Cause)
	}
}

// TestNoDelaysNoPolicer: a bucket explains a queue as well, and without delays
// nothing tells them apart.
func TestNoDelaysNoPolicer(t *testing.T) {
	s := emulate(newRand(4), &tokenBucket{rate: 4 * mbit, size: 60e3}, 40, 0.001, oneSender())[0]
	for i := range s.events {
		s.events[i].q = math.NaN()
	}
	if f := tellOf(s)[0].finding; f.Cause != cause.Unknown {
		t.Errorf("told as %s %s without a single delay", f.Confidence, f.Cause)
	}
}
