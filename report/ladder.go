package report

import (
	"io"
	"net/netip"
	"slices"
	"strings"
)

// hostOf is the address of an endpoint, as endpoint writes one without a port.
func hostOf(end string) string {
	if ap, err := netip.ParseAddrPort(end); err == nil {
		if ap.Addr().Is6() {
			return "[" + ap.Addr().String() + "]"
		}
		return ap.Addr().String()
	}
	return end
}

// ExplanationText writes e for a person at a terminal: the sentence, the
// ladder, and what follows from it.
func ExplanationText(w io.Writer, e *Explanation, o TextOptions) error {
	p := newPrinter(o)
	p.wrap(e.Sentence, answer, 0, cardLines)
	p.nl()
	p.ladder(e)
	if len(e.Story) > 0 {
		p.nl()
	}
	for _, s := range e.Story {
		p.wrap(s, plain, 0, cardLines)
		p.nl()
	}
	p.chargeRefs(e)
	p.conclusion(e)
	return p.flush(w)
}

// Columns of a ladder, from its left host on.
const (
	laneWidth = 21
	laneTap   = laneWidth / 2
	leastSays = 16 // columns for what a rung shows; with less, it goes below
)

// columns are where the parts of a rung stand.
type columns struct {
	frameEnd, timeEnd, lane, what, says int
}

func (p *printer) ladderColumns(e *Explanation, names []string) columns {
	var frames, when, what int
	frames = len("frame")
	when = len("time, s")
	for i := range e.Ladder.Rungs {
		r := &e.Ladder.Rungs[i]
		frames = max(frames, p.width(names[i]))
		if r.Frame > 0 {
			when = max(when, p.width(seconds(e.start, r.at)))
		}
		what = max(what, p.width(r.What))
	}
	c := columns{frameEnd: frames}
	c.timeEnd = c.frameEnd + columnGap + when
	c.lane = c.timeEnd + columnGap
	c.what = c.lane + laneWidth + 1
	c.says = c.what + what + columnGap
	return c
}

// ladder draws the frames between the two hosts.
func (p *printer) ladder(e *Explanation) {
	l := &e.Ladder
	if len(l.Rungs) == 0 {
		return
	}
	names, legend := rungNames(l)
	c := p.ladderColumns(e, names)
	p.nl()
	p.number(skip, "frame", c.frameEnd)
	p.to(c.frameEnd + columnGap)
	p.put(skip, "time, s")
	p.to(c.lane)
	p.put(skip, l.head())
	p.nl()
	for i := range l.Rungs {
		p.rung(e, &l.Rungs[i], names[i], c)
	}
	p.nl()
	for _, s := range legend {
		p.wrap(s, skip, 0, cardLines)
		p.nl()
	}
	if l.Tap == tapBetween {
		p.wrap("● is what the tap saw. The lines beside it are inferred.", skip, 0, 2)
	} else {
		p.wrap("● is the tap, on the "+map[string]string{tapLeft: l.heads[0], tapRight: l.heads[1]}[l.Tap]+" host. The lines beside it are inferred.", skip, 0, 2)
	}
	p.nl()
}

// head is the line above the hosts: each at its end, the tap at its place.
func (l *Ladder) head() string {
	left, right := l.heads[0], l.heads[1]
	middle := "tap"
	switch l.Tap {
	case tapLeft:
		left, middle = "tap, "+left, ""
	case tapRight:
		right, middle = "tap, "+right, ""
	}
	line := left
	if middle != "" {
		line += strings.Repeat(" ", max(laneTap-1-len(line), 1)) + middle
	}
	return line + strings.Repeat(" ", max(laneWidth-len("host")-1-len(line), 2)) + right
}

// rungNames are frame numbers; where they are of several files, behind a digit
// that a legend explains.
func rungNames(l *Ladder) (names, legend []string) {
	var files []string
	index := map[string]int{}
	for i := range l.Rungs {
		if f := l.Rungs[i].File; l.Rungs[i].Frame > 0 && index[f] == 0 {
			files = append(files, f)
			index[f] = len(files)
		}
	}
	for i := range l.Rungs {
		r := &l.Rungs[i]
		name := count(r.Frame)
		switch {
		case r.Frame == 0:
			name = "none"
		case len(files) > 1:
			name = count(uint64(index[r.File])) + ":" + name
		}
		names = append(names, name)
	}
	if len(files) > 1 {
		for i, f := range files {
			legend = append(legend, count(uint64(i+1))+": is "+clean(f))
		}
	}
	return names, legend
}

