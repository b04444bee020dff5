package pcapfile

// Some classic files lie about the shape of their records: patched libpcaps of the
// 1990s wrote longer record headers under the standard magic, and files with the
// modified magic have any of three shapes. Reading on in the wrong shape gives
// nonsense after the first packet, so the shapes are tried on what is in memory.

// maxTried is how many records a shape is tried on.
const maxTried = 8

// enoughTried is how many record headers must make sense before a shape is believed
// against what the magic says.
const enoughTried = 2

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
	octets, whole := f.stream.unread(), f.stream.err != nil
	if _, sane := c.try(c.layout, octets, whole); sane {
		return
	}
	for _, l := range alternatives(c.dialect.record) {
		if tried, sane := c.try(l, octets, whole); sane && tried >= enoughTried {
			c.layout = l
			f.note("record headers have %d octets, which the file does not say", l.octets)
			return
		}
	}
}

// try walks records of shape l and returns how many made sense, and whether none
// did not. If whole, the octets are all there are.
func (c *classic) try(l layout, octets []byte, whole bool) (tried int, sane bool) {
	var before uint32
	for tried < maxTried && len(octets) > 0 {
		if len(octets) < l.octets {
			return tried, !whole
		}
		captured, wire := c.lengths(octets)
		second, fraction := c.order.u32(octets), c.order.u32(octets[4:])
		if !c.plausible(captured, wire, fraction) || tried > 0 && !near(second, before) {
			return tried, false
		}
		tried++
		before = second
		if len(octets)-l.octets < int(captured) {
			return tried, !whole
		}
		octets = octets[l.octets+int(captured):]
	}
	return tried, true
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
