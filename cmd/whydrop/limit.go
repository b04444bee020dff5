package main

import (
	"io"

	"whydrop/capture"
)

// limited ends a Source after a number of frames: -c.
type limited struct {
	capture.Source
	left uint64
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
	l.left -= uint64(len(b.Frames))
	return b, nil
}
