package flow

import "whydrop/decode"

// The clocks of the hosts tell when something was sent, whatever the path or
// the capture did to it later: RFC 7323 §3.2, TSval of the packet itself and
// TSecr of the newest acknowledgement that its sender had.

// usualTicks, ns, are those of known stacks: Linux with TCP_USEC_TS, Linux and
// most others, Linux before 4.13 (one of its timer, HZ=250 or 100).
var usualTicks = [...]int64{1000, millisecond, 4 * millisecond, 10 * millisecond}

// tick is how long one tick of the timestamps of h takes, ns: the usual one that
// is near what was measured, or was the last time; 0 if none is, or too little
// passed to measure.
func (h *track) tick() int64 {
	ticks, took := int64(int32(h.newestTS-h.clock.ts)), h.lastT-h.clock.t
	if h.clock.t == 0 || ticks < clockTicks || took < clockSpan {
		return 0
	}
	for i, usual := range usualTicks {
		if per := float64(took) / float64(ticks); per < clockOff*float64(usual) && per*clockOff > float64(usual) {
			h.ticks = uint8(i + 1)
		}
	}
	if h.ticks == 0 {
		return 0
	}
	return usualTicks[h.ticks-1]
}

// quietFor is how long the sender of x had sent no octets when it sent x: by when
// they passed here, or by its own clock if it tells of less, or if x echoes what
// the packet before it did (deaf): then nothing came from the peer meanwhile.
func (h *track) quietFor(x *odd) (gap int64, deaf bool) {
	gap = x.t - h.lastSeq
	tick := h.tick()
	if tick == 0 || h.seqTS == 0 || x.stamp() == 0 {
		return gap, false
	}
	if last := h.lastRepair(); last != nil && last.is2&isTold != 0 {
		return gap, false // Linux makes such a repair with the time of what it did before
	}
	sent := max(int64(int32(x.stamp()-h.seqTS))*tick, 0)
	deaf = x.is2&isDeaf != 0
	if deaf || sent < gap {
		gap = sent
	}
	return gap, deaf
}

// notYet is how long before s an acknowledgement must have passed here at
// least, for the sender of s to have had it when it sent s: the delay of the
// path, or more if the timestamp that s echoes is older than the newest. A host
// that owes an acknowledgement may echo an old one (RFC 7323 §4.3); so nothing
// is told by one that acknowledges something new.
func (c *Conn) notYet(h, r *track, s *Segment) int64 {
	lag := int64(lagUp * float64(h.up()))
	behind := int64(int32(r.newestTS - s.TSEcr))
	tick := r.tick()
	if tick == 0 || behind <= 0 || !s.is(hasTS) || !h.hasAck || s.Ack != h.lastAck || s.Flags&decode.ACK == 0 || s.is(damagedFields) {
		return lag
	}
	return max(lag, s.Time-r.lastT+(behind-1)*tick)
}

// deafAt is isDeaf if s echoes what the packet before it echoed.
func (h *track) deafAt(s *Segment) oddMarks {
	if s.is(hasTS) && h.hasEcho && s.TSEcr == h.echoed && s.Ack == h.lastAck {
		return isDeaf
	}
	return 0
}

// stamp is x's timestamp if it is to be believed, else 0.
func (x *sent) stamp() uint32 {
	if x.is&(sentTS|sentBad) != sentTS {
		return 0
	}
	return x.tsval
}