func (p *printer) rung(e *Explanation, r *Rung, name string, c columns) {
	gone := r.Fate == fateBehind || r.Fate == fateBefore || r.Fate == fateHost
	role, number, what := plain, plain, plain
	switch {
	case gone:
		role, number, what = lost, answer, answer
	case r.Fate == fateUnseen:
		role, number, what = unsure, answer, answer
	}
	if r.Frame == 0 {
		number = skip
	}
	p.number(number, name, c.frameEnd)
	if r.Frame > 0 {
		p.number(skip, seconds(e.start, r.at), c.timeEnd)
	}
	p.to(c.lane)
	p.lane(e.Ladder.Tap, r, role)
	p.to(c.what)
	p.put(what, r.What)
	says := c.says
	if p.Width-says < leastSays || p.col > says {
		p.nl()
		says = c.what
		p.to(says)
	} else {
		p.to(says)
	}
	p.wrap(r.Says, role, says, 4)
	p.nl()
}

// lane draws one packet between the hosts.
func (p *printer) lane(tap string, r *Rung, role role) {
	cells := make([]rune, laneWidth)
	for i := range cells {
		cells[i] = '─'
	}
	at := map[string]int{tapLeft: 0, tapBetween: laneTap, tapRight: laneWidth - 1}[tap]
	last := laneWidth - 1
	seenAt := func(i int) int { // columns are drawn for packets to the right, and turned round
		if r.To == tapLeft {
			return last - i
		}
		return i
	}
	tapAt := seenAt(at)
	set := func(from, to int, c rune) {
		for i := from; i <= to; i++ {
			cells[i] = c
		}
	}
	bad, badTo := -1, -2 // what is not sure to have been there
	set(0, 0, '│')
	set(last, last, '│')
	set(last-1, last-1, '▶')
	set(tapAt, tapAt, '●')
	switch r.Fate {
	case fateBehind:
		bad, badTo = tapAt+1, min(tapAt+5, last)
		if tapAt == 0 {
			badTo = laneTap
		}
		set(min(badTo+1, last), last-1, ' ')
	case fateHost:
		bad, badTo = max(tapAt+1, last), last
		if tapAt < last {
			set(last-1, last-1, '▶')
		}
	case fateBefore:
		bad, badTo = 1, min(max(tapAt/2, 1), laneTap)
		set(badTo+1, last-1, ' ')
		set(tapAt, tapAt, map[bool]rune{true: '│', false: ' '}[tapAt == 0 || tapAt == last])
	case fateUnseen:
		set(1, last-2, '╌')
		set(tapAt, tapAt, '○')
	}
	if bad >= 0 && bad <= badTo {
		set(bad, badTo, '╌')
		cells[badTo] = '✗'
	}
	if r.half {
		set(1, max(tapAt-4, 0), ' ')
	}
	p.putLane(cells, r, bad, badTo, role)
}

// putLane prints cells, turned round for packets to the left, with what was
// lost in its colour.
func (p *printer) putLane(cells []rune, r *Rung, bad, badTo int, colour role) {
	if r.To == tapLeft {
		slices.Reverse(cells)
		bad, badTo = len(cells)-1-badTo, len(cells)-1-bad
	}
	line := strings.TrimRight(string(cells), " ")
	if r.To == tapLeft {
		line = strings.ReplaceAll(line, "▶", "◀")
	}
	if p.ASCII {
		line = strings.ReplaceAll(line, "○", "o") // one column wide: look.md §6 has (o) for prose
	}
	runes := []rune(line)
	if bad < 0 || badTo >= len(runes) {
		p.put(plain, line)
		return
	}
	p.put(plain, string(runes[:bad]))
	p.put(colour, string(runes[bad:badTo+1]))
	p.put(plain, string(runes[badTo+1:]))
}
