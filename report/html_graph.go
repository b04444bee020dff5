package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	First  bool // of the two directions of its flow
	Losses []pageLoss
	More   string
	Segs   string // of the picture without scripts, as path data
	ACKs   string
	Marks  []stillBar
	Span   string
	data   graphData
	lost   map[flow.FrameRef]bool
}

// A pageLoss is a row of the table behind the graph.
type pageLoss struct {
	Charge                       int
	Frame, Time, Octets          string
	Where, Cause, Sure, Repaired string
}

// graphData is the same for the script: columns, each value as the difference to the
// one before it; times in µs from the start of the capture.
type graphData struct {
	ID   int         `json:"id"`
	Name string      `json:"name"`
	Note string      `json:"note"`
	Seg  segColumns  `json:"seg"`
	ACK  ackColumns  `json:"ack"`
	Loss []lossPoint `json:"loss"`
	RTT  [2][]int64  `json:"rtt"` // t, and the round trip, µs
}

type segColumns struct {
	N []int64  `json:"n"`
	T []int64  `json:"t"`
	Q []int64  `json:"q"`
	L []uint32 `json:"l"`
	K []int8   `json:"k"`
	F []uint16 `json:"f,omitempty"`
}

type ackColumns struct {
	N []int64            `json:"n"`
	T []int64            `json:"t"`
	A []int64            `json:"a"`
	W []uint32           `json:"w"`
	S map[string][]int64 `json:"s"` // by row: left, right, left, right …
	F []uint16           `json:"f,omitempty"`
}

type lossPoint struct {
	ID int     `json:"id"`
	T  float64 `json:"t"`
	Q  int64   `json:"q"`
	L  int64   `json:"l"`
	N  uint64  `json:"n"`
	F  string  `json:"f"`
	C  string  `json:"c"`
	G  string  `json:"g"`
	O  string  `json:"o"`
	RN uint64  `json:"rn,omitempty"`
	RT float64 `json:"rt,omitempty"`
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
			" packets " + is(uint64(lacking-shown)) + " not drawn: at most " + count(galleryFlows) + " TCP flows are, those that lack most. "
	}
	if passed > 0 {
		v.Limited += count(passed) + " frames of the flows that are drawn are not: at most " + count(galleryPerFlow) + " of a flow and " +
			count(galleryPoints) + " of all are, from the first loss on."
	}
	if len(v.Graphs) == 0 {
		v.NoGraph = "No TCP flow has anything to draw."
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
	p.losses(g, f, d, charges)
	p.columns(g, f, d, needs, files)
	for _, s := range f.trips(d) {
		p.data.RTT[0] = append(p.data.RTT[0], (s.t-g.r.Start)/1000)
		p.data.RTT[1] = append(p.data.RTT[1], int64(s.ms*1000))
	}
	p.data.ID, p.data.Name, p.data.Note = p.ID, p.Name, p.Note
	p.still(f, d, g.r.Start)
	return p
}

// losses are what the graph marks.
func (p *pageGraph) losses(g *Gallery, f *galleryFlow, d int, charges []*analyze.Charge) {
	segs, acks := map[flow.FrameRef]*graphSegment{}, map[flow.FrameRef]*graphACK{}
	for i := range f.segs[d] {
		segs[f.segs[d][i].frame] = &f.segs[d][i]
	}
	for i := range f.acks[d] {
		acks[f.acks[d][i].frame] = &f.acks[d][i]
	}
	since := func(t int64) float64 { return round(float64(t-g.r.Start)/1e9, 6) }
	p.data.Loss, p.lost = []lossPoint{}, map[flow.FrameRef]bool{}
	for _, c := range charges {
		point := lossPoint{
			ID: c.ID, T: since(c.First), F: family(string(c.Cause), c.Locus.String()), C: string(c.Cause), G: c.Confidence.String(),
			O: c.Locus.String(), Q: -1,
		}
		if c.Repair.Number > 0 {
			point.RN, point.RT = c.Repair.Number, since(c.RepairTime)
		}
		for _, w := range c.Evidence {
			if numbersOctets(w.Says) && w.B > w.A {
				point.Q, point.L = int64(w.A), int64(w.B-w.A)
				break
			}
		}
		frames := c.Frames
		if len(frames) == 0 {
			frames = []flow.FrameRef{{}}
		}
		for _, ref := range frames {
			one := point
			one.N, p.lost[ref] = ref.Number, true
			if s := segs[ref]; s != nil {
				one.T, one.Q, one.L = since(s.t), s.q+f.shift[d], int64(s.l)
			} else if a := acks[ref]; a != nil {
				one.T, one.Q, one.L = since(a.t), a.a+f.shift[d], 0
			}
			if one.Q >= 0 && len(p.data.Loss) < graphLosses {
				p.data.Loss = append(p.data.Loss, one)
			}
			if len(p.Losses) < lossRows {
				p.Losses = append(p.Losses, lossRow(&one))
			} else {
				p.More = "…and more (--format ndjson)."
			}
		}
	}
	slices.SortStableFunc(p.data.Loss, func(a, b lossPoint) int { return cmp.Compare(a.T, b.T) })
}

