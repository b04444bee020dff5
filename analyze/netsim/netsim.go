// Package netsim is a small simulated network for tests: two hosts for every
// flow, a path with a tap in the middle, faults on each side of the tap, and
// the truth about every packet.
//
// It is a discrete-event simulation: seeded, without goroutines and without the
// clock of the machine it runs on. The hosts speak TCP much as Linux does where
// a tap can see the difference (CUBIC and Reno; RACK, TLP and F-RTO; DSACK; RFC
// 7323 timestamps; delayed acknowledgements; zero windows and their probes).
// On each link stand elements: queues, policers, holes, one file each.
//
//	A ──links[0][0]──▶ tap ──links[0][1]──▶ B      direction 0
//	A ◀──links[1][1]── tap ◀──links[1][0]── B      direction 1
//
// What netsim is not: a model of any particular router, or of any kernel's
// timing. Its frames are right, its truth is exact, its hosts are plausible.
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

// A Flow is one TCP connection, which A opens, or a conversation of datagrams.
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
	Reno         bool   // RFC 5681's congestion avoidance, not CUBIC's
	Unseen       bool   // the tap is not shown it: it only shares the path

	Streams [2]*Stream // of datagrams, from A and from B; any of them, and there is no TCP
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
		stages: map[Element]stage{},
		begin:  epoch + c.Shift,
	}
	s.now = s.begin
	for i := range c.Flows {
		s.start(i)
	}
	s.play(s.now + c.Until)
	s.trace.settle()
	for _, h := range s.hosts {
		if h != nil && (h.una != h.nxt || h.nxt < h.written) {
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
	stages map[Element]stage
	wires  []*route // of each flow
	hosts  []*host  // both ends of each flow; nil if it has no connection
	begin  int64    // when the experiment began
}

// A taker is what a path ends at.
type taker interface{ receive(segment) }

// start makes both hosts of flow i and lets A open the connection.
func (s *sim) start(i int) {
	f := &s.config.Flows[i]
	path := f.Path
	if path == nil {
		path = &s.config.Path
	}
	r := s.routes[path]
	if r == nil {
		r = s.newRoute(path)
		s.routes[path] = r
	}
	s.trace.Flows = append(s.trace.Flows, addresses(i, f, s.config.Mirror))
	s.wires = append(s.wires, r)
	if f.Streams != [2]*Stream{} {
		s.startStreams(i, f, r)
		return
	}
	a, b := newHost(s, i, 0, f, &f.A), newHost(s, i, 1, f, &f.B)
	a.send = func(g segment) { s.carry(r, g, b) }
	b.send = func(g segment) { s.carry(r, g, a) }
	s.hosts = append(s.hosts, a, b)
	s.at(s.now+f.Start, a.connect)
}

// startStreams makes both ends of flow i, which is one of datagrams.
func (s *sim) startStreams(i int, f *Flow, r *route) {
	s.hosts = append(s.hosts, nil, nil)
	s.trace.isns = append(s.trace.isns, 0, 0)
	for d, st := range f.Streams {
		if st == nil {
			continue
		}
		t := &talker{s: s, flow: i, dir: uint8(d), f: f, id: uint16(s.rand.Uint32()), rtp: s.rand.Uint32()}
		t.send = func(g segment) { s.carry(r, g, t) }
		t.speak(st, -1)
	}
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
