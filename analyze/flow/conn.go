package flow

import "whydrop/decode"

// A Conn is one conversation over TCP, as one tap sees it.
//
// Take judges its segments in the order in which they passed; Finish judges
// what needs the end. A Conn keeps nothing of the packets but what is named
// here, and all of it is bounded.
type Conn struct {
	Facts    Facts
	half     [2]track
	pair     *Pair
	side     uint8 // which side of the pair the originator is
	gaveUp   GaveUp
	last     int64
	sack     *Blocks  // of the segment that is being judged
	resets   [2]int64 // when the first RST of each half passed; 0 = none
	ended    int64    // when the last RST passed
	quotes   []quote
	cal      [2]calibration
	pool     *Pool
	outright []damage
	number   uint32 // of the flow
	log      *Log
	rest     *Rest // losses beyond the limit of the log
	folded   bool
	paused   bool     // nothing has moved for longer than patience
	moved    int64    // when something last moved: see Stall
	movedIn  FrameRef //
	waits    *waits   // nil until something stood still
	shaken   uint8    // TTL of the SYN-ACK; 0 = none passed
	shakenBy FrameRef // its frame
	mangled  *mangles // nil: nothing on the way shows
}

// NewConn makes a Conn between the addresses of pair; side is which of them the
// originator is.
func (p *Pool) NewConn(pair *Pair, side uint8, number uint32, log *Log) *Conn {
	var c *Conn
	p.inUse++
	if n := len(p.conns); n > 0 {
		c = p.conns[n-1]
		p.conns = p.conns[:n-1]
		c.waits.reset()
		*c = Conn{half: c.half, waits: c.waits}
	} else {
		c = new(Conn)
	}
	c.pool, c.pair, c.side, c.number, c.log = p, pair, side, number, log
	for d := range c.half {
		c.half[d].reset(p)
	}
	return c
}

// Free gives the memory of c back. It is not used again.
func (c *Conn) Free() {
	p := c.pool
	p.inUse--
	for d := range c.half {
		c.half[d].reset(p)
	}
	if len(p.conns) < maxFree {
		p.conns = append(p.conns, c)
	}
}

// GaveUp is what limits cost this conversation.
func (c *Conn) GaveUp() GaveUp { return c.gaveUp }

// Calibrate looks at segments that are about to be taken: what their IP IDs
// count must be known before the first of them is judged. b-22.
func (c *Conn) Calibrate(list []Segment) {
	for i := range list {
		s := &list[i]
		d := s.Dir
		if s.is(badIP) {
			c.half[d].badHeads++
		} else {
			c.half[d].goodHeads++
		}
		c.calibrate(s)
	}
	c.settleIDs()
}

// settleIDs decides anew whether the IDs of each half order and number its packets.
func (c *Conn) settleIDs() {
	for d := range c.half {
		h := &c.half[d]
		h.ordered = c.pair.orders(int(c.side)^d, h.ids.own)
		h.counted = h.ordered && c.pair.counts(int(c.side)^d, h.ids.own)
	}
}

// Take judges s, whose SACK blocks are sack if it has any, and folds it in.
func (c *Conn) Take(s *Segment, sack *Blocks, e *Event) {
	h, r := &c.half[s.Dir], &c.half[1-s.Dir]
	e.Saw = 0
	c.sack = sack
	c.last = max(c.last, s.Time)
	if s.Time-c.moved > stallLeast {
		c.pause(s)
	}
	c.believeSum(h, s, e)
	if s.is(damagedFields) {
		c.takeDamaged(h, r, s, e)
		return
	}
	if !h.started && ofAnother(r, s) {
		c.count(h, s)
		return
	}
	if !h.begun {
		h.begin(s.Seq)
		h.firstT = s.Time
	}
	lo, n := h.position(s.Seq), s.space()
	key := s.key(sack)
	if c.mayBeCopy(h, r, s, lo, n) && c.isCopy(h, s, lo, n, key, e) {
		return
	}
	if n == 0 || s.Flags&decode.RST != 0 {
		h.recent.add(key, s.Time)
	}
	if h.twins != nil {
		c.twin(h, s, key, lo, n)
	}
	c.count(h, s)
	id, numbered := h.ids.unwrap(s)
	if numbered && h.believable(lo) {
		c.enumerate(h, r, s, id, lo, n)
	}
	c.announce(h, s, e)
	if s.Flags&(decode.ACK|decode.RST) == decode.ACK && r.begun && r.topped {
		c.acknowledge(r, h, s, e)
	} else if !r.begun && (s.NumSACK > 0 || h.alone != nil) {
		c.acksAlone(h, s)
	}
	if s.Flags&decode.RST != 0 {
		c.takeReset(h, s, e)
		return
	}
	h.window, h.spoke, h.fromSYN = s.Window, true, s.Flags&decode.SYN != 0
	if s.Flags&finOrSYN != 0 || !h.shaken {
		c.handshake(h, r, s, n)
	}
	if s.is(hasTS) {
		h.echoes.passed(s.Time, s.TSVal)
	}
	if n > 0 {
		if h.believable(lo) && !c.asks(h, r, s, lo, e) {
			c.carry(h, r, s, sentOf(s, lo, n, id, numbered, key), e)
		}
	} else {
		c.idle(h, r, s, lo, id, numbered, e)
	}
	c.advance(h, r, s, n, lo)
}

