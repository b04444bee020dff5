package flow

import (
	"math/rand/v2"
	"testing"
)

// slow is a set of octets, octet by octet: obviously right.
type slow [256]bool

func (s *slow) set(lo, hi int64, to bool) {
	for i := lo; i < hi; i++ {
		s[i] = to
	}
}

func (s *slow) all(lo, hi int64) bool {
	for i := lo; i < hi; i++ {
		if !s[i] {
			return false
		}
	}
	return true
}

func (s *slow) some(lo, hi int64) bool {
	for i := lo; i < hi; i++ {
		if s[i] {
			return true
		}
	}
	return false
}

// TestRangesAreSets compares ranges with octets over random histories.
func TestRangesAreSets(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var got ranges
		var want slow
		for step := range 60 {
			lo := r.Int64N(240)
			hi := lo + 1 + r.Int64N(15)
			switch r.IntN(8) {
			case 0:
				got.remove(lo, hi)
				want.set(lo, hi, false)
			case 1:
				at := r.Int64N(40)
				got.forget(at)
				want.set(0, at, false)
			default:
				got.add(lo, hi)
				want.set(lo, hi, true)
			}
			compareSets(t, seed, step, got, &want, r)
			if t.Failed() {
				return
			}
		}
	}
}

func compareSets(t *testing.T, seed uint64, step int, got ranges, want *slow, r *rand.Rand) {
	t.Helper()
	for i := range got {
		if got[i].lo >= got[i].hi || i > 0 && got[i].lo <= got[i-1].hi {
			t.Errorf("seed %d step %d: %v is not in order", seed, step, got)
		}
	}
	n := int64(0)
	for _, x := range want {
		if x {
			n++
		}
	}
	if got.size() != n {
		t.Errorf("seed %d step %d: %v holds %d octets, want %d", seed, step, got, got.size(), n)
	}
	for range 20 {
		lo := r.Int64N(240)
		hi := lo + 1 + r.Int64N(15)
		if c := got.covers(lo, hi); c != want.all(lo, hi) {
			t.Errorf("seed %d step %d: %v covers [%d, %d) = %v", seed, step, got, lo, hi, c)
		}
		if c := got.touches(lo, hi); c != want.some(lo, hi) {
			t.Errorf("seed %d step %d: %v touches [%d, %d) = %v", seed, step, got, lo, hi, c)
		}
		missing := int64(0)
		got.missing(lo, hi, func(a, b int64) {
			missing += b - a
			if want.some(a, b) || a < lo || b > hi {
				t.Errorf("seed %d step %d: %v lacks [%d, %d) of [%d, %d)", seed, step, got, a, b, lo, hi)
			}
		})
		here := int64(0)
		for i := lo; i < hi; i++ {
			if want[i] {
				here++
			}
		}
		if missing+here != hi-lo {
			t.Errorf("seed %d step %d: %v lacks %d of [%d, %d), want %d", seed, step, got, missing, lo, hi, hi-lo-here)
		}
	}
}

// TestMedianIsNearTheMiddle: the histogram is good to a bucket, half of a value wide.
func TestMedianIsNearTheMiddle(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		var g histogram
		middle := int64(1000) << r.IntN(20)
		for range 1001 {
			g.add(middle/2 + r.Int64N(middle))
		}
		if m := g.median(); m < middle/2 || m > middle*2 {
			t.Errorf("median of values around %d ns is %d", middle, m)
		}
	}
}

// TestBucketsAreInOrder: a longer delay is never in a lower bucket, and every
// bucket begins where bucketFloor says.
func TestBucketsAreInOrder(t *testing.T) {
	last := 0
	for d := int64(0); d < int64(4e12); d += d/7 + 500 {
		b := bucketOf(d)
		if b < last {
			t.Fatalf("%d ns is in bucket %d, below that of shorter delays (%d)", d, b, last)
		}
		if b > 0 && bucketFloor(b) > d+1000 {
			t.Fatalf("%d ns is in bucket %d, which begins at %d", d, b, bucketFloor(b))
		}
		last = b
	}
}

// TestHistoryThinsOut: an old state is found with an error that is a share of its age.
func TestHistoryThinsOut(t *testing.T) {
	var h history
	const step = int64(1e6)
	now := int64(0)
	for i := range int64(5000) {
		now = i * step
		h.add(moment{t: now, una: i}, int64(1e9))
	}
	if len(h.list) > maxHistory {
		t.Fatalf("%d moments are kept, want at most %d", len(h.list), maxHistory)
	}
	for age := int64(0); age < int64(5e8); age += int64(7e6) {
		m, ok := h.at(now-age, now/step)
		if !ok {
			t.Fatalf("nothing is known of %d ms ago", age/1e6)
		}
		if err := now - age - m.t; err < 0 || err > age/2+2*step {
			t.Errorf("%d ms ago: the state of %d ms before that", age/1e6, err/1e6)
		}
	}
}

// TestQueueKeepsOrder pushes and pops across chunks.
func TestQueueKeepsOrder(t *testing.T) {
	var q queue
	var pool Pool
	next, first := int64(0), int64(0)
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		if r.IntN(5) < 3 {
			q.push(&sent{lo: next * 10, n: 10}, &pool)
			next++
		} else if q.length > 0 {
			q.pop()
			first++
		}
		if q.length != int(next-first) {
			t.Fatalf("length %d, want %d", q.length, next-first)
		}
		for i := range q.length {
			if q.at(i).lo != (first+int64(i))*10 {
				t.Fatalf("entry %d begins at %d, want %d", i, q.at(i).lo, (first+int64(i))*10)
			}
		}
		if q.length > 0 {
			at := first*10 + r.Int64N(int64(q.length)*10)
			if i := q.search(at); q.at(i).lo > at || q.at(i).hi() <= at {
				t.Fatalf("octet %d: found %+v", at, *q.at(i))
			}
		}
	}
}
