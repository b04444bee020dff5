package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/flow"
)

// A binning divides the time of a capture into equal parts.
type binning struct {
	start, width int64
	n            int
}

const (
	timeBins  = 150   // at most: what a table of them can be read with
	stillWide = 1000  // of a picture without scripts
	stillHigh = 100.0 //
)

// binsOf chooses a width that is easily said: 1, 2 or 5 of a power of ten.
func binsOf(res *analyze.Result) binning {
	span := max(res.Last-res.First, 1e6)
	width := int64(1e3)
	for {
		for _, k := range []int64{1, 2, 5} {
			if n := (span + k*width - 1) / (k * width); n <= timeBins {
				return binning{start: res.First, width: k * width, n: int(n) + 1}
			}
		}
		width *= 10
	}
}

// binWidth says a width: it is a round one.
func binWidth(ns int64) string {
	return strings.Replace(duration(ns), ".0 ", " ", 1)
}

// at is the bin of a time; what is outside belongs to the nearest.
func (c binning) at(t int64) int {
	return int(min(max(t-c.start, 0)/c.width, int64(c.n-1)))
}

// A pageTime is what happened when.
type pageTime struct {
	Any      bool
	Width    string
	Charts   []pageStill
	Rows     []pageBin
	Marks    []pageMark
	Families []pagePart
	Caption  string
	Traffic  bool
	RTT      bool
	data     timeData
}

// A pageStill is a chart as it stands without scripts, and in print.
type pageStill struct {
	ID, Name, Unit, Peak string
	Area, Line           string // path data
	Bars                 []stillBar
}

type stillBar struct {
	Family     string
	X, Y, W, H float64
}

// A pageBin is a row of the table behind the charts.
type pageBin struct {
	From    string
	Rate    string
	Missing string
	Resent  string
	RTT     string
}

// A pageMark is an event: look at it in the charts.
type pageMark struct {
	Says, Chance, When string
	X, W               float64
}

// timeData is the same for the script.
type timeData struct {
	T     []float64         `json:"t"`
	Mbps  []float64         `json:"mbps"`
	Loss  map[string][]uint `json:"loss"`
	Sent  []uint            `json:"resent"`
	RTT   []*float64        `json:"rtt"`
	Min   []*float64        `json:"rmin"`
	Max   []*float64        `json:"rmax"`
	Marks [][2]float64      `json:"marks"`
}

func newPageTime(b *builder, r *Report, g *Gallery) pageTime {
	c := binsOf(b.res)
	p := pageTime{Any: b.res.Counts.Frames > 0 && b.res.Last > b.res.First, Width: typeset(binWidth(c.width))}
	if !p.Any {
		return p
	}
	d := &p.data
	d.Loss, d.Sent = map[string][]uint{}, make([]uint, c.n)
	for i := range c.n {
		d.T = append(d.T, round(float64(int64(i)*c.width)/1e9, 6))
	}
	for i := range b.res.Ledger.Charges {
		k := &b.res.Ledger.Charges[i]
		d.lost(c, family(string(k.Cause), k.Locus.String()), k.First, k.Packets)
	}
	d.unexplained(c, &b.res.Ledger)
	for i := range b.res.Symptoms {
		if s := &b.res.Symptoms[i]; s.Kind == flow.Retransmission {
			d.Sent[c.at(s.Time)]++
		}
	}
	if g != nil {
		p.Traffic = true
		for _, n := range g.octets {
			d.Mbps = append(d.Mbps, round(float64(n)*8e3/float64(c.width), 3))
		}
		p.RTT = d.rtts(c, g)
	}
	for _, f := range familyNames {
		if d.Loss[f.ID] != nil {
			p.Families = append(p.Families, pagePart{Family: f.ID, Name: f.Name})
		}
	}
	p.marks(r, c)
	p.stills(c)
	p.table(c)
	p.caption(r, c)
	return p
}

// lost counts packets of a family at a time.
func (d *timeData) lost(c binning, fam string, at int64, packets uint64) {
	if d.Loss[fam] == nil {
		d.Loss[fam] = make([]uint, c.n)
	}
	d.Loss[fam][c.at(at)] += uint(packets)
}

