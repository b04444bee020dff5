package flow

import (
	"cmp"
	"slices"
)

// A Trail is what the causes of loss over time are told from: the transmissions
// of one direction that passed the tap, and the holes between them. It is kept
// of directions that lost packets only; loss-causes.md §2.
type Trail struct {
	Flow      uint32
	Dir       uint8
	Whole     bool   // it begins with the first packet of the direction, and that was its SYN
	Header    uint16 // octets of IP and TCP headers in front of the payload
	Segment   uint32 // payload of a full segment
	Sweep     bool   // the path carries super-frames whole: none is split
	Datagrams bool   // none is a segment: no payload is split, and numbers stand for timestamps
	Clock     uint32 // ticks a second of RTP timestamps; 0 = not known
	Forgotten uint64 // transmissions given up: older ones, when there were too many
	Loads     []Load // what had passed before the first of Passages
	Longest   uint32 // the longest payload of those that arrived
	Holes     []Hole
	Stones    []Passage // datagrams that passed before the first of Passages, and before anything was missing

	chunks []*crumbChunk
	odd    []Passage
	begun  int64    // when its flow did, and with which frame: who comes first
	frame  FrameRef // keeps its trail when there are too many
}

// A Passage is one frame with payload that passed, or the lost or delivered part of one.
type Passage struct {
	Time   int64
	Octets uint32 // payload
	TSVal  uint32 // of a datagram: its number
	// Delay is how long, µs, until the other side first covered it, if Is has PassedSample;
	// of a retransmission, how long before it the other side had last said anything;
	// of an RTP packet, its timestamp.
	Delay uint32
	Is    PassageMarks
}

// PassageMarks say what a Passage was.
type PassageMarks uint8

// Marks of a Passage.
const (
	PassedLost     PassageMarks = 1 << iota // it did not arrive
	PassedAgain                             // a retransmission
	PassedSample                            // Delay is a round trip: the newest that its acknowledgement covered
	PassedLone                              // and the only one, without SACK: perhaps a delayed acknowledgement
	PassedStamped                           // TSVal is valid
	PassedTold                              // lost, and it is known why: an ICMP error, a bad checksum, PAWS
	PassedSilent                            // never covered
	PassedNumbered                          // a datagram: TSVal is its number
)

// A Hole is a run of packets that never passed, nor were only late.
type Hole struct {
	Before, After int64 // when its neighbours passed
	Packets       uint32
	lo, hi        int64
}

// A Load is how many octets of payload had passed up to a time.
type Load struct {
	Time   int64
	Octets uint64
}

// crumb is a Passage as it is kept: within its chunk, and packed.
type crumb struct {
	t     uint32 // µs since the base of its chunk
	q     uint32
	tsval uint32
	is    uint32 // octets<<8 | marks
}

const (
	usMost      = int64(1<<32 - 1)
	crumbOctets = 1<<24 - 1
	sampleShift = 10 // of sentSample, in the marks of a Passage
)

// A crumbChunk is what was a sentChunk.
type crumbChunk struct {
	base int64
	n    uint32
	list [chunkSent]crumb
}

// trail is the memory of a Trail. Before the first loss it is no more than a
// load for every chunk of transmissions that is over; the queue of those that
// are not holds at least the last round trip.
type trail struct {
	loads   []load
	octets  uint64 // that passed before the first loss
	longest uint32 // of them, delivered
	lossy   *lossy // nil: nothing was lost yet
}

// lossy is what a trail keeps since the first loss.
type lossy struct {
	chunks []*crumbChunk
	odd    []Passage // those that were judged, in any order
	holes  []Hole
	gaveUp uint64
}

// load is a Load as it is kept.
type load struct {
	t      uint32 // loadTick since the first packet
	octets uint32 // loadUnit
}

const (
	loadTick = 100_000 // ns
	loadUnit = 16
)

// loss notes that from now on every transmission of h may be needed.
func (h *track) loss() *lossy {
	t := h.tracked()
	if t.lossy == nil {
		t.lossy = new(lossy)
	}
	return t.lossy
}

func (h *track) tracked() *trail {
	if h.trail == nil {
		h.trail = new(trail)
	}
	return h.trail
}

