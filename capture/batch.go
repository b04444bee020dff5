package capture

// A Batch is a run of frames in file order and the memory behind them.
//
// Exactly one goroutine owns a Batch. Passing it on passes ownership; the
// owner calls Release exactly once. Nothing may keep a slice of Frame.Data
// past Release: copy what must outlive it.
type Batch struct {
	Frames []Frame
	free   func(*Batch)
}

// NewBatch makes a Batch whose memory free takes back; free may be nil.
func NewBatch(frames []Frame, free func(*Batch)) *Batch {
	if free == nil {
		free = func(*Batch) {}
	}
	return &Batch{Frames: frames, free: free}
}

// Reuse arms a released Batch again with frames and free, without allocating.
func (b *Batch) Reuse(frames []Frame, free func(*Batch)) {
	if b.free != nil {
		panic("whydrop: bug: capture.Batch reused before it was released")
	}
	b.Frames, b.free = frames, free
}

// Release gives the memory back to the ring or pool it came from.
func (b *Batch) Release() {
	free := b.free
	if free == nil {
		panic("whydrop: bug: capture.Batch released twice")
	}
	b.free = nil
	poison(b) // a no-op unless built with -tags poison
	free(b)
}
