package report

import (
	"cmp"
	"html/template"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"whydrop/analyze/cause"
)

// Limits of the page: what is beyond them is counted, and in --format ndjson.
const (
	pageGroups  = 12  // lines of the verdict
	pageCharges = 500 // charges with their evidence
	pageCauses  = 40
)

// A pageView is what the template shows.
type pageView struct {
	R        *Report
	Title    string
	Names    []string // of the files
	When     string   // the capture began, and how long it is
	Size     string
	Lede     string
	Rows     []pageRow
	MoreRows string
	Balance  pageBalance
	Steps    []pageStep // where the verdict is not of several causes
	Single   *Group     // the only line, with its evidence
	Rule     string     // of it
	Path     pagePath
	Time     pageTime
	Causes   []pageCause
	Besides  []pageCause // what explains other things than losses
	Flows    []pageFlow
	MoreFlow string
	Families []string // causes by which flows can be filtered
	Charges  []pageCharge
	More     string // charges that are left out
	Audit    []pageCheck
	Graphs   []*pageGraph
	NoGraph  string // why there is none
	Limited  string // which flows are not drawn
	Data     template.JS
	Command  string
}

// A pageRow is a line of the verdict.
type pageRow struct {
	Packets    uint64
	Where, Why string
	Family     string
	Cause      string
	Confidence string
	Only       bool // missing only from the capture
}

// A pageBalance is the bar of the ledger: every missing packet once.
type pageBalance struct {
	Missing uint64
	Parts   []pagePart
	Key     []pagePart
	Unsaid  uint64 // unexplained
}

// A pagePart is a stretch of it.
type pagePart struct {
	Family  string
	Name    string
	Packets uint64
	X, W    float64
}

func newPageView(b *builder, r *Report, o HTMLOptions) *pageView {
	v := &pageView{R: r, Lede: r.Verdict.Aside, Command: o.Command}
	for i := range r.Inputs {
		v.Names = append(v.Names, cleanTo(filepath.Base(r.Inputs[i].Path), maxShown))
	}
	v.Title = typeset(strings.TrimSuffix(r.Verdict.Sentence, ".")) + " · " + strings.Join(v.Names, ", ") + " · whydrop"
	v.head()
	v.verdict()
	v.Path = newPagePath(r)
	v.Causes, v.Besides = pageCausesOf(r)
	v.flows(o.Gallery)
	v.charges(o.Gallery)
	v.Audit = pageAudit(r)
	v.graphs(b, o)
	v.Time = newPageTime(b, r, o.Gallery)
	v.Data = pageData(v.data())
	return v
}

// head says what was read.
func (v *pageView) head() {
	var frames, size uint64
	for i := range v.R.Inputs {
		frames += v.R.Inputs[i].Frames
		size += v.R.Inputs[i].Octets
	}
	v.Size = typeset(counted(frames, "frame") + ", " + octets(size))
	if frames > 0 {
		v.When = time.Unix(0, v.R.Start).UTC().Format("2006-01-02 15:04:05 UTC") + ", " + typeset(duration(int64(v.R.Verdict.Duration*1e9)))
	}
}

// verdict is the first screen.
func (v *pageView) verdict() {
	all := &v.R.Verdict
	var rest uint64
	for i := range all.Groups {
		g := &all.Groups[i]
		if i >= pageGroups {
			rest += g.Packets
			continue
		}
		row := pageRow{Packets: g.Packets, Family: family(g.Cause, g.Locus), Cause: g.Cause, Confidence: g.Sure(), Only: g.Locus == locusCapture}
		row.Where, row.Why, _ = strings.Cut(g.Phrase, ": ")
		if row.Only && all.State == StateLost {
			row.Where = "never lost, only missing from this capture"
		}
		v.Rows = append(v.Rows, row)
	}
	if n := len(all.Groups) - pageGroups; n > 0 {
		v.MoreRows = "… and " + counted(uint64(n), "more cause") + ", " + counted(rest, "packet") + "."
	}
	if len(all.Groups) == 1 {
		v.Single, v.Rule = &all.Groups[0], ruleSentence(all.Groups[0].Rule)
	}
	if len(all.Groups) <= 1 {
		v.Steps = pageSteps(all.Advice)
	}
	v.Balance = balanceOf(v.R)
}

