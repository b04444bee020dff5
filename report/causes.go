package report

import (
	"cmp"
	"slices"
	"strings"

	"whydrop/analyze/cause"
)

// causes lists what was concluded, most packets first; then what explains
// other things than losses.
func (b *builder) causes() []Cause {
	type sum struct {
		packets    uint64
		locus      [cause.NumLoci]uint64
		confidence cause.Confidence
	}
	sums := map[cause.ID]*sum{}
	for i := range b.res.Ledger.Charges {
		c := &b.res.Ledger.Charges[i]
		s := sums[c.Cause]
		if s == nil {
			s = &sum{confidence: c.Confidence}
			sums[c.Cause] = s
		}
		s.packets += c.Packets
		s.locus[c.Locus] += c.Packets
		s.confidence = min(s.confidence, c.Confidence)
	}
	causes := make([]Cause, 0, len(sums)+len(b.res.Conclusions))
	for id, s := range sums {
		main := cause.LocusUnknown
		for l, n := range s.locus {
			if n > s.locus[main] {
				main = cause.Locus(l)
			}
		}
		causes = append(causes, causeFrom(id, main, s.packets, 0, s.confidence))
	}
	for i := 0; i < len(b.res.Conclusions); { // in order of their causes
		id, n, sure := b.res.Conclusions[i].Cause, uint64(0), cause.Certain
		for ; i < len(b.res.Conclusions) && b.res.Conclusions[i].Cause == id; i++ {
			n += b.res.Conclusions[i].Count
			sure = min(sure, b.res.Conclusions[i].Confidence)
		}
		if sums[id] == nil {
			causes = append(causes, causeFrom(id, cause.LocusUnknown, 0, n, sure))
		}
	}
	slices.SortFunc(causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.ID, b.ID))
	})
	return causes
}

// causeFrom joins what was counted with what the catalogue says of id.
func causeFrom(id cause.ID, at cause.Locus, packets, other uint64, sure cause.Confidence) Cause {
	c := Cause{
		ID: string(id), Title: string(id), Locus: at.String(), Packets: packets, Count: other,
		Confidence: sure.String(), Confirm: []string{}, Remedy: []string{},
	}
	if card, ok := cause.Lookup(id); ok {
		c.Title, c.Innocent = card.Title, card.Innocent
		c.Confirm, c.Remedy = steps(card.Confirm), steps(card.Remedy)
	}
	return c
}

// steps splits a section of a card into its steps, each in one line. Commands
// stay between back quotes.
func steps(section string) []string {
	out := []string{}
	for _, paragraph := range paragraphs(section) {
		out = append(out, strings.TrimPrefix(paragraph, "- "))
	}
	return out
}

// paragraphs joins the lines of a section that belong together: a step, which
// begins with "- ", or text up to a blank line.
func paragraphs(section string) []string {
	var out []string
	open := false
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			open = false
		case !open || strings.HasPrefix(line, "- "):
			out = append(out, line)
			open = true
		default:
			out[len(out)-1] += " " + line
		}
	}
	return out
}
