package pcapfile

import (
	"fmt"
	"math"
	"slices"

	"whydrop/capture"
)

// A cursor is a place in a file that has been opened.
type cursor struct {
	file *file
	slab *slab // never empty
	at   int   // of the next frame in slab
}

// due is the time of the next frame.
func (c *cursor) due() int64 { return c.slab.frames[c.at].Time }

// startDue opens the files whose first frame comes before, or with, every other.
func (r *Reader) startDue() {
	for len(r.waiting) > 0 && (len(r.active) == 0 || r.waiting[0].first <= r.earliest().due()) {
		w := r.waiting[0]
		r.waiting = r.waiting[1:]
		f, s := r.start(w)
		if s == nil && f != nil {
			s = f.next()
		}
		if s != nil {
			r.active = append(r.active, &cursor{file: f, slab: s})
		}
	}
}

// start makes w one of the files being read. A file that could be read a moment ago
// and cannot now is damaged.
func (r *Reader) start(w waiting) (*file, *slab) {
	index := uint16(len(r.files))
	f := w.open
	if f == nil {
		var err error
		if f, err = r.reopen(w.path); err != nil {
			gone := capture.Input{Path: w.path, Damage: &capture.Damage{Frame: 1, What: fmt.Sprintf("cannot be opened again: %v", err)}}
			r.files = append(r.files, &file{input: gone, done: true})
			r.read.Add(max(w.size, 0))
			return nil, nil
		}
	}
	f.index = index
	r.files = append(r.files, f)
	if w.slab != nil {
		for i := range w.slab.frames {
			w.slab.frames[i].File = index
		}
	}
	return f, w.slab
}

func (r *Reader) reopen(path string) (*file, error) {
	raw, err := openInput(path, r.options)
	if err != nil {
		return nil, plain(err)
	}
	raw.total = &r.read
	return newFile(path, raw, r.pool, bufferOctets)
}

// earliest is the cursor whose frame is next; of several, the file that began first.
func (r *Reader) earliest() *cursor {
	best := r.active[0]
	for _, c := range r.active[1:] {
		if c.due() < best.due() || c.due() == best.due() && c.file.index < best.file.index {
			best = c
		}
	}
	return best
}

// rival is the time and file before which the frames of c are next.
func (r *Reader) rival(c *cursor) (due int64, index uint16) {
	due, index = math.MaxInt64, math.MaxUint16
	if len(r.waiting) > 0 {
		due = r.waiting[0].first
	}
	for _, other := range r.active {
		if other != c && (other.due() < due || other.due() == due && other.file.index < index) {
			due, index = other.due(), other.file.index
		}
	}
	return due, index
}

// advance takes the rest of the slab of c away and moves c to its next one. The
// caller gets the reference.
func (r *Reader) advance(c *cursor) *slab {
	taken := c.slab
	if c.slab, c.at = c.file.next(), 0; c.slab == nil {
		r.active = slices.DeleteFunc(r.active, func(other *cursor) bool { return other == c })
	}
	return taken
}

// merge returns the next frames of all files, in turn. Where a whole batch of one
// file is next, it is passed on as it is.
func (r *Reader) merge() *slab {
	out := r.pool.slab()
	for len(r.active) > 0 && len(out.frames) < cap(out.frames) {
		c := r.earliest()
		due, index := r.rival(c)
		before := func(t int64) bool { return t < due || t == due && c.file.index <= index }
		if c.at == 0 && before(c.slab.latest) {
			if len(out.frames) > 0 {
				break // it is the next batch
			}
			out.release()
			return r.advance(c)
		}
		if !out.adopt(c.slab) {
			break
		}
		for len(out.frames) < cap(out.frames) {
			out.frames = append(out.frames, c.slab.frames[c.at])
			c.at++
			if c.at == len(c.slab.frames) {
				r.advance(c).release()
				break
			}
			if !before(c.due()) {
				break
			}
		}
		r.startDue()
	}
	return out
}
