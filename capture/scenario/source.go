package scenario

import (
	"io"

	"whydrop/capture"
)

// Frames are the frames that the tap held. Every call makes new ones.
func (s *Scenario) Frames() []capture.Frame { return s.play().frames }

// play builds what Parse has found to be buildable.
func (s *Scenario) play() *builder {
	b, err := build(s)
	if err != nil {
		panic("whydrop: bug: scenario was not checked: " + err.Error())
	}
	return b
}

// Source hands out the frames of s in batches of up to batch; 0 means all at once.
func (s *Scenario) Source(batch int) capture.Source {
	b := s.play()
	if batch <= 0 {
		batch = len(b.frames) + 1
	}
	in := capture.Input{
		Path: s.Name, Format: "scenario", LinkTypes: []capture.LinkType{s.link}, Stats: b.stats, Testimony: s.testimony(),
	}
	return &source{rest: b.frames, batch: batch, in: in}
}

// A source is a Scenario being read.
type source struct {
	rest  []capture.Frame
	batch int
	in    capture.Input
}

func (s *source) Next() (*capture.Batch, error) {
	if len(s.rest) == 0 {
		return nil, io.EOF
	}
	n := min(s.batch, len(s.rest))
	frames := s.rest[:n:n]
	s.rest = s.rest[n:]
	for i := range frames {
		s.count(&frames[i])
	}
	return capture.NewBatch(frames, nil), nil
}

func (s *source) count(f *capture.Frame) {
	if s.in.Frames == 0 {
		s.in.First, s.in.Last = f.Time, f.Time
	}
	s.in.First, s.in.Last = min(s.in.First, f.Time), max(s.in.Last, f.Time)
	s.in.Frames++
	s.in.Octets += uint64(len(f.Data))
	if n := uint32(len(f.Data)); n < f.WireLength && (s.in.SnapLength == 0 || n < s.in.SnapLength) {
		s.in.SnapLength = n
	}
}

func (s *source) Inputs() []capture.Input { return []capture.Input{s.in} }

func (s *source) Close() error { return nil }
