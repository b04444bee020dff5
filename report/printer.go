package report

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A role says what a piece of text is for; colour is only how a role looks.
// The terminal's own 16 colours, never a background: look.md §1.
type role uint8

const (
	plain      role = iota
	answer          // the verdict's sentence
	lost            // lost packets
	lostCount       // their number
	unsure          // cannot tell, missing only here, audit findings
	unsureMore      // its number or sentence
	good            // a rule that holds
	goodMore        // "Nothing was lost."
	typed           // what the reader may type
	skip            // labels and asides: nothing that must be read
)

var sgr = [...]string{
	plain: "", answer: "1", lost: "31", lostCount: "1;31", unsure: "33", unsureMore: "1;33",
	good: "32", goodMore: "1;32", typed: "36", skip: "2",
}

// A printer lays text out in columns. It keeps its first error to itself and
// everything from outside harmless: all text passes through put.
type printer struct {
	TextOptions
	b   strings.Builder
	col int   // columns of the current line so far
	err error // the first table that could not be laid out
}

// Terminal widths: narrower is not laid out for, wider only wraps later.
const (
	minWidth     = 60
	defaultWidth = 80
	maxWidth     = 120
	labelWidth   = 9 // "  trust  "
)

func newPrinter(o TextOptions) *printer {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	o.Width = min(max(o.Width, minWidth), maxWidth)
	return &printer{TextOptions: o}
}

func (p *printer) flush(w io.Writer) error {
	if p.err != nil {
		return p.err
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// text is s as it will be printed, without colour.
func (p *printer) text(s string) string {
	s = clean(s)
	if p.ASCII {
		s = asciiOnly(s)
	}
	return s
}

func (p *printer) width(s string) int { return utf8.RuneCountInString(p.text(s)) }

func (p *printer) put(r role, s string) {
	s = p.text(s)
	if s == "" {
		return
	}
	p.col += utf8.RuneCountInString(s)
	if p.Color && r != plain {
		s = "\x1b[" + sgr[r] + "m" + s + reset
	}
	p.b.WriteString(s)
}

// to fills with spaces up to column col.
func (p *printer) to(col int) {
	if n := col - p.col; n > 0 {
		p.b.WriteString(strings.Repeat(" ", n))
		p.col = col
	}
}

// number puts n right-aligned so that it ends before column end.
func (p *printer) number(r role, n string, end int) {
	p.to(end - p.width(n))
	p.put(r, n)
}

func (p *printer) nl() {
	p.b.WriteByte('\n')
	p.col = 0
}

// label starts a line of the first screen.
func (p *printer) label(name string) {
	p.to(2)
	p.put(skip, name)
	p.to(labelWidth)
}

// A word is what is never broken.
type word struct {
	text  string
	role  role
	glued bool // to the word before it: no space, no break
}

// words splits s where a line may be broken: at spaces, but not within a
// number like 26 656. What stands between back quotes is to be typed, and is
// not broken either if a line of room columns can hold it. A path without
// spaces that none can hold is cut into pieces.
func (p *printer) words(s string, r role, room int) []word {
	var out []word
	parts := strings.Split(s, "`")
	for i, part := range parts {
		role := r
		glued := i > 0 && touches(parts[i-1], part, i%2 == 1)
		if i%2 == 1 {
			role = typed
			if part = strings.TrimSpace(part); part != "" && p.width(part) <= room {
				out = append(out, word{part, role, glued})
				continue
			}
		}
		for _, w := range strings.Fields(part) {
			w = p.text(w)
			last := len(out) - 1
			if last >= 0 && endsInDigit(out[last].text) && isGroup(w) && p.width(out[last].text+" "+w) <= room {
				out[last].text += " " + w
				continue
			}
			for piece := range slices.Chunk([]rune(w), max(room, 1)) {
				out = append(out, word{string(piece), role, glued})
				glued = false
			}
		}
	}
	return out
}

// touches reports whether there is no space where a back quote stands: before
// what is to be typed, as in "(`x`", or behind it, as in "`x`,".
func touches(before, after string, typed bool) bool {
	if typed {
		return before != "" && !strings.HasSuffix(before, " ") && !strings.HasSuffix(before, "\n")
	}
	return after != "" && after[0] != ' ' && after[0] != '\n'
}

func endsInDigit(s string) bool {
	return s != "" && '0' <= s[len(s)-1] && s[len(s)-1] <= '9'
}

// isGroup reports whether w begins with exactly three digits.
func isGroup(w string) bool {
	const group = 3
	n := 0
	for n < len(w) && '0' <= w[n] && w[n] <= '9' {
		n++
	}
	return n == group
}

// wrap puts s at the current column and, on further lines, at indent. At most
// lines lines; what does not fit ends in an ellipsis.
func (p *printer) wrap(s string, r role, indent, lines int) {
	p.wrapTo(s, r, indent, lines, p.Width)
}

func (p *printer) wrapTo(s string, r role, indent, lines, width int) {
	dots := p.width("…")
	var run []string // words of one role on one line, put together
	var runRole role
	col := p.col
	put := func() {
		p.put(runRole, strings.Join(run, " "))
		run = run[:0]
	}
	all := p.words(s, r, width-indent-1-p.width("…"))
	for i, w := range all {
		n := p.width(w.text)
		whole := n // with what is glued to it; only a chain longer than a line is broken
		for next := i + 1; !w.glued && next < len(all) && all[next].glued; next++ {
			whole += p.width(all[next].text)
		}
		space := 0
		if i > 0 && col > indent && !w.glued {
			space = 1
		}
		limit := width
		if lines == 1 {
			limit -= 1 + dots // room to say that something is left out
		}
		switch {
		case col+space+n > limit && lines == 1:
			run = append(run, "…")
			put()
			return
		case lines > 1 && col+space+whole > limit && col > indent:
			put()
			p.nl()
			p.to(indent)
			col, space = indent, 0
			lines--
		case w.role != runRole:
			put()
			if space > 0 {
				p.put(plain, " ")
			}
		}
		runRole = w.role
		if last := len(run) - 1; w.glued && last >= 0 { // to one of its own role: nothing is between two back quotes
			run[last] += w.text
		} else {
			run = append(run, w.text)
		}
		col += space + n
	}
	put()
}

// command puts a command to be typed. It is broken only as a shell allows it.
func (p *printer) command(s string, indent int) {
	p.to(indent)
	for i, w := range strings.Fields(strings.Trim(s, "`")) {
		const continued = len(" \\")
		if i > 0 && p.col+1+p.width(w)+continued > p.Width {
			p.put(typed, " \\")
			p.nl()
			p.to(indent + continued)
		} else if i > 0 {
			p.put(typed, " ")
		}
		p.put(typed, w)
	}
}
