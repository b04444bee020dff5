// Package decode turns the octets of a frame into a flat Packet: one file a
// protocol, verdicts instead of errors, no allocation.
//
// A Decoder is used by one goroutine. Packets are untrusted: nothing here may
// panic, and every loop over them is bounded.
//
// It reads headers only as far as whydrop needs them, and guesses nothing: a
// link type, EtherType or protocol that it does not know is counted under its
// number; a UDP port makes a tunnel only where the tunnel header behind it is
// plausible as well.
//
// A header that the snap length cuts is not malformed: it is kept as far as it
// goes. Malformed is what no longer capture would have made right.
package decode

import (
	"whydrop/capture"
	"whydrop/decode/checksum"
)

// A Decoder decodes frames. The zero Decoder is not ready; use NewDecoder.
type Decoder struct {
	Counts Counts

	// Frames in a row of the same link type and of the same EtherType, not yet
	// in the maps of Counts: a map operation costs as much as decoding a packet.
	link       capture.LinkType
	linkKnown  bool
	linkFrames uint64
	ether      uint16
	etherSeen  uint64

	longest int // frames of a batch so far, in steps of spare
}

// spare is a step in the sizes of Decoded.Packets: batches of a file are of about
// one size, and memory for the longest serves all.
const spare = 256

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
	if n := len(b.Frames); cap(d.Packets) < n {
		dec.longest = max(dec.longest, (n+spare-1)/spare*spare)
		d.Packets = make([]Packet, 0, dec.longest)
	}
	d.Packets = d.Packets[:len(b.Frames)]
	for i := range b.Frames {
		p := &d.Packets[i]
		*p = Packet{}
		p.Control, p.Outer = -1, -1
		dec.frame(&b.Frames[i], p, d)
	}
	dec.settle()
}

// Frame decodes f into p, which is zero but for Control and Outer.
func (dec *Decoder) Frame(f *capture.Frame, p *Packet, d *Decoded) {
	dec.frame(f, p, d)
	dec.settle()
}

func (dec *Decoder) frame(f *capture.Frame, p *Packet, d *Decoded) {
	// A hostile file can claim any length; sums of lengths must not overflow.
	wire := max(int(min(f.WireLength, maxWire)), len(f.Data))
	p.Time, p.Number, p.File = f.Time, f.Number, f.File
	p.WireLength, p.CapLength = uint32(wire), uint32(len(f.Data))
	p.Link, p.Direction, p.Offload, p.LinkErrors = f.Link, f.Direction, f.Offload, f.LinkErrors

	var w walk // assigned field by field: a literal would be built beside it and copied
	w.b, w.wire = f.Data, wire
	w.p, w.d, w.f, w.dec = p, d, f, dec
	known := w.start()
	w.run()
	w.finish()
	dec.count(&w, known)
}

// start enters the frame by its link type; it reports whether that is known.
func (w *walk) start() bool {
	switch w.f.Link {
	case capture.LinkEthernet:
		w.next = atEthernet
	case capture.LinkRaw, capture.LinkRawBSD, capture.LinkRawOpenBSD:
		w.next = atIP
	case capture.LinkIPv4:
		w.next = atIPv4
	case capture.LinkIPv6:
		w.next = atIPv6
	case capture.LinkLinuxSLL:
		w.cooked()
	case capture.LinkLinuxSLL2:
		w.cooked2()
	case capture.LinkNull, capture.LinkLoop:
		w.family()
	case capture.LinkPPP, capture.LinkPPPHDLC:
		w.hdlc()
	case capture.LinkPPPDir:
		w.pppDirection()
	case capture.LinkPPPoE:
		w.pppoe()
	case capture.LinkIEEE80211:
		w.wifi()
	case capture.LinkRadiotap:
		w.radiotap()
	default:
		w.p.Kind = KindUnknown
		return false
	}
	return true
}

// finish derives what depends on the whole walk.
func (w *walk) finish() {
	p := w.p
	if p.IPVersion != 0 {
		if !w.hashed && len(w.body) > 0 {
			p.PayloadHash = hashPayload(checksum.Sum(0).Add(w.body), len(w.body))
		}
		if !w.paired {
			p.PairHash = PairHash(p.Src, p.Dst)
		}
		// The checksums of both layers are left to the NIC together: where the
		// transport's is pending, a zero in the IPv4 header is not filled in either.
		if w.ipZero && p.TransportSum == ChecksumPending {
			p.IPChecksum = ChecksumPending
			p.IPFlags &^= BadIPHeader
			w.dec.Counts.Checksums[LayerIPv4][ChecksumBad]--
			w.dec.Counts.Checksums[LayerIPv4][ChecksumPending]++
		}
		if w.cut {
			p.IPFlags |= HeaderCut
		}
	}
}
