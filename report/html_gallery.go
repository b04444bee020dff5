package report

import (
	"context"
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// Limits of the second look: what is beyond them is said in the page.
const (
	galleryFlows   = 8       // conversations that are drawn
	galleryPoints  = 100_000 // segments and ACKs of all of them
	galleryPerFlow = 40_000  // of one; of a longer one, those from its first loss on
	galleryLadders = 60      // charges that are shown frame by frame
	galleryIdle    = 2       // flows that are drawn where none lost anything

	// ladderMost bounds the packets kept for one ladder, beside its evidence.
	ladderMost = 1024
	// galleryLead is how long before a loss a ladder, or the picture of a long flow, begins.
	galleryLead = int64(1e9)
)

// A Gallery is what a second look at a capture gathered for the page: points of the
// flows that lack packets, frames around charges, and the traffic over time.
type Gallery struct {
	b       *builder
	r       *Report
	flows   []*galleryFlow
	ladders []*galleryLadder
	byFlow  [][]*galleryLadder
	named   map[flow.FrameRef][]*galleryLadder
	clock   binning
	octets  []uint64
}

// A galleryFlow is a flow of a Gallery. Not each of them is drawn.
type galleryFlow struct {
	index  int // into Result.Flows
	facts  *flow.Facts
	drawn  bool
	from   int64 // points are kept from here on
	left   int   // points that may still be kept
	passed uint64

	base  [2]uint32 // sequence number of octet 0
	known [2]bool
	top   [2]int64 // the last octet number that was unwrapped
	shift [2]int64 // what octets must be moved by to have the numbers of the evidence
	segs  [2][]graphSegment
	acks  [2][]graphACK // of data of that direction
	grams [2][]graphDatagram
}

// A graphSegment is a frame with octets.
type graphSegment struct {
	t     int64
	frame flow.FrameRef
	q     int64
	l     uint32
}

// A graphACK is a frame that acknowledges.
type graphACK struct {
	t     int64
	frame flow.FrameRef
	a     int64
	w     uint32
	sack  [][2]int64
}

// A galleryLadder is a charge that is shown frame by frame.
type galleryLadder struct {
	x    *chargeExplainer
	of   *galleryFlow
	met  bool // it has the numbering of its flow
	done bool
}

// NewGallery decides what to look at.
func NewGallery(res *analyze.Result, r *Report) *Gallery {
	b := newBuilder(res)
	g := &Gallery{b: b, r: r, named: map[flow.FrameRef][]*galleryLadder{}, clock: binsOf(res)}
	g.octets = make([]uint64, g.clock.n)
	at := map[uint32]*galleryFlow{}
	add := func(i uint32) *galleryFlow {
		if f := at[i]; f != nil {
			return f
		}
		f := &galleryFlow{index: int(i), facts: res.Flows[i]}
		at[i] = f
		g.flows, g.byFlow = append(g.flows, f), append(g.byFlow, nil)
		return f
	}
	g.pick(func(i uint32) *galleryFlow { return add(i) })
	for _, n := range pickCharges(r.Ledger.Charges, galleryLadders) {
		c := &res.Ledger.Charges[n]
		if !b.hasFlow(c) {
			continue
		}
		l := &galleryLadder{x: newChargeExplainer(b, r, c), of: add(c.Flow)}
		l.x.most = ladderMost
		g.ladders = append(g.ladders, l)
		k := slices.Index(g.flows, l.of)
		g.byFlow[k] = append(g.byFlow[k], l)
		for ref := range l.x.named {
			g.named[ref] = append(g.named[ref], l)
		}
	}
	return g
}

// pick chooses the flows that are drawn: those that lack most, or the largest ones
// where none lacks anything.
func (g *Gallery) pick(add func(uint32) *galleryFlow) {
	left := galleryPoints
	draw := func(i int) {
		f := add(uint32(i))
		f.drawn, f.from = true, f.facts.First
		all := int(min(f.facts.Dir[0].Packets+f.facts.Dir[1].Packets, 2*galleryPoints))
		f.left = min(all, galleryPerFlow, left)
		if f.left < all {
			f.from = g.firstLoss(uint32(i)) - galleryLead
		}
		left -= f.left
	}
	drawn := func() (n int) {
		for _, f := range g.flows {
			if f.drawn {
				n++
			}
		}
		return n
	}
	rows := g.r.Flows.Table
	for i := range rows {
		id := rows[i].ID - 1
		if drawn() < galleryFlows && left > 0 && drawable(g.b.res.Flows[id]) && g.b.perFlow[id].missing > 0 {
			draw(id)
		}
	}
	for i := range rows {
		id := rows[i].ID - 1
		if drawn() < galleryIdle && len(g.r.Ledger.Charges) == 0 && worthDrawing(g.b.res.Flows[id]) && rows[i].Octets > 0 {
			draw(id)
		}
	}
}

// drawable reports whether there is a picture for the protocol of f.
func drawable(f *flow.Facts) bool {
	return f.Protocol == decode.ProtoTCP || f.Protocol == decode.ProtoUDP
}

// worthDrawing reports whether f has something to show though it lacks nothing: of UDP,
// the jitter of RTP.
func worthDrawing(f *flow.Facts) bool {
	return f.Protocol == decode.ProtoTCP || f.Dir[0].RTPStats != nil || f.Dir[1].RTPStats != nil
}

func (g *Gallery) firstLoss(i uint32) int64 {
	first := g.b.res.Flows[i].First + galleryLead
	for n, c := range g.b.chargesOf[i] {
		if at := g.b.res.Ledger.Charges[c].First; n == 0 || at < first {
			first = at
		}
	}
	return first
}

// Look reads the capture once more: src gives the frames that the report was made from.
func (g *Gallery) Look(ctx context.Context, src capture.Source) error {
	named := make(map[flow.FrameRef]bool, len(g.named))
	for ref := range g.named {
		named[ref] = true
	}
	s := analyze.Survey{Named: named, Every: g.every, Show: g.see}
	for _, f := range g.flows {
		s.Flows = append(s.Flows, f.facts)
	}
	return s.Look(ctx, src)
}

// every counts the traffic.
func (g *Gallery) every(p *decode.Packet) { g.octets[g.clock.at(p.Time)] += uint64(p.WireLength) }

// see takes a packet of a flow, or a frame that is named.
func (g *Gallery) see(i int, s *analyze.Sight) {
	var own *galleryFlow
	if i >= 0 {
		own = g.flows[i]
		own.see(s)
		for _, l := range g.byFlow[i] {
			l.see(s)
		}
	}
	for _, l := range g.named[s.Ref()] {
		if l.of != own { // of another flow than the charge, as an ICMP error is
			other := *s
			other.Ours = false
			l.x.See(&other)
		}
	}
}

// see shows the explainer what is near its charge.
func (l *galleryLadder) see(s *analyze.Sight) {
	if l.done || s.Time < l.x.c.First-galleryLead && !l.x.named[s.Ref()] {
		return
	}
	if !l.met {
		l.met = true
		for d := range l.of.known {
			if l.of.known[d] && !l.x.known[d] {
				l.x.base[d], l.x.known[d] = l.of.base[d], true
			}
		}
	}
	l.done = !l.x.See(s)
}

// see keeps a point of the picture.
func (f *galleryFlow) see(s *analyze.Sight) {
	if f.datagrams() {
		f.seeDatagram(s)
		return
	}
	if s.Kind != decode.KindTCP || s.TransportSum == decode.ChecksumBad {
		return
	}
	d := s.Dir & 1
	if !f.known[d] {
		f.base[d], f.known[d] = s.Seq, true
	}
	q := f.unwrap(d, s.Seq)
	keep := f.drawn && s.Time >= f.from
	if keep && f.left <= 0 {
		f.passed++
		return
	}
	if l := s.PayloadLen; l > 0 || s.Flags&(decode.SYN|decode.FIN) != 0 {
		if keep {
			f.segs[d] = append(f.segs[d], graphSegment{s.Time, s.Ref(), q, max(l, 1)})
		}
	}
	if s.Flags&decode.ACK != 0 && f.known[1-d] && s.Flags&decode.RST == 0 {
		a := f.unwrap(1-d, s.Ack)
		if keep {
			ack := graphACK{t: s.Time, frame: s.Ref(), a: a, w: uint32(s.Window)}
			if shift := f.facts.Dir[d].WindowScale; shift > 0 && s.Flags&decode.SYN == 0 {
				ack.w <<= min(shift, 14) // RFC 7323 §2.3
			}
			for k := range min(int(s.NumSACK), len(s.SACK)) {
				b := s.SACK[k]
				lo := a + int64(int32(b[0]-s.Ack))
				ack.sack = append(ack.sack, [2]int64{lo, lo + int64(b[1]-b[0])})
			}
			f.acks[1-d] = append(f.acks[1-d], ack)
		}
	}
	if keep {
		f.left--
	}
}

// unwrap numbers octets of direction d from the first one on, past 4 GB, too.
func (f *galleryFlow) unwrap(d uint8, seq uint32) int64 {
	last := f.base[d] + uint32(f.top[d])
	n := f.top[d] + int64(int32(seq-last))
	f.top[d] = max(f.top[d], n)
	return n
}

// drawn reports whether the flow with that ID has a picture.
func (g *Gallery) drawn(id int) bool {
	if g == nil {
		return false
	}
	return slices.ContainsFunc(g.flows, func(f *galleryFlow) bool { return f.index == id-1 && f.hasPicture() })
}

func (f *galleryFlow) hasPicture() bool {
	return f.drawn && len(f.segs[0])+len(f.segs[1])+len(f.grams[0])+len(f.grams[1]) > 0
}

// ladder is the charge with that ID, frame by frame.
func (g *Gallery) ladder(r *Report, id int) *pageLadder {
	if g == nil {
		return nil
	}
	for _, l := range g.ladders {
		if l.x.c.ID == id {
			return newPageLadder(l.x.Explain(), family(string(l.x.c.Cause), l.x.c.Locus.String()), r.Start)
		}
	}
	return nil
}