// retire takes over what the queue has forgotten.
func (h *track) retire(x *sentChunk, pool *Pool) {
	t := h.tracked()
	if t.lossy != nil {
		t.lossy.keep(x[:], pool)
		return
	}
	if len(t.loads) == maxLoads { // every other one will do
		k := 0
		for i := 1; i < len(t.loads); i += 2 {
			t.loads[k] = t.loads[i]
			k++
		}
		t.loads = t.loads[:k]
	}
	for i := range x {
		t.octets += uint64(x[i].n)
		if x[i].cov != 0 {
			t.longest = max(t.longest, x[i].n)
		}
	}
	since := max(x[chunkSent-1].t-h.firstT, 0) / loadTick
	t.loads = append(t.loads, load{uint32(min(since, usMost)), uint32(min(t.octets/loadUnit, uint64(usMost)))})
}

// keep packs transmissions, for which the oldest make room if there are too many.
func (t *lossy) keep(list []sent, pool *Pool) {
	var c *crumbChunk
	if n := len(t.chunks); n >= trailMost/chunkSent || n > 0 && pool.lent >= maxCrumbs {
		c = t.chunks[0]
		t.gaveUp += uint64(c.n)
		t.chunks = t.chunks[:copy(t.chunks, t.chunks[1:])]
	} else {
		c = pool.crumbs()
	}
	c.base, c.n = list[0].t, 0
	for i := range list {
		x := &list[i]
		octets := x.payload()
		if x.is&sentKept != 0 || octets == 0 {
			continue
		}
		is := uint32(min(octets, crumbOctets))<<8 | uint32(x.is>>sampleShift&3)*uint32(PassedSample)
		if x.is&sentTS != 0 {
			is |= uint32(PassedStamped)
		}
		if x.cov == 0 {
			is |= uint32(PassedSilent)
		}
		after := min(max((x.t-c.base)/1000, 0), usMost)
		c.list[c.n] = crumb{t: uint32(after), q: x.cov, tsval: x.tsval, is: is}
		c.n++
	}
	t.chunks = append(t.chunks, c)
}

// crumbs lends a chunk.
func (p *Pool) crumbs() *crumbChunk {
	p.lent++
	if n := len(p.freeCrumbs); n > 0 {
		c := p.freeCrumbs[n-1]
		p.freeCrumbs = p.freeCrumbs[:n-1]
		return c
	}
	return new(crumbChunk)
}

// reset gives the memory of t back.
func (t *trail) reset(pool *Pool) {
	if t == nil {
		return
	}
	if l := t.lossy; l != nil {
		pool.lent -= len(l.chunks)
		if len(pool.freeCrumbs) < maxFree {
			pool.freeCrumbs = append(pool.freeCrumbs, l.chunks...)
		}
	}
	*t = trail{loads: t.loads[:0]}
}

// missed notes a hole in front of what passes at t.
func (h *track) missed(t, lo, hi int64, n int64) {
	l := h.loss()
	if len(l.holes) >= trailHoles {
		l.gaveUp += uint64(n)
		return
	}
	l.holes = append(l.holes, Hole{Before: min(h.lastSeq, t), After: t, Packets: uint32(n), lo: lo, hi: hi})
}

// cameAfterAll takes octets out of the holes: they were late, or only the
// capture lacked them.
func (h *track) cameAfterAll(lo, hi, segment int64) {
	if h.trail == nil || h.trail.lossy == nil {
		return
	}
	holes := h.trail.lossy.holes
	for i := len(holes) - 1; i >= 0; i-- {
		x := &holes[i]
		if x.hi <= lo {
			return // they are in order
		}
		if a, b := max(x.lo, lo), min(x.hi, hi); a < b {
			n := uint32((b - a + segment - 1) / segment)
			x.Packets -= min(n, x.Packets)
		}
	}
}

// leaveOdd notes what was judged of x.
func (c *Conn) leaveOdd(dir uint8, x *odd, whole bool) {
	h := &c.half[dir]
	if x.payload() == 0 {
		return
	}
	t := h.loss()
	if len(t.odd) >= trailMost {
		t.gaveUp++
		return
	}
	p := Passage{Time: x.t, TSVal: x.tsval, Octets: uint32(x.payload())}
	if x.is&sentTS != 0 {
		p.Is |= PassedStamped
	}
	if x.is2&isResent != 0 {
		p.Is |= PassedAgain
		p.Delay = uint32(min(max((x.t-x.ackTime)/1000, 0), usMost))
	}
	if x.cov == 0 {
		p.Is |= PassedSilent
	}
	lost := PassedLost
	if x.is&(sentBad|sentRefused|sentOld) != 0 {
		lost |= PassedTold
	}
	m := c.segment(dir)
	if len(x.lost) == 0 || whole || x.payload() <= m {
		if len(x.lost) > 0 {
			p.Is |= lost
		}
		t.odd = append(t.odd, p)
		return
	}
	t.pieces(p, x.lost, m, lost)
}

