//go:build !linux || !cgo

package afpacket

import (
	"errors"
	"io"

	"whydrop/capture"
)

// errNoRing is why a build has no live capture.
var errNoRing = errors.New("this build cannot capture: that takes Linux, cgo and libpcap; read a file instead")

// A Source captures on one interface, where that is possible.
type Source struct{}

// Open says why it cannot capture.
func Open(Options) (*Source, error) { return nil, errNoRing }

// Next has nothing.
func (*Source) Next() (*capture.Batch, error) { return nil, io.EOF }

// Inputs has nothing.
func (*Source) Inputs() []capture.Input { return nil }

// Stop has nothing to end.
func (*Source) Stop() {}

// Close has nothing to close.
func (*Source) Close() error { return nil }

// Counters are none.
func (*Source) Counters() Counters { return Counters{} }

// Losses are none.
func (*Source) Losses(int) []Loss { return nil }

// Events are none.
func (*Source) Events() []capture.HostEvent { return nil }
