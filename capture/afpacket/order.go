//go:build linux && cgo

package afpacket

import (
	"slices"
	"sync/atomic"
	"time"
)

// An order puts the slabs of several rings into the order of time. Both directions of
// a flow are in one ring, and so in order anyhow: this is for what is told of several
// flows together.
type order struct {
	in    []*lane
	slabs *slabs
}

// A lane is one ring on its way into the order.
type lane struct {
	slabs chan *slab
	quiet atomic.Int64 // ns: every frame until then was handed over
	head  *slab        // or nil
	at    int          // the next frame of head
	ended bool
}

const (
	// quietFor is how old a frame is at most when the kernel hands over the block that
	// it is in, with room for a machine that is busy.
	quietFor = 2 * blockTimeout

	// nap is how long a look at the lanes waits for the next, and patience how many of
	// them a ring that says nothing is worth.
	nap      = time.Millisecond
	patience = 200
)

func (o *order) add() *lane {
	l := &lane{slabs: make(chan *slab, queued)}
	o.in = append(o.in, l)
	return l
}

// next returns the next slab, and false after the last.
func (o *order) next() (*slab, bool) {
	if len(o.in) == 1 {
		b, ok := <-o.in[0].slabs
		return b, ok
	}
	b := o.slabs.get()
	for naps := 0; ; {
		l := o.first(naps >= patience)
		switch {
		case l != nil:
			if !o.move(b, l) {
				return b, true
			}
			continue
		case len(b.frames) > 0:
			return b, true
		case !slices.ContainsFunc(o.in, func(l *lane) bool { return !l.ended || l.head != nil }):
			o.slabs.put(b)
			return nil, false
		}
		time.Sleep(nap)
		naps++
	}
}

// first is the lane whose next frame is the earliest of all, or nil if that cannot be
// told yet. An impatient one takes the earliest that is there.
func (o *order) first(impatient bool) *lane {
	var best *lane
	for _, l := range o.in {
		if l.head == nil && !l.ended {
			select {
			case head, ok := <-l.slabs:
				l.head, l.at, l.ended = head, 0, !ok
			default:
			}
		}
		if l.head != nil && (best == nil || l.time() < best.time()) {
			best = l
		}
	}
	if best == nil || impatient {
		return best
	}
	for _, l := range o.in {
		if l.head == nil && !l.ended && l.quiet.Load() < best.time() {
			return nil
		}
	}
	return best
}

func (l *lane) time() int64 { return l.head.frames[l.at].Time }

// move moves the next frame of l to b, and reports whether there was room.
func (o *order) move(b *slab, l *lane) bool {
	f := &l.head.frames[l.at]
	if len(b.frames) == batchFrames || len(b.frames) > 0 && len(b.octets)+len(f.Data) > cap(b.octets) {
		return false
	}
	start := len(b.octets)
	b.octets = append(b.octets, f.Data...)
	b.frames = append(b.frames, *f)
	b.frames[len(b.frames)-1].Data = b.octets[start:len(b.octets):len(b.octets)]
	if l.at++; l.at == len(l.head.frames) {
		o.slabs.put(l.head)
		l.head = nil
	}
	return true
}