// pieces notes a super-frame of which some segments of m octets were lost.
func (t *lossy) pieces(p Passage, gone ranges, m int64, lost PassageMarks) {
	at, end := int64(0), int64(p.Octets)
	piece := func(to int64, is PassageMarks) {
		if to = min(to, end); to > at && len(t.odd) < trailMost {
			q := p
			q.Octets, q.Is = uint32(to-at), p.Is|is
			t.odd = append(t.odd, q)
			at = to
		}
	}
	for _, g := range gone {
		piece(g.lo*m, 0)
		piece(g.hi*m, lost)
	}
	piece(end, 0)
}

// leaveTrail hands over what the causes of the losses of dir are told from, if
// there are enough.
func (c *Conn) leaveTrail(dir uint8) {
	h := &c.half[dir]
	f := &c.Facts.Dir[dir]
	if h.trail == nil || h.trail.lossy == nil || c.folded || f.Missing[BeforeTap]+f.Missing[AfterTap]+f.Missing[InReceiver] < trailLosses {
		return
	}
	m, t := c.segment(dir), h.trail.lossy
	for i := range h.unseen {
		h.cameAfterAll(h.unseen[i].lo, h.unseen[i].hi, m)
	}
	for i := 0; i < len(h.line.chunks); i++ {
		n := min(h.line.first+h.line.length-i*chunkSent, chunkSent)
		if n <= 0 {
			break
		}
		t.keep(h.line.chunks[i][:n], c.pool)
	}
	out := Trail{
		Flow: c.number, Dir: dir, Whole: h.started && t.gaveUp == 0, Segment: uint32(m), Header: c.header(dir),
		Sweep:     h.bigLost >= superFew && float64(h.bigWhole) >= superShare*float64(h.bigLost),
		Forgotten: t.gaveUp, Loads: h.loads(), Longest: h.trail.longest, chunks: t.chunks, odd: slices.Clone(t.odd),
		begun: c.Facts.First, frame: c.Facts.FirstFrame,
	}
	for _, x := range t.holes {
		if x.Packets > 0 {
			out.Holes = append(out.Holes, x)
		}
	}
	if c.log.leave(out) { // the chunks go with it
		c.pool.lent -= len(t.chunks)
		t.chunks = nil
	}
}

// loads are what passed before the first loss.
func (h *track) loads() []Load {
	if len(h.trail.loads) == 0 {
		return nil
	}
	list := make([]Load, 0, len(h.trail.loads)+1)
	list = append(list, Load{Time: h.firstT})
	for _, l := range h.trail.loads {
		list = append(list, Load{h.firstT + int64(l.t)*loadTick, uint64(l.octets) * loadUnit})
	}
	return list
}

// Passages are all transmissions, in order of time.
func (t *Trail) Passages() []Passage {
	n := len(t.odd)
	for _, k := range t.chunks {
		n += int(k.n)
	}
	all := make([]Passage, 0, n)
	for _, k := range t.chunks {
		for _, x := range k.list[:k.n] {
			all = append(all, Passage{
				Time: k.base + int64(x.t)*1000, Octets: x.is >> 8, TSVal: x.tsval, Delay: x.q, Is: PassageMarks(x.is),
			})
		}
	}
	all = append(all, t.odd...)
	slices.SortStableFunc(all, func(a, b Passage) int { return cmp.Compare(a.Time, b.Time) })
	return all[max(0, len(all)-trailMost):]
}

// Headers without options, octets: RFC 791, RFC 8200, RFC 9293.
const (
	headerIPv4 = 20
	headerIPv6 = 40
	headerTCP  = 20
)

// header is what stands in front of the payload of a segment of dir.
func (c *Conn) header(dir uint8) uint16 {
	n := uint16(headerIPv6)
	if c.Facts.Originator.Addr.Is4() {
		n = headerIPv4
	}
	n += headerTCP
	if c.half[dir].hasTS {
		n += tsOctets
	}
	return n
}
