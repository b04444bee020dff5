package flow

import "whydrop/decode"

// handshake notes what SYN and FIN say, and what the handshake measures: the
// delays of both halves of the path. A repeated SYN measures nothing.
func (c *Conn) handshake(h, r *track, s *Segment, n int64) {
	if s.Flags&decode.SYN == 0 {
		c.firstAnswer(h, r, s)
		return
	}
	h.synOptions(s)
	if s.Flags&decode.ACK != 0 {
		if r.syns == 1 && r.synTime != 0 {
			d := s.Time - r.synTime
			shortest(&r.minDown, d)
			shortest(&h.minUp, d)
		}
		c.ignored(h, r, s)
		if !h.synack.ok {
			h.synack = answer{t: s.Time, ecr: s.TSEcr, ok: true, echo: s.is(hasTS)}
		}
	}
	h.synTime = s.Time
	h.syns++
	if len(h.synEcho) < 16 {
		h.synEcho = append(h.synEcho, synSeen{s.Time, s.TSVal, s.is(hasTS)})
	}
}

// ofAnother reports whether s answers nothing that half r sent in this connection:
// r asked for one, and s is no SYN-ACK and acknowledges something else. It comes
// from an older connection with the same ports, of which only one side still knows
// (RFC 9293 §3.5.1), or which waits in TIME-WAIT; RFC 5961 §4 calls it a challenge.
func ofAnother(r *track, s *Segment) bool {
	return r.started && r.onlySYN() && s.Flags&(decode.ACK|decode.SYN|decode.RST) == decode.ACK && s.Ack != r.origin+uint32(r.top)
}

// answersSYN reports whether s is the SYN-ACK of a host that had sent a SYN itself:
// both ends opened at once, and it repeats that SYN although nothing was lost.
// RFC 9293 §3.5, figure 7.
func (h *track) answersSYN(s *Segment) bool {
	return s.Flags&(decode.SYN|decode.ACK) == decode.SYN|decode.ACK && h.syns > 1 && h.synack.t == s.Time
}

func (h *track) synOptions(s *Segment) {
	h.started = true
	h.sackOK = s.is(hasSACKOK)
	if s.is(hasMSS) {
		h.mss = s.MSS
	}
	if s.is(hasScale) {
		h.scaled, h.scale = true, min(s.Scale, 14) // RFC 7323 §2.3
	}
}

// firstAnswer takes the first acknowledgement of a half that is no SYN.
func (c *Conn) firstAnswer(h, r *track, s *Segment) {
	if s.Flags&decode.ACK == 0 {
		return
	}
	if !h.firstAck.ok {
		h.firstAck = answer{t: s.Time, ecr: s.TSEcr, ok: true, echo: s.is(hasTS)}
	}
	if h.shaken {
		return
	}
	if s.is(hasTS) {
		h.clock = echo{s.Time, s.TSVal}
	}
	if h.synTime != 0 && r.synTime > h.synTime && r.syns == 1 {
		d := s.Time - r.synTime
		shortest(&r.minDown, d)
		shortest(&h.minUp, d)
	}
	h.shaken = true
}

// announce notes the window that s announces: an episode lasts from the first
// window of 0 to the next that is not. b-11: RST and SYN say nothing, FIN does.
func (c *Conn) announce(h *track, s *Segment, e *Event) {
	if s.Flags&(decode.SYN|decode.RST) != 0 {
		return
	}
	f := &c.Facts.Dir[s.Dir]
	switch {
	case s.Window == 0 && !h.zero:
		h.zero, h.zeroSince = true, s.Time
		h.zeroRef = s.Ref()
		f.ZeroWindows++
		h.close(s)
	case s.Window == 0:
		h.close(s)
	case s.Window != 0 && h.zero:
		if c.paused {
			c.resume(s, opens)
		}
		c.move(s)
		c.reopen(h, &c.half[1-s.Dir], s)
		c.endZero(h, s.Dir, s.Time, e)
	}
}

// endZero ends an episode.
func (c *Conn) endZero(h *track, dir uint8, t int64, e *Event) {
	h.zero, h.zeroEnd = false, t
	c.Facts.Dir[dir].ZeroWindowNS += t - h.zeroSince
	e.note(SawWindowOpen)
	e.Since = h.zeroSince
	e.Zero = Segment0{Frame: h.zeroRef, Time: h.zeroSince}
}

// takeReset notes a reset. It carries no octets that matter.
func (c *Conn) takeReset(h *track, s *Segment, e *Event) {
	e.note(SawReset)
	c.Facts.Dir[s.Dir].Resets++
	if c.resets[s.Dir] == 0 {
		c.resets[s.Dir] = s.Time
	}
	c.ended = s.Time
	h.lastT = s.Time
}
