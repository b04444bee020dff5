package report

import (
	"html/template"
	"path/filepath"
	"strings"
	"time"
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
