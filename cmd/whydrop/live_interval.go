package main

import (
	"context"
	"io"
	"sync"
	"time"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/host"
)

// An interval gives each stretch of time a report of its own: the frames are copied to
// a second analysis, which begins afresh. Connections that go on are met in the middle.
type interval struct {
	every  time.Duration
	ring   *afpacket.Source
	input  capture.Input // what all of them have in common
	at     analyze.TapPlace
	report func(from, to time.Time, res *analyze.Result) // one after another
	host   func() *capture.Testimony                     // what the host's counters say so far; nil where it is not asked
	before *capture.Testimony                            // what they said when the present interval began

	mu      sync.Mutex
	feed    *feed
	began   time.Time
	quit    chan struct{}
	running sync.WaitGroup
}

// feedDepth is how many batches may wait for the second analysis.
const feedDepth = 16

// A feed is the source of one interval.
type feed struct {
	batches chan *capture.Batch
	input   capture.Input
	from    int // losses of the ring before it
	done    chan struct{}
}

// start begins the first interval.
func (v *interval) start() {
	v.quit = make(chan struct{})
	v.before = v.host()
	v.open()
	v.running.Go(func() {
		tick := time.NewTicker(v.every)
		defer tick.Stop()
		for {
			select {
			case <-v.quit:
				return
			case <-tick.C:
				v.turn()
			}
		}
	})
}

// open begins an interval. The caller holds the lock, or is alone.
func (v *interval) open() {
	f := &feed{batches: make(chan *capture.Batch, feedDepth), input: v.input, from: len(v.ring.Losses(0)), done: make(chan struct{})}
	before := v.feed
	v.feed, v.began = f, time.Now()
	began := v.began
	v.running.Go(func() {
		defer close(f.done)
		res, err := analyze.Run(context.Background(), f, analyze.Options{Workers: 1, At: v.at})
		if before != nil {
			<-before.done // in order
		}
		if err == nil {
			v.report(began, time.Now(), res)
		}
	})
}

// close ends an interval: its counters are those of now.
func (v *interval) close() {
	f := v.feed
	dropped := uint64(0)
	for _, l := range v.ring.Losses(f.from) {
		n := l.To.Dropped - l.From.Dropped
		dropped += n
		f.input.Stats.Spans = append(f.input.Stats.Spans, capture.DropSpan{From: l.From.Time, To: l.To.Time, Packets: n, Kind: "os"})
	}
	f.input.Stats.OSDrops = capture.Known(dropped)
	if after := v.host(); after != nil {
		f.input.Testimony = host.Between(v.before, after)
		v.before = after
	}
	close(f.batches)
}

// turn ends the present interval and begins the next.
func (v *interval) turn() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.close()
	v.open()
}

// stop ends the last interval and waits for its report.
func (v *interval) stop() {
	close(v.quit)
	v.mu.Lock()
	v.close()
	v.mu.Unlock()
	v.running.Wait()
}

// take copies a batch: the frames belong to the whole capture's analysis.
func (v *interval) take(b *capture.Batch) {
	total := 0
	for i := range b.Frames {
		total += len(b.Frames[i].Data)
	}
	octets := make([]byte, 0, total)
	frames := make([]capture.Frame, len(b.Frames))
	copy(frames, b.Frames)
	for i := range frames {
		start := len(octets)
		octets = append(octets, frames[i].Data...)
		frames[i].Data = octets[start:len(octets):len(octets)]
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	in := &v.feed.input
	for i := range frames {
		in.Octets += uint64(len(frames[i].Data))
		if in.Frames++; in.Frames == 1 {
			in.First, in.Last = frames[i].Time, frames[i].Time
		}
		in.First, in.Last = min(in.First, frames[i].Time), max(in.Last, frames[i].Time)
	}
	v.feed.batches <- capture.NewBatch(frames, nil)
}

// Next returns the next batch of the interval.
func (f *feed) Next() (*capture.Batch, error) {
	b, ok := <-f.batches
	if !ok {
		return nil, io.EOF
	}
	return b, nil
}

// Inputs describes what the interval saw.
func (f *feed) Inputs() []capture.Input { return []capture.Input{f.input} }

// Close has nothing to close.
func (f *feed) Close() error { return nil }
