package decode

import (
	"math/rand/v2"
	"testing"
)

// TestPairHashIsSeeded: what meets in one process does not in the next, and whoever does not
// know the seed finds no pattern of addresses that meets in all of them.
func TestPairHashIsSeeded(t *testing.T) {
	drawn := seed
	defer func() { seed = drawn }()
	const seeds, hosts = 40, 64
	random := rand.New(rand.NewPCG(1, 2))
	meetings, first := 0, map[uint32]bool{}
	for range seeds {
		seed = [2]uint64{random.Uint64(), random.Uint64()}
		at := func(i int) Addr { return Addr{10: 0xff, 11: 0xff, 12: 10, 15: byte(i)} }
		first[PairHash(at(1), at(2))] = true
		seen := map[uint32]bool{}
		for i := range hosts {
			for j := range i {
				h := PairHash(at(i), at(j))
				if seen[h] {
					meetings++
				}
				seen[h] = true
			}
		}
	}
	// 2016 pairs meet by chance 0.0005 times for each seed.
	if meetings > 1 || len(first) != seeds {
		t.Errorf("%d of %d pairs meet, one pair has %d hashes under %d seeds", meetings, seeds*hosts*(hosts-1)/2, len(first), seeds)
	}
}