// balanceOf lays the groups along a bar of 1 000 units.
func balanceOf(r *Report) pageBalance {
	l := &r.Ledger
	out := pageBalance{Missing: l.Missing, Unsaid: l.Unexplained}
	if l.Missing == 0 {
		return out
	}
	const length, gap = 1000.0, 2.0
	x := 0.0
	add := func(fam string, n uint64) {
		w := length * float64(n) / float64(l.Missing)
		out.Parts = append(out.Parts, pagePart{Family: fam, X: round(x, 1), W: round(max(w-gap, 0.5), 1)})
		x += w
	}
	sums := map[string]uint64{}
	for i := range r.Verdict.Groups {
		g := &r.Verdict.Groups[i]
		fam := family(g.Cause, g.Locus)
		add(fam, g.Packets)
		sums[fam] += g.Packets
	}
	if l.Unexplained > 0 {
		add("unexplained", l.Unexplained)
	}
	for _, f := range familyNames {
		if n := sums[f.ID]; n > 0 {
			out.Key = append(out.Key, pagePart{Family: f.ID, Name: f.Name, Packets: n})
		}
	}
	return out
}

// A pageCause is a cause with its evidence and what to do.
type pageCause struct {
	ID, Title  string
	Family     string
	Packets    uint64
	Places     string // "33 upstream, 25 downstream"
	Confidence string
	Seen       []string
	Not        []string
	Rules      []string
	Why        []string
	Charges    []int // some of them
	Flow       int   // the one that lost most by it
	Confirm    []pageStep
	Remedy     []pageStep
	Do         []pageStep
	Say        []string // of what is no loss
	Count      uint64
}

// shownLinks is how many charges a cause leads to.
const shownLinks = 5

// pageCausesOf joins the lines of each cause, and lists apart what explains other
// things than losses.
func pageCausesOf(r *Report) (losses, others []pageCause) {
	for i := range r.Causes {
		c := &r.Causes[i]
		p := pageCause{
			ID: c.ID, Title: c.Title, Packets: c.Packets, Count: c.Count, Confidence: c.Confidence,
			Family: family(c.ID, c.Locus), Confirm: pageSteps(c.Confirm), Remedy: pageSteps(c.Remedy),
		}
		for j := range r.Conclusions {
			if k := &r.Conclusions[j]; k.Cause == c.ID && k.Say != "" {
				p.Say = append(p.Say, k.Say)
			}
		}
		if c.Packets == 0 {
			others = append(others, p)
			continue
		}
		p.join(r)
		losses = append(losses, p)
	}
	return losses[:min(len(losses), pageCauses)], others[:min(len(others), pageCauses)]
}

// join gathers what the lines and the charges of the cause say.
func (p *pageCause) join(r *Report) {
	var places, loci []string
	first := true
	for i := range r.Verdict.Groups {
		g := &r.Verdict.Groups[i]
		if g.Cause != p.ID {
			continue
		}
		places, loci = append(places, count(g.Packets)+" "+g.Locus), addOnce(loci, g.Locus)
		p.Seen = addOnce(p.Seen, g.Seen)
		for _, s := range g.Not {
			p.Not = addOnce(p.Not, s)
		}
		if s := ruleSentence(g.Rule); s != "" {
			p.Rules = addOnce(p.Rules, s)
		}
		if first {
			p.Do = pageSteps(g.Do)
			p.Confidence = g.Sure()
		}
		first = false
	}
	if len(loci) == 1 {
		places = loci
	}
	p.Places = strings.Join(places, ", ")
	perFlow := map[int]uint64{}
	for i := range r.Ledger.Charges {
		c := &r.Ledger.Charges[i]
		if c.Cause != p.ID {
			continue
		}
		if len(p.Charges) < shownLinks {
			p.Charges = append(p.Charges, c.ID)
		}
		if c.Why != "" {
			p.Why = addOnce(p.Why, c.Why)
		}
		perFlow[c.Flow] += c.Packets
	}
	const shownWhy = 3
	p.Why = p.Why[:min(len(p.Why), shownWhy)]
	for f, n := range perFlow {
		if f > 0 && (n > perFlow[p.Flow] || p.Flow == 0 || n == perFlow[p.Flow] && f < p.Flow) {
			p.Flow = f
		}
	}
}

func addOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// A pageFlow is a row of the flow table. The numbers beside the words are what it is
// sorted by.
type pageFlow struct {
	F      *Flow
	Family string
	More   int // causes beside the first
	Where  string
	Rate   string
	Bar    float64
	RTT    string
	RTTms  float64 // -1 = not known
	Also   string
	Graph  bool
}

