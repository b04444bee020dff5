package netsim

import (
	"io"

	"whydrop/capture"
)

// A Tap is where and how the capture is taken.
type Tap struct {
	Drop        float64 // a frame passes and is not captured
	Burst       float64 // a run of BurstLength such frames begins
	BurstLength int
	DropFrames  []int // the nth frames (from 1) that pass are not captured
	Copies      bool  // a mirror port: every frame is captured twice
	Snap        int   // octets kept of each frame; 0 = all

	// Offload: a tap on a host shows frames as its stack does: with a direction,
	// and with checksums that the NIC has yet to fill in.
	Offload bool
	Merge   int64 // and with segments so near each other in one super-frame (TSO, GRO)

	// Router stands between two ports of the tap: what passes is captured in
	// front of it and again behind it. It is on the way of direction d.
	Router [2][]Element

	bursting int
	passed   int
	last     super
}

// pass shows g to the tap. onHost says that the sender's host holds the tap.
func (t *Trace) pass(s *sim, g *segment, onHost bool) {
	p := &t.Packets[g.truth]
	p.Passed, p.PassedAt = true, s.now
	if p.Unseen || t.tap.misses(s) {
		return
	}
	if n := t.merge(s, g, onHost); n > 0 {
		p.Frame = n
		return
	}
	p.Frame = t.record(s, g, onHost, 0)
	if t.tap.Copies {
		c, truth := *g, g.truth
		s.at(s.now+s.between(2*Microsecond, 30*Microsecond), func() {
			t.Packets[truth].FrameCopy = t.record(s, &c, onHost, 0)
		})
	}
}

// again shows g, which has passed and has crossed a router since, to the tap's
// second port.
func (t *Trace) again(s *sim, g *segment) {
	if p := &t.Packets[g.truth]; !p.Unseen && p.Frame > 0 {
		p.FrameCopy = t.record(s, g, false, 1)
	}
}

// misses decides whether the capture lacks the frame that passes now.
func (t *Tap) misses(s *sim) bool {
	t.passed++
	for _, n := range t.DropFrames {
		if n == t.passed {
			return true
		}
	}
	if t.bursting > 0 {
		t.bursting--
		return true
	}
	if s.chance(t.Burst) {
		t.bursting = t.BurstLength - 1
		return true
	}
	return s.chance(t.Drop)
}

// record writes g as a frame, hops behind where it passes first, and returns
// its number.
func (t *Trace) record(s *sim, g *segment, onHost bool, hops uint8) uint64 {
	const slab = 1 << 20
	if cap(t.mem)-len(t.mem) < maxFrame {
		t.mem = make([]byte, 0, slab)
	}
	start := len(t.mem)
	t.mem = g.appendFrame(t.mem, &t.Flows[g.flow], onHost, onHost && t.tap.Offload && !g.damaged)
	data := t.mem[start:len(t.mem):len(t.mem)]
	if hops > 0 {
		g.hop(data, hops)
	}
	wire := len(data)
	if t.tap.Snap > 0 && len(data) > t.tap.Snap {
		data = data[:t.tap.Snap:t.tap.Snap]
	}
	n := uint64(len(t.Frames) + 1)
	f := capture.Frame{
		Data: data, Time: s.now, Number: n, WireLength: uint32(wire),
		Link: capture.LinkEthernet, HasTime: true,
	}
	if p := &t.Packets[g.truth]; t.tap.Offload && (p.AtSender || p.AtReceiver) {
		f.Direction = capture.Inbound
		if onHost {
			f.Direction = capture.Outbound
		}
	}
	t.Frames = append(t.Frames, f)
	return n
}

// source hands out frames that are in memory. Data is copied for every batch,
// so that a consumer may spoil it and the Trace stays good.
type source struct {
	frames []capture.Frame
	batch  int
	input  capture.Input
}

func newSource(frames []capture.Frame, batch int) *source {
	s := &source{frames: frames, batch: max(batch, 1)}
	s.input = capture.Input{Path: "netsim", Format: "netsim", LinkTypes: []capture.LinkType{capture.LinkEthernet}}
	return s
}

// Next returns the next batch.
func (s *source) Next() (*capture.Batch, error) {
	if len(s.frames) == 0 {
		return nil, io.EOF
	}
	n := min(s.batch, len(s.frames))
	frames := append([]capture.Frame(nil), s.frames[:n]...)
	s.frames = s.frames[n:]
	for i := range frames {
		f := &frames[i]
		f.Data = append([]byte(nil), f.Data...)
		s.input.Frames++
		s.input.Octets += uint64(len(f.Data))
		if s.input.Frames == 1 || f.Time < s.input.First {
			s.input.First = f.Time
		}
		s.input.Last = max(s.input.Last, f.Time)
	}
	return capture.NewBatch(frames, nil), nil
}

// Inputs describes what was read.
func (s *source) Inputs() []capture.Input { return []capture.Input{s.input} }

// Close does nothing.
func (s *source) Close() error { return nil }