// unexplained counts what no charge accounts for.
func (d *timeData) unexplained(c binning, ledger *analyze.Ledger) {
	type key struct {
		flow  uint32
		dir   uint8
		what  flow.What
		first int64
	}
	charged := map[key]int{}
	for i := range ledger.Charges {
		k := &ledger.Charges[i]
		charged[key{k.Flow, k.Dir, k.What, k.First}]++
	}
	for i := range ledger.Losses {
		l := &ledger.Losses[i]
		if l.Place != flow.Unaccounted && l.Place != flow.PlaceUnknown {
			continue
		}
		if k := (key{l.Flow, l.Dir, l.What, l.First}); charged[k] > 0 {
			charged[k]--
			continue
		}
		d.lost(c, famUnsaid, l.First, uint64(l.Packets))
	}
}

// rtts lays the round trips of the flows that are drawn over time.
func (d *timeData) rtts(c binning, g *Gallery) bool {
	all := make([][]float64, c.n)
	for _, f := range g.flows {
		for dir := range f.segs {
			for _, s := range f.trips(dir) {
				k := c.at(s.t)
				all[k] = append(all[k], s.ms)
			}
		}
	}
	any := false
	for _, list := range all {
		if len(list) == 0 {
			d.RTT, d.Min, d.Max = append(d.RTT, nil), append(d.Min, nil), append(d.Max, nil)
			continue
		}
		any = true
		slices.Sort(list)
		at := func(i int) *float64 { x := round(list[i], 3); return &x }
		d.RTT, d.Min, d.Max = append(d.RTT, at(len(list)/2)), append(d.Min, at(0)), append(d.Max, at(len(list)-1))
	}
	return any
}

// marks are the events of one moment.
func (p *pageTime) marks(r *Report, c binning) {
	const shown = 50
	for i := range r.Events[:min(len(r.Events), shown)] {
		e := &r.Events[i]
		m := pageMark{Says: capital(e.Says) + ".", Chance: e.Chance}
		if e.Kind == analyze.AtOnce.String() {
			from, to := p.sinceStart(e.First, c), p.sinceStart(e.Last, c)
			total := float64(int64(c.n)*c.width) / 1e9
			m.X, m.W = round(stillWide*from/total, 1), round(max(stillWide*(to-from)/total, 2), 1)
			m.When = proseNumber(from) + hardSpace + "s"
			p.data.Marks = append(p.data.Marks, [2]float64{from, to})
		}
		p.Marks = append(p.Marks, m)
	}
}

// sinceStart is a time of the report in s from the start of the capture.
func (p *pageTime) sinceStart(at string, c binning) float64 {
	return round(float64(parseTime(at)-c.start)/1e9, 6)
}

