//go:build linux && cgo

package afpacket

import "whydrop/capture"

// A slab is a batch being filled, and the memory behind its frames.
type slab struct {
	frames []capture.Frame
	octets []byte
	batch  capture.Batch
}

// slabs lends them.
type slabs struct{ free chan *slab }

// slabsKept is how many wait for the next use: as many as the pipeline may hold.
const slabsKept = 64

func newSlabs() *slabs { return &slabs{free: make(chan *slab, slabsKept)} }

func (p *slabs) get() *slab {
	select {
	case b := <-p.free:
		b.frames, b.octets = b.frames[:0], b.octets[:0]
		return b
	default:
		return &slab{frames: make([]capture.Frame, 0, batchFrames), octets: make([]byte, 0, batchOctets)}
	}
}

func (p *slabs) put(b *slab) {
	select {
	case p.free <- b:
	default: // garbage
	}
}

// hand makes the batch of b, which comes back to p when it is released.
func (p *slabs) hand(b *slab) *capture.Batch {
	b.batch.Reuse(b.frames, func(*capture.Batch) { p.put(b) })
	return &b.batch
}
