package pattern

import (
	"math"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// at makes an event that passes, or is missing, at s.
func at(s float64, is marks) event {
	return event{t: s, ns: int64(s * 1e9), q: math.NaN(), is: is}
}

// towards is a direction to host n that shows these events.
func towards(n byte, place flow.Place, events ...event) *direction {
	s := &series{trail: &flow.Trail{}, facts: &flow.Facts{}, place: place, events: events}
	s.facts.Responder.Addr = decode.Addr{15: n}
	return &direction{series: s, whole: events}
}

// TestRefute: while one flow was starved, another got through to the same host. To
// another host the way may be another one, and at the edges of the time nothing tells.
func TestRefute(t *testing.T) {
	gap := []event{at(1, 0), at(1.1, isLost), at(1.9, isLost), at(2, 0)}
	for _, tt := range []struct {
		name  string
		other *direction
		stays bool
	}{
		{"through to the same host", towards(1, flow.AfterTap, at(1.5, 0)), false},
		{"to another host", towards(2, flow.AfterTap, at(1.5, 0)), true},
		{"at the edge", towards(1, flow.AfterTap, at(1.2, 0)), true},
		{"lost as well", towards(1, flow.AfterTap, at(1.5, isLost)), true},
		{"nobody knows", towards(1, flow.AfterTap, at(1.5, isSilent)), true},
	} {
		d := towards(1, flow.AfterTap, gap...)
		d.group = &group{list: []*direction{d, tt.other}}
		left := d.refute([]outage{{from: 1, to: 3, lost: 2, begin: gap[0].ns, end: gap[3].ns}})
		if (len(left) == 1) != tt.stays {
			t.Errorf("%s: %d outages stay", tt.name, len(left))
		}
	}
}

// TestWidest: repairs that arrive inside a hole show that something got through.
func TestWidest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []event
		want   float64
	}{
		{"nothing between", []event{at(1, 0), at(1.5, isLost), at(3, 0)}, 2},
		{"repairs between", []event{at(1, 0), at(1.5, isAgain), at(2, isAgain), at(2, isLost), at(2.75, 0)}, 0.75},
		{"a repair behind the silence", []event{at(1, 0), at(2.5, isAgain), at(2.5, isLost), at(2.75, 0)}, 1.5},
	} {
		s := series{events: tt.events}
		if got := s.widest(0, len(tt.events)-1); got != tt.want {
			t.Errorf("%s: %v s, want %v s", tt.name, got, tt.want)
		}
	}
}
