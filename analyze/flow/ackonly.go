package flow

// ackOnly follows what a receiver says where nothing of its sender is captured:
// a hole in its SACKs that lasts longer than reordering does was a loss, of
// which nothing tells where. tcp-rules.md §5.
type ackOnly struct {
	base  uint32 // acknowledgement number of octet 0
	una   int64
	high  int64  // highest octet reported
	has   ranges // reported above una
	holes []ackHole
	found []ackHole
}

// An ackHole is what the receiver lacks while it has what lies above.
type ackHole struct {
	lo, hi int64
	since  int64
	until  int64 // when it was filled
	ref    FrameRef
	filled FrameRef
}

const (
	// ackHoleLasts, ns, stands for the round trip, which acknowledgements alone
	// do not show: what is late by less may have been overtaken.
	ackHoleLasts = defaultRTT

	maxAckHoles = 64
	maxAckFound = 1024
)

// acksAlone notes acknowledgement s of a direction that is not captured.
func (c *Conn) acksAlone(h *track, s *Segment) {
	if h.alone == nil {
		if s.NumSACK == 0 {
			return
		}
		h.alone = &ackOnly{base: s.Ack}
	}
	w := h.alone
	a := w.una + int64(int32(s.Ack-w.base-uint32(w.una)))
	if a < w.una || a-w.una > plausibleAck {
		return // old, or of another connection
	}
	w.una = a
	for i := range s.NumSACK {
		lo := a + int64(int32(c.sack[i][0]-s.Ack))
		hi := a + int64(int32(c.sack[i][1]-s.Ack))
		if lo < a || hi <= lo || hi-a > plausibleAck || len(w.has) >= maxAckHoles { // below a: a duplicate, RFC 2883
			continue
		}
		w.has.add(lo, hi)
		w.high = max(w.high, hi)
	}
	w.has.forget(a)
	w.settle(s)
}

// settle compares the holes with what is lacking now.
func (w *ackOnly) settle(s *Segment) {
	old := w.holes
	w.holes = nil
	if w.high > w.una {
		w.has.missing(w.una, w.high, func(lo, hi int64) {
			x := ackHole{lo: lo, hi: hi, since: s.Time, ref: s.Ref()}
			for _, q := range old {
				if q.lo < hi && lo < q.hi && q.since < x.since {
					x.since, x.ref = q.since, q.ref
				}
			}
			if len(w.holes) < maxAckHoles {
				w.holes = append(w.holes, x)
			}
		})
	}
	for _, q := range old {
		if s.Time-q.since < ackHoleLasts || len(w.found) >= maxAckFound {
			continue
		}
		q.until, q.filled = s.Time, s.Ref()
		from := q.lo
		for _, x := range w.holes { // of q, what is still missing
			if x.hi <= q.lo || x.lo >= q.hi {
				continue
			}
			w.fill(q, from, x.lo)
			from = max(from, x.hi)
		}
		w.fill(q, from, q.hi)
	}
}

// fill notes that [lo, hi) of q is there.
func (w *ackOnly) fill(q ackHole, lo, hi int64) {
	if hi > lo {
		q.lo, q.hi = lo, hi
		w.found = append(w.found, q)
	}
}

// finishAlone charges the holes of directions of which nothing was captured.
func (c *Conn) finishAlone() {
	for d := range c.half {
		h, dir := &c.half[d], uint8(1-d)
		if h.alone == nil || c.half[dir].begun {
			continue
		}
		full := c.segment(dir)
		if h.hasTS {
			full -= tsOctets
		}
		for i := range h.alone.found {
			q := &h.alone.found[i]
			l := Lost{
				Place: PlaceUnknown, What: DataPacket, Packets: uint32((q.hi - q.lo + full - 1) / full), Octets: uint32(q.hi - q.lo),
				First: q.since, Last: q.until, Rule: RuleSACKAlone, Proof: Single,
			}
			w := witnesses{l: &l}
			w.add(Witness{q.ref, q.since, SaysSACK, relative(q.lo), relative(q.hi)})
			w.add(Witness{q.filled, q.until, SaysAcked, relative(q.hi), 0})
			c.lose(dir, l)
		}
	}
}
