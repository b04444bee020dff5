package report

import (
	"strconv"

	"whydrop/analyze/flow"
)

// graphData is the same for the script: columns, each value as the difference to the
// one before it; times in µs from the start of the capture.
type graphData struct {
	ID      int         `json:"id"`
	Name    string      `json:"name"`
	Note    string      `json:"note"`
	Missing uint64      `json:"missing"`
	Unit    string      `json:"unit,omitempty"`  // of datagrams
	Below   string      `json:"below,omitempty"` // name and unit of the second graph, if it is no RTT
	Seg     segColumns  `json:"seg"`
	ACK     ackColumns  `json:"ack"`
	Loss    []lossPoint `json:"loss"`
	RTT     [2][]int64  `json:"rtt"` // t, and the round trip, µs
}

type segColumns struct {
	N []int64  `json:"n"`
	T []int64  `json:"t"`
	Q []int64  `json:"q"`
	L []uint32 `json:"l"`
	K []int8   `json:"k"`
	O []uint32 `json:"o,omitempty"` // octets, where l is no number of them
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
