package flow

// A via says what decided the class of a segment.
type via uint8

const (
	viaNothing  via = iota
	viaSeen         // octets passed before
	viaID           // IP IDs: b-3.2
	viaTS           // timestamps: b-3.2
	viaEqualTS      // b-3.3
	viaCovered      // b-3.4
	viaTime         // b-3.5
	viaMissing      // c-11: missing IDs and silence
	viaNoPush       // c-11 without IDs
	viaEcho         // SYN-ACK first seen
	viaOriginal     // its late original came
)

// order says whether a packet numbered id, with timestamp ts, was sent before
// (−1) or after (1) q; 0 where neither tells.
func (h *track) order(id int32, hasID bool, ts uint32, hasTS bool, q *sent) (int, via) {
	if h.ordered && hasID && q.is&sentID != 0 && id != q.id {
		if id > q.id {
			return 1, viaID
		}
		return -1, viaID
	}
	if hasTS && q.is&sentTS != 0 {
		switch d := int32(ts - q.tsval); {
		case d > 0:
			return 1, viaTS
		case d < 0:
			return -1, viaTS
		}
		return 0, viaEqualTS
	}
	return 0, viaNothing
}

// sameTick is how much later than another, at most, a packet of the same
// timestamp was sent, ns. A repair leaves a round trip after what it repairs,
// RFC 7323 §5.4 lets a tick be anything from a millisecond to a second.
func (h *track) sameTick() int64 {
	ticks := int64(int32(h.newestTS - h.clock.ts))
	if h.clock.t == 0 || ticks < clockTicks {
		return equalTickRTT
	}
	return (h.lastT - h.clock.t + h.rtt()) / (ticks - 1)
}
