package report

import (
	"io"
	"math"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"whydrop/analyze/cause"
)

// A column of a table. Numbers stand right, words left.
type column struct {
	name  string
	right bool
	cells []cell
}

// A cell is clean text and how it looks.
type cell struct {
	text string
	role role
}

// columnGap is the space between columns.
const columnGap = 2

// table prints columns without borders or lines.
func (p *printer) table(columns []column) { p.tableBelow(nil, columns) }

// tableBelow prints columns, and above each row the lines of it in above.
func (p *printer) tableBelow(above [][]string, columns []column) {
	padding := tw.Padding{Right: strings.Repeat(" ", columnGap), Overwrite: true}
	aligns := make([]tw.Align, len(columns))
	header := make([]string, len(columns))
	rows := 0
	for i, c := range columns {
		aligns[i] = tw.AlignLeft
		if c.right {
			aligns[i] = tw.AlignRight
		}
		header[i] = c.name
		rows = max(rows, len(c.cells))
	}
	var out strings.Builder
	format := tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone}
	cells := tw.CellConfig{
		Formatting: format, Alignment: tw.CellAlignment{PerColumn: aligns},
		Padding: tw.CellPadding{Global: padding},
	}
	t := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells}),
		// The width of symbols must not depend on the locale of who runs us.
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
	)
	t.Header(header)
	for row := range rows {
		line := make([]string, len(columns))
		for i, c := range columns {
			if row < len(c.cells) {
				line[i] = p.styled(c.cells[row])
			}
		}
		p.failed(t.Append(line))
	}
	p.failed(t.Render())
	for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		line = trimBlanks(line)
		if i == 0 {
			line = p.styled(cell{line, skip})
		} else if i <= len(above) {
			for _, own := range above[i-1] {
				p.put(plain, own)
				p.nl()
			}
		}
		p.b.WriteString(line)
		p.nl()
	}
}

// failed keeps the first error of a table, for flush to return.
func (p *printer) failed(err error) {
	if p.err == nil {
		p.err = err
	}
}

// reset ends every colour.
const reset = "\x1b[0m"

// trimBlanks takes the blanks off the end of a line, and the resets among them
// that tablewriter adds to a cell in colour.
func trimBlanks(line string) string {
	for {
		line = strings.TrimRight(line, " ")
		rest, found := strings.CutSuffix(line, reset)
		if !found || !strings.HasSuffix(rest, " ") && !strings.HasSuffix(rest, reset) {
			return line
		}
		line = rest
	}
}

// styled is a cell's text as the terminal gets it.
func (p *printer) styled(c cell) string {
	s := p.text(c.text)
	if !p.Color || c.role == plain || s == "" {
		return s
	}
	return "\x1b[" + sgr[c.role] + "m" + s + reset
}

// columnsWidth is how wide a table of these columns is.
func (p *printer) columnsWidth(columns []column) int {
	total := -columnGap
	for _, c := range columns {
		widest := p.width(c.name)
		for _, cell := range c.cells {
			widest = max(widest, p.width(cell.text))
		}
		total += widest + columnGap
	}
	return total
}

// flowTable writes the flows, most losses first: with everything where there
// is room, else with columns dropped from the right.
func flowTable(w io.Writer, r *Report, o TextOptions) error {
	p := newPrinter(o)
	flows := r.Flows.Table
	if len(flows) == 0 {
		return nil
	}
	var above [][]string
	columns := p.wideColumns(flows)
	if stalled := append(columns, stalledColumn(flows)); p.columnsWidth(stalled) <= p.Width && anyStalled(flows) {
		columns = stalled
	}
	if p.columnsWidth(columns) > p.Width {
		columns, above = p.narrowColumns(flows)
	}
	p.tableBelow(above, columns)
	p.nl()
	p.wrap(p.tableNote(r), skip, 0, 2)
	p.nl()
	return p.flush(w)
}

func (p *printer) tableNote(r *Report) string {
	shown, all := len(r.Flows.Table), r.Flows.Total
	note := count(uint64(shown)) + " of " + counted(uint64(all), "flow") + ", most losses first."
	if all > shown {
		note = "…and " + count(uint64(all-shown)) + " more (--format ndjson)."
	}
	if r.Flows.CannotTell > 0 {
		note = "? = this evidence cannot tell; it is not 0. " + note
	}
	return note
}

func make1(name string, right bool, flows []Flow, f func(*Flow) cell) column {
	c := column{name: name, right: right, cells: make([]cell, len(flows))}
	for i := range flows {
		c.cells[i] = f(&flows[i])
	}
	return c
}

// wideColumns is the whole table.
func (p *printer) wideColumns(flows []Flow) []column {
	return []column{
		make1("originator", false, flows, func(f *Flow) cell { return cell{f.Originator, plain} }),
		make1("responder", false, flows, func(f *Flow) cell { return cell{f.Responder, plain} }),
		make1("", false, flows, func(f *Flow) cell { return cell{f.Protocol, plain} }),
		packetsColumn(flows),
		octetsColumn(flows),
		lostColumn(flows),
		make1("", false, flows, p.bar(flows)),
		rateColumn(flows),
		whereColumn(flows),
		causeColumn(flows),
		rttColumn(flows),
	}
}

