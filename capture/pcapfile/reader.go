package pcapfile

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync/atomic"

	"whydrop/capture"
)

// Options say how to read. The zero value is right for everything but tests.
type Options struct {
	Stdin       io.Reader       // what the path "-" reads; nil is os.Stdin
	Done        <-chan struct{} // when closed, pipes end; nil is never
	BatchFrames int             // most frames in a batch; 0 is 512
	BlockOctets int             // octets read at once; 0 is 1 MiB
}

func (o Options) filled() Options {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.BatchFrames <= 0 {
		o.BatchFrames = batchFrames
	}
	if o.BlockOctets <= 0 {
		o.BlockOctets = blockOctets
	}
	return o
}

// A Reader reads one or several capture files as one capture, in time order.
//
// Files take turns by the time of their next frame; inside a file, the file's order
// is kept, whatever its times say. A file is opened when its first frame is due and
// closed at its end, so thousands of rotated files need no more descriptors than
// overlap at one moment. Inputs are in order of their first frames, so the order of
// the arguments does not matter.
//
// Next, Inputs and Close are called from one goroutine, Progress from any.
type Reader struct {
	options Options
	pool    *pool
	peek    *pool     // for looking at the start of files
	waiting []waiting // not opened yet, the earliest first
	active  []*cursor
	files   []*file // opened so far
	read    atomic.Int64
	total   int64 // octets of all files, or -1
}

var _ capture.Source = (*Reader)(nil)

// A waiting file is known by the time of its first frame.
type waiting struct {
	path  string
	first int64
	size  int64
	open  *file // if it cannot be opened twice: pipes and standard input
	slab  *slab // its first frames, if open
}

// Open opens captures for reading as one. The path "-" is standard input. If one
// of several cannot be read, the error names it and nothing is read; the error is a
// [*capture.FileError].
func Open(paths []string, o Options) (capture.Source, error) {
	o = o.filled()
	r := &Reader{
		options: o,
		pool:    &pool{octets: o.BlockOctets, frames: o.BatchFrames},
		peek:    &pool{octets: peekOctets, frames: 1},
	}
	switch {
	case len(paths) == 0:
		return nil, &capture.FileError{Path: "(none)", Err: fmt.Errorf("no file was given")}
	case len(paths) > maxFiles:
		return nil, &capture.FileError{Path: paths[maxFiles], Err: fmt.Errorf("more than %d files", maxFiles)}
	}
	for _, path := range paths {
		w, err := r.look(path, len(paths) == 1)
		if err != nil {
			_ = r.Close() // err says more
			return nil, err
		}
		r.waiting = append(r.waiting, w)
		if w.size < 0 || r.total < 0 {
			r.total = -1
		} else {
			r.total += w.size
		}
	}
	slices.SortStableFunc(r.waiting, func(a, b waiting) int { return cmp.Compare(a.first, b.first) })
	if len(paths) == 1 {
		r.startDue() // so that Inputs has its link types
	}
	return r, nil
}

// look opens a file far enough to know that it is a capture and when it begins.
func (r *Reader) look(path string, only bool) (waiting, error) {
	raw, err := openInput(path, r.options)
	if err != nil {
		return waiting{}, err
	}
	w := waiting{path: path, first: math.MinInt64, size: raw.size}
	if only || !raw.regular {
		raw.total = &r.read
		w.open, err = newFile(path, raw, r.pool, bufferOctets)
		if err == nil && !only {
			if w.slab = w.open.next(); w.slab != nil {
				w.first = w.slab.frames[0].Time
			}
		}
		return w, err
	}
	f, err := newFile(path, raw, r.peek, peekOctets/4)
	if err != nil {
		return waiting{}, err
	}
	if s := f.next(); s != nil {
		w.first = s.frames[0].Time
		s.release()
	}
	f.finish()
	return w, nil
}

// bufferOctets is how much of a compressed file is read at once. Plain files are
// read into blocks directly once the first such buffer is used up.
const bufferOctets = 128 << 10

// Next returns the next batch of frames in time order, or io.EOF.
func (r *Reader) Next() (*capture.Batch, error) {
	r.startDue()
	if len(r.active) == 0 {
		return nil, io.EOF
	}
	if only := r.active[0]; len(r.active) == 1 && len(r.waiting) == 0 && only.at == 0 {
		return r.advance(only).hand(), nil
	}
	return r.merge().hand(), nil
}

// Inputs describes the files opened so far, in order of their first frames.
func (r *Reader) Inputs() []capture.Input {
	inputs := make([]capture.Input, len(r.files))
	for i, f := range r.files {
		inputs[i] = f.input
	}
	return inputs
}

// Progress returns how many octets of the files have been read, and how many there
// are, both as they are on disk; the total of a pipe is -1. It may be called from
// any goroutine.
func (r *Reader) Progress() (read, total int64) { return r.read.Load(), r.total }

// Close closes the files. No batch may be in use.
func (r *Reader) Close() error {
	for _, c := range r.active {
		c.slab.release()
		c.file.finish()
	}
	for _, w := range r.waiting {
		if w.slab != nil {
			w.slab.release()
		}
		if w.open != nil {
			w.open.finish()
		}
	}
	r.active, r.waiting = nil, nil
	return nil
}
