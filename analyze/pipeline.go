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
	home    *sync.Pool
}

// done says that n packets of j are finished with. The last ones send it home.
func (j *job) done(n int64) {
	if j.left.Add(-n) == 0 {
		j.home.Put(j)
	}
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
	engines []*detect.Engine

	jobs    sync.Pool
	parcels sync.Pool
	read    chan *job // reader to decoders
	ready   chan *job // decoders to dispatcher, in any order
	shards  []chan *parcel

	order       dispatcher
	counts      decode.Counts
	err         error // of the source
	interrupted bool
}

func newPipeline(ctx context.Context, src capture.Source, o Options) *pipeline {
	p := &pipeline{
		ctx: ctx, src: src, workers: o.Workers,
		read:  make(chan *job, depth),
		ready: make(chan *job, depth*o.Workers),
	}
	p.jobs.New = func() any { return &job{home: &p.jobs} }
	p.parcels.New = func() any { return &parcel{refs: make([]ref, 0, handover)} }
	for range o.Workers {
		p.engines = append(p.engines, detect.NewEngine(detect.Options{MaxFlows: o.MaxFlows, MaxSymptoms: o.MaxSymptoms}))
		p.shards = append(p.shards, make(chan *parcel, depth*4))
	}
	p.order.init(p)
	return p
}

// run drives all stages to the end and returns the findings of the shards.
func (p *pipeline) run() ([]flow.Findings, error) {
	go p.readAll()

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

// readAll numbers the batches of the source. It is the only one who touches src.
// What was read before the run was stopped is analysed: a source may hold a
// batch from the time when it was opened.
func (p *pipeline) readAll() {
	defer close(p.read)
	for number := uint64(0); !p.interrupted; number++ {
		batch, err := p.src.Next()
		p.interrupted = p.ctx.Err() != nil
		if err != nil {
			if !errors.Is(err, io.EOF) {
				p.err = err
			}
			return
		}
		j := p.jobs.Get().(*job)
		j.number, j.batch = number, batch
		p.read <- j
	}
}

// decodeAll decodes batches, each at once and whole, and gives their memory back.
func (p *pipeline) decodeAll() decode.Counts {
	dec := decode.NewDecoder()
	for j := range p.read {
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
	engine := p.engines[shard]
	for parcel := range p.shards[shard] {
		for i := 0; i < len(parcel.refs); {
			j, start := parcel.refs[i].job, i
			for ; i < len(parcel.refs) && parcel.refs[i].job == j; i++ {
				engine.Packet(parcel.refs[i].packet, &j.decoded)
			}
			j.done(int64(i - start))
		}
		if parcel.tick != 0 {
			engine.Tick(parcel.tick)
		}
		parcel.refs, parcel.tick = parcel.refs[:0], 0
		p.parcels.Put(parcel)
	}
	return engine.Finish(p.order.last)
}
