package report

import (
	"io"
	"slices"
	"strings"

	"whydrop/analyze/cause"
)

// TextOptions are how a Report looks on a terminal.
type TextOptions struct {
	Width   int  // columns; 0 = 80
	Color   bool // the six roles of look.md §1
	ASCII   bool // no character beyond ASCII
	Flows   bool // the flow table below the verdict
	Verbose int  // 1: evidence frame by frame, and the tables of what was counted
}

// Limits of the first screen: it answers within 24 lines of 80 columns.
const (
	maxGroups    = 5  // lines of charges, then "… and 3 more causes"
	countEnd     = 5  // counts of groups end before this column, or further right
	phraseColumn = 7  // their phrases begin here
	sureColumn   = 73 // and their confidence here
	phraseWidth  = 72
)

// Text writes r for a person at a terminal: the sentence first, then the
// place, then the proof.
func Text(w io.Writer, r *Report, o TextOptions) error {
	p := newPrinter(o)
	p.answer(&r.Verdict)
	switch {
	case r.Verdict.Packets == 0:
		if o.Verbose > 0 {
			p.verbose(r)
		}
		return p.flush(w)
	case o.Flows:
		p.nl()
		if err := p.flush(w); err != nil {
			return err
		}
		if err := flowTable(w, r, p.TextOptions); err != nil {
			return err
		}
		p = newPrinter(o)
	default:
		p.place(r)
	}
	if o.Verbose > 0 {
		p.verbose(r)
	} else if !o.Flows {
		p.more(r)
	}
	return p.flush(w)
}

// Sentence writes the verdict's sentence alone.
func Sentence(w io.Writer, r *Report, o TextOptions) error {
	p := newPrinter(o)
	p.wrap(r.Verdict.Sentence, plain, 0, 2)
	p.nl()
	return p.flush(w)
}

// answer is the verdict and one line a group of charges.
func (p *printer) answer(v *Verdict) {
	roles := map[string]role{
		StateNothingLost: goodMore, StateCannotTell: unsureMore, StateTooLossy: unsureMore,
	}
	r, special := roles[v.State]
	if !special {
		r = answer
	}
	p.wrap(v.Sentence, r, 0, 2)
	if p.Flows || v.State != StateLost {
		p.aside(v)
	}
	p.nl()
	if p.Flows {
		return
	}
	if v.State == StateTooLossy {
		return
	}
	groups := lines(v)
	end := countEnd
	for i := range groups {
		end = max(end, 1+p.width(count(groups[i].Packets)))
	}
	for i := range groups {
		if i == maxGroups {
			p.moreGroups(groups[i:], end)
			break
		}
		p.group(&groups[i], end)
	}
	for _, s := range v.Unsure {
		p.number(unsure, "?", end)
		p.to(end + columnGap)
		p.wrap(s, plain, end+columnGap, 3)
		p.nl()
	}
	if v.State == StateLost && v.Aside != "" {
		p.wrap(v.Aside, unsure, 0, 2)
		p.nl()
	}
	p.balance(v)
}

// lines are the groups that have a line of their own. Beside losses, what only
// the capture lacks is one sentence.
func lines(v *Verdict) []Group {
	n := len(v.Groups)
	for v.State == StateLost && n > 0 && v.Groups[n-1].Locus == locusCapture {
		n--
	}
	return v.Groups[:n]
}

// aside stands behind the sentence where there is room, else below it.
func (p *printer) aside(v *Verdict) {
	if v.Aside == "" {
		return
	}
	r, text := skip, v.Aside
	if v.CaptureOnly > 0 {
		r = unsureMore
	}
	if short, _, ok := strings.Cut(text, ": "); ok && p.Flows {
		text = short + "."
	}
	const gap = 2
	if p.col+gap+p.width(text) > p.Width {
		p.nl()
	} else {
		p.to(p.col + gap)
	}
	p.wrap(text, r, 0, 2)
}

// group is one line: how many, where, why, how sure. Counts end before column end.
func (p *printer) group(g *Group, end int) {
	r := lostCount
	if g.Locus == locusCapture {
		r = unsure
	}
	p.number(r, count(g.Packets), end)
	p.to(end + columnGap)
	width := min(phraseWidth, p.Width-len("  certain "))
	p.wrapTo(g.Phrase, plain, end+columnGap, 2, width)
	sure := g.Sure()
	p.to(min(sureColumn, p.Width-len(sure)))
	p.put(plain, sure)
	p.nl()
}

