// Package analyze takes frames from a Source to a balanced Ledger.
//
// The road of a packet: one reader takes batches from the Source; decoders work
// on whole batches in parallel; one dispatcher puts the decoded packets back
// into capture order, sorts them by time within a window, and hands each to the
// shard of its pair of addresses; shards follow flows and write symptoms down.
// At the end the shards' findings are merged in frame order, losses are
// attributed to causes (attribute.go, the only place where that happens), and
// the ledger is closed.
//
// The Result does not depend on the number of workers, on batch sizes, or on
// how a capture was split into files.
package analyze

import (
	"context"
	"runtime"

	"whydrop/analyze/flow"
	"whydrop/capture"
)

// Options of a run. The zero Options are the defaults. Limits are those of one
// shard: where one is reached, more is kept with more Workers, and counted given
// up with fewer. Short of that the number of Workers changes nothing.
type Options struct {
	Workers     int      // decoders and shards; 0 = one per CPU
	At          TapPlace // where the capture was taken; TapUnknown = infer
	MaxFlows    int      // flows kept per shard; 0 = the default of detect.Options
	MaxSymptoms int      // symptoms kept per shard; 0 = the default of detect.Options
	MaxTrails   int      // transmissions kept, in all, to tell causes from the course of time; 0 = the default
	MaxFits     int      // of those, to how many buckets are fitted; 0 = the default

	// Memory is about how many octets may be taken by all that is remembered; 0 is
	// no limit but those above. What has no room is summed up, oldest first, and
	// counted in Result.GaveUp.
	Memory int64
}

// Run reads src to its end, or until ctx is done, and concludes. It does not
// close src. If src fails in the middle, the Result covers what was read
// before, and the error says why it stopped.
func Run(ctx context.Context, src capture.Source, o Options) (*Result, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	p := newPipeline(ctx, src, o)
	found, err := p.run()

	res := &Result{
		Inputs:      src.Inputs(),
		Counts:      p.counts,
		First:       p.order.first,
		Last:        p.order.last,
		Disorder:    p.order.disorder,
		Unsorted:    p.order.unsorted,
		Leaps:       p.order.leaps,
		Leap:        p.order.leap,
		NoTimes:     !p.order.fine && p.order.same*2 >= p.order.frames,
		Interrupted: p.interrupted,
		line:        p.order.line,
	}
	merge(res, found)
	var cut uint64
	res.trails, cut = flow.CutTrails(res.trails, p.limits.MaxTrails)
	res.GaveUp.Trails += cut
	conclude(res, o)
	return res, err
}
