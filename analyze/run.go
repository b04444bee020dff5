// Package analyze takes frames from a Source to a balanced Ledger.
package analyze

import (
	"context"
	"errors"

	"whydrop/capture"
)

// Options of a run. The zero Options are the defaults.
type Options struct {
	Workers int      // decoders and shards; 0 = one per CPU. It never changes the result.
	At      TapPlace // where the capture was taken; TapUnknown = infer
}

// Run reads src to its end, or until ctx is done, and concludes.
// It does not close src.
func Run(ctx context.Context, src capture.Source, o Options) (*Result, error) {
	return nil, errors.New("not built yet")
}
