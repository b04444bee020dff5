package pcapfile

import (
	"errors"
	"io"
)

// Some classic files lie about the shape of their records: patched libpcaps of the
// 1990s wrote longer record headers under the standard magic, and files with the
// modified magic have any of three shapes. Reading on in the wrong shape gives
// nonsense after the first packet, so the shapes are tried on what is in memory.

// A shape is tried on so many records, and on no more than so many octets. Unless the
// usual shape fits what has come, these are waited for: how much a pipe gives at once
// must not decide.
const (
	maxTried    = 8
	triedOctets = 4 << 10
)

// enoughTried is how many records must make sense before a shape is believed against
// what the magic says, unless they fill the file to its last octet.
const enoughTried = 3

// alternatives are the other shapes met under the magic of a shape
// (wireshark wiretap/libpcap.c: subtypes_modified, subtypes_standard).
func alternatives(declared layout) []layout {
	switch declared {
	case standard:
		return []layout{kuznetzov, nokia}
	case kuznetzov:
		return []layout{standard, ss990915}
	}
	return nil
}

// settle decides on the shape: the declared one, unless it makes no sense and
// another does.
func (c *classic) settle(f *file) {
	c.settled = true
	// By far the commonest shape is believed as soon as enough records fit it: no waiting for
	// more of a pipe than that.
	if c.layout.octets == standard.octets && c.fits(f) {
		return
	}
	whole := !f.stream.more(triedOctets+1) && errors.Is(f.stream.err, io.EOF)
	octets := f.stream.unread()
	octets = octets[:min(len(octets), triedOctets)]
	if c.try(c.layout, octets, whole, true).sane {
		return
	}
	for _, l := range alternatives(c.dialect.record) {
		if t := c.try(l, octets, whole, false); t.sane && (t.records >= enoughTried || t.exact) {
			c.layout = l
			f.note("record headers have %d octets, which the file does not say", l.octets)
			return
		}
	}
}

// fits reports whether the first records make sense in the declared shape. It waits for as
// many as decide, and no longer.
func (c *classic) fits(f *file) bool {
	for {
		octets := f.stream.unread()
		octets = octets[:min(len(octets), triedOctets)]
		t := c.try(c.layout, octets, errors.Is(f.stream.err, io.EOF), true)
		if !t.sane || t.records == maxTried || len(octets) == triedOctets || f.stream.err != nil {
			return t.sane
		}
		f.stream.more(len(octets) + 1)
	}
}

// A trial is what came of reading records in a shape.
type trial struct {
	records int  // that made sense
	sane    bool // none did not
	exact   bool // they filled the file to its last octet
}

// try reads records of shape l. If whole, the octets are all there are. The declared
// shape is trusted with any times; others must read times of one capture.
func (c *classic) try(l layout, octets []byte, whole, declared bool) trial {
	var t trial
	var before uint32
	for t.records < maxTried && len(octets) > 0 {
		if len(octets) < l.octets {
			t.sane = !whole
			return t
		}
		captured, wire := c.lengths(octets)
		second, fraction := c.order.u32(octets), c.order.u32(octets[4:])
		if !c.plausible(captured, wire, fraction) || !declared && t.records > 0 && !near(second, before) {
			return t
		}
		t.records++
		before = second
		if len(octets)-l.octets < int(captured) {
			t.sane = !whole || t.records == maxTried
			return t
		}
		octets = octets[l.octets+int(captured):]
	}
	t.sane, t.exact = true, whole && len(octets) == 0 && t.records > 1
	return t
}

func (c *classic) plausible(captured, wire, fraction uint32) bool {
	return captured <= c.limit && captured <= wire && wire <= maxBlock && fraction < uint32(1e9/c.scale)
}

// near reports whether two packets of one capture may have been seen in these
// seconds: captures last for days, octets read at the wrong place are centuries apart.
func near(a, b uint32) bool {
	const year = 365 * 24 * 3600
	return max(a, b)-min(a, b) < year
}
