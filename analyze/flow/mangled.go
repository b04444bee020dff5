package flow

import "whydrop/decode"

// Signs that something on the way answers for a host or rewrites what it sends:
// wire-evidence.md b-14, b-30. All of them are rare, so that other connections
// pay nothing but a pointer.
type mangles struct {
	reset, handshake, stamps, sack, clamp, strip Sign
}

const (
	// foreignHops: routes change by a hop; a packet that came this many hops more
	// or fewer was sent by somebody else. b-14.
	foreignHops = 2

	// absurdSACK octets beyond any window no receiver has reported anything. b-30.
	absurdSACK = 1_000_000

	// widestScale is the largest shift of a window, RFC 7323 §2.3.
	widestScale = 14

	// foreignAfter packets of a half its TTL is known.
	foreignAfter = 3
)

// hops is how many routers a packet passed that was sent with a usual first TTL.
func hops(ttl uint8) int {
	switch {
	case ttl <= 64:
		return 64 - int(ttl)
	case ttl <= 128:
		return 128 - int(ttl)
	}
	return 255 - int(ttl)
}

// foreign reports whether packets with these TTLs came from different places. A
// host may choose another first TTL for a reset, and then the hops are the same.
func foreign(a, b uint8) bool {
	d, h := int(a)-int(b), hops(a)-hops(b)
	return max(d, -d) >= foreignHops && max(h, -h) >= foreignHops
}

func (c *Conn) mangle() *mangles {
	if c.mangled == nil {
		c.mangled = new(mangles)
	}
	return c.mangled
}

// note counts s in g and keeps the first of its frames.
func (g *Sign) note(s *Segment, says Says, a, b uint64) {
	if g.N == 0 {
		g.First, g.Dir = s.Time, s.Dir
	}
	if g.N < uint64(len(g.Witnesses)) {
		g.Witnesses[g.N] = Witness{Frame: s.Ref(), Time: s.Time, Says: says, A: a, B: b}
	}
	g.N++
	g.Last = s.Time
}

// otherTTL looks at a SYN, FIN or RST of a half whose packets had the TTL was.
func (c *Conn) otherTTL(f *Half, s *Segment, was uint8) {
	switch {
	case s.Flags&decode.RST != 0 && f.Packets > foreignAfter && foreign(was, s.TTL):
		c.mangle().reset.note(s, SaysForeignTTL, uint64(s.TTL), uint64(was))
	case s.Flags&(decode.SYN|decode.ACK) == decode.SYN|decode.ACK:
		c.shaken = s.TTL
		c.shakenBy = s.Ref()
	}
}

// stampless notes a segment with data that lacks the timestamps that both sides
// agreed on: RFC 7323 §3.2 wants them in every segment.
func (c *Conn) stampless(h, r *track, s *Segment) {
	if s.Len > 0 && r.hasTS && h.started && r.started && !s.is(cut|unread|damagedFields) {
		c.mangle().stamps.note(s, SaysNoStamp, 0, 0)
	}
}

// absurd reports whether a SACK block of s, which acknowledges octet a, lies
// where no window ever reached: its sequence numbers are of another space.
func (c *Conn) absurd(h, r *track, s *Segment, a int64) bool {
	shift := uint8(widestScale)
	if h.started && r.started {
		shift = 0
		if h.scaled && r.scaled {
			shift = r.scale
		}
	}
	reach := int64(1<<16)<<shift + absurdSACK
	for i := range s.NumSACK {
		lo := a + int64(int32(c.sack[i][0]-s.Ack))
		hi := a + int64(int32(c.sack[i][1]-s.Ack))
		if lo > max(a+reach, h.top+absurdSACK) || hi < a-reach {
			c.mangle().sack.note(s, SaysAbsurdSACK, uint64(c.sack[i][0]), uint64(c.sack[i][1]))
			h.sackOK = false // what it reports is worth nothing
			return true
		}
	}
	return false
}

// clamped notes a SYN that passes a second point with another MSS, or without an
// option.
func (c *Conn) clamped(h *track, s *Segment) {
	if s.Flags&decode.SYN != 0 && s.is(hasMSS) && h.mss != 0 && s.MSS != h.mss {
		c.mangle().clamp.note(s, SaysMSS, uint64(s.MSS), uint64(h.mss))
	}
	if s.Flags&decode.SYN == 0 || s.is(cut|unread|damagedFields) {
		return
	}
	var lacks uint64
	if h.scaled && !s.is(hasScale) {
		lacks |= StrippedScale
	}
	if h.sackOK && !s.is(hasSACKOK) {
		lacks |= StrippedSACK
	}
	if h.hasTS && !s.is(hasTS) {
		lacks |= StrippedStamps
	}
	if lacks != 0 {
		c.mangle().strip.note(s, SaysStripped, lacks, 0)
	}
}

// Options that a SYN has at the first capture point and not at the second.
const (
	StrippedScale uint64 = 1 << iota
	StrippedSACK
	StrippedStamps
)

// tellMangled writes the signs of a connection that is over.
func (c *Conn) tellMangled() {
	f := &c.Facts.Dir[1]
	if c.shaken != 0 && f.Packets > foreignAfter && f.Data > 0 && foreign(c.shaken, f.TTL) {
		g := &c.mangle().handshake
		g.N, g.Dir, g.First, g.Last = 1, 1, c.half[1].synack.t, c.half[1].synack.t
		g.Witnesses[0] = Witness{Frame: c.shakenBy, Time: g.First, Says: SaysForeignTTL, A: uint64(c.shaken), B: uint64(f.TTL)}
	}
	m := c.mangled
	if m == nil {
		return
	}
	if g := &m.reset; g.N > 0 && c.half[g.Dir].lastSeq > g.First {
		g.M = 1 // the host itself went on
	}
	for _, x := range [...]struct {
		kind SignKind
		g    *Sign
	}{
		{SignForeignReset, &m.reset}, {SignForeignHandshake, &m.handshake}, {SignNoStamps, &m.stamps},
		{SignAbsurdSACK, &m.sack}, {SignClamped, &m.clamp}, {SignStripped, &m.strip},
	} {
		if x.g.N == 0 {
			continue
		}
		x.g.Kind, x.g.Flow, x.g.Protocol = x.kind, c.number, c.Facts.Protocol
		c.log.Sign(*x.g)
	}
}
