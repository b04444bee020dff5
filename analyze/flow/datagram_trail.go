package flow

import (
	"cmp"
	"encoding/binary"
	"slices"

	"whydrop/decode"
)

// A talkTrail is what the causes of loss of numbered datagrams are told from:
// all that passed since the first hole, and a few that passed before it. What
// is late makes a hole, too, so that it is kept of directions that lost or
// reordered something, and of no others. loss-causes.md §2.
type talkTrail struct {
	chunks []*crumbChunk
	holes  []Hole
	gaveUp uint64
	load   Load // what had passed before the first of chunks
	rtp    bool // the numbers are RTP's, else those of IP
}

// A milestone is a numbered datagram that passed before anything was missing:
// the 8th, 12th, 16th, 24th, 32nd … of a direction. They show how long the way
// took when it was not full yet.
type milestone struct {
	t      int64
	number int64
	stamp  uint32
	rtp    bool
}

// milestoneFrom is the first datagram of a direction that becomes a milestone;
// before it nothing is known of its numbers.
const milestoneFrom = 8

func isMilestone(n uint64) bool {
	const half = 3 // between powers of two
	return n >= milestoneFrom && (n&(n-1) == 0 || n%half == 0 && (n/half)&(n/half-1) == 0)
}

// number is the number by which p, the newest packet of h, is followed, and its
// RTP timestamp if it has one.
func (h *stream) number(p *decode.Packet) (n int64, stamp uint32, ok bool) {
	if h.rtp.on {
		ssrc, seq, ok := rtpHeader(p)
		if !ok || ssrc != h.rtp.ssrc || seq != uint16(h.rtp.last) {
			return 0, 0, false
		}
		return h.rtp.last, binary.BigEndian.Uint32(p.Head[4:8]), true
	}
	if !h.ids.any || uint16(p.ID) != uint16(h.ids.last) {
		return 0, 0, false
	}
	return h.ids.last, 0, true
}

// trace leaves p in the trail of its direction; the first hole of one that
// counts its packets begins it.
func (t *Talk) trace(h *stream, p *decode.Packet, dir uint8) {
	if h.trail != nil && h.trail.rtp != h.rtp.on {
		t.dropTrail(h)
	}
	n, stamp, ok := h.number(p)
	if !ok {
		return
	}
	if h.trail == nil {
		if !h.broken(p) {
			return
		}
		f := &t.Facts.Dir[dir]
		h.trail = &talkTrail{rtp: h.rtp.on, load: Load{p.Time, f.Octets - min(f.Octets, uint64(p.PayloadLen))}}
	}
	h.trail.pass(p, n, stamp, t.log)
}

// broken reports whether p came behind a hole in numbers that count.
func (h *stream) broken(p *decode.Packet) bool {
	gaps := h.rtp.gaps
	if !h.rtp.on {
		if gaps = h.ids.gaps; len(gaps) > 0 && !h.counts() {
			return false
		}
	}
	return len(gaps) > 0 && gaps[len(gaps)-1].next == FrameRef{Number: p.Number, File: p.File}
}

// pass packs a datagram, for which the oldest make room if there are too many.
func (r *talkTrail) pass(p *decode.Packet, number int64, stamp uint32, log *Log) {
	n := len(r.chunks)
	if n == 0 || r.chunks[n-1].n == chunkSent {
		var c *crumbChunk
		if n >= trailMost/chunkSent || n > 0 && log.lent >= maxCrumbs {
			c = r.chunks[0]
			r.gaveUp += uint64(c.n)
			r.chunks = r.chunks[:copy(r.chunks, r.chunks[1:])]
		} else {
			c = new(crumbChunk)
			log.lent++
		}
		c.base, c.n = p.Time, 0
		r.chunks = append(r.chunks, c)
		n = len(r.chunks)
	}
	c := r.chunks[n-1]
	is := uint32(PassedNumbered)
	if r.rtp {
		is |= uint32(PassedStamped)
	}
	after := min(max((p.Time-c.base)/1000, 0), usMost)
	c.list[c.n] = crumb{t: uint32(after), q: stamp, tsval: uint32(number), is: min(max(p.PayloadLen, 1), crumbOctets)<<8 | is}
	c.n++
}

// milestone keeps p if it is one.
func (h *stream) milestone(p *decode.Packet) {
	if n, stamp, ok := h.number(p); ok {
		h.stones = append(h.stones, milestone{p.Time, n, stamp, h.rtp.on})
	}
}

// missing notes that n numbers of g are missing for good.
func (r *talkTrail) missing(g *serialGap, n int64) {
	if r == nil || n <= 0 {
		return
	}
	if len(r.holes) >= trailHoles {
		r.gaveUp += uint64(n)
		return
	}
	r.holes = append(r.holes, Hole{Before: min(g.t0, g.t1), After: g.t1, Packets: uint32(n)})
}

// dropTrail forgets the trail of h.
func (t *Talk) dropTrail(h *stream) {
	if h.trail != nil {
		t.log.lent -= len(h.trail.chunks)
		h.trail = nil
	}
}

// leaveTrail hands over the trail of dir, if it lost enough. Of several RTP
// sources of one direction it is the first that did.
func (t *Talk) leaveTrail(h *stream, dir uint8) {
	r := h.trail
	if r == nil {
		return
	}
	stones := h.stones
	t.dropTrail(h)
	if h.left || len(r.chunks) == 0 {
		return
	}
	first := r.chunks[0].base
	holes := slices.DeleteFunc(r.holes, func(x Hole) bool { return x.After < first })
	slices.SortStableFunc(holes, func(a, b Hole) int { return cmp.Compare(a.After, b.After) })
	if missingIn(holes) < trailLosses {
		return
	}
	out := Trail{
		Flow: t.number, Dir: dir, Datagrams: true, Header: headerIPv6 + headerUDP, Forgotten: r.gaveUp, Holes: holes, chunks: r.chunks,
		begun: t.Facts.First, frame: t.Facts.FirstFrame,
	}
	if t.Facts.Originator.Addr.Is4() {
		out.Header = headerIPv4 + headerUDP
	}
	if r.rtp {
		out.Clock = uint32(h.rtp.jitter.rate)
	}
	for _, s := range stones {
		if s.rtp == r.rtp && s.t < first {
			out.Stones = append(out.Stones, Passage{Time: s.t, TSVal: uint32(s.number), Delay: s.stamp, Is: PassedNumbered})
		}
	}
	if t.Facts.First < r.load.Time && r.load.Octets > 0 && r.gaveUp == 0 {
		out.Loads = []Load{{Time: t.Facts.First}, r.load}
	}
	out.Segment = out.usual()
	t.log.leave(out)
	h.left = true
}

func missingIn(holes []Hole) (n uint64) {
	for i := range holes {
		n += uint64(holes[i].Packets)
	}
	return n
}

// usual is the median payload of what passed.
func (t *Trail) usual() uint32 {
	var lengths []uint32
	for _, k := range t.chunks {
		for _, x := range k.list[:k.n] {
			lengths = append(lengths, x.is>>8)
		}
	}
	slices.Sort(lengths)
	return lengths[len(lengths)/2]
}

// headerUDP, octets: RFC 768.
const headerUDP = 8
