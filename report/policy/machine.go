package policy

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// JSON writes a run as one document.
func JSON(w io.Writer, r *Run) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Failure *junitReason `xml:"failure"`
		Error   *junitReason `xml:"error"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a run as JUnit XML: a suite for each capture, a case for each rule. A rule that is
// violated is a failure; one that cannot be told is an error, since skipped would pass in silence.
func JUnit(w io.Writer, r *Run) error {
	out := junitSuites{Name: "whydrop"}
	add := func(name string, cases []junitCase) {
		s := junitSuite{Name: clean(name), Cases: cases, Tests: len(cases)}
		for i := range cases {
			if cases[i].Failure != nil {
				s.Failures++
			}
			if cases[i].Error != nil {
				s.Errors++
			}
		}
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
		out.Suites = append(out.Suites, s)
	}
	for i := range r.Files {
		f := &r.Files[i]
		fit := junitCase{Name: "the capture is fit to judge", Class: clean(f.Path), Output: clean(f.Sentence)}
		switch {
		case f.Error != "":
			fit.Error = &junitReason{Unread, clean(f.Error), ""}
		case f.Unfit != "" && !f.Accepted:
			fit.Error = &junitReason{f.fitness(), clean(f.Unfit), ""}
		}
		for _, note := range f.Notes {
			fit.Output += "\nnote: " + clean(note)
		}
		add(f.Path, append([]junitCase{fit}, cases(f.Path, f.Findings, f.main())...))
	}
	if len(r.Findings) > 0 {
		add("the whole run", cases("the whole run", r.Findings, ""))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// fitness is the outcome that the state of the capture alone makes.
func (f *File) fitness() string {
	if f.State == CannotTell {
		return Undecided
	}
	return Unfit
}

func cases(class string, list []Finding, main string) []junitCase {
	out := make([]junitCase, 0, len(list))
	for i := range list {
		f := &list[i]
		c := junitCase{Name: clean(f.Rule), Class: clean(class)}
		value := clean(f.Value())
		switch f.Outcome {
		case Holds:
			c.Output = value
		case Violated:
			c.Failure = &junitReason{Violated, "it is " + value, clean(strings.TrimSpace(main + "\n" + f.Why))}
		default:
			c.Error = &junitReason{f.Outcome, "cannot tell: " + clean(f.Why), value}
		}
		out = append(out, c)
	}
	return out
}

// GitHub writes a run as workflow commands: an annotation for whatever does not hold.
func GitHub(w io.Writer, r *Run) error {
	var b strings.Builder
	for i := range r.Files {
		f := &r.Files[i]
		switch {
		case f.Error != "":
			annotate(&b, "error", f.Path, "cannot be read", f.Error)
		case f.Unfit != "" && f.Accepted:
			annotate(&b, "notice", f.Path, "accepted as it is", f.Unfit)
		case f.Unfit != "":
			annotate(&b, "error", f.Path, "the capture is not fit to judge", f.Unfit)
		}
		for _, note := range f.Notes {
			annotate(&b, "warning", f.Path, "the capture", note)
		}
		annotations(&b, f.Path, f.Findings, f.main())
	}
	annotations(&b, "", r.Findings, "")
	fmt.Fprintf(&b, "whydrop check: %s, %s\n", r.Outcome, counted(len(r.Files), "capture"))
	_, err := io.WriteString(w, b.String())
	return err
}

func annotations(b *strings.Builder, path string, list []Finding, main string) {
	for i := range list {
		f := &list[i]
		switch f.Outcome {
		case Holds:
		case Violated:
			text := "it is " + f.Value()
			if f.Why != "" {
				text += "; " + f.Why
			}
			if main != "" && f.Kind != "baseline" {
				text += "; " + main
			}
			annotate(b, "error", path, "violated: "+f.Rule, text)
		default:
			annotate(b, "error", path, "cannot tell: "+f.Rule, f.Why)
		}
	}
}

// annotate writes one workflow command. Its data escapes % and line breaks, its properties : and ,
// too, as the runner's ActionCommand.cs undoes.
func annotate(b *strings.Builder, level, path, title, text string) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	where := ""
	if path != "" {
		where = "file=" + property.Replace(clean(path)) + ","
	}
	fmt.Fprintf(b, "::%s %stitle=%s::%s\n", level, where, property.Replace(clean(title)), data.Replace(clean(text)))
}

// Markdown writes a run as a job summary: a table of what does not hold, and one of all.
func Markdown(w io.Writer, r *Run) error {
	var b strings.Builder
	n := map[string]int{}
	for _, f := range r.all() {
		n[f.Outcome]++
	}
	fmt.Fprintf(&b, "### whydrop check: %s\n\n", map[string]string{
		Holds: "all rules hold ✅", Violated: "a rule is violated ❌", Undecided: "it cannot be told ❔",
		Unfit: "a capture is not fit to judge ⚠️", Unread: "a capture cannot be read ❌",
	}[r.Outcome])
	fmt.Fprintf(&b, "%s: %d violated, %d cannot be told, %d hold.\n\n", counted(len(r.Files), "capture"),
		n[Violated], n[Undecided]+n[Unfit], n[Holds])
	b.WriteString("| | capture | rule | it is | |\n|---|---|---|---|---|\n")
	for i := range r.Files {
		f := &r.Files[i]
		switch {
		case f.Error != "":
			row(&b, Unread, f.Path, "can be read", "", f.Error)
		case f.Unfit != "" && !f.Accepted:
			row(&b, f.fitness(), f.Path, "fit to judge", "", f.Unfit)
		case f.Unfit != "":
			row(&b, Holds, f.Path, "accepted as it is", "", f.Unfit)
		}
		rows(&b, f.Path, f.Findings, f.main())
	}
	rows(&b, "the whole run", r.Findings, "")
	for i := range r.Files {
		for k, note := range r.Files[i].Notes {
			if k == 0 {
				fmt.Fprintf(&b, "\n%s:\n\n", code(r.Files[i].Path))
			}
			b.WriteString("- " + cell(note) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func rows(b *strings.Builder, path string, list []Finding, main string) {
	for i := range list {
		f := &list[i]
		why := f.Why
		if f.Outcome == Violated && why == "" && f.Kind != "baseline" {
			why = main
		}
		row(b, f.Outcome, path, f.Rule, f.Value(), why)
	}
}

var signs = map[string]string{Holds: "✅", Violated: "❌", Undecided: "❔", Unfit: "⚠️", Unread: "❌"}

func row(b *strings.Builder, outcome, path, rule, value, why string) {
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", signs[outcome], code(path), code(rule), cell(value), cell(why))
}

// cell is text from outside within a table: no pipe, no markup, no HTML.
func cell(s string) string { return markdownEscapes.Replace(clean(s)) }

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "@", "&#64;")

// code is s as code within a table: there a pipe still ends the cell.
func code(s string) string {
	s = strings.ReplaceAll(clean(s), "`", "'")
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}