// flows fills the flow table.
func (v *pageView) flows(g *Gallery) {
	f := &v.R.Flows
	var most uint64
	for i := range f.Table {
		most = max(most, f.Table[i].Lost+f.Table[i].OnlyHere)
	}
	seen := map[string]bool{}
	for i := range f.Table {
		row := pageFlowOf(&f.Table[i], most)
		row.Graph = g.drawn(f.Table[i].ID)
		v.Flows = append(v.Flows, row)
		for _, id := range f.Table[i].Causes {
			if !seen[id] {
				seen[id] = true
				v.Families = append(v.Families, id)
			}
		}
	}
	if n := f.Total - len(f.Table); n > 0 {
		v.MoreFlow = "…and " + count(uint64(n)) + " more (--format ndjson)."
	}
}

func pageFlowOf(f *Flow, most uint64) pageFlow {
	const longest = 64
	row := pageFlow{F: f, RTT: "–", RTTms: -1, Family: famNone}
	if len(f.Causes) > 0 {
		locus := ""
		if f.Lost == 0 && f.OnlyHere > 0 {
			locus = locusCapture
		}
		row.Family, row.More = family(f.Causes[0], locus), len(f.Causes)-1
	}
	if most > 0 {
		row.Bar = round(longest*float64(f.Lost)/float64(most), 1)
	}
	row.Rate = "?"
	if !f.CannotTell {
		row.Rate = percent(f.Lost, f.Packets)
	}
	var parts []string
	for l := range cause.NumLoci {
		if n := f.Directions[0].Missing[l.String()] + f.Directions[1].Missing[l.String()]; n > 0 {
			parts = append(parts, count(n)+" "+shortWhere[l])
		}
	}
	row.Where = strings.Join(parts, ", ")
	for d := range f.Directions {
		if known := f.Directions[d].RTT; known != nil {
			row.RTT, row.RTTms = typeset(rtt(known.Median)), known.Median
			break
		}
	}
	row.Also = alsoSeen(f)
	return row
}

// alsoSeen is what a flow shows beside losses.
func alsoSeen(f *Flow) string {
	var resent, unneeded, late, twice, bad, closed uint64
	for d := range f.Directions {
		h := &f.Directions[d]
		for _, n := range h.Retransmissions {
			resent += n
		}
		unneeded += h.Unneeded
		late += h.Reordered
		twice += h.Duplicates
		bad += h.ChecksumBad
		closed += h.ZeroWindow.Episodes
	}
	var parts []string
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, count(n)+" "+what)
		}
	}
	add(resent, "sent again")
	add(unneeded, "unnecessary")
	add(late, "reordered")
	add(twice, "twice")
	add(bad, "bad checksum")
	add(closed, "window closed")
	if f.StallMS > 0 {
		parts = append(parts, "stalled "+milli(f.StallMS))
	}
	return strings.Join(parts, ", ")
}

// A pageCharge is a charge with what proves it.
type pageCharge struct {
	C      *Charge
	Family string
	Text   string
	Rule   string
	Ladder *pageLadder
	Open   bool
}

// charges picks those that are shown, so that each kind has some.
func (v *pageView) charges(g *Gallery) {
	all := v.R.Ledger.Charges
	for n, i := range pickCharges(all, pageCharges) {
		c := &all[i]
		v.Charges = append(v.Charges, pageCharge{
			C: c, Family: family(c.Cause, c.Locus), Text: chargeText(c), Rule: ruleSentence(c.Rule),
			Ladder: g.ladder(v.R, c.ID), Open: n == 0,
		})
	}
	slices.SortStableFunc(v.Charges, func(a, b pageCharge) int { return cmp.Compare(a.C.ID, b.C.ID) })
	if n := len(all) - len(v.Charges); n > 0 {
		v.More = "…and " + counted(uint64(n), "more charge") + " (--format ndjson)."
	}
}

// pickCharges takes at most n charges, of each kind in turn, most packets first.
func pickCharges(all []Charge, n int) []int {
	kinds := map[proofKey][]int{}
	packets := map[proofKey]uint64{}
	var order []proofKey
	for i := range all {
		c := &all[i]
		k := proofKey{locus: c.Locus, cause: c.Cause, confidence: c.Confidence}
		if kinds[k] == nil {
			order = append(order, k)
		}
		kinds[k] = append(kinds[k], i)
		packets[k] += c.Packets
	}
	slices.SortStableFunc(order, func(a, b proofKey) int { return cmp.Compare(packets[b], packets[a]) })
	var out []int
	for round := 0; len(out) < min(n, len(all)); round++ {
		for _, k := range order {
			if round < len(kinds[k]) && len(out) < n {
				out = append(out, kinds[k][round])
			}
		}
	}
	return out
}