// narrowColumns drops from the right of flow, packets, lost, rate, cause,
// where, octets, RTT what there is no room for. An address is never cut: where
// a pair, as of IPv6, does not fit beside its numbers, it stands above them.
func (p *printer) narrowColumns(flows []Flow) (columns []column, above [][]string) {
	const fewest = 4
	pairs := make1("originator > responder", false, flows, func(f *Flow) cell { return cell{f.Originator + " > " + f.Responder, plain} })
	columns = []column{
		pairs, packetsColumn(flows), lostColumn(flows), rateColumn(flows), causeColumn(flows), whereColumn(flows),
		octetsColumn(flows), rttColumn(flows),
	}
	if anyStalled(flows) {
		columns = append(columns, stalledColumn(flows))
	}
	if p.columnsWidth(columns[:fewest]) > p.Width {
		room := p.Width - p.columnsWidth(columns[1:fewest]) - columnGap
		above = make([][]string, len(flows))
		for i := range flows {
			if p.width(pairs.cells[i].text) > room {
				above[i] = p.pairLines(&flows[i])
				pairs.cells[i].text = ""
			}
		}
	}
	for len(columns) > fewest && p.columnsWidth(columns) > p.Width {
		columns = columns[:len(columns)-1]
	}
	return columns, above
}

// pairLines are the two ends of f on one line, or on two.
func (p *printer) pairLines(f *Flow) []string {
	if pair := f.Originator + " > " + f.Responder; p.width(pair) <= p.Width {
		return []string{pair}
	}
	return []string{f.Originator, "  > " + f.Responder}
}

func packetsColumn(flows []Flow) column {
	return make1("packets", true, flows, func(f *Flow) cell { return cell{count(f.Packets), plain} })
}

func octetsColumn(flows []Flow) column {
	return make1("octets", true, flows, func(f *Flow) cell { return cell{octets(f.Octets), plain} })
}

func lostColumn(flows []Flow) column {
	return make1("lost", true, flows, func(f *Flow) cell {
		switch {
		case f.CannotTell:
			return cell{"?", unsureMore}
		case f.Lost == 0:
			return cell{"0", skip}
		}
		return cell{count(f.Lost), lostCount}
	})
}

func rateColumn(flows []Flow) column {
	return make1("rate", true, flows, func(f *Flow) cell {
		if f.CannotTell {
			return cell{"?", plain}
		}
		return cell{percent(f.Lost, f.Packets), plain}
	})
}

// causeColumn names the cause that explains most; that there are others, too.
func causeColumn(flows []Flow) column {
	return make1("cause", false, flows, func(f *Flow) cell {
		switch len(f.Causes) {
		case 0:
			return cell{}
		case 1:
			return cell{f.Causes[0], typed}
		}
		return cell{f.Causes[0] + " +" + count(uint64(len(f.Causes)-1)), typed}
	})
}

// whereColumn is the places of both directions together.
func whereColumn(flows []Flow) column {
	return make1("where", false, flows, func(f *Flow) cell {
		var parts []string
		for l := range cause.NumLoci {
			if n := f.Directions[0].Missing[l.String()] + f.Directions[1].Missing[l.String()]; n > 0 {
				parts = append(parts, count(n)+" "+shortWhere[l])
			}
		}
		return cell{strings.Join(parts, " "), plain}
	})
}

// rttColumn is the median of the direction that knows one.
func rttColumn(flows []Flow) column {
	return make1("RTT", true, flows, func(f *Flow) cell {
		for d := range f.Directions {
			if known := f.Directions[d].RTT; known != nil {
				return cell{rtt(known.Median), plain}
			}
		}
		return cell{"–", plain}
	})
}

// stalledColumn is for how long a flow could not move.
func stalledColumn(flows []Flow) column {
	return make1("stalled", true, flows, func(f *Flow) cell {
		if f.StallMS == 0 {
			return cell{}
		}
		return cell{milli(f.StallMS), plain}
	})
}

func anyStalled(flows []Flow) bool {
	return slices.ContainsFunc(flows, func(f Flow) bool { return f.StallMS > 0 })
}

// barWidth is the length of the longest bar.
const barWidth = 6

// bar draws losses on one scale for the whole column; one loss is seen.
func (p *printer) bar(flows []Flow) func(*Flow) cell {
	var most uint64
	for i := range flows {
		most = max(most, flows[i].Lost)
	}
	full := "█"
	if p.ASCII {
		full = "#"
	}
	return func(f *Flow) cell {
		if f.Lost == 0 || most == 0 {
			return cell{}
		}
		n := int(math.Ceil(barWidth * float64(f.Lost) / float64(most)))
		return cell{strings.Repeat(full, n), lost}
	}
}
