package flow

import "whydrop/decode"

// tailRepair decides whether a segment with nothing above it and nothing of it
// seen repairs a tail that was lost before the tap: c-11. The missing numbers
// since what set top say that packets were lost; that the sender had been
// silent, and nothing of the peer explains what it sends now, says that these
// were data. It returns how many copies were lost.
func (c *Conn) tailRepair(s *Segment, lo, hi int64, id int32, numbered bool) (via, int32) {
	h, r := &c.half[s.Dir], &c.half[1-s.Dir]
	if s.Flags&decode.SYN != 0 || s.is(damagedFields) {
		return viaNothing, 0
	}
	if !h.counted || !numbered || !h.last.hasID || id <= h.last.id {
		return c.afterPush(h, r, s, lo), 0
	}
	if h.ids.quiet(h.last.id) {
		return viaNothing, 0
	}
	if n := c.missingOpening(h, r, lo, id); n > 0 && n <= tailMost {
		return viaMissing, n
	}
	data, acks := h.ids.missingSince(h.last, id)
	hole := lo - h.top
	var inHole int32
	if hole > 0 {
		inHole = int32(max(c.segments(s.Dir, hole), h.writes(hole, hi-lo)))
	}
	if data+acks-inHole < 1 || data+acks > tailMost {
		return viaNothing, 0
	}
	// Repairs go upwards: what the other side lacks below is sent again before a tail is.
	extra := data - inHole - int32(c.open(h, min(h.top, h.maxSACK)))
	trip := c.anyRTT(h)
	gap := s.Time - h.last.t
	stim := int64(1) << 60 // since the peer last said something
	if r.topped {
		stim = s.Time - r.lastSeq
	}
	patience := int64(tailRTTs * float64(trip))
	peerBack := r.lastBack != 0 && r.lastBack > h.last.t-patience
	quiet := gap
	if hole > 0 {
		quiet = s.Time - h.lastT
	}
	few := id-h.last.id <= tailChain
	if h.lastBack > h.last.t && h.acked && h.una < h.top && s.Time-h.ackTime < patience {
		return viaNothing, 0 // its repairs go on: those are what is missing
	}
	if hole <= 0 && h.acked && h.una >= h.top && s.Time-h.unaTime < patience {
		return viaNothing, 0 // an acknowledgement let it go: the timer of a lost tail begins anew with each
	}
	switch {
	case extra >= 1 && !peerBack && quiet >= max(patience, tailSilence) && stim >= patience:
		return viaMissing, extra
	case few && extra >= 1 && peerBack && hole <= 0 && gap >= restartAfter+trip && stim >= restartAfter+trip && r.topped && h.delayed == 0:
		return viaMissing, extra
	case few && stim >= restartAfter+trip && h.prompt >= promptShare*h.delayed && h.prompt >= promptShare:
		return viaMissing, max(1, extra)
	}
	return viaNothing, 0
}

// writes is how many segments hole was if they were no longer than the newest that passed, and
// the one behind it, of n octets: a program that writes little at a time fills no segment.
func (h *track) writes(hole, n int64) int64 {
	for i := max(h.line.length-newestFew, 0); i < h.line.length; i++ {
		n = max(n, h.line.at(i).payload())
	}
	return (hole + n - 1) / max(n, 1)
}

// newestFew is how many of the newest transmissions tell how much their sender writes at a time.
const newestFew = 8

// triesBefore is how often the sender's timers have fired in wait, before the
// repair that ended it: a probe after two round trips, then timeouts that
// double. Their copies are among those that are missing.
func (c *Conn) triesBefore(h *track, wait int64) int32 {
	trip := c.anyRTT(h)
	timeout := firstTimeout + trip
	next := timeout
	if h.sackOK {
		next = 2 * trip
	}
	n := int32(0)
	for ; n < tailMost && next < wait-timeout/4; n++ {
		if n > 0 || !h.sackOK {
			timeout *= 2
		}
		next += timeout
	}
	return n
}

// anyRTT is the shortest round trip that this half or its pair of addresses knows.
func (c *Conn) anyRTT(h *track) int64 {
	trip := h.rtt()
	if !h.rttKnown() || c.pair.MinRTT > 0 && c.pair.MinRTT < trip {
		trip = c.pair.MinRTT
	}
	if trip == 0 {
		return defaultRTT
	}
	return trip
}

// quiet reports whether no number behind id is missing.
func (n *numbers) quiet(id int32) bool {
	return len(n.gaps) == 0 || n.gaps[len(n.gaps)-1].to <= id
}

// missingSince counts the numbers missing between what set top and packet id:
// those without progress of the acknowledgement number beside them, which an
// ACK does not explain, and the others.
func (n *numbers) missingSince(top edge, id int32) (data, acks int32) {
	for i := len(n.gaps) - 1; i >= 0; i-- {
		g := &n.gaps[i]
		if g.to <= top.id {
			break
		}
		if g.to > id {
			continue
		}
		miss := g.to - g.from
		switch {
		case g.fromSYN && top.syn:
			acks++ // the handshake's ACK
			data += miss - 1
		case int32(g.ack1-g.ack0) <= 0:
			data += miss
		default:
			acks += miss
		}
	}
	return data, acks
}

// afterPush is the rule without IDs: the sender had more to say (a full
// segment without PSH), was allowed to, and was silent for as long as the timer
// of a lone lost segment runs: a probe waits for a delayed ACK, too, where one
// segment is in flight (RFC 8985 §7.2, Linux tcp_schedule_loss_probe), and of
// several it repeats the last. A shorter silence is a pause of the sender's host.
func (c *Conn) afterPush(h, r *track, s *Segment, lo int64) via {
	silent := s.Time - max(h.last.t, r.zeroEnd) // a closed window let nothing go
	if silent < restartAfter || !h.last.data || h.last.push || h.last.resent || lo != h.top || h.counted || !c.roomFor(h, r, s.Dir) {
		return viaNothing
	}
	trip := c.anyRTT(h)
	if float64(silent) < pushRTTs*float64(trip) || !h.acked || h.una < h.top ||
		float64(s.Time-max(h.unaTime, r.lastT)) < tailRTTs*float64(trip) || r.spoke && r.window == 0 {
		return viaNothing
	}
	if s.is(hasTS) && r.hasTS && s.TSEcr != r.newestTS {
		return viaNothing // it was sent before the last acknowledgement came: a probe with new data, RFC 8985 §7.3
	}
	return viaNoPush
}

// roomFor reports whether the window lets h send a full segment, as far as known.
func (c *Conn) roomFor(h, r *track, dir uint8) bool {
	edge, known := c.windowEnd(h, r)
	return !known || edge-h.top >= c.segment(dir)
}
