package pcapfile

import (
	"slices"
	"sync"
	"sync/atomic"

	"whydrop/capture"
)

// A pool recycles blocks and batches. Batches come back from any goroutine.
type pool struct {
	octets int // in a block
	frames int // in a batch

	mu     sync.Mutex
	blocks []*block
	slabs  []*slab
}

// maxIdle bounds what a pool keeps for later.
const maxIdle = 64

// A block is a stretch of a file in memory. The stream that fills it and every
// slab with frames in it hold a reference each.
type block struct {
	buf  []byte
	refs atomic.Int32
	pool *pool
}

// block returns an empty block of at least n octets with one reference.
func (p *pool) block(n int) *block {
	var b *block
	if n <= p.octets {
		p.mu.Lock()
		if last := len(p.blocks) - 1; last >= 0 {
			b = p.blocks[last]
			p.blocks = p.blocks[:last]
		}
		p.mu.Unlock()
	}
	if b == nil {
		b = &block{buf: make([]byte, max(n, p.octets)), pool: p}
	}
	b.refs.Store(1)
	return b
}

func (b *block) release() {
	if b.refs.Add(-1) > 0 {
		return
	}
	p := b.pool
	if len(b.buf) != p.octets {
		return // made for one huge packet; not worth keeping
	}
	p.mu.Lock()
	if len(p.blocks) < maxIdle {
		p.blocks = append(p.blocks, b)
	}
	p.mu.Unlock()
}

// A slab is a batch in the making and the memory behind it: frames cut from one
// block, or frames merged from several other slabs.
type slab struct {
	batch   capture.Batch
	free    func(*capture.Batch)
	frames  []capture.Frame
	latest  int64 // largest time of frames
	block   *block
	parents []*slab
	refs    atomic.Int32
	pool    *pool
}

// slab returns an empty slab with one reference.
func (p *pool) slab() *slab {
	var s *slab
	p.mu.Lock()
	if last := len(p.slabs) - 1; last >= 0 {
		s = p.slabs[last]
		p.slabs = p.slabs[:last]
	}
	p.mu.Unlock()
	if s == nil {
		s = &slab{frames: make([]capture.Frame, 0, p.frames), pool: p}
		s.free = func(*capture.Batch) { s.release() }
	}
	s.refs.Store(1)
	return s
}

// hold makes s keep b alive.
func (s *slab) hold(b *block) {
	b.refs.Add(1)
	s.block = b
}

// maxParents bounds the blocks that a merged batch keeps alive: some batches more
// for many tiny files, instead of 512 blocks for 512 frames.
const maxParents = 16

// adopt makes s keep the frames of parent alive, unless it has too many parents.
func (s *slab) adopt(parent *slab) bool {
	if slices.Contains(s.parents, parent) {
		return true
	}
	if len(s.parents) == maxParents {
		return false
	}
	parent.refs.Add(1)
	s.parents = append(s.parents, parent)
	return true
}

// hand gives the reference of s away as a batch.
func (s *slab) hand() *capture.Batch {
	s.batch.Reuse(s.frames, s.free)
	return &s.batch
}

func (s *slab) release() {
	if s.refs.Add(-1) > 0 {
		return
	}
	if s.block != nil {
		s.block.release()
	}
	for i, parent := range s.parents {
		parent.release()
		s.parents[i] = nil
	}
	s.block, s.parents, s.frames = nil, s.parents[:0], s.frames[:0]
	s.batch.Frames = nil
	p := s.pool
	p.mu.Lock()
	if len(p.slabs) < maxIdle {
		p.slabs = append(p.slabs, s)
	}
	p.mu.Unlock()
}
