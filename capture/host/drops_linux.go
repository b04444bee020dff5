package host

import (
	"context"

	"whydrop/capture"
)

// A dropWatch gathers the kernel's drop events.
type dropWatch struct{}

// openDrops is called on the thread of the witness, in its namespace, before the
// first look and before privileges are dropped. What it cannot have it tells e.
func openDrops(context.Context, Options, *eye) *dropWatch { return &dropWatch{} }

// Frame takes a captured frame: its number, time, octets, and where it was captured.
// The data is not kept.
func (w *Witness) Frame(number uint64, time int64, data []byte, link capture.LinkType, iface string) {
}

// finish adds the drop events to the testimony.
func (d *dropWatch) finish(*capture.Testimony) {}
