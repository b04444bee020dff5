package report

import (
	"cmp"
	"slices"
	"strconv"

	"whydrop/analyze"
	"whydrop/analyze/flow"
)

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
		if f.datagrams() {
			if q, ok := f.between(d, c); ok {
				point.Q, point.L = q, int64(c.Packets)
			}
		}
		for _, w := range c.Evidence {
			if !f.datagrams() && numbersOctets(w.Says) && w.B > w.A {
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
		row.Octets = groupedThin(uint64(l.Q))
		if l.L != 1 {
			row.Octets += "–" + groupedThin(uint64(l.Q+l.L))
		}
	}
	if l.RN > 0 {
		row.Repaired = "frame " + groupedThin(l.RN) + ", " + typeset(duration(int64((l.RT-l.T)*1e9))) + " later"
	}
	return row
}
