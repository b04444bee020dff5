package main

import (
	"context"
	"io"
	"os"
)

// stdinChunk is how much is read from a pipe at once: that of a pipe's buffer
// on Linux.
const stdinChunk = 64 << 10

// stdin is standard input, which Ctrl-C ends even while nothing arrives. A
// file is handed on as it is: reading it never waits.
func stdin(ctx context.Context) io.Reader {
	if info, err := os.Stdin.Stat(); err == nil && info.Mode().IsRegular() {
		return os.Stdin
	}
	return &stoppable{ctx: ctx, from: os.Stdin}
}

// A stoppable ends with its context. A Read that waits is left behind: a pipe
// gives no other way out.
type stoppable struct {
	ctx    context.Context
	from   io.Reader
	chunks chan chunk
	rest   []byte
	err    error
}

// A chunk is what one Read returned.
type chunk struct {
	data []byte
	err  error
}

// Read fills b with what has arrived.
func (s *stoppable) Read(b []byte) (int, error) {
	if s.chunks == nil {
		s.chunks = make(chan chunk, 4)
		go s.pump()
	}
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		select {
		case c := <-s.chunks:
			s.rest, s.err = c.data, c.err
		case <-s.ctx.Done():
			return 0, io.EOF
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// pump reads ahead until an error, or until nobody wants more.
func (s *stoppable) pump() {
	for {
		buf := make([]byte, stdinChunk)
		n, err := s.from.Read(buf)
		select {
		case s.chunks <- chunk{buf[:n], err}:
		case <-s.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
