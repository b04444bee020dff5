package report

import (
	"cmp"
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/flow"
)

// Kinds of segments, as the script knows them.
const (
	kindFirst    = 0
	kindNeeded   = 1
	kindUnneeded = 2
	kindLost     = 9
)

// A pageGraph is one direction of a flow, segment by segment.
type pageGraph struct {
	ID     int
	Name   string
	Note   string
	Unit   string // of its numbers
	First  bool   // of the two directions of its flow
	Losses []pageLoss
	More   string
	Segs   string // of the picture without scripts, as path data
	ACKs   string
	Marks  []stillBar
	Span   string
	data   graphData
	lost   map[flow.FrameRef]bool
}

// Datagrams reports whether it counts no octets.
func (p *pageGraph) Datagrams() bool { return p.Unit != unitOctets }

// A pageLoss is a row of the table behind the graph.
type pageLoss struct {
	Charge                       int
	Frame, Time, Octets          string
	Where, Cause, Sure, Repaired string
}

const (
	graphLosses = 2000 // drawn of one direction
	lossRows    = 200  // of the table behind it
	stillPoints = 1500 // segments of the picture without scripts
)

// graphs makes the pictures of the flows that were looked at.
func (v *pageView) graphs(b *builder, o HTMLOptions) {
	g := o.Gallery
	if g == nil {
		v.NoGraph = o.Without
		return
	}
	needs := map[flow.FrameRef]flow.Need{}
	mine := map[uint32]bool{}
	var passed uint64
	lacking, shown := 0, 0
	for _, f := range g.flows {
		if f.hasPicture() {
			mine[uint32(f.index)] = true
			passed += f.passed
		}
	}
	for i := range b.res.Symptoms {
		if s := &b.res.Symptoms[i]; s.Kind == flow.Retransmission && mine[s.Flow] {
			needs[s.Frame] = s.Need
		}
	}
	for _, f := range g.flows {
		if f.hasPicture() {
			v.Graphs = append(v.Graphs, g.graphsOf(f, needs, len(v.R.Inputs) > 1)...)
		}
	}
	for i := range b.perFlow {
		if b.perFlow[i].missing > 0 {
			lacking++
			if mine[uint32(i)] {
				shown++
			}
		}
	}
	if lacking > shown {
		v.Limited = counted(uint64(lacking-shown), "more flow") + " that " + map[bool]string{true: "lacks", false: "lack"}[lacking-shown == 1] +
			" packets " + is(uint64(lacking-shown)) + " not drawn: at most " + count(galleryFlows) + " flows of TCP and UDP are, those that lack most. "
	}
	if passed > 0 {
		v.Limited += count(passed) + " frames of the flows that are drawn are not: at most " + count(galleryPerFlow) + " of a flow and " +
			count(galleryPoints) + " of all are, from the first loss on."
	}
	if len(v.Graphs) == 0 {
		v.NoGraph = "No flow has anything to draw."
	}
}

// graphsOf makes a picture of each direction that lacks packets, or else of the one
// with more data.
func (g *Gallery) graphsOf(f *galleryFlow, needs map[flow.FrameRef]flow.Need, files bool) []*pageGraph {
	charges := [2][]*analyze.Charge{}
	for _, i := range g.b.chargesOf[uint32(f.index)] {
		c := &g.b.res.Ledger.Charges[i]
		d := c.Dir & 1
		if c.What == flow.ACKPacket {
			d = 1 - d
		}
		charges[d] = append(charges[d], c)
	}
	if f.datagrams() {
		for d := range charges {
			f.count(uint8(d), charges[d])
		}
	}
	dirs := []int{0, 1}
	slices.SortStableFunc(dirs, func(x, y int) int {
		return cmp.Or(cmp.Compare(len(charges[y]), len(charges[x])), cmp.Compare(len(f.segs[y]), len(f.segs[x])))
	})
	if len(charges[dirs[1]]) == 0 || len(f.segs[dirs[1]]) < 2 {
		dirs = dirs[:1]
	}
	var out []*pageGraph
	for n, d := range dirs {
		p := g.graph(f, d, charges[d], needs, files)
		p.First = n == 0
		out = append(out, p)
	}
	return out
}

// learn finds by how much the numbers of the evidence differ from ours.
func (f *galleryFlow) learn(d int, charges []*analyze.Charge) {
	at := map[flow.FrameRef]int64{}
	for _, c := range charges {
		for _, w := range c.Evidence {
			if w.B > w.A && (isLost(w.Says) || w.Says == flow.SaysRepair) {
				at[w.Frame] = int64(w.A)
			}
		}
	}
	for i := range f.segs[d] {
		if a, ok := at[f.segs[d][i].frame]; ok {
			f.shift[d] = a - f.segs[d][i].q
			return
		}
	}
}

func (g *Gallery) graph(f *galleryFlow, d int, charges []*analyze.Charge, needs map[flow.FrameRef]flow.Need, files bool) *pageGraph {
	f.learn(d, charges)
	ends := [2]flow.Endpoint{f.facts.Originator, f.facts.Responder}
	proto := f.facts.Protocol
	p := &pageGraph{ID: f.index + 1, Name: endpoint(ends[d], proto) + " → " + endpoint(ends[1-d], proto)}
	var missing uint64
	for _, c := range charges {
		missing += c.Packets
	}
	p.Note = "nothing missing"
	if missing > 0 {
		p.Note = count(missing) + " missing"
	}
	p.Unit = f.unit(uint8(d))
	p.losses(g, f, d, charges)
	p.columns(g, f, d, needs, files)
	samples := f.trips(d)
	if f.datagrams() {
		p.data.Unit, p.data.Below = p.Unit, f.spaced(uint8(d))
		samples = f.spacing(uint8(d))
		for i := range f.grams[d] {
			p.data.Seg.O = append(p.data.Seg.O, f.grams[d][i].octets)
		}
	}
	for _, s := range samples {
		p.data.RTT[0] = append(p.data.RTT[0], (s.t-g.r.Start)/1000)
		p.data.RTT[1] = append(p.data.RTT[1], int64(s.ms*1000))
	}
	p.data.ID, p.data.Name, p.data.Note, p.data.Missing = p.ID, p.Name, p.Note, missing
	p.still(f, d, g.r.Start)
	return p
}
