package report

import (
	"io"
	"strings"

	"whydrop/analyze/cause"
)

// Card writes one cause card for a person at a terminal.
func Card(w io.Writer, card cause.Card, o TextOptions) error {
	p := newPrinter(o)
	p.put(typed, string(card.ID))
	p.nl()
	p.wrap(card.Title+".", answer, 0, cardLines)
	p.nl()
	for _, s := range card.Sections() {
		p.nl()
		p.put(skip, s.Heading)
		p.nl()
		for _, text := range paragraphs(s.Text) {
			p.paragraph(text)
		}
	}
	return p.flush(w)
}

// cardLines is enough for every paragraph of a card: the catalogue's tests
// hold them short.
const cardLines = 40

// paragraph puts text, or a step behind its dash, with its commands to be typed.
func (p *printer) paragraph(text string) {
	indent := 2
	p.to(indent)
	if step, ok := strings.CutPrefix(text, "- "); ok {
		p.put(plain, "- ")
		indent += len("- ")
		text = step
	}
	p.wrap(text, plain, indent, cardLines)
	p.nl()
}

// Causes writes the table of all causes: what can be concluded at all.
func Causes(w io.Writer, cards []cause.Card, o TextOptions) error {
	p := newPrinter(o)
	widest := 0
	for i := range cards {
		widest = max(widest, len(cards[i].ID))
	}
	for i := range cards {
		p.put(typed, string(cards[i].ID))
		p.to(widest + columnGap)
		r := plain
		if cards[i].Innocent {
			r = skip
		}
		p.wrap(cards[i].Title+".", r, widest+columnGap, cardLines)
		p.nl()
	}
	p.nl()
	p.put(skip, "One in full:  ")
	p.put(typed, "whydrop explain CAUSE")
	p.nl()
	return p.flush(w)
}
