package detect

import (
	"math/rand/v2"
	"testing"
)

// probes is how many slots are looked at, on average, to find what t holds.
func (t *table) probes() float64 {
	mask, sum, n := uint32(len(t.slots)-1), 0, 0
	for at, s := range t.slots {
		if s.index > 0 {
			sum += int((uint32(at) - s.hash) & mask)
			n++
		}
	}
	return 1 + float64(sum)/float64(max(n, 1))
}

// TestConnectionsDoNotCollide: whoever writes a capture chooses addresses and ports, but no
// regular choice of them makes the table of connections slow, whatever this process drew.
func TestConnectionsDoNotCollide(t *testing.T) {
	drawn := portFactor
	defer func() { portFactor = drawn }()
	const flows = 1 << 15
	patterns := map[string]func(i uint32) uint32{
		"one server":          func(i uint32) uint32 { return i<<16 | 443 },
		"one client port":     func(i uint32) uint32 { return 40000<<16 | i },
		"the same port twice": func(i uint32) uint32 { return i<<16 | i },
		"every other":         func(i uint32) uint32 { return i<<17 | 443 },
		"high bits alone":     func(i uint32) uint32 { return i << 17 },
		"sum is constant":     func(i uint32) uint32 { return i<<16 | (65535 - i) },
		"a grid":              func(i uint32) uint32 { return (i&255)<<24 | (i>>8)<<8 },
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		portFactor = random.Uint32() | 1
		pair := random.Uint32()
		for name, ports := range patterns {
			var table table
			for i := range uint32(flows) {
				table.add(hashOf(pair, ports(i)), int32(i))
			}
			// Hashes by chance need 1.5 at half full, and up to 2.5 at three quarters.
			if got := table.probes(); got > 4 {
				t.Errorf("%s, factor %#x: %.1f probes", name, portFactor, got)
			}
		}
	}
}
