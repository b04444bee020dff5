package pcapfile

import (
	"errors"
	"io"
	"os"
)

// pipeChunk is how much is read from a pipe at once: that of a pipe's buffer
// on Linux.
const pipeChunk = 64 << 10

// errStopped is why an input that waited for its writer was not opened.
var errStopped = errors.New("nothing had arrived when reading was stopped")

// openFile opens path. A named pipe waits for its writer, but not longer than
// until done is closed; the open that waits is then left behind.
func openFile(path string, done <-chan struct{}) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() || info.IsDir() {
		return os.Open(path)
	}
	type opened struct {
		file *os.File
		err  error
	}
	ready := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		ready <- opened{f, err}
	}()
	select {
	case o := <-ready:
		return o.file, o.err
	case <-done:
		return nil, errStopped
	}
}

// stopping is r, which ends when done is closed. A file is handed on as it is:
// reading it never waits.
func stopping(r io.Reader, done <-chan struct{}) io.Reader {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return r
		}
	}
	if done == nil {
		return r
	}
	return &stoppable{done: done, from: r}
}

// A stoppable ends when it is told to. A Read that waits is left behind: a pipe
// gives no other way out.
type stoppable struct {
	done   <-chan struct{}
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
		case <-s.done:
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
		buf := make([]byte, pipeChunk)
		n, err := s.from.Read(buf)
		select {
		case s.chunks <- chunk{buf[:n], err}:
		case <-s.done:
			return
		}
		if err != nil {
			return
		}
	}
}
