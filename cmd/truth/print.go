package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"whydrop/cmd/lab/score"
)

// A measure is a line of the table, and what it should reach.
type measure struct {
	name string
	aim  float64
	of   func(c *score.Card) [3]score.F1
}

var measures = []measure{
	{"retransmissions", 0.99, func(c *score.Card) [3]score.F1 { return c.Retx }},
	{"not needed", 0.97, func(c *score.Card) [3]score.F1 { return c.Unneeded }},
	{"kinds right", 0.98, func(c *score.Card) [3]score.F1 { return c.Kinds }},
	{"reordered", 0.98, func(c *score.Card) [3]score.F1 { return c.Late }},
	{"duplicates", 0.99, func(c *score.Card) [3]score.F1 { return c.Copies }},
	{"lost data frames", 0.98, func(c *score.Card) [3]score.F1 { return c.Named }},
}

// share is right of all, for kinds; F1 for sets.
func share(m measure, f score.F1) float64 {
	if m.name == "kinds right" && f.Right+f.Wrong > 0 {
		return float64(f.Right) / float64(f.Right+f.Wrong)
	}
	return f.Value()
}

// print writes the tables.
func (t *tally) print(w io.Writer, verbose bool) {
	fmt.Fprintf(w, "%d runs of real kernels, %d captures, %d frames\n", t.runs, t.captures, t.frames)
	if t.untraced > 0 {
		fmt.Fprintf(w, "%d runs without the kernel's tracepoints: their kinds are not scored\n", t.untraced)
	}
	fmt.Fprintf(w, "\n%-18s %6s %6s %8s %8s %8s   %s\n", "", "aim", "all", "sender", "middle", "receiver", "right / wrong / missed")
	for _, m := range measures {
		scores := m.of(&t.total)
		var all score.F1
		for _, s := range scores {
			all.Right, all.Wrong, all.Missed = all.Right+s.Right, all.Wrong+s.Wrong, all.Missed+s.Missed
		}
		fmt.Fprintf(w, "%-18s %6.2f %6s %8s %8s %8s   %d / %d / %d\n", m.name, m.aim, figure(share(m, all)),
			figure(share(m, scores[0])), figure(share(m, scores[1])), figure(share(m, scores[2])), all.Right, all.Wrong, all.Missed)
	}
	h := t.total.HiddenRetx
	fmt.Fprintf(w, "not counted: %d retransmissions that one capture cannot show (tcp-rules §5): %d at the sender, %d in the middle, %d at the receiver\n", h[0]+h[1]+h[2], h[0], h[1], h[2])
	t.printCounts(w)
	t.printCauses(w)
	t.printVerdicts(w)
	t.printShown(w)
	t.printFamilies(w)
	if t.peers != nil {
		t.peers.print(w, &t.total)
	}
	fmt.Fprintf(w, "\nmust never be: %d (of %d packets charged with certainty)\n", len(t.total.Mistakes), t.total.Certain)
	for _, m := range t.total.Mistakes {
		fmt.Fprintf(w, "  %s\n", m.Text)
	}
	if verbose {
		fmt.Fprintln(w, "\nall disagreements")
		for _, n := range t.total.Notes {
			fmt.Fprintf(w, "  %s\n", n)
		}
	}
}

// figure writes a share without rounding up to 1.
func figure(f float64) string {
	text := fmt.Sprintf("%.3f", f)
	if text == "1.000" && f < 1 {
		return "0.999"
	}
	return text
}

