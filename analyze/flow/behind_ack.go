package flow

// behindItsACK reports whether x, new data that had been acknowledged before it passed,
// is what drew that acknowledgement all the same: a capture of two interfaces, two queues
// or two clocks records an effect before its cause (wire-evidence.md b-20). Otherwise the
// capture missed the first copy, and x is a second one.
//
// The acknowledgement echoes the timestamp of what drew it (RFC 7323 §4.3), and nothing
// that was sent later than that can have drawn it; but of what one acknowledgement covers
// it echoes the first, and the rest follows that. A second copy has a number of its own:
// if none is missing in front of x there was no first one. Where neither tells, only
// what follows at once is no repair.
func (c *Conn) behindItsACK(h *track, x *sent) bool {
	for i := len(h.unseen) - 1; i >= 0; i-- {
		u := &h.unseen[i]
		if u.before || u.hi <= x.lo || u.lo >= x.hi() {
			continue
		}
		numbered := h.counted && x.is&sentID != 0 && h.last.hasID
		switch {
		case u.behind && x.t-u.t < silence,
			numbered && x.id == h.last.id+int32(c.segments(c.dirOf(h), h.lastLength())):
			return true
		case u.stamped && x.is&sentTS != 0:
			return int32(x.tsval-u.ecr) <= 0
		}
		return !numbered && x.t-u.t < CopyImmediate
	}
	return false
}

// lastLength is the payload of the newest transmission that went beyond all before it.
func (h *track) lastLength() int64 {
	if h.line.length == 0 {
		return 0
	}
	return h.line.at(h.line.length - 1).payload()
}

// backInTime notes of new data x that was acknowledged already that the capture did not
// miss it.
func (c *Conn) backInTime(h *track, x *sent) {
	if len(h.unseen) > 0 && x.lo < max(h.una, h.maxSACK) && c.behindItsACK(h, x) {
		h.arrivedLate(x.lo, x.hi())
		for i := range h.unseen {
			if u := &h.unseen[i]; u.lo == x.hi() {
				u.behind = true
			}
		}
		c.Facts.Dir[c.dirOf(h)].BehindACK++
	}
}
