package flow

// Times and bounds of fragments, b-23.
const (
	// FragmentTime, ns, is how long a host waits for the rest of a datagram:
	// Linux' net.ipv4.ipfrag_time. RFC 1122 §3.3.2 wants 60 to 120 s.
	FragmentTime = 30 * second

	// fragmentPause, ns: the fragments of one datagram leave their sender
	// together. After a longer pause an equal ID is that of another datagram.
	fragmentPause = 2 * second

	// fragmentSettle, ns: what may be missing at the end of a datagram is
	// missing only if the capture goes on for this long.
	fragmentSettle = second

	// Octets that a fragment has at least, unless it is the last: RFC 791 §3.1
	// wants 576 octets to pass, RFC 8200 §5 1280. The size of smaller ones says
	// nothing about that of missing ones.
	leastFragment4 = 552
	leastFragment6 = 1232

	maxPieces = 64 // of one datagram; 64 KiB over an MTU of 1280 are 53
)

// A Reassembly is what was seen of one fragmented datagram. Nothing is put
// together: only octets are counted off.
type Reassembly struct {
	First, Last int64 // when fragments passed
	Done        bool  // nothing is missing
	Started     bool  // the host's packets were seen before this datagram
	IPv6        bool
	FirstSeen   FrameRef
	LastSeen    FrameRef

	pieces  []piece
	total   uint32 // octets of the whole; 0 = not known
	largest uint32 // fragment that is not the last
	crowded bool   // more pieces than are kept
}

// A piece is a fragment that passed.
type piece struct {
	lo, hi uint32
	hash   uint32
	t      int64
	ref    FrameRef
}

// Stale reports whether a fragment at t belongs to another datagram that has
// the same ID.
func (r *Reassembly) Stale(t int64) bool {
	return t-r.Last > fragmentPause || r.Done && t-r.Last > copyWithID
}

// Take adds the octets lo–hi; more says that others follow. It reports whether
// the same fragment passed before, and how long ago.
func (r *Reassembly) Take(lo, hi uint32, more bool, hash uint32, t int64, ref FrameRef) (ago int64, again bool) {
	for i := range r.pieces {
		q := &r.pieces[i]
		if q.lo == lo && q.hi == hi && q.hash == hash && t-q.t <= copyWithID {
			return t - q.t, true
		}
	}
	if len(r.pieces) == 0 {
		r.First, r.FirstSeen = t, ref
	}
	r.Last, r.LastSeen = t, ref
	if more {
		r.largest = max(r.largest, hi-lo)
	} else {
		r.total = max(r.total, hi)
	}
	if len(r.pieces) >= maxPieces {
		r.crowded = true
		return 0, false
	}
	i := len(r.pieces)
	for i > 0 && r.pieces[i-1].lo > lo {
		i--
	}
	r.pieces = append(r.pieces, piece{})
	copy(r.pieces[i+1:], r.pieces[i:])
	r.pieces[i] = piece{lo, hi, hash, t, ref}
	missing, _ := r.holes(true, nil)
	r.Done = r.total > 0 && missing == 0
	return 0, false
}

// HasFirst reports whether the fragment with the ports passed.
func (r *Reassembly) HasFirst() bool { return len(r.pieces) > 0 && r.pieces[0].lo == 0 }

// HasLater reports whether a fragment behind the first passed.
func (r *Reassembly) HasLater() bool { return len(r.pieces) > 0 && r.pieces[len(r.pieces)-1].lo != 0 }

// onlyFirst reports whether the first fragment passed and no other.
func (r *Reassembly) onlyFirst() bool {
	return r.HasFirst() && r.pieces[len(r.pieces)-1].lo == 0
}

