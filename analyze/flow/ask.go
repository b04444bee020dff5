package flow

import "whydrop/decode"

// asks reports whether s is a question rather than data: an octet that its
// sender does not expect to be taken. Linux asks with no octet at all (see
// idle); others repeat the last octet that was acknowledged, or send the next
// one into a closed window. RFC 9293 §3.8.4, §3.8.6.1; b-2.
func (c *Conn) asks(h, r *track, s *Segment, lo int64, e *Event) bool {
	if s.Len != 1 || s.Flags&(decode.SYN|decode.FIN|decode.RST) != 0 || !h.topped || !h.acked || h.una < h.top {
		return false
	}
	if lo == h.top && r.spoke && r.window == 0 {
		h.asked = lo + 1
		r.probed(s)
		e.note(SawProbe)
		return true
	}
	if lo+1 != h.top || r.window == 0 {
		return false
	}
	// One octet sent alone and acknowledged can be sent again for want of its
	// ACK; the last octet of a longer segment cannot.
	alone := false
	h.overlapping(lo, h.top, func(q *sent) { alone = alone || q.lo == lo })
	if alone {
		return false
	}
	e.note(SawKeepAlive)
	return true
}

// taken folds in that a, an acknowledgement, takes the octet of a probe.
func (h *track) taken(a int64) {
	if h.asked == h.top+1 && a >= h.asked {
		h.seen.add(h.top, h.asked)
		h.top = h.asked
	}
}