func (t *tally) printCounts(w io.Writer) {
	fmt.Fprintf(w, "\nlost TCP data packets by place\n%-26s %6s %6s %6s %6s %7s\n", "", "were", "hidden", "said", "off", "share")
	var all score.Count
	for stage, name := range score.Stages {
		for _, side := range []struct {
			name  string
			count score.Count
		}{{"upstream", t.total.Up[stage]}, {"downstream", t.total.Down[stage]}} {
			c := side.count
			if c.Truth+c.Said == 0 {
				continue
			}
			all.Truth, all.Hidden, all.Said, all.Off = all.Truth+c.Truth, all.Hidden+c.Hidden, all.Said+c.Said, all.Off+c.Off
			printCount(w, "capture at the "+name+", "+side.name, c)
		}
	}
	printCount(w, "pooled (aim: 4 %)", all)
	fmt.Fprintf(w, "captures off by more than 2 packets and 2 %%: %d of %d\n", len(t.cases), t.captures)
	for _, c := range t.cases {
		fmt.Fprintf(w, "  %-34s at the %s, %sstream: were %d (%d hidden), said %d\n", c.file, c.stage, c.where, c.count.Truth, c.count.Hidden, c.count.Said)
	}
}

func printCount(w io.Writer, name string, c score.Count) {
	off := 0.0
	if c.Truth > 0 {
		off = 100 * float64(c.Off) / float64(c.Truth)
	}
	fmt.Fprintf(w, "%-40s %6d %6d %6d %6d %6.1f %%\n", name, c.Truth, c.Hidden, c.Said, c.Off, off)
}

// printCauses writes, by place of the capture, what was said of the packets by
// what had become of them.
func (t *tally) printCauses(w io.Writer) {
	type cell struct{ right, perhaps, wrong, wrongPerhaps, unknown int }
	named, right := 0, 0
	for stage, name := range score.Stages {
		rows := map[string]*cell{}
		for c, n := range t.total.Causes {
			if c.Stage != stage {
				continue
			}
			if rows[c.Why] == nil {
				rows[c.Why] = &cell{}
			}
			row := rows[c.Why]
			if c.Named() {
				named += n
				if c.Right() {
					right += n
				}
			}
			switch {
			case !c.Named():
				row.unknown += n
			case c.Right() && c.Level != "possible":
				row.right += n
			case c.Right():
				row.perhaps += n
			case c.Level != "possible":
				row.wrong += n
			default:
				row.wrongPerhaps += n
			}
		}
		fmt.Fprintf(w, "\ncauses of lost data, capture at the %s: packets\n%-16s %8s %10s %8s %10s %10s\n", name, "it was", "right", "(possible)", "wrong", "(possible)", "not told")
		for _, why := range slices.Sorted(maps.Keys(rows)) {
			r := rows[why]
			fmt.Fprintf(w, "%-16s %8d %10d %8d %10d %10d\n", why, r.right, r.perhaps, r.wrong, r.wrongPerhaps, r.unknown)
		}
	}
	if named > 0 {
		fmt.Fprintf(w, "right of the packets for which a cause is named: %.1f %% (%d of %d; aim: 95 %%)\n", 100*float64(right)/float64(named), right, named)
	}
	var wrong []string
	for c, n := range t.total.Causes {
		if c.Named() && !c.Right() {
			wrong = append(wrong, fmt.Sprintf("  at the %s: %s, said %s (%s): %d packets", score.Stages[c.Stage], c.Why, c.Said, c.Level, n))
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		fmt.Fprintln(w, strings.Join(wrong, "\n"))
	}
}

func (t *tally) printFamilies(w io.Writer) {
	fmt.Fprintf(w, "\n%-18s", "by family")
	for _, m := range measures {
		fmt.Fprintf(w, " %17s", m.name)
	}
	fmt.Fprintf(w, " %14s\n", "lost: off/were")
	for _, name := range t.families {
		c := t.byFamily[name]
		fmt.Fprintf(w, "%-18s", name)
		for _, m := range measures {
			var all score.F1
			for _, s := range m.of(c) {
				all.Right, all.Wrong, all.Missed = all.Right+s.Right, all.Wrong+s.Wrong, all.Missed+s.Missed
			}
			fmt.Fprintf(w, " %17s", figure(share(m, all)))
		}
		off, were := 0, 0
		for s := range score.Stages {
			off, were = off+c.Up[s].Off+c.Down[s].Off, were+c.Up[s].Truth+c.Down[s].Truth
		}
		fmt.Fprintf(w, " %14s\n", fmt.Sprintf("%d/%d", off, were))
	}
}