// holes counts the missing fragments, or how many there are at least, and their octets. atEnd says that the end
// would have been seen; each gets the pieces around every hole.
func (r *Reassembly) holes(atEnd bool, each func(before, after *piece)) (fragments, octets uint32) {
	least := uint32(leastFragment4)
	if r.IPv6 {
		least = leastFragment6
	}
	hole := func(n uint32, before, after *piece) {
		octets += n
		if r.largest < least {
			fragments++
		} else {
			fragments += (n + r.largest - 1) / r.largest
		}
		if each != nil {
			each(before, after)
		}
	}
	end := uint32(0)
	var last *piece
	for i := range r.pieces {
		q := &r.pieces[i]
		if q.lo > end && (last != nil || r.Started) {
			hole(q.lo-end, last, q)
		}
		if q.hi > end {
			end, last = q.hi, q
		}
	}
	switch {
	case r.total > end:
		hole(r.total-end, last, nil)
	case r.total == 0 && atEnd && last != nil:
		hole(1, last, nil) // at least one fragment is missing; its octets are not known
		octets--
	}
	return fragments, octets
}

// placeBehind counts, from 1, which fragment follows q; nil is the beginning.
func (r *Reassembly) placeBehind(q *piece) uint8 {
	for i := range r.pieces {
		if q == &r.pieces[i] {
			return uint8(i + 2)
		}
	}
	return 1
}

// Incomplete writes down what is missing of the datagram, in direction dir of
// t. end is the time up to which the capture would have shown more of it.
func (t *Talk) Incomplete(r *Reassembly, dir uint8, id uint32, end int64) {
	if r.Done || r.crowded {
		return
	}
	l := Lost{
		Place: BeforeTap, What: FragmentPacket, Reason: ReasonFragment, Proof: Single, Rule: RuleFragments,
		First: r.First, Last: r.Last,
	}
	w := witnesses{l: &l}
	l.Packets, l.Octets = r.holes(end-r.Last >= fragmentSettle, func(before, after *piece) {
		if l.Piece == 0 {
			l.Piece = r.placeBehind(before)
		}
		for _, q := range [2]*piece{before, after} {
			if q != nil {
				w.add(Witness{q.ref, q.t, SaysFragment, uint64(id), uint64(q.lo)})
			}
		}
	})
	if l.Packets == 0 {
		return
	}
	l.Pieces = uint8(min(uint32(len(r.pieces))+l.Packets, 255))
	if r.onlyFirst() {
		l.Reason = ReasonLaterFragments
	}
	if h := t.half[dir]; h != nil && r.HasFirst() {
		h.seen.tell(r.pieces[0].ref) // an error about it tells nothing new
	}
	t.log.Symptom(Symptom{
		Time: r.Last, Frame: r.LastSeen, Flow: t.number, Octets: l.Octets, Packets: l.Packets, Seq: uint64(id),
		Kind: FragmentMissing, Dir: dir, Protocol: t.Facts.Protocol,
	})
	t.lose(dir, l)
}

// Fragment counts a later fragment that is no copy of another.
func (t *Talk) Fragment(packets, octets uint64, dir uint8, last int64) {
	f := &t.Facts.Dir[dir]
	f.Packets += packets
	f.WirePackets += packets
	f.Octets += octets
	t.Facts.Last = max(t.Facts.Last, last)
}

// An idRing remembers the last IDs that fragments had.
type idRing struct {
	list []idSeen
	at   int
}

type idSeen struct {
	id uint16
	t  int64
}

const maxFragmentIDs = 256

// SawFragment notes the ID of a datagram of which a fragment passed.
func (p *TalkPair) SawFragment(side uint8, id uint16, t int64) {
	r := &p.rarely().fragments[side]
	p.Seen[side] = true
	if n := len(r.list); n > 0 {
		newest := &r.list[(r.at+n-1)%n]
		if newest.id == id {
			newest.t = t
			return
		}
	}
	if len(r.list) < maxFragmentIDs {
		r.list = append(r.list, idSeen{id, t})
		return
	}
	r.list[r.at] = idSeen{id, t}
	r.at = (r.at + 1) % maxFragmentIDs
}

// has reports whether a fragment with this ID passed around the times t0–t1.
func (r *idRing) has(id uint16, t0, t1 int64) bool {
	for i := range r.list {
		if s := &r.list[i]; s.id == id && s.t > t0-fragmentPause && s.t < t1+fragmentPause {
			return true
		}
	}
	return false
}