func lossRow(l *lossPoint) pageLoss {
	row := pageLoss{Charge: l.ID, Frame: "none", Time: strconv.FormatFloat(l.T, 'f', 6, 64), Where: l.O, Cause: l.C, Sure: l.G}
	if l.N > 0 {
		row.Frame = groupedThin(l.N)
	}
	if l.Q >= 0 {
		row.Octets = groupedThin(uint64(l.Q)) + "–" + groupedThin(uint64(l.Q+l.L))
	}
	if l.RN > 0 {
		row.Repaired = "frame " + groupedThin(l.RN) + ", " + typeset(duration(int64((l.RT-l.T)*1e9))) + " later"
	}
	return row
}

// columns are the segments and acknowledgements for the script.
func (p *pageGraph) columns(g *Gallery, f *galleryFlow, d int, needs map[flow.FrameRef]flow.Need, files bool) {
	var n, t, q int64
	s := &p.data.Seg
	for i := range f.segs[d] {
		x := &f.segs[d][i]
		us := (x.t - g.r.Start) / 1000
		kind := int8(kindFirst)
		if need, again := needs[x.frame]; again {
			kind = kindNeeded
			if need == flow.Unneeded {
				kind = kindUnneeded
			}
		}
		if p.lost[x.frame] {
			kind = kindLost
		}
		s.N, s.T, s.Q = append(s.N, int64(x.frame.Number)-n), append(s.T, us-t), append(s.Q, x.q+f.shift[d]-q)
		s.L, s.K = append(s.L, x.l), append(s.K, kind)
		n, t, q = int64(x.frame.Number), us, x.q+f.shift[d]
		if files {
			s.F = append(s.F, x.frame.File)
		}
	}
	n, t, q = 0, 0, 0
	a := &p.data.ACK
	a.S = map[string][]int64{}
	for i := range f.acks[d] {
		x := &f.acks[d][i]
		us, at := (x.t-g.r.Start)/1000, x.a+f.shift[d]
		a.N, a.T, a.A, a.W = append(a.N, int64(x.frame.Number)-n), append(a.T, us-t), append(a.A, at-q), append(a.W, x.w)
		n, t, q = int64(x.frame.Number), us, at
		for _, b := range x.sack {
			key := strconv.Itoa(i)
			a.S[key] = append(a.S[key], b[0]+f.shift[d], b[1]+f.shift[d])
		}
		if files {
			a.F = append(a.F, x.frame.File)
		}
	}
}

// A trip is a round trip from the tap to the receiver and back.
type trip struct {
	t  int64
	ms float64
}

