package pattern

import (
	"math"
	"testing"
)

// TestDelayBeside: the neighbour of a lost packet is one of its own flow, near in time,
// and not looked for for ever: of a flood, all may lie within one round trip.
func TestDelayBeside(t *testing.T) {
	crowd := func(between int, after float64) []event {
		events := []event{{is: isLost}}
		for range between {
			events = append(events, event{flow: 1})
		}
		return append(events, event{q: 0.003, t: after}, event{q: math.NaN()})
	}
	for _, c := range []struct {
		name    string
		between int
		after   float64
		found   bool
	}{
		{"the next packet", 0, 0.001, true},
		{"behind others", besideMost - 1, 0.001, true},
		{"behind a flood", besideMost, 0.001, false},
		{"long after", 0, 0.030, false},
	} {
		q, found := delayBeside(crowd(c.between, c.after), 0, 0.010)
		if found != c.found || found && q != 0.003 {
			t.Errorf("%s: %v, %v", c.name, q, found)
		}
	}
}
