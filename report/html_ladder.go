package report

import "strconv"

// A pageLadder is an explanation as the page draws it.
type pageLadder struct {
	Sentence            string
	Left, Middle, Right string
	Tap                 string
	Legend              string
	Rungs               []pageRung
	Rule, Sure          string
	Not, Unseen, Story  []string
	Do                  []pageStep
}

// A pageRung is a packet between the two hosts.
type pageRung struct {
	Frame, Time string
	What, Says  string
	Tap         string
	Hit         bool
	Lines       []pageLine
}

// A pageLine is a part of its picture.
type pageLine struct{ Class, D string }

func newPageLadder(e *Explanation, fam string, start int64) *pageLadder {
	l := &e.Ladder
	out := &pageLadder{
		Sentence: e.Sentence, Left: l.heads[0], Middle: "tap", Right: l.heads[1], Tap: l.Tap,
		Legend: "A dot is what the tap saw. The lines beside it are inferred.",
		Rule:   e.Rule, Sure: e.Sure, Not: e.Not, Unseen: e.Unseen, Story: e.Story, Do: pageSteps(e.Do),
	}
	switch l.Tap {
	case tapLeft:
		out.Left, out.Middle = "tap, "+l.heads[0], ""
	case tapRight:
		out.Right, out.Middle = "tap, "+l.heads[1], ""
	}
	names, legend := rungNames(l)
	for _, s := range legend {
		out.Legend += " " + s + "."
	}
	for i := range l.Rungs {
		r := &l.Rungs[i]
		row := pageRung{Frame: names[i], What: r.What + ".", Says: capital(r.Says) + ".", Tap: l.Tap, Hit: r.Fate != fatePasses}
		if r.Says == "" {
			row.Says = ""
		}
		if r.Frame > 0 {
			row.Time = seconds(start, r.at)
		}
		row.Lines = laneLines(l.Tap, r, fam)
		out.Rungs = append(out.Rungs, row)
	}
	return out
}

// A lane is 300 wide; hosts stand at its ends.
const (
	laneEnd  = 300
	laneHost = 6
	laneDash = 66
)

// laneLines draws a packet: solid where it is known to have been, dashed where it is
// inferred, with a cross where it was lost.
func laneLines(tap string, r *Rung, fam string) []pageLine {
	stroke, fill := "g", "gf"
	if r.To == tapLeft {
		stroke, fill = "k", "kf"
	}
	at := map[string]int{tapLeft: laneHost, tapBetween: laneEnd / 2, tapRight: laneEnd - laneHost}[tap]
	if r.To == tapLeft { // drawn to the right, and turned round
		at = laneEnd - at
	}
	x := func(n int) string {
		if r.To == tapLeft {
			n = laneEnd - n
		}
		return strconv.Itoa(n)
	}
	line := func(class string, from, to int) pageLine { return pageLine{class, "M" + x(from) + " 15H" + x(to)} }
	dot := pageLine{fill, "M" + x(at) + " 11a4 4 0 1 0 .01 0z"}
	arrow := pageLine{fill, "M" + x(laneEnd-laneHost) + " 15L" + x(laneEnd-laneHost-12) + " 9.5V20.5z"}
	cross := func(n int) pageLine {
		return pageLine{"s-" + fam + " cross", "M" + x(n-6) + " 9L" + x(n+6) + " 21M" + x(n+6) + " 9L" + x(n-6) + " 21"}
	}
	from := laneHost
	if r.half {
		from = max(at-laneDash/2, laneHost)
	}
	const tip = laneEnd - laneHost - 10
	switch r.Fate {
	case fateBehind:
		to := min(at+laneDash, laneEnd-laneHost)
		return []pageLine{line(stroke, from, at), line("dash s-"+fam, at, to), dot, cross(to)}
	case fateHost:
		return []pageLine{line(stroke, from, tip), dot, cross(laneEnd - laneHost)}
	case fateBefore:
		to := from + laneDash
		return []pageLine{line("dash s-"+fam, from, to), cross(to)}
	case fateUnseen:
		return []pageLine{line("dash s-capture", from, tip), arrow, {"s-capture ring", "M" + x(at) + " 10a5 5 0 1 0 .01 0z"}}
	}
	return []pageLine{line(stroke, from, tip), arrow, dot}
}
