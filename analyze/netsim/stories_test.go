package netsim_test

import "whydrop/analyze/netsim"

// A story is one cause of loss, or what looks like one and is none. It is told
// on either side of the tap, with the tap in the middle and on either host.
type story struct {
	name     string
	flows    int    // 0 = one
	octets   uint64 // that A sends on each; 0 = 2.5 MB
	innocent bool   // nothing is lost
	fixed    bool   // it has no sides
	middle   bool   // and only one place
	do       func(c *netsim.Config, link *netsim.Link)
}

// on is a story of one element on the way from A to B.
func on(e func() netsim.Element) func(*netsim.Config, *netsim.Link) {
	return func(_ *netsim.Config, l *netsim.Link) { l.Elements = append(l.Elements, e()) }
}

func faults(f netsim.Faults) func(*netsim.Config, *netsim.Link) {
	return func(_ *netsim.Config, l *netsim.Link) { l.Faults = f }
}

func queue(rate, octets int64) func() netsim.Element {
	return func() netsim.Element { return &netsim.Queue{Rate: rate, Octets: octets} }
}

func policer(rate, burst int64) func() netsim.Element {
	return func() netsim.Element { return &netsim.Policer{Rate: rate, Burst: burst} }
}

// streams replaces the flows of c by n streams of datagrams from A to B.
func streams(c *netsim.Config, n int, s netsim.Stream) {
	c.Flows = nil
	for i := range n {
		c.Flows = append(c.Flows, netsim.Flow{Start: int64(i) * 7 * ms, Streams: [2]*netsim.Stream{&s}})
	}
}

