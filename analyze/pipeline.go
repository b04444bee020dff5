package analyze

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"whydrop/analyze/detect"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

const (
	// depth is how many batches may wait between two stages per worker: enough
	// to keep the reader busy while a decoder is descheduled, few enough that
	// memory stays in cache.
	depth = 2

	// handover is how many packets go to a shard at once.
	handover = 256
)

// A job is a batch on its way through the pipeline.
type job struct {
	number  uint64         // of the batch, in capture order
	batch   *capture.Batch // until it is decoded
	decoded decode.Decoded
	left    atomic.Int64 // packets that no shard has finished with
}

// A shelf lends things that are used again and again, first those that were used
// last: they may still be in the cache.
type shelf[T any] struct {
	lock sync.Mutex
	free []*T
}

// get returns a used T, or nil.
func (s *shelf[T]) get() *T {
	s.lock.Lock()
	defer s.lock.Unlock()
	n := len(s.free) - 1
	if n < 0 {
		return nil
	}
	x := s.free[n]
	s.free = s.free[:n]
	return x
}

func (s *shelf[T]) put(x *T) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.free = append(s.free, x)
}

// A ref is a decoded packet and the job that holds it.
type ref struct {
	packet *decode.Packet
	job    *job
}

// A parcel is what the dispatcher hands to a shard: packets in time order, and
// then, if tick is not 0, the time of the capture.
type parcel struct {
	refs []ref
	tick int64
}

// A pipeline is one run of the stages described in the package comment.
type pipeline struct {
	ctx     context.Context
	src     capture.Source
	workers int
	limits  detect.Options // of each shard

	jobs    shelf[job]
	parcels shelf[parcel]
	ready   chan *job // decoders to dispatcher, in any order
	shards  []chan *parcel

	reading     sync.Mutex // for what follows, and src
	number      uint64     // of the next batch
	ended       bool
	err         error // of the source
	interrupted bool

	order  dispatcher
	counts decode.Counts
}

func newPipeline(ctx context.Context, src capture.Source, o Options) *pipeline {
	p := &pipeline{
		ctx: ctx, src: src, workers: o.Workers, limits: o.shard(),
		ready: make(chan *job, depth*o.Workers),
	}
	for range o.Workers {
		p.shards = append(p.shards, make(chan *parcel, depth*2))
	}
	p.order.init(p)
	return p
}

// run drives all stages to the end and returns the findings of the shards.
func (p *pipeline) run() ([]flow.Findings, error) {
	var decoders sync.WaitGroup
	counts := make([]decode.Counts, p.workers)
	for i := range p.workers {
		decoders.Go(func() { counts[i] = p.decodeAll() })
	}
	go func() { decoders.Wait(); close(p.ready) }()

	var shards sync.WaitGroup
	found := make([]flow.Findings, p.workers)
	for i := range p.workers {
		shards.Go(func() { found[i] = p.analyzeAll(i) })
	}

	p.order.dispatchAll(p.ready) // on this goroutine; closes p.shards
	shards.Wait()
	p.counts = decode.NewDecoder().Counts
	for i := range counts {
		p.counts.Add(&counts[i])
	}
	return found, p.err
}

// next reads and numbers a batch; the decoder that reads it decodes it, while it
// is in the cache. It returns nil at the end. What was read before the run was
// stopped is analysed: a source may hold a batch from the time when it was opened.
func (p *pipeline) next() *job {
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.ended || p.interrupted {
		return nil
	}
	batch, err := p.src.Next()
	p.interrupted = p.ctx.Err() != nil
	if err != nil {
		p.ended = true
		if !errors.Is(err, io.EOF) {
			p.err = err
		}
		return nil
	}
	j := p.jobs.get()
	if j == nil {
		j = new(job)
	}
	j.number, j.batch = p.number, batch
	p.number++
	return j
}

// done says that n packets of j are finished with. The last ones make it free.
func (p *pipeline) done(j *job, n int64) {
	if j.left.Add(-n) == 0 {
		p.jobs.put(j)
	}
}

// parcel returns an empty one.
func (p *pipeline) parcel() *parcel {
	if x := p.parcels.get(); x != nil {
		return x
	}
	return &parcel{refs: make([]ref, 0, handover)}
}

// decodeAll decodes batches, each at once and whole, and gives their memory back.
func (p *pipeline) decodeAll() decode.Counts {
	dec := decode.NewDecoder()
	for j := p.next(); j != nil; j = p.next() {
		dec.Batch(j.batch, &j.decoded)
		j.batch.Release()
		j.batch = nil
		j.left.Store(int64(len(j.decoded.Packets)))
		p.ready <- j
	}
	return dec.Counts
}

// analyzeAll is one shard.
func (p *pipeline) analyzeAll(shard int) flow.Findings {
	engine := detect.NewEngine(p.limits)
	for parcel := range p.shards[shard] {
		for i := 0; i < len(parcel.refs); {
			j, start := parcel.refs[i].job, i
			for ; i < len(parcel.refs) && parcel.refs[i].job == j; i++ {
				engine.Packet(parcel.refs[i].packet, &j.decoded)
			}
			p.done(j, int64(i-start))
		}
		if parcel.tick != 0 {
			engine.Tick(parcel.tick)
		}
		parcel.refs, parcel.tick = parcel.refs[:0], 0
		p.parcels.put(parcel)
	}
	return engine.Finish(p.order.last)
}
