package report

import (
	"testing"

	"whydrop/analyze"
	"whydrop/capture"
)

// What befalls an interface of the capture is told once, and what befalls another is not.
func TestLinkTroubles(t *testing.T) {
	const second = int64(1e9)
	at := func(s float64, what, of string) capture.HostEvent {
		return capture.HostEvent{Time: 100*second + int64(s*1e9), What: what, Of: of}
	}
	for _, c := range []struct {
		events []capture.HostEvent
		want   string
	}{
		{nil, ""},
		{[]capture.HostEvent{at(2, "link-down", "eth1"), at(3, "link-up", "eth0")}, ""},
		{[]capture.HostEvent{at(2, "interface-gone", "eth0"), at(3, "interface-gone", "eth0")}, "eth0 was removed 2.0 s after the start"},
		{[]capture.HostEvent{at(2, "link-down", "eth0"), at(12, "link-down", "eth0")}, "the link of eth0 went down 2.0 s after the start, the first of 2 times"},
	} {
		in := capture.Input{Testimony: &capture.Testimony{Start: 100 * second, Captured: []string{"eth0"}, Events: c.events}}
		b := &builder{res: &analyze.Result{Inputs: []capture.Input{in}}}
		if got := b.linkTroubles(); got != c.want {
			t.Errorf("%v: %q, want %q", c.events, got, c.want)
		}
	}
}