var stories = []story{
	{name: "full queue", do: on(queue(6e6, 24_000))},
	{name: "full queue, Reno", do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].Reno = true
		on(queue(6e6, 24_000))(c, l)
	}},
	{name: "full queue, three flows", flows: 3, octets: 1e6, do: on(queue(8e6, 40_000))},
	{name: "RED", do: on(func() netsim.Element {
		return &netsim.Queue{Rate: 6e6, Octets: 90_000, Min: 6_000, Max: 60_000, MaxP: .08}
	})},
	{name: "policer", do: on(policer(5e6, 40_000))},
	{name: "policer, two flows", flows: 2, octets: 15e5, do: on(policer(6e6, 60_000))},
	{name: "policer, shared with what is unseen", flows: 3, octets: 12e5, do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[1].Unseen, c.Flows[2].Unseen = true, true
		on(policer(6e6, 60_000))(c, l)
	}},
	{name: "random 1 %", do: faults(netsim.Faults{Loss: .01})},
	{name: "random 1 %, behind a standing queue", do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].Buffer = 96 << 10
		on(queue(8e6, 400_000))(c, l)
		faults(netsim.Faults{Loss: .01})(c, l)
	}},
	{name: "bursts", do: on(func() netsim.Element { return &netsim.Channel{Worsen: .002, Mend: .25, Bad: .9} })},
	{name: "outage", do: faults(netsim.Faults{Outages: []netsim.Span{{From: 500 * ms, To: 1300 * ms}}})},
	{name: "hole, silent", octets: 2e5, do: on(func() netsim.Element { return &netsim.Hole{MTU: 1400} })},
	{name: "hole, silent, behind short data", octets: 2e5, do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].A.Sends = []netsim.Send{{Octets: 900}, {After: 300 * ms, Octets: 50_000}}
		on(func() netsim.Element { return &netsim.Hole{MTU: 1400} })(c, l)
	}},
	{name: "hole that tells", octets: 2e5, do: on(func() netsim.Element { return &netsim.Hole{MTU: 1400, Tells: true} })},
	{name: "damage", do: func(c *netsim.Config, l *netsim.Link) {
		if l == &c.Path[0][0] {
			c.Tap.Offload = false // or the NIC would sign what was damaged before it
		}
		faults(netsim.Faults{Corrupt: .01})(c, l)
	}},
	{name: "lost ACKs", do: func(c *netsim.Config, l *netsim.Link) {
		side := 1
		if l == &c.Path[0][0] {
			side = 0
		}
		c.Path[1][side].Faults = netsim.Faults{Only: netsim.ACK, Loss: .1}
	}},
	{name: "lost window update", do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].Buffer, c.Flows[0].B.Pause = 64<<10, 800*ms
		side := 1
		if l == &c.Path[0][0] {
			side = 0
		}
		c.Path[1][side].Faults = netsim.Faults{Only: netsim.Update, Loss: 1}
	}},
	{name: "capture drops", fixed: true, do: func(c *netsim.Config, _ *netsim.Link) {
		c.Tap.Burst, c.Tap.BurstLength = .002, 12
	}},
	{name: "capture drops, and the path does, too", do: func(c *netsim.Config, l *netsim.Link) {
		c.Tap.Burst, c.Tap.BurstLength = .001, 8
		faults(netsim.Faults{Loss: .005})(c, l)
	}},
	{name: "mirror port, full queue", do: func(c *netsim.Config, l *netsim.Link) {
		c.Tap.Copies = true
		on(queue(6e6, 24_000))(c, l)
	}},
	{name: "both sides of a router with a full queue", fixed: true, middle: true, do: func(c *netsim.Config, _ *netsim.Link) {
		c.Tap.Router = [2][]netsim.Element{{&netsim.Queue{Rate: 6e6, Octets: 24_000}}, {}}
	}},
	{name: "super-frames, random 1 %", do: func(c *netsim.Config, l *netsim.Link) {
		c.Tap.Merge = 300 * netsim.Microsecond
		faults(netsim.Faults{Loss: .01})(c, l)
	}},
	{name: "handshakes", flows: 12, octets: 20_000, do: faults(netsim.Faults{Only: netsim.SYN, Loss: .4})},
	{name: "RTP, random 2 %", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 800, Interval: 20 * ms, Jitter: 2 * ms, Octets: 172, RTP: true})
		faults(netsim.Faults{Loss: .02})(c, l)
	}},
	{name: "RTP, full queue", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms, Octets: 1000, RTP: true})
		on(queue(37e5, 40_000))(c, l)
	}},
	{name: "RTP, policer", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms, Octets: 1000, RTP: true})
		on(policer(37e5, 40_000))(c, l)
	}},
	{name: "datagrams, bursts", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 800, Interval: 10 * ms, Jitter: 2 * ms, Octets: 300})
		on(func() netsim.Element { return &netsim.Channel{Worsen: .005, Mend: .3, Bad: 1} })(c, l)
	}},

	{name: "nothing", flows: 2, innocent: true, fixed: true, do: func(*netsim.Config, *netsim.Link) {}},
	{name: "a standing queue", innocent: true, do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].Buffer = 96 << 10
		on(queue(6e6, 400_000))(c, l)
	}},
	{name: "a policer that is never reached", innocent: true, do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].Buffer = 32 << 10
		on(policer(40e6, 200_000))(c, l)
	}},
	{name: "stalls", flows: 2, innocent: true, do: on(func() netsim.Element {
		return &netsim.Stall{Spans: []netsim.Span{{From: 200 * ms, To: 500 * ms}, {From: 700 * ms, To: 1600 * ms}}}
	})},
	{name: "stalls, no timestamps", innocent: true, do: func(c *netsim.Config, l *netsim.Link) {
		c.Flows[0].NoTimestamps = true
		on(func() netsim.Element { return &netsim.Stall{Spans: []netsim.Span{{From: 200 * ms, To: 700 * ms}}} })(c, l)
	}},
	{name: "super-frames", innocent: true, fixed: true, do: func(c *netsim.Config, _ *netsim.Link) {
		c.Tap.Merge = 300 * netsim.Microsecond
	}},
	{name: "both sides of a router", innocent: true, fixed: true, middle: true, do: func(c *netsim.Config, _ *netsim.Link) {
		c.Tap.Router = [2][]netsim.Element{{&netsim.Queue{Rate: 50e6, Octets: 900_000}}, {}}
	}},
	{name: "a mirror port", innocent: true, fixed: true, do: func(c *netsim.Config, _ *netsim.Link) { c.Tap.Copies = true }},
	{name: "a reader that pauses", innocent: true, fixed: true, do: func(c *netsim.Config, _ *netsim.Link) {
		c.Flows[0].Buffer, c.Flows[0].B.Pause = 64<<10, 1500*ms
	}},
	{name: "RTP with jitter", innocent: true, do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 500, Interval: 20 * ms, Jitter: 19 * ms, Octets: 172, RTP: true})
		l.Jitter = 30 * ms
	}},
	{name: "reordered datagrams", innocent: true, do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 500, Interval: 5 * ms, Octets: 300})
		faults(netsim.Faults{Reorder: .03, Late: [2]int64{6 * ms, 25 * ms}})(c, l)
	}},

	// They came later, and each story's luck is that of its place.
	{name: "datagrams, policer", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms, Octets: 1000})
		on(policer(37e5, 40_000))(c, l)
	}},
	{name: "datagrams, full queue", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms, Octets: 1000})
		on(queue(37e5, 40_000))(c, l)
	}},
	{name: "datagrams, random 1 %", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 1500, Interval: 5 * ms, Jitter: ms, Octets: 600})
		faults(netsim.Faults{Loss: .01})(c, l)
	}},
	{name: "datagrams, a third policed", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms / 2, Octets: 1000})
		on(policer(28e5, 40_000))(c, l)
	}},
	{name: "datagrams, random 30 %", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 1500, Interval: 5 * ms, Jitter: ms, Octets: 600})
		faults(netsim.Faults{Loss: .3})(c, l)
	}},
	{name: "RTP, bursts", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 1500, Interval: 10 * ms, Jitter: 2 * ms, Octets: 172, RTP: true})
		on(func() netsim.Element { return &netsim.Channel{Worsen: .005, Mend: .3, Bad: 1} })(c, l)
	}},
	{name: "RTP, outage", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 2, netsim.Stream{Count: 500, Interval: 20 * ms, Jitter: 2 * ms, Octets: 172, RTP: true})
		faults(netsim.Faults{Outages: []netsim.Span{{From: 2000 * ms, To: 3100 * ms}}})(c, l)
	}},
	{name: "RTP, a shallow queue", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 2 * ms, Jitter: ms, Octets: 1000, RTP: true})
		on(queue(37e5, 8_000))(c, l)
	}},
	{name: "RTP, policer, with jitter", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 2000, Interval: 5 * ms, Jitter: ms, Octets: 1000, RTP: true})
		l.Jitter = 12 * ms
		on(policer(15e5, 40_000))(c, l)
	}},
	{name: "RTP, random 2 %, behind a standing queue", do: func(c *netsim.Config, l *netsim.Link) {
		streams(c, 1, netsim.Stream{Count: 1500, Interval: 10 * ms, Jitter: 2 * ms, Octets: 300, RTP: true})
		c.Flows = append(c.Flows, netsim.Flow{
			Buffer: 96 << 10, A: netsim.App{Sends: []netsim.Send{{Octets: 8e6}}}, B: netsim.App{Stays: true},
		})
		on(queue(8e6, 400_000))(c, l)
		faults(netsim.Faults{Loss: .02})(c, l)
	}},
}

// places are where the capture of a story is taken, on a path of 10 ms each way.
var places = []struct {
	name string
	a, b int64
	host bool
}{
	{"in the middle", 4 * ms, 6 * ms, false},
	{"at A", ms / 200, 10 * ms, true},
	{"at B", 10 * ms, ms / 200, true},
}

var sideNames = [2]string{"before the tap", "behind the tap"}

// tell is story number i with the fault on a side of the tap at a place.
func tell(i, place, side int, seed uint64) netsim.Config {
	s, at := &stories[i], places[place]
	c := netsim.Config{Seed: seed, Path: netsim.Through(at.a, at.b), Tap: netsim.Tap{Offload: at.host}}
	octets := s.octets
	if octets == 0 {
		octets = 25e5
	}
	for n := range max(s.flows, 1) {
		f := netsim.Flow{Start: int64(n) * 40 * ms, IPv6: n%4 == 3}
		f.A.Sends = []netsim.Send{{Octets: octets}}
		f.B.Sends = []netsim.Send{{Got: octets, Octets: 300}}
		f.B.Stays = true
		c.Flows = append(c.Flows, f)
	}
	s.do(&c, &c.Path[0][side])
	return c
}