// Sure is how sure the whole line is: of the place and the cause. Where only the
// place is surer, the phrase says so.
func (g *Group) Sure() string {
	if g.perhaps {
		return cause.Possible.String()
	}
	return g.Confidence
}

// moreGroups counts the groups that the first screen has no room for.
func (p *printer) moreGroups(rest []Group, end int) {
	var packets uint64
	for i := range rest {
		packets += rest[i].Packets
	}
	p.to(end + columnGap)
	p.put(skip, "… and "+counted(uint64(len(rest)), "more cause")+", "+counted(packets, "packet"))
	p.nl()
}

// balance is what closes the account: the innocent, and what nothing explains.
func (p *printer) balance(v *Verdict) {
	p.put(plain, v.InnocentSay)
	if v.Lost+v.CaptureOnly+v.Unexplained > 0 {
		if p.col > 0 {
			p.put(plain, " ")
		}
		r := skip
		if v.Unexplained > 0 {
			r = unsure
		}
		p.put(r, count(v.Unexplained)+" unexplained.")
	}
	if p.col > 0 {
		p.nl()
	}
	for _, s := range v.Also {
		p.wrap(s, plain, 0, 2)
		p.nl()
	}
}

// place is the rest of the first screen: path when seen rule not sure do trust.
func (p *printer) place(r *Report) {
	v := &r.Verdict
	p.nl()
	p.path(&r.Path)
	groups := lines(v)
	if len(groups) == 1 {
		p.only(r, &groups[0])
	}
	if v.State == StateNothingLost && r.Stalls.Sentence != "" && len(groups) != 1 {
		p.label("seen")
		p.wrap(r.Stalls.Sentence, plain, labelWidth, 3)
		p.nl()
	}
	for _, s := range v.Sure {
		p.label("sure")
		p.wrap(s, plain, labelWidth, 2)
		p.nl()
	}
	if len(groups) <= 1 {
		p.advice(v.Advice)
	}
	p.label("trust")
	role := plain
	if !r.Capture.Sound {
		role = unsure
	}
	const most = 4 // with what the host cannot say
	p.wrap(r.Capture.Trust, role, labelWidth, most)
	p.nl()
}

// only is what the first screen has room for when one group is all there is.
func (p *printer) only(r *Report, g *Group) {
	p.when(g, r.Verdict.Duration)
	p.label("seen")
	p.wrap(g.Seen, plain, labelWidth, 3)
	p.nl()
	if sentence := ruleSentence(g.Rule); sentence != "" {
		p.label("rule")
		// The label says "rule" already.
		sentence = strings.TrimPrefix(strings.TrimPrefix(sentence, "Rules "), "Rule ")
		p.wrap(sentence, plain, labelWidth, 2)
		p.nl()
	}
	if len(g.Not) > 0 {
		p.label("not")
		p.wrap(strings.Join(g.Not, " "), plain, labelWidth, 2)
		p.nl()
	}
}

// advice is one step a line, a command below its step.
func (p *printer) advice(steps []string) {
	for i, s := range steps {
		if i == 0 {
			p.label("do")
		}
		if strings.HasPrefix(s, "`") {
			p.command(s, labelWidth+2)
		} else {
			p.to(labelWidth)
			p.wrap(s, plain, labelWidth, 2)
		}
		p.nl()
	}
}

// more names what says more, as far as it was not asked for.
func (p *printer) more(r *Report) {
	if r.Verdict.State != StateLost {
		return
	}
	p.nl()
	p.put(skip, "More:")
	steps := []string{"--flows", "-v", "--json"}
	known := func(g Group) bool { return g.Cause != string(cause.Unknown) && why[cause.ID(g.Cause)] != "" }
	if i := slices.IndexFunc(r.Verdict.Groups, known); i >= 0 {
		steps = slices.Insert(steps, 0, "whydrop explain "+r.Verdict.Groups[i].Cause)
	}
	for _, s := range steps {
		gap := 6
		if p.col == len("More:") {
			gap = 2
		}
		p.to(p.col + gap)
		p.put(typed, s)
	}
	p.nl()
}

// ruleSentence is the sentence of a rule by its ID, "" for none.
func ruleSentence(id string) string {
	for i := range rules {
		if i > 0 && rules[i].id == id {
			return rules[i].sentence
		}
	}
	return ""
}
