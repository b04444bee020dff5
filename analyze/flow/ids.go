package flow

import "whydrop/decode"

// A Pair is what is known of two addresses over all their connections.
type Pair struct {
	MinRTT int64 // ns; 0 = not known
	tally  [2]tally
	other  [2]others
}

// tally counts neighbouring IP IDs of one source.
type tally struct {
	near, far uint32 // that fit a counter, or not
	pairs     uint32 // of the near: whose distance could be judged
	strays    uint32 // of these: numbers are missing between them that nothing explains
	shared    uint32 // or that packets of another protocol had
}

// orders reports whether the IDs of a source grow with its packets: b-22.
func (p *Pair) orders(side int, own tally) bool {
	all := p.tally[side]
	return all.near+all.far >= idPairs &&
		float64(all.near) >= idShare*float64(all.near+all.far) &&
		float64(own.near) >= idShareHalf*float64(own.near+own.far)
}

// counts reports whether no other packets of the source take numbers from the
// same counter, so that missing numbers are missing packets. A host-wide
// counter of a host with little to do is as near as one of the connection; its
// numbers are missing where no octets are.
func (p *Pair) counts(side int, own tally) bool {
	all := p.tally[side]
	return all.shared < idShared && own.few() && all.few()
}

func (t tally) few() bool { return float64(t.strays) <= idStrays+idStrayShare*float64(t.pairs) }

// Other notes the IP ID of a packet of side that is not TCP.
func (p *Pair) Other(side uint8, id uint16) {
	o := &p.other[side]
	o.id[o.n%uint32(len(o.id))] = id
	o.n++
}

// between reports whether a packet that is not TCP had a number between last
// and last+d, not long ago.
func (p *Pair) between(side uint8, last, d uint16) bool {
	o := &p.other[side]
	for _, id := range o.id[:min(o.n, uint32(len(o.id)))] {
		if x := id - last; x > 0 && x < d {
			return true
		}
	}
	return false
}

// others are the IP IDs of the last packets that are not TCP.
type others struct {
	id [idOthers]uint16
	n  uint32
}

// numbers are the IP IDs of one half. Linux gives each connection a counter of
// its own (ip_select_ident_segs): missing numbers are missing packets, also
// pure acknowledgements and tails that sequence numbers never show.
type numbers struct {
	any     bool
	last    uint16 // of the last packet that had one
	lastID  int32  // the same, unwrapped
	max     int32  // highest
	next    int32  // what follows it: one packet may use many
	maxT    int64  // when it passed
	maxAck  uint32
	maxSYN  bool
	maxData bool
	maxRef  FrameRef
	own     tally
	first   int32
	gaps    []idGap
	strays  uint32 // packets whose number cannot be read
}

// An idGap is a run of numbers that no packet here had.
type idGap struct {
	from, to     int32 // missing: from … to−1
	t0, t1       int64 // when the packets before and behind passed
	lo, hi       int64 // octets missing between them; hi <= lo: none
	before, next FrameRef
	beforeID     int32
	ack0, ack1   uint32 // their acknowledgement numbers
	outstanding  bool   // their sender was waiting for an acknowledgement
	peerData     bool   // the peer had sent what draws one
	fromSYN      bool
	tail         int32 // of them a repaired tail: c-11
	explained    int32 // of them acknowledgements that are charged: c-1 row 4
}

// calibrate counts whether the ID of the next segment fits a counter, and
// whether what is missing before it is explained, before it is judged. It is
// pure bookkeeping of tallies; enumerate does the rest.
func (c *Conn) calibrate(s *Segment) {
	if !s.is(hasID) || s.is(badIP) {
		return
	}
	h, prev, side := &c.half[s.Dir], &c.cal[s.Dir], c.side^s.Dir
	own, all := &h.ids.own, &c.pair.tally[side]
	if !numbered(s, prev.last, prev.any) {
		return
	}
	if prev.any {
		d := int16(s.ID - prev.last)
		if d == 0 && prev.seq == s.Seq && prev.ack == s.Ack {
			return // a copy
		}
		if d != 0 && d > -idNear && d < idNear {
			own.near++
			all.near++
		} else {
			own.far++
			all.far++
		}
		if d > 0 && d < idNear && c.judgeable(s.Dir, prev.n) && !s.is(damagedFields) {
			own.pairs++
			all.pairs++
			if c.stray(s, prev, int64(d)) {
				own.strays++
				all.strays++
				if c.pair.between(side, prev.last, uint16(d)) {
					all.shared++
				}
			}
		}
	}
	*prev = calibration{any: true, last: s.ID, seq: s.Seq, ack: s.Ack, n: int64(s.Len), syn: s.Flags&decode.SYN != 0}
}

// calibration is the packet before the next one to be calibrated.
type calibration struct {
	any, syn bool
	last     uint16
	seq, ack uint32
	n        int64
}

// judgeable reports whether it is known how many packets n octets were.
func (c *Conn) judgeable(dir uint8, n int64) bool {
	return n <= mostMSS || c.half[dir].mss != 0 || c.half[dir].longest > fewestMSS
}

// stray reports whether numbers are missing between prev and s, d behind it,
// that neither octets missing between them explain nor acknowledgements: those
// that are missing make the next one go further.
func (c *Conn) stray(s *Segment, prev *calibration, d int64) bool {
	miss := d - c.segments(s.Dir, prev.n)
	if miss <= 0 {
		return false
	}
	octets := prev.n
	if prev.syn {
		octets++
	}
	if hole := int64(int32(s.Seq - prev.seq - uint32(octets))); hole > 0 && c.segments(s.Dir, hole) >= miss {
		return false
	}
	return int64(int32(s.Ack-prev.ack)) <= idStride*miss*c.segment(1-s.Dir)
}

