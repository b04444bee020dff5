// Package netsim is a small simulated network for tests: two hosts for every
// flow, a path with a tap in the middle, faults on each side of the tap, and
// the truth about every packet.
//
// It is a discrete-event simulation: seeded, without goroutines and without the
// clock of the machine it runs on. The hosts speak TCP much as Linux does where
// a tap can see the difference (RACK, TLP, F-RTO left out; DSACK; RFC 7323
// timestamps; delayed acknowledgements; zero windows and their probes).
//
//	A ──links[0][0]──▶ tap ──links[0][1]──▶ B      direction 0
//	A ◀──links[1][1]── tap ◀──links[1][0]── B      direction 1
//
// What netsim is not: a model of congestion control, of routers, or of any
// particular kernel's timing. Its frames are right, its truth is exact, its
// hosts are plausible.
package netsim

import (
	"math/rand/v2"

	"whydrop/capture"
)

// Units of time, ns.
const (
	Microsecond int64 = 1e3
	Millisecond int64 = 1e6
	Second      int64 = 1e9
)

// epoch is the time of the first event, ns since 1970: a round second of 2023.
const epoch int64 = 1_700_000_000 * Second

// A Config is a whole experiment.
type Config struct {
	Seed   uint64
	Path   Path
	Tap    Tap
	Flows  []Flow
	Until  int64  // the experiment ends after so long; 0 = two minutes
	Rotate uint32 // added to all initial sequence numbers
	Shift  int64  // added to all times
	Mirror bool   // swap the addresses and ports of both ends
}

// A Flow is one TCP connection; A opens it.
type Flow struct {
	Start        int64
	Path         *Path // nil = that of the Config
	A, B         App
	IPv6         bool
	ZeroID       bool // IPv4 identification 0 in every packet
	NoSACK       bool
	NoTimestamps bool
	MSS          uint16 // 0 = what fits 1500 octets
	Buffer       uint32 // receive buffer, octets; 0 = 256 KiB
	KeepAlive    int64  // idle time before a keep-alive; 0 = none
}

// An App is what the program at one end does.
type App struct {
	Sends []Send
	Stays bool  // close only after the peer has
	Open  bool  // never close
	Pause int64 // once: stop reading at the first octet, for so long
	Rate  int64 // octets read per second; 0 = all at once
}

// A Send is one write: wait until Got octets have been received, then for
// After, then write Octets.
type Send struct {
	Got    uint64
	After  int64
	Octets uint64
}

// Run plays c and returns what the tap saw, and the truth.
func Run(c Config) *Trace {
	if c.Until == 0 {
		c.Until = 120 * Second
	}
	s := &sim{
		config: c,
		rand:   rand.New(rand.NewPCG(c.Seed, 0x7768_7964_726f_7000)),
		trace:  &Trace{tap: c.Tap},
		routes: map[*Path]*route{},
	}
	s.now = epoch + c.Shift
	for i := range c.Flows {
		s.start(i)
	}
	s.play(s.now + c.Until)
	s.trace.settle()
	for _, h := range s.hosts {
		if h.una != h.nxt || h.nxt < h.written {
			s.trace.Unfinished = append(s.trace.Unfinished, h.flow)
		}
	}
	return s.trace
}

// sim is an experiment in progress.
type sim struct {
	clock
	config Config
	rand   *rand.Rand
	trace  *Trace
	routes map[*Path]*route
	hosts  []*host
}

// start makes both hosts of flow i and lets A open the connection.
func (s *sim) start(i int) {
	f := &s.config.Flows[i]
	path := f.Path
	if path == nil {
		path = &s.config.Path
	}
	r := s.routes[path]
	if r == nil {
		r = newRoute(path)
		s.routes[path] = r
	}
	s.trace.Flows = append(s.trace.Flows, addresses(i, f, s.config.Mirror))
	a, b := newHost(s, i, 0, f, &f.A), newHost(s, i, 1, f, &f.B)
	a.send = func(g segment) { s.carry(r, g, b) }
	b.send = func(g segment) { s.carry(r, g, a) }
	s.hosts = append(s.hosts, a, b)
	s.at(s.now+f.Start, a.connect)
}

// between draws from [lo, hi].
func (s *sim) between(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + s.rand.Int64N(hi-lo+1)
}

// chance is true with probability p. It draws only if there is something to
// decide, so that a fault of another link does not change this one's luck.
func (s *sim) chance(p float64) bool { return p > 0 && s.rand.Float64() < p }

// Source hands out the frames of t in batches of the given size.
func (t *Trace) Source(batch int) capture.Source { return newSource(t.Frames, batch) }
