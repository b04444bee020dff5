package flow

import "whydrop/decode"

// recent remembers the last packets without sequence space of one half (and
// damaged ones), to know their copies: b-2. Copies of data are found among the
// transmissions, and an ACK that moves on is no copy, so most packets are
// never looked for here.
type recent struct {
	list []passed // a ring once it is full
	at   int
}

// A passed is a packet that passed.
type passed struct {
	key uint64
	t   int64
}

// closeTogether, ns: a ring that turns faster than this grows.
const closeTogether = 20 * millisecond

func (r *recent) add(key uint64, t int64) {
	if n := len(r.list); n < 4 || n < maxRecent && (n&(n-1) != 0 || t-r.list[r.at].t < closeTogether) {
		if n&(n-1) == 0 && r.at != 0 { // oldest first before it grows
			rotate(r.list, r.at)
			r.at = 0
		}
		r.list = append(r.list, passed{key, t})
		return
	}
	r.list[r.at] = passed{key, t}
	if r.at++; r.at == len(r.list) {
		r.at = 0
	}
}

func rotate(l []passed, at int) {
	reverse(l[:at])
	reverse(l[at:])
	reverse(l)
}

func reverse(l []passed) {
	for i, j := 0, len(l)-1; i < j; i, j = i+1, j-1 {
		l[i], l[j] = l[j], l[i]
	}
}

// find returns when a packet with this key passed, at most within before t.
func (r *recent) find(key uint64, t, within int64) (int64, bool) {
	for i := range r.list {
		if r.list[i].key == key && t-r.list[i].t <= within {
			return r.list[i].t, true
		}
	}
	return 0, false
}

// key mixes everything that copies of one packet share: not TTL, not MAC.
func (s *Segment) key(sack *Blocks) uint64 {
	k := mix(uint64(s.Seq)<<32|uint64(s.Ack), uint64(s.Len)<<32|uint64(s.Hash))
	k = mix(k, uint64(s.Flags)<<48|uint64(s.Window)<<32|uint64(s.ID)<<16|uint64(s.marks&damagedFields))
	if s.is(hasTS) {
		k = mix(k, uint64(s.TSVal)<<32|uint64(s.TSEcr))
	}
	for i := range s.NumSACK {
		k = mix(k, uint64(sack[i][0])<<32|uint64(sack[i][1]))
	}
	if s.is(damagedFields | cut) { // the checksum speaks for what cannot be compared
		k = mix(k, uint64(s.Sum))
	}
	return k
}

// mix is a round of the 64-bit finaliser of MurmurHash3, over two words.
func mix(a, b uint64) uint64 {
	a ^= b * 0x9e3779b97f4a7c15
	a ^= a >> 33
	a *= 0xff51afd7ed558ccd
	a ^= a >> 33
	return a
}

// copyWithin is how close, ns, an identical packet must be to be a copy: b-2.
// Some hosts send again with the IP ID of the first time; their timestamps would
// tell, and where there are none only the time does: no timer is that fast. Three
// duplicate acknowledgements are, but no faster than the path.
func (h *track) copyWithin(s *Segment) int64 {
	numbered := s.is(hasID) && s.ID != 0
	switch {
	case !s.is(hasTS) && !numbered && h.hasty:
		return -1
	case !s.is(hasTS) && !numbered && h.minDown > 0 && h.rttKnown():
		return min(copyBare, max(h.rtt()/2, CopyImmediate))
	case !s.is(hasTS):
		return copyBare
	case numbered:
		return copyWithID
	}
	return copyWithTS
}

// inHaste notes that the host of h sent octets of x again, cut otherwise, so soon
// that the same cut would have been a copy: a network copies packets, but cuts
// none. So do hosts behind a radio that had stalled, when they can send at last.
// What is neither numbered nor stamped is then no copy for being alike and near.
// A mirror port, which copies everything, has shown copies by then.
func (c *Conn) inHaste(h *track, s *Segment, x *odd) {
	if h.hasty || h.copied || s.is(hasTS|damagedFields) || x.payload() == 0 || c.segments(s.Dir, x.payload()) > 1 {
		return
	}
	within := h.copyWithin(s)
	h.odds.overlapping(x.lo, x.hi(), func(_ int32, q *odd) {
		cut := q.lo != x.lo || q.n != x.n
		if cut && q.is2&isLate == 0 && q.is&sentBad == 0 && x.t-q.t <= within && c.segments(s.Dir, q.payload()) == 1 {
			h.hasty = true
		}
	})
}

// copyOf looks for the packet that s is a copy of, and says how long ago it
// passed.
func (h *track) copyOf(s *Segment, lo, n int64, key uint64) (ago int64, yes bool) {
	within := h.copyWithin(s)
	if n == 0 || s.is(damagedFields) || s.Flags&decode.RST != 0 {
		t, ok := h.recent.find(key, s.Time, within)
		return s.Time - t, ok
	}
	if !h.topped || lo >= h.top {
		return 0, false
	}
	for i := h.line.search(lo); i < h.line.length; i++ {
		q := h.line.at(i)
		if q.lo > lo {
			break
		}
		if q.lo == lo && int64(q.n) == n && q.key == uint32(key) && s.Time-q.t <= within {
			return s.Time - q.t, true
		}
	}
	ago = -1
	h.odds.overlapping(lo, lo+n, func(_ int32, q *odd) {
		if q.lo == lo && int64(q.n) == n && q.key == uint32(key) && s.Time-q.t <= within {
			ago = s.Time - q.t
		}
	})
	return ago, ago >= 0
}
