package flow

// A packet that goes round in a loop passes the tap again and again, each time
// with a TTL that is lower by the length of the loop: wire-evidence.md b-21,
// after Hengartner et al., "Detection and analysis of routing loops in packet
// traces" (IMW 2002). Loops follow such packets of one direction. They begin
// with the first copy whose TTL is lower, so that other captures pay nothing.
type loops struct {
	list []replicas // a ring once it is full
	at   int        // the oldest of a full one
	told int
}

// replicas are all sightings of one packet.
type replicas struct {
	key    uint64
	t0, t  int64 // of the first and the last
	n      uint16
	ttl    uint8 // of the last
	step   uint8 // by which it was lower than the one before; 0 = not the same each time
	octets uint32
	first  FrameRef // of the first sighting
	seen   [4]Witness
}

const (
	loopSightings = 3  // of a packet whose TTL falls by the same two or more: b-21
	loopHops      = 5  // of one whose TTL falls by one; a mirror of two ports shows two
	loopLong      = 8  // as many speak for themselves; fewer must end with the TTL
	maxReplicas   = 32 // packets that are followed at once
	maxLoopSigns  = 256
)

// looping reports whether r went round rather than past several taps.
func (r *replicas) looping() bool {
	even := r.n >= loopSightings && r.step >= 2
	return even || r.n >= loopHops && (r.n >= loopLong || r.ttl <= max(r.step, 2))
}

// again notes that a packet that passed ago before passed again, as x shows,
// with TTL ttl; was is the TTL of its direction. It returns the loops of the
// direction, which it makes when a TTL falls; first finds the first sighting.
func (w *loops) again(was uint8, key uint64, ttl uint8, ago int64, x Witness, first func() FrameRef, tell func(*replicas)) *loops {
	if w == nil {
		if ttl >= was {
			return nil
		}
		w = &loops{}
	}
	for i := len(w.list) - 1; i >= 0; i-- {
		r := &w.list[i]
		if r.key != key {
			continue
		}
		if ttl >= r.ttl {
			return w
		}
		if r.ttl-ttl != r.step {
			r.step = 0
		}
		x.B = 0
		if int(r.n) <= len(r.seen) {
			r.seen[r.n-1] = x
		}
		r.n++
		r.ttl, r.t = ttl, x.Time
		return w
	}
	if ttl >= was {
		return w
	}
	r := replicas{
		key: key, t0: x.Time - ago, t: x.Time, n: 2, ttl: ttl, step: was - ttl, octets: uint32(x.B), first: first(),
	}
	x.B = 0
	r.seen[0] = x
	if len(w.list) < maxReplicas {
		w.list = append(w.list, r)
		return w
	}
	w.tell(&w.list[w.at], tell)
	w.list[w.at] = r
	w.at = (w.at + 1) % maxReplicas
	return w
}

// goesOn reports whether a packet with this key and TTL is one that was seen
// going round shortly before, however long ago it passed for the first time.
func (w *loops) goesOn(key uint64, ttl uint8, t int64) (ago int64, yes bool) {
	if w == nil {
		return 0, false
	}
	for i := len(w.list) - 1; i >= 0; i-- {
		if r := &w.list[i]; r.key == key && ttl < r.ttl && t-r.t <= copyWithID {
			return t - r.t0, r.looping()
		}
	}
	return 0, false
}

func (w *loops) tell(r *replicas, tell func(*replicas)) {
	if r.looping() && w.told < maxLoopSigns {
		w.told++
		tell(r)
	}
}

// finish tells of all that are left.
func (w *loops) finish(tell func(*replicas)) {
	if w == nil {
		return
	}
	for i := range w.list {
		w.tell(&w.list[i], tell)
	}
}

// sign is what r says. Its packet is named by when it passed first.
func (r *replicas) sign(number uint32, dir, protocol uint8, what What) Sign {
	return Sign{
		Kind: SignLoop, Flow: number, Dir: dir, Protocol: protocol, What: what, Octets: r.octets,
		N: uint64(r.n), M: uint64(r.step), TTL: r.ttl, Frame: r.first, First: r.t0, Last: r.t, Witnesses: r.seen,
	}
}

// loop notes that s passed again, ago after the first time.
func (c *Conn) loop(h *track, s *Segment, key uint64, ago int64) {
	dir, t, lo := s.Dir, s.Time-ago, h.position(s.Seq)
	x := Witness{Frame: s.Ref(), Time: s.Time, Says: SaysLowerTTL, A: uint64(s.TTL), B: uint64(s.Len)}
	h.loops = h.loops.again(c.Facts.Dir[dir].TTL, key, s.TTL, ago, x,
		func() FrameRef { return h.passedAt(lo, t) }, func(r *replicas) { c.tellLoop(dir, r) })
}

// passedAt is the transmission of octet lo that passed at t, if it is kept.
func (h *track) passedAt(lo, t int64) (found FrameRef) {
	if i := h.line.search(lo); i < h.line.length && h.line.at(i).t == t {
		return h.line.at(i).ref()
	}
	h.odds.overlapping(lo, lo+1, func(_ int32, q *odd) {
		if q.t == t {
			found = q.ref()
		}
	})
	return found
}

func (c *Conn) tellLoop(dir uint8, r *replicas) {
	what := ACKPacket
	switch h := &c.half[dir]; {
	case r.octets > 0:
		what = DataPacket
	case h.onlySYN():
		what = SYNPacket
	}
	c.log.Sign(r.sign(c.number, dir, c.Facts.Protocol, what))
}

// loop notes that s, of direction dir, passed again, ago after the first time.
func (t *Talk) loop(h *stream, s *sighting, dir uint8, ago int64) {
	x := Witness{Frame: s.ref, Time: s.t, Says: SaysLowerTTL, A: uint64(s.ttl), B: uint64(s.octets)}
	key, at := s.key, s.t-ago
	h.loops = h.loops.again(t.Facts.Dir[dir].TTL, key, s.ttl, ago, x,
		func() FrameRef { return h.seen.passedAt(key, at) }, func(r *replicas) { t.tellLoop(dir, r) })
}

func (t *Talk) tellLoop(dir uint8, r *replicas) {
	t.log.Sign(r.sign(t.number, dir, t.Facts.Protocol, t.what()))
}

// passedAt is the datagram with this key that passed at t, if it is remembered.
func (r *sightings) passedAt(key uint64, t int64) FrameRef {
	for i := range r.list {
		if q := &r.list[i]; q.key == key && q.t == t {
			return q.ref
		}
	}
	return FrameRef{}
}
