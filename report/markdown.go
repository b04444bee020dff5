package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	ticketGroups  = 10 // groups of charges that a ticket tells of
	ticketCharges = 5  // charges whose frames it names
	ticketFlows   = 20 // rows of its flow table
)

// Markdown writes the report for a ticket: the verdict, what proves it, what to do, and of
// which captures it speaks. What comes from packets and files is made harmless. With flows,
// the flows that lost most are a table.
func Markdown(w io.Writer, r *Report, flows bool) error {
	m := &ticket{}
	v := &r.Verdict
	m.line("### %s", mdText(v.Sentence))
	if v.Aside != "" {
		m.line("\n%s", mdText(v.Aside))
	}
	m.groups(v)
	for _, s := range append(append([]string{}, v.Unsure...), v.Sure...) {
		m.line("\n> %s", mdText(s))
	}
	m.balance(v)
	m.proof(v)
	m.charges(r)
	m.causes(r)
	if flows {
		m.flows(r)
	}
	m.capture(r)
	_, err := io.WriteString(w, m.b.String())
	return err
}

type ticket struct{ b strings.Builder }

// line writes a line; what is put into it was made harmless before.
func (m *ticket) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *ticket) groups(v *Verdict) {
	if len(v.Groups) == 0 {
		return
	}
	m.line("\n| packets | where and why | cause | confidence |\n|---:|---|---|---|")
	for i := range v.Groups[:min(len(v.Groups), ticketGroups)] {
		g := &v.Groups[i]
		m.line("| %s | %s | %s | %s |", count(g.Packets), mdText(g.Phrase), mdCode(g.Cause), g.Sure())
	}
	if n := len(v.Groups) - ticketGroups; n > 0 {
		m.line("\n… and %d more", n)
	}
}

func (m *ticket) balance(v *Verdict) {
	say := []string{}
	if v.InnocentSay != "" {
		say = append(say, mdText(v.InnocentSay))
	}
	if v.Lost+v.CaptureOnly+v.Unexplained > 0 {
		say = append(say, count(v.Unexplained)+" unexplained.")
	}
	for _, s := range v.Also {
		say = append(say, mdText(s))
	}
	if len(say) > 0 {
		m.line("\n%s", strings.Join(say, " "))
	}
}

// proof is what was seen of each group, what it is not, and what to do.
func (m *ticket) proof(v *Verdict) {
	for i := range v.Groups[:min(len(v.Groups), ticketGroups)] {
		g := &v.Groups[i]
		m.line("\n**%s %s**\n", count(g.Packets), mdText(g.Phrase))
		m.line("- seen: %s", mdText(g.Seen))
		m.line("- rule: %s", mdText(ruleSays(g.Rule)))
		for _, not := range g.Not {
			m.line("- not %s", mdText(not))
		}
		m.steps(g.Do)
	}
	if len(v.Groups) == 0 && len(v.Advice) > 0 {
		m.line("")
		m.steps(v.Advice)
	}
}

// steps are what to do; commands are code.
func (m *ticket) steps(list []string) {
	for i, s := range list {
		head := "- do: "
		if i > 0 {
			head = "  "
			if !strings.HasPrefix(s, "`") {
				head = "- "
			}
		}
		m.line("%s%s", head, mdSpans(s))
	}
}

// charges are the first of them with their frames, folded away.
func (m *ticket) charges(r *Report) {
	all := r.Ledger.Charges
	if len(all) == 0 {
		return
	}
	m.line("\n<details><summary>The frames that decide, of %d of %s</summary>\n", min(len(all), ticketCharges), counted(uint64(len(all)), "charge"))
	m.line("| charge | frame | time | says |\n|---|---|---|---|")
	for i := range all[:min(len(all), ticketCharges)] {
		c := &all[i]
		name := fmt.Sprintf("%d: %s %s, %s → %s", c.ID, count(c.Packets), c.What, c.Src, c.Dst)
		for k := range c.Evidence {
			e := &c.Evidence[k]
			m.line("| %s | %s | %s | %s |", mdText(name), strconv.FormatUint(e.Frame, 10), e.Time, mdText(e.Says))
			name = ""
		}
	}
	m.line("\n</details>")
}

// causes say what their cards say first.
func (m *ticket) causes(r *Report) {
	if len(r.Causes) == 0 {
		return
	}
	m.line("\n| cause | means |\n|---|---|")
	for i := range r.Causes[:min(len(r.Causes), ticketGroups)] {
		m.line("| %s | %s |", mdCode(r.Causes[i].ID), mdText(r.Causes[i].Title))
	}
}

func (m *ticket) flows(r *Report) {
	rows := r.Flows.Table
	m.line("\n| flow | | packets | lost | only here | causes |\n|---:|---|---:|---:|---:|---|")
	for i := range rows[:min(len(rows), ticketFlows)] {
		f := &rows[i]
		m.line("| %d | %s | %s | %s | %s | %s |", f.ID, mdText(f.Protocol+" "+f.Originator+" → "+f.Responder),
			count(f.Packets), count(f.Lost), count(f.OnlyHere), mdText(strings.Join(f.Causes, ", ")))
	}
}

func (m *ticket) capture(r *Report) {
	m.line("\n**The capture**: %s", mdText(r.Capture.Trust))
	m.line("\n| file | frames | first | last |\n|---|---:|---|---|")
	for i := range r.Inputs {
		in := &r.Inputs[i]
		m.line("| %s | %s | %s | %s |", mdCode(in.Path), count(in.Frames), in.First, in.Last)
	}
	m.line("\n_whydrop %s_", mdText(r.Tool.Version))
}

// ruleSays is a rule in a sentence.
func ruleSays(id string) string {
	for _, rule := range rules {
		if rule.id == id {
			return rule.sentence
		}
	}
	return id
}

// mdEscapes take the meaning from whatever means something in Markdown or HTML. An @ or # would
// call somebody, or a ticket.
var mdEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", "&#35;", "@", "&#64;", "://", ":&#8203;//")

// mdText is s as text in Markdown, also within a table.
func mdText(s string) string { return mdEscapes.Replace(clean(s)) }

// mdCode is s as code, also within a table.
func mdCode(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(clean(s), "`", "'"), "|", `\|`)
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// mdSpans is s with what stands in back quotes as code.
func mdSpans(s string) string {
	parts := strings.Split(s, "`")
	for i := range parts {
		if i%2 == 1 {
			parts[i] = mdCode(parts[i])
		} else {
			parts[i] = mdText(parts[i])
		}
	}
	return strings.Join(parts, "")
}