// numbered reports whether the ID of s is a number. Linux gives SYN-ACK, RST
// and packets of TIME_WAIT the ID 0; near the wrap it is a number like others.
func numbered(s *Segment, last uint16, any bool) bool {
	if s.ID != 0 {
		return true
	}
	d := int16(last)
	return s.Flags&(decode.SYN|decode.RST) == 0 && any && d >= -idWrapNear-1 && d <= idWrapNear+1
}

// unwrap returns the number of s, without noting anything.
func (n *numbers) unwrap(s *Segment) (int32, bool) {
	if !s.is(hasID) {
		return 0, false
	}
	d := int16(s.ID - n.last)
	if !numbered(s, n.last, n.any) && (s.Flags&(decode.SYN|decode.RST) != 0 || !n.lacks(n.lastID+int32(d))) {
		return 0, false
	}
	if !n.any {
		return int32(s.ID), true
	}
	if s.is(badIP) && (d == 0 || d >= idBadNear || d <= -idBadNear) {
		return 0, false
	}
	return n.lastID + int32(d), true
}

// missingBefore reports whether numbers that count packets are missing before id:
// then what is not here was sent since its neighbour was.
func (n *numbers) missingBefore(id uint16, counted bool) bool {
	return counted && len(n.gaps) > 0 && uint16(n.gaps[len(n.gaps)-1].to) == id
}

// lacks reports whether number id is missing: an ID 0 that comes late.
func (n *numbers) lacks(id int32) bool {
	for i := range n.gaps {
		if g := &n.gaps[i]; g.from <= id && id < g.to {
			return true
		}
	}
	return false
}

// enumerate notes that s, which is number id, passed. A new highest one opens a
// gap if numbers are missing before it; a lower one shrinks the gap it is in.
func (c *Conn) enumerate(h, r *track, s *Segment, id int32, lo, n int64) {
	ids := &h.ids
	size := int32(c.segments(s.Dir, int64(s.Len)))
	ids.last, ids.lastID = s.ID, id
	if !ids.any {
		ids.any, ids.first = true, id
	} else if id < ids.max {
		ids.fill(s, id, size, lo, lo+n)
		return
	} else if missing := id - ids.next; missing > 0 && missing <= idGapMost {
		c.openGap(h, r, s, id, lo)
	}
	if id >= ids.max {
		ids.max, ids.next = id, id+size
		ids.maxT, ids.maxAck, ids.maxRef = s.Time, s.Ack, s.Ref()
		ids.maxSYN = s.Flags&(decode.SYN|decode.ACK) == decode.SYN
		ids.maxData = s.Len > 0
	}
}

// openGap notes that numbers are missing before id. What the sender knew and
// what the peer had said is looked up now, while it is remembered.
func (c *Conn) openGap(h, r *track, s *Segment, id int32, lo int64) {
	ids := &h.ids
	g := idGap{
		from: ids.next, to: id, t0: ids.maxT, t1: s.Time, before: ids.maxRef, next: s.Ref(), beforeID: ids.next - 1,
		ack0: ids.maxAck, ack1: s.Ack, fromSYN: ids.maxSYN,
	}
	if h.topped {
		g.lo, g.hi = h.top, lo
	}
	trip := h.rtt()
	if trip == 0 {
		trip = defaultRTT
	}
	from := min(g.t0, g.t1)
	if m, ok := h.history.at(from-int64(0.9*float64(h.up())), h.una); h.topped {
		g.outstanding = !ok || m.una < h.top
	}
	since := from - trip*3/2
	g.peerData = r.topped && r.lastSeq >= since
	progress := int32(g.ack1-g.ack0) > 0
	if g.peerData && !progress && ids.maxData && s.Len > 0 && r.lastBack < since && r.lastData < since {
		g.peerData = false
	}
	if len(ids.gaps) >= maxGaps {
		c.gaveUp.Gaps++
		ids.gaps = ids.gaps[:copy(ids.gaps, ids.gaps[1:])]
	}
	ids.gaps = append(ids.gaps, g)
}

// fill takes the numbers of a late packet out of the gap they are in.
func (n *numbers) fill(s *Segment, id, size int32, lo, hi int64) {
	for i := len(n.gaps) - 1; i >= 0; i-- {
		g := &n.gaps[i]
		if id >= g.to {
			return
		}
		if id < g.from {
			continue
		}
		below, above := *g, *g
		below.to, below.t1, below.next, below.ack1, below.tail = id, max(s.Time, g.t0), s.Ref(), s.Ack, 0
		above.from, above.beforeID, above.ack0, above.fromSYN = id+size, id+size-1, s.Ack, false
		above.before = s.Ref()
		if hi > lo && lo >= g.lo && hi <= g.hi {
			below.hi, above.lo = lo, hi
		} else if lo > g.lo && lo < g.hi {
			below.hi, above.lo = lo, lo
		}
		switch {
		case below.from < below.to && above.from < above.to:
			*g = below
			n.gaps = append(n.gaps, idGap{})
			copy(n.gaps[i+2:], n.gaps[i+1:])
			n.gaps[i+1] = above
		case below.from < below.to:
			*g = below
		case above.from < above.to:
			*g = above
		default:
			n.gaps = append(n.gaps[:i], n.gaps[i+1:]...)
		}
		return
	}
}

// missingUntil is the last time at which a packet of this half is known to be
// missing. Where IDs count nothing, one always may be.
func (n *numbers) missingUntil(counted bool) int64 {
	switch {
	case !counted:
		return 1<<63 - 1
	case len(n.gaps) == 0:
		return 0
	}
	return n.gaps[len(n.gaps)-1].t1
}
