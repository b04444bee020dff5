package main

import (
	"io"
	"slices"

	"whydrop/capture"
)

// limited ends a Source after a number of frames, as for -c, or at one.
type limited struct {
	capture.Source
	left  uint64
	until func(*capture.Frame) bool // the first frame that is not wanted, or nil
	given []taken                   // by input
}

// taken is what was handed on of one input.
type taken struct {
	frames, octets uint64
	first, last    int64
	timed          bool
}

// Next returns the next batch, cut where the limit is reached.
func (l *limited) Next() (*capture.Batch, error) {
	if l.left == 0 {
		return nil, io.EOF
	}
	b, err := l.Source.Next()
	if err != nil {
		return nil, err
	}
	if n := uint64(len(b.Frames)); n > l.left {
		b.Frames = b.Frames[:l.left]
	}
	if l.until != nil {
		if i := slices.IndexFunc(b.Frames, func(f capture.Frame) bool { return l.until(&f) }); i >= 0 {
			b.Frames = b.Frames[:i]
			l.left = uint64(i)
		}
	}
	l.left -= uint64(len(b.Frames))
	for i := range b.Frames {
		l.take(&b.Frames[i])
	}
	return b, nil
}

func (l *limited) take(f *capture.Frame) {
	for int(f.File) >= len(l.given) {
		l.given = append(l.given, taken{})
	}
	t := &l.given[f.File]
	t.frames++
	t.octets += uint64(len(f.Data))
	switch {
	case !f.HasTime:
	case !t.timed:
		t.timed, t.first, t.last = true, f.Time, f.Time
	default:
		t.first, t.last = min(t.first, f.Time), max(t.last, f.Time)
	}
}

// Inputs describes as much of each input as was handed on; files are read in
// larger pieces than that.
func (l *limited) Inputs() []capture.Input {
	inputs := l.Source.Inputs()
	for i := range inputs {
		var t taken
		if i < len(l.given) {
			t = l.given[i]
		}
		in := &inputs[i]
		in.Frames, in.Octets, in.First, in.Last = t.frames, t.octets, t.first, t.last
	}
	return inputs
}
