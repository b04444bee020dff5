package netsim_test

import (
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/netsim"
)

// crowd is many uploads at once over one path of 20 ms, of some seconds each:
// they write a little every few milliseconds, as programs do.
func crowd(seed uint64, flows, writes int, do func(c *netsim.Config)) netsim.Config {
	c := netsim.Config{Seed: seed, Path: netsim.Through(8*ms, 12*ms), Until: 20 * sec}
	for i := range flows {
		f := netsim.Flow{Start: int64(i) * 7 * ms}
		f.A.Sends = []netsim.Send{{Octets: 3000}}
		for range writes {
			f.A.Sends = append(f.A.Sends, netsim.Send{After: 25*ms + int64(i%7)*ms, Octets: 3000})
		}
		f.B.Stays = true
		c.Flows = append(c.Flows, f)
	}
	do(&c)
	return c
}

// TestEvents checks, from frames to events, that what hit many flows at one
// moment is one event, also behind random loss, and that independent losses,
// and those that only the capture has, are none of the network.
func TestEvents(t *testing.T) {
	outage := netsim.Faults{Outages: []netsim.Span{{From: 3 * sec, To: 3*sec + 80*ms}}}
	tests := []struct {
		name  string
		do    func(c *netsim.Config)
		locus cause.Locus
		flows int // at least; 0 = no event
	}{
		{"an outage downstream", func(c *netsim.Config) { c.Path[0][1].Faults = outage }, cause.Downstream, 25},
		{"an outage upstream", func(c *netsim.Config) { c.Path[0][0].Faults = outage }, cause.Upstream, 25},
		{"an outage among random losses", func(c *netsim.Config) {
			c.Path[0][1].Faults = outage
			c.Path[0][1].Faults.Loss = .003
		}, cause.Downstream, 25},
		{"random losses", func(c *netsim.Config) { c.Path[0][1].Faults = netsim.Faults{Loss: .02} }, cause.Downstream, 0},
		{"random losses upstream", func(c *netsim.Config) { c.Path[0][0].Faults = netsim.Faults{Loss: .02} }, cause.Upstream, 0},
		{"capture drops", func(c *netsim.Config) { c.Tap.Drop = .02 }, cause.InCapture, 0},
		{"nothing", func(*netsim.Config) {}, cause.Downstream, 0},
	}
	for _, tt := range tests {
		tr := netsim.Run(crowd(11, 30, 180, tt.do))
		res := conclude(t, tr.Source(256), 2)
		var found []analyze.Event
		for _, e := range res.Events {
			if e.Kind != analyze.AtOnce || e.Locus != tt.locus {
				t.Errorf("%s: an event of another kind or place: %v %v, class %v %d, period %d, %d flows, chance e^%.0f", tt.name, e.Kind, e.Locus, e.Class, e.Number, e.Period, e.Flows, e.Chance)
				continue
			}
			found = append(found, e)
		}
		switch {
		case tt.flows == 0 && len(found) > 0:
			t.Errorf("%s: %d events, the first of %d flows, chance e^%.0f", tt.name, len(found), found[0].Flows, found[0].Chance)
		case tt.flows > 0 && (len(found) != 1 || found[0].Flows < tt.flows):
			t.Errorf("%s: %d events: %+v", tt.name, len(found), found)
		case tt.flows > 0:
			t.Logf("%s: %d flows, %d packets, %d ms long", tt.name, found[0].Flows, found[0].Packets, (found[0].Last-found[0].First)/ms)
		}
	}
}

// TestAFlappingLinkHasAPeriod checks that outages at the beat of a clock say it.
func TestAFlappingLinkHasAPeriod(t *testing.T) {
	c := crowd(5, 8, 330, func(c *netsim.Config) {
		for n := range int64(14) {
			c.Path[0][1].Faults.Outages = append(c.Path[0][1].Faults.Outages, netsim.Span{From: 400*ms + n*600*ms, To: 400*ms + n*600*ms + 15*ms})
		}
	})
	res := conclude(t, netsim.Run(c).Source(256), 1)
	for _, e := range res.Events {
		if e.Kind != analyze.Periodic {
			continue
		}
		if e.Period < 590*ms || e.Period > 610*ms {
			t.Errorf("a period of %d ms, the link flapped every 600", e.Period/ms)
		}
		return
	}
	t.Errorf("no period was told: %+v", res.Events)
}