func proseNumber(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// stills are the pictures for who has no script.
func (p *pageTime) stills(c binning) {
	d := &p.data
	w := stillWide / float64(c.n)
	if p.Traffic {
		peak := slices.Max(d.Mbps)
		var area strings.Builder
		area.WriteString("M0 100")
		for i, v := range d.Mbps {
			area.WriteString("L" + short(float64(i)*w) + " " + short(stillHigh-stillHigh*0.95*v/max(peak, 1e-9)) + "H" + short(float64(i+1)*w))
		}
		p.Charts = append(p.Charts, pageStill{ID: "c-thr", Name: "Throughput", Unit: "Mbit/s", Peak: twoDigits(peak), Area: area.String() + "V100Z"})
	}
	loss, most := pageStill{ID: "c-loss", Name: "Missing packets", Unit: "per " + p.Width + ", by cause"}, uint(0)
	for i := range c.n {
		most = max(most, d.missing(i))
	}
	for i := range c.n {
		y := stillHigh
		for _, f := range familyNames {
			if d.Loss[f.ID] == nil || d.Loss[f.ID][i] == 0 {
				continue
			}
			h := stillHigh * 0.95 * float64(d.Loss[f.ID][i]) / float64(most)
			y -= h
			loss.Bars = append(loss.Bars, stillBar{f.ID, round(float64(i)*w, 1), round(y, 1), round(max(w-1, 1), 1), round(h, 1)})
		}
	}
	loss.Peak = count(uint64(most))
	if most > 0 { // an empty chart is no finding: the caption says it
		p.Charts = append(p.Charts, loss)
	}
	resent := pageStill{ID: "c-rtx", Name: "Retransmissions", Unit: "per " + p.Width}
	top := slices.Max(d.Sent)
	for i, n := range d.Sent {
		if n > 0 {
			h := stillHigh * 0.95 * float64(n) / float64(top)
			resent.Bars = append(resent.Bars, stillBar{"seg", round(float64(i)*w, 1), round(stillHigh-h, 1), round(max(w-1, 1), 1), round(h, 1)})
		}
	}
	resent.Peak = count(uint64(top))
	if top > 0 {
		p.Charts = append(p.Charts, resent)
	}
	if p.RTT {
		high := 0.0
		for _, v := range d.Max {
			if v != nil {
				high = max(high, *v)
			}
		}
		rtt := pageStill{ID: "c-rtt", Name: "RTT", Unit: "ms: median, and least to most, of the flows drawn below", Peak: twoDigits(high)}
		var line strings.Builder
		for i, v := range d.RTT {
			if v != nil {
				line.WriteString("M" + short(float64(i)*w) + " " + short(stillHigh-stillHigh*0.95**v/max(high, 1e-9)) + "h" + short(w))
			}
		}
		rtt.Line = line.String()
		p.Charts = append(p.Charts, rtt)
	}
}

func short(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// missing counts over all families.
func (d *timeData) missing(i int) (n uint) {
	for _, list := range d.Loss {
		n += list[i]
	}
	return n
}

// table has a row for each part of the time in which anything passed or was missing.
func (p *pageTime) table(c binning) {
	d := &p.data
	for i := range c.n {
		row := pageBin{From: strconv.FormatFloat(d.T[i], 'f', -1, 64)}
		if p.Traffic {
			row.Rate = strconv.FormatFloat(d.Mbps[i], 'f', -1, 64)
		}
		var parts []string
		for _, f := range familyNames {
			if d.Loss[f.ID] != nil && d.Loss[f.ID][i] > 0 {
				parts = append(parts, count(uint64(d.Loss[f.ID][i]))+" "+f.Name)
			}
		}
		row.Missing = strings.Join(parts, ", ")
		if d.Sent[i] > 0 {
			row.Resent = count(uint64(d.Sent[i]))
		}
		if p.RTT && d.RTT[i] != nil {
			row.RTT = twoDigits(*d.RTT[i]) + " (" + twoDigits(*d.Min[i]) + "–" + twoDigits(*d.Max[i]) + ")"
		}
		if row.Missing != "" || row.Resent != "" || row.RTT != "" || p.Traffic && d.Mbps[i] > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
}

// caption says what the charts show.
func (p *pageTime) caption(r *Report, c binning) {
	d := &p.data
	peak, first, last := 0, -1, -1
	for i := range c.n {
		n := d.missing(i)
		if n == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		if n > d.missing(peak) {
			peak = i
		}
	}
	switch {
	case first < 0:
		p.Caption = "Nothing is missing at any time. "
		if r.Verdict.State == StateCannotTell {
			p.Caption = "Nothing is known to be missing. "
		}
	case first == last:
		p.Caption = "All that is missing is missing at " + proseNumber(d.T[first]) + " s. "
	default:
		p.Caption = "Packets are missing from " + proseNumber(d.T[first]) + " to " + proseNumber(d.T[last]) + " s, most of them at " +
			proseNumber(d.T[peak]) + " s: " + count(uint64(d.missing(peak))) + " within " + binWidth(c.width) + ". "
	}
	if r.Limits.Symptoms > 0 {
		p.Caption += "Of the retransmissions " + count(r.Limits.Symptoms) + " symptoms were counted and not kept: their bars are too low. "
	}
}

// parseTime reads a time of the report back.
func parseTime(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0
	}
	return t.UnixNano()
}
