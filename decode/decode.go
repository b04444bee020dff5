// Package decode turns the octets of a frame into a flat Packet: one file a
// protocol, verdicts instead of errors, no allocation.
//
// A Decoder is used by one goroutine. Packets are untrusted: nothing here may
// panic, and every loop over them is bounded.
package decode

import "whydrop/capture"

// A Decoder decodes frames. The zero Decoder is not ready; use NewDecoder.
type Decoder struct {
	Counts Counts
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{Counts: Counts{
		LinkTypes: map[capture.LinkType]uint64{}, UnknownLink: map[capture.LinkType]uint64{},
		EtherTypes: map[uint16]uint64{},
	}}
}

// Batch decodes all frames of b into d, which it resets first. It keeps nothing of b.
func (dec *Decoder) Batch(b *capture.Batch, d *Decoded) {
	d.Reset()
	for i := range b.Frames {
		d.Packets = append(d.Packets, Packet{Control: -1, Outer: -1})
		dec.Frame(&b.Frames[i], &d.Packets[len(d.Packets)-1], d)
	}
}

// Frame decodes f into p, which is zero but for Control and Outer.
func (dec *Decoder) Frame(f *capture.Frame, p *Packet, d *Decoded) {
	p.Time, p.Number, p.File = f.Time, f.Number, f.File
}

// Add adds o to c.
func (c *Counts) Add(o *Counts) {}
