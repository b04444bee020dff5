package report

import "strings"

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
	p.Span = typeset(duration(to-from)) + ", " + p.Unit + " " + groupedThin(uint64(max(lo+f.shift[d], 0))) + " to " + groupedThin(uint64(max(hi+f.shift[d], 0)))
}
