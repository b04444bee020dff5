package policy

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"whydrop/report"
)

// A mark is how an outcome looks: a sign, one of ASCII, a colour of the terminal's 16.
type mark struct{ sign, ascii, sgr string }

var marks = map[string]mark{
	Holds:     {"✓", "+", "32"},
	Violated:  {"✗", "x", "1;31"},
	Undecided: {"?", "?", "1;33"},
	Unfit:     {"!", "!", "1;33"},
	Unread:    {"✗", "x", "1;31"},
}

// Widths of the columns: of rules, at most, so that what they are has room beside them; of
// values, so that what is said of them begins in one column.
const (
	maxRule    = 48
	valueWidth = 9
)

type printer struct {
	report.TextOptions
	b    strings.Builder
	rule int // the width of the column of rules
}

// fit makes the column of rules as wide as list needs it.
func (p *printer) fit(list []Finding) {
	p.rule = 0
	for i := range list {
		if n := utf8.RuneCountInString(p.safe(list[i].Rule)); n <= maxRule {
			p.rule = max(p.rule, n)
		}
	}
}

func (p *printer) paint(sgr, s string) string {
	if !p.Color || s == "" || sgr == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// safe is s as it may be printed.
func (p *printer) safe(s string) string {
	s = clean(s)
	if !p.ASCII {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// Text writes a run for people: a block for each capture, then one line that sums up. With
// quiet, rules of captures of which all hold are left out.
func Text(w io.Writer, r *Run, o report.TextOptions, quiet bool) error {
	p := &printer{TextOptions: o}
	if p.Width <= 0 {
		p.Width = 80
	}
	for i := range r.Files {
		switch f := &r.Files[i]; {
		case !quiet || f.Outcome != Holds:
			p.file(f)
		case len(f.Notes) > 0: // what is weak about a capture is never left out
			p.b.WriteString(p.paint("1", p.safe(f.Path)) + "\n")
			p.notes(f)
			p.b.WriteByte('\n')
		}
	}
	if len(r.Findings) > 0 && (!quiet || r.Outcome != Holds) {
		p.b.WriteString(p.paint("1", "the whole run") + "\n")
		p.fit(r.Findings)
		p.findings(r.Findings, "")
		p.b.WriteByte('\n')
	}
	p.summary(r)
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *printer) file(f *File) {
	p.b.WriteString(p.paint("1", p.safe(f.Path)) + "\n")
	p.fit(f.Findings)
	switch m := marks[f.Outcome]; {
	case f.Error != "":
		p.line(marks[Unread], "cannot be read", f.Error, "")
	case f.Unfit != "" && f.Accepted:
		p.line(marks[Holds], "the capture, accepted as it is", f.Unfit, "")
	case f.Unfit != "":
		if f.State != report.StateTooLossy && f.Outcome != Unfit {
			m = marks[Undecided]
		}
		if f.Outcome == Violated {
			m = marks[Undecided]
		}
		p.line(m, "the capture", f.Unfit, "")
	}
	p.findings(f.Findings, f.main())
	p.notes(f)
	p.b.WriteByte('\n')
}

// notes are what the audit of the capture found.
func (p *printer) notes(f *File) {
	for _, note := range f.Notes {
		p.b.WriteString("    " + p.paint("2", p.safe("note: "+note)) + "\n")
	}
}

// main is the first of what a capture lost.
func (f *File) main() string {
	if len(f.Groups) == 0 {
		return ""
	}
	g := &f.Groups[0]
	id := g.Cause
	if id == "unknown" {
		id = "cause unknown"
	}
	return fmt.Sprintf("%s %s, %s, %s", grouped(float64(g.Packets)), g.Locus, id, g.Confidence)
}

func (p *printer) findings(list []Finding, main string) {
	for i := range list {
		f := &list[i]
		value, aside := f.Value(), f.Why
		switch {
		case f.Outcome == Undecided || f.Outcome == Unfit:
			if value != "" && value != "unknown" && !strings.HasSuffix(value, " unknown") {
				aside = value + "; " + aside
			}
			value = "cannot tell"
		case f.Outcome == Violated && aside == "" && f.Kind != "baseline":
			aside = main
		}
		p.line(marks[f.Outcome], f.Rule, value, aside)
	}
}

// Value is what the figures of a rule are, without the name of a single one.
func (f *Finding) Value() string {
	if len(f.Actual) == 1 {
		if f.Kind == "baseline" {
			return f.Actual[0].Value + " " + f.Actual[0].Figure
		}
		return f.Actual[0].Value
	}
	parts := make([]string, len(f.Actual))
	for i, a := range f.Actual {
		parts[i] = a.Figure + " " + a.Value
	}
	return strings.Join(parts, ", ")
}

// line is a sign, a rule, what it is, and what else there is to say; what does not fit beside
// one another goes below.
func (p *printer) line(m mark, rule, value, aside string) {
	sign, rule, value, aside := m.sign, p.safe(rule), p.safe(value), p.safe(aside)
	if p.ASCII {
		sign = m.ascii
	}
	value1 := value
	if m == marks[Violated] || m == marks[Undecided] || m == marks[Unfit] {
		value1 = p.paint(m.sgr, value)
	}
	head := "  " + p.paint(m.sgr, sign) + " " + rule
	const margin = 4
	at := margin + utf8.RuneCountInString(rule)
	gap := max(2, margin+p.rule+2-at)
	if value != "" && at+gap+utf8.RuneCountInString(value) > p.Width {
		head += "\n"
		at, gap = 0, margin+2
	}
	at += gap + utf8.RuneCountInString(value)
	head += strings.Repeat(" ", gap) + value1
	if value == "" {
		head = strings.TrimRight(head, " ")
	}
	if aside != "" {
		pad := max(2, valueWidth-utf8.RuneCountInString(value)+2)
		if at+pad+utf8.RuneCountInString(aside) > p.Width {
			head += "\n"
			pad = margin + 2
		}
		head += strings.Repeat(" ", pad) + aside
	}
	p.b.WriteString(head + "\n")
}

func (p *printer) summary(r *Run) {
	n := map[string]int{}
	for _, f := range r.all() {
		n[f.Outcome]++
	}
	unread, unfit := 0, 0
	for i := range r.Files {
		switch f := &r.Files[i]; {
		case f.Outcome == Unread:
			unread++
		case f.Unfit != "" && !f.Accepted:
			unfit++
		}
	}
	var parts []string
	say := func(outcome string, n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, p.paint(marks[outcome].sgr, "1 "+one))
		case n > 1:
			parts = append(parts, p.paint(marks[outcome].sgr, grouped(float64(n))+" "+many))
		}
	}
	say(Violated, n[Violated], "rule is violated.", "rules are violated.")
	say(Undecided, n[Undecided]+n[Unfit], "cannot be told.", "cannot be told.")
	say("", n[Holds], "holds.", "hold.")
	say(Unread, unread, "capture cannot be read.", "captures cannot be read.")
	say(Unfit, unfit, "capture is not fit to judge.", "captures are not fit to judge.")
	if len(parts) == 0 {
		parts = []string{"No rule was to be held."}
	}
	tail := fmt.Sprintf("%s, exit %d", counted(len(r.Files), "capture"), r.Exit)
	fmt.Fprintf(&p.b, "%s   %s\n", strings.Join(parts, "  "), p.paint("2", tail))
}

// all are the findings of a run.
func (r *Run) all() []*Finding {
	var all []*Finding
	for i := range r.Files {
		for k := range r.Files[i].Findings {
			all = append(all, &r.Files[i].Findings[k])
		}
	}
	for i := range r.Findings {
		all = append(all, &r.Findings[i])
	}
	return all
}