// believable reports whether a segment at octet lo can belong to h.
func (h *track) believable(lo int64) bool {
	return !h.topped || lo-h.top < plausible && h.top-lo < plausible
}

// mayBeCopy rules copies out at no cost where it can: what goes beyond
// everything before it, or acknowledges more, is none.
func (c *Conn) mayBeCopy(h, r *track, s *Segment, lo, n int64) bool {
	if n > 0 {
		return h.topped && lo < h.top
	}
	return !r.acked || s.Flags&decode.ACK == 0 || r.ackPosition(s.Ack) <= r.una
}

// oftenAlike reports whether s, without sequence space, looks like the next one
// that its host sends, so that a second one is no copy. A closed socket answers
// each segment with the same RST. Without SACK, a receiver that lacks a segment
// says the same with each that follows it; so it seems where the blocks were not
// captured, since the checksum may not speak for them: its host may have left it
// to the card. Packet numbers tell, and so do certain copies of this half.
func (c *Conn) oftenAlike(h, r *track, s *Segment) bool {
	switch {
	case s.is(hasID) && s.ID != 0:
		return false
	case s.Flags&decode.RST != 0:
		return true
	}
	return s.is(unread) || !r.reports(h)
}

// isCopy looks for the packet that s is a copy of, and notes what the copy shows.
func (c *Conn) isCopy(h *track, s *Segment, lo, n int64, key uint64, e *Event) bool {
	alike := n == 0 && c.oftenAlike(h, &c.half[1-s.Dir], s)
	ago, yes := h.copyOf(s, lo, n, key)
	yes = yes && (!alike || h.copied)
	if !yes && h.loops != nil {
		ago, yes = h.loops.goesOn(key, s.TTL, s.Time)
	}
	if !yes {
		return false
	}
	h.copied = h.copied || !alike
	c.loop(h, s, key, ago)
	c.clamped(h, s)
	h.twins, e.Twin = h.twins.again(&c.Facts.Dir[s.Dir], key, s.TTL, s.Time, ago)
	c.sawCopy(s, ago, e)
	return true
}

func (c *Conn) sawCopy(s *Segment, ago int64, e *Event) {
	e.note(SawCopy)
	e.Ago = ago
	if s.is(badTCP) {
		e.note(SawBadTCP)
	}
	if s.is(badIP) {
		e.note(SawBadIP)
	}
}

// idle looks at a packet without sequence space: a keep-alive or a probe of a
// closed window sits just below what its sender will send next. b-2.
func (c *Conn) idle(h, r *track, s *Segment, lo int64, id int32, numbered bool, e *Event) {
	if !h.topped || lo != h.top-1 || s.Flags&(decode.ACK|decode.SYN|decode.FIN|decode.RST) != decode.ACK {
		return
	}
	if h.ordered && numbered && id < h.ids.max {
		return
	}
	if s.is(hasTS) && h.hasTS && int32(s.TSVal-h.newestTS) < 0 || r.acked && r.ackPosition(s.Ack) < r.una {
		return // old, and late
	}
	if r.spoke && r.window == 0 {
		r.probed(s)
		e.note(SawProbe)
	} else {
		c.askedAgain(h, r, s)
		e.note(SawKeepAlive)
	}
}

// advance folds what every packet carries into h.
func (c *Conn) advance(h, r *track, s *Segment, n, lo int64) {
	if s.is(hasTS) {
		if s.Len > 0 {
			if d, ok := r.echoes.since(s.Time, s.TSEcr); ok {
				shortest(&h.minUp, d)
				h.sampleUp(d)
			}
		}
		if !h.hasTS || int32(s.TSVal-h.newestTS) > 0 {
			h.newestTS = s.TSVal
		}
		h.hasTS = true
		if s.Flags&decode.ACK != 0 {
			h.echoed, h.hasEcho = s.TSEcr, true
		}
	} else if h.hasTS {
		c.stampless(h, r, s)
	}
	forward := h.hasAck && int32(s.Ack-h.lastAck) > 0
	back := h.lastBack == s.Time
	if s.Len > 0 && h.hasAck && !back {
		if forward {
			h.prompt++
		} else if h.progress && s.Time-h.lastT > 10*millisecond {
			h.delayed++
		}
	}
	h.progress = s.Len == 0 && forward
	h.lastAck, h.hasAck = s.Ack, true
	h.lastT = s.Time
	c.forget(h, s.Time)
	if trip := h.rtt(); h.minDown >= 0 && h.minUp >= 0 && (c.pair.MinRTT == 0 || trip < c.pair.MinRTT) {
		c.pair.MinRTT = max(trip, 1)
	}
}

// forget drops transmissions that were acknowledged long enough ago.
func (c *Conn) forget(h *track, now int64) {
	for h.line.length > 0 {
		q := h.line.at(0)
		if q.cov == 0 {
			if h.line.length <= maxWaiting {
				return
			}
			c.gaveUp.Gaps++
		} else if age := now - q.covered(); age <= max(keepRTTs*h.rtt(), keepAtLeast) && h.covered <= keepAckedMost &&
			(h.covered <= keepAcked || age <= keepShort) {
			return
		}
		if h.covered > 0 {
			h.covered--
		}
		if old := h.line.pop(); old != nil {
			h.retire(old, c.pool)
			c.pool.put(old)
		}
	}
}