// trips are those of data of direction d. What was sent twice tells nothing: RFC 6298 §3.
func (f *galleryFlow) trips(d int) []trip {
	type pending struct{ end, t int64 }
	var out []trip
	var wait []pending
	top, acked := int64(-1), int64(-1)
	segs, acks := f.segs[d], f.acks[d]
	for i, k := 0, 0; k < len(acks); {
		if i < len(segs) && segs[i].t <= acks[k].t {
			s := &segs[i]
			i++
			end := s.q + int64(s.l)
			if s.q < top { // it repeats something: nothing that is on its way is told apart from it
				wait = slices.DeleteFunc(wait, func(p pending) bool { return p.end > s.q })
				top = max(top, end)
				continue
			}
			wait, top = append(wait, pending{end, s.t}), max(top, end)
			continue
		}
		a := &acks[k]
		k++
		if a.a <= acked {
			continue
		}
		acked = a.a
		n := 0
		for n < len(wait) && wait[n].end <= a.a {
			n++
		}
		if n > 0 {
			out = append(out, trip{a.t, milliseconds(a.t - wait[n-1].t)})
			wait = wait[n:]
		}
	}
	return out
}

// still is the picture for who has no script: a thinned one.
func (p *pageGraph) still(f *galleryFlow, d int, start int64) {
	segs, acks := f.segs[d], f.acks[d]
	if len(segs) == 0 {
		return
	}
	const wide, high, edge = 1000.0, 360.0, 12.0
	from, to := segs[0].t, segs[len(segs)-1].t
	lo, hi := segs[0].q, segs[0].q+1
	for i := range segs {
		lo, hi = min(lo, segs[i].q), max(hi, segs[i].q+int64(segs[i].l))
	}
	if len(acks) > 0 {
		to = max(to, acks[len(acks)-1].t)
	}
	x := func(t int64) float64 { return edge + (wide-2*edge)*float64(t-from)/float64(max(to-from, 1)) }
	y := func(q int64) float64 { return high - edge - (high-2*edge)*float64(q-lo)/float64(max(hi-lo, 1)) }
	var s, a strings.Builder
	for i := 0; i < len(segs); i += 1 + len(segs)/stillPoints {
		s.WriteString("M" + short(x(segs[i].t)) + " " + short(y(segs[i].q)) + "V" + short(min(y(segs[i].q+int64(segs[i].l)), y(segs[i].q)-1)))
	}
	for i := 0; i < len(acks); i += 1 + len(acks)/stillPoints {
		if acks[i].a < lo {
			continue
		}
		if a.Len() == 0 {
			a.WriteString("M" + short(x(acks[i].t)) + " " + short(y(acks[i].a)))
			continue
		}
		a.WriteString("H" + short(x(acks[i].t)) + "V" + short(y(acks[i].a)))
	}
	p.Segs, p.ACKs = s.String(), a.String()
	for i := range p.data.Loss[:min(len(p.data.Loss), stillPoints)] {
		l := &p.data.Loss[i]
		p.Marks = append(p.Marks, stillBar{Family: l.F, X: round(x(int64(l.T*1e9)+start)-2, 1), Y: round(y(l.Q-f.shift[d])-3, 1), W: 4, H: 4})
	}
	p.Span = typeset(duration(to-from)) + ", octets " + groupedThin(uint64(max(lo+f.shift[d], 0))) + " to " + groupedThin(uint64(max(hi+f.shift[d], 0)))
}

// parseTime reads a time of the report back.
func parseTime(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0
	}
	return t.UnixNano()
}

// pageScript is what the script is given.
type pageScript struct {
	Time   *timeData    `json:"time"`
	Fams   []familyData `json:"fams"`
	Graphs []*graphData `json:"graphs"`
	Files  []string     `json:"files"`
}

type familyData struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (v *pageView) data() any {
	out := pageScript{Graphs: []*graphData{}, Fams: []familyData{}, Files: []string{}}
	if v.Time.Any {
		out.Time = &v.Time.data
	}
	for _, f := range v.Time.Families {
		out.Fams = append(out.Fams, familyData{f.Family, f.Name})
	}
	for _, g := range v.Graphs {
		for i := range g.data.Loss {
			g.data.Loss[i].C = cleanTo(g.data.Loss[i].C, maxShown)
		}
		out.Graphs = append(out.Graphs, &g.data)
	}
	if len(v.R.Inputs) > 1 {
		out.Files = v.Names
	}
	return out
}
