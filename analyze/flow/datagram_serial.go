package flow

// A serial follows 16-bit numbers that a sender gives to its packets one after
// another: IP IDs of a connected socket, RTP sequence numbers.
type serial struct {
	any  bool
	last int64 // number of the last packet, unwrapped
	max  int64 // highest
	maxT int64
	ref  FrameRef // of the packet with the highest
	gaps []serialGap

	// What the neighbours in capture order say about the counter.
	pairs, near, ones uint32
	holes             uint32 // runs of missing numbers that nothing filled
	pace              pace
	pauses            pauses
}

// A serialGap is a run of numbers from … to−1 that no packet had.
type serialGap struct {
	from, to     int64
	t0, t1       int64 // when the packets before and behind passed
	before, next FrameRef
	charged      bool // by other numbers
}

func (g *serialGap) missing() int64 { return g.to - g.from }

// A stride is what a number is to those before it.
type stride uint8

const (
	strideFirst  stride = iota
	strideNext          // the next, or beyond a gap
	strideLate          // it fills a gap
	strideRepeat        // a number that passed, or too old to tell
	strideJump          // too far away: the counter began anew
)

// maxSerialGaps bounds the gaps kept per direction until they are settled.
const maxSerialGaps = 128

// take notes that a packet with number n passed. A number further than far from
// the last one is not of the same count.
func (s *serial) take(n uint16, far int16, t int64, ref FrameRef) stride {
	if !s.any {
		*s = serial{any: true, last: int64(n), max: int64(n), maxT: t, ref: ref}
		return strideFirst
	}
	d := int16(n - uint16(s.last))
	s.pairs++
	if d != 0 && d > -far && d < far {
		s.near++
	}
	if d == 1 {
		s.ones++
	}
	id := s.last + int64(d)
	s.last = id
	switch {
	case d >= far || d <= -far:
		s.max, s.maxT, s.ref = id, t, ref
		return strideJump
	case id > s.max:
		s.pauses.step(t-s.maxT, id-s.max)
		s.pace.step(t-s.maxT, id-s.max)
		if id > s.max+1 {
			s.holes++
			s.gaps = append(s.gaps, serialGap{from: s.max + 1, to: id, t0: s.maxT, t1: t, before: s.ref, next: ref})
		}
		s.max, s.maxT, s.ref = id, t, ref
		return strideNext
	}
	return s.fill(id, t, ref)
}

// fill takes a late number out of the gap it is in.
func (s *serial) fill(id, t int64, ref FrameRef) stride {
	for i := len(s.gaps) - 1; i >= 0; i-- {
		g := s.gaps[i]
		if id >= g.to {
			break
		}
		if id < g.from {
			continue
		}
		below, above := g, g
		below.to, above.from = id, id+1
		switch {
		case below.missing() > 0 && above.missing() > 0:
			s.gaps = append(s.gaps, serialGap{})
			copy(s.gaps[i+2:], s.gaps[i+1:])
			s.gaps[i], s.gaps[i+1] = below, above
			s.holes++
		case below.missing() > 0:
			s.gaps[i] = below
		case above.missing() > 0:
			s.gaps[i] = above
		default:
			s.holes--
			s.gaps = append(s.gaps[:i], s.gaps[i+1:]...)
		}
		return strideLate
	}
	return strideRepeat
}
