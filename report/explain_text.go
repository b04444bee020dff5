package report

import (
	"strconv"
	"strings"
)

// conclusion is what follows from the ladder: labelled lines, as on the first screen.
func (p *printer) conclusion(e *Explanation) {
	if e.Charge != nil {
		p.nl()
		p.labelled("rule", e.Rule)
		p.labelled("sure", e.Sure)
		for i, s := range e.Not {
			label := ""
			if i == 0 {
				label = "not"
				if strings.HasPrefix(e.Sure, "possible") {
					label = "fits"
				}
			}
			p.labelled(label, s)
		}
		for i, s := range e.Also {
			p.labelled(map[bool]string{true: "also"}[i == 0], s)
		}
		for i, s := range e.Unseen {
			p.labelled(map[bool]string{true: "unseen"}[i == 0], s)
		}
	} else if len(e.Do) > 0 {
		p.nl()
	}
	if e.Charge != nil || len(e.Do) > 0 {
		p.advice(e.Do)
	}
	for i, s := range e.Remedy {
		p.labelled(map[bool]string{true: "remedy"}[i == 0], s)
	}
	p.furtherReading(e)
}

// labelled puts text behind a label; an empty label goes on with the one before.
func (p *printer) labelled(label, text string) {
	if text == "" {
		return
	}
	if label == "" {
		p.to(labelWidth)
	} else {
		p.label(label)
	}
	p.wrap(text, plain, labelWidth, cardLines)
	p.nl()
}

// shownChargeRefs is how many charges of a flow its story lists.
const shownChargeRefs = 12

func (p *printer) chargeRefs(e *Explanation) {
	if len(e.Charges) == 0 {
		return
	}
	p.nl()
	charges, what, when, where, why, sure := column{name: "charge", right: true}, column{name: "what"},
		column{name: "time, s", right: true}, column{name: "where"}, column{name: "cause"}, column{name: "confidence"}
	for i := range e.Charges[:min(len(e.Charges), shownChargeRefs)] {
		c := &e.Charges[i]
		charges.cells = append(charges.cells, cell{count(uint64(c.ID)), plain})
		what.cells = append(what.cells, cell{count(c.Packets) + " " + c.What, plain})
		when.cells = append(when.cells, cell{seconds(e.start, c.at), skip})
		where.cells = append(where.cells, cell{c.Locus, plain})
		why.cells = append(why.cells, cell{c.Cause, typed})
		sure.cells = append(sure.cells, cell{c.Confidence, plain})
	}
	columns := []column{charges, what, when, where, why, sure}
	for p.columnsWidth(columns) > p.Width { // drop columns from the right: look.md §3
		columns = columns[:len(columns)-1]
	}
	p.table(columns)
	if n := len(e.Charges) - shownChargeRefs; n > 0 {
		p.put(skip, "…and "+counted(uint64(n), "more charge")+" (--json)")
		p.nl()
	}
}

// furtherReading names the commands that say more.
func (p *printer) furtherReading(e *Explanation) {
	var more []string
	switch {
	case e.Card != "":
		more = append(more, "whydrop explain "+e.Card)
		if e.Charge != nil && e.Charge.Flow > 0 {
			more = append(more, "--flow "+strconv.Itoa(e.Charge.Flow))
		}
	case len(e.Charges) > 0:
		more = append(more, "whydrop explain --charge "+strconv.Itoa(e.Charges[0].ID)+" FILE")
	default:
		return
	}
	p.nl()
	p.put(skip, "More:")
	for _, s := range append(more, "--json") {
		if p.col+columnGap+p.width(s) > p.Width {
			break
		}
		p.to(p.col + columnGap)
		p.put(typed, s)
	}
	p.nl()
}
