package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"whydrop/cmd/lab/score"
)

// A row counts the verdicts on what was lost by one cause, as loss-causes.md
// §7.3 does: flows, and packets.
type row struct {
	right, perhaps, wrong, wrongPerhaps, silent int
	packets                                     [3]int // right, wrong, no cause told
}

func (r *row) flows() int { return r.right + r.perhaps + r.wrong + r.wrongPerhaps + r.silent }

func (r *row) add(o *row) {
	r.right, r.perhaps, r.wrong = r.right+o.right, r.perhaps+o.perhaps, r.wrong+o.wrong
	r.wrongPerhaps, r.silent = r.wrongPerhaps+o.wrongPerhaps, r.silent+o.silent
	for i := range r.packets {
		r.packets[i] += o.packets[i]
	}
}

// rows are those of one place of the capture.
func rows(c *score.Card, stage int) map[string]*row {
	all := map[string]*row{}
	at := func(why string) *row {
		if all[why] == nil {
			all[why] = &row{}
		}
		return all[why]
	}
	for v, n := range c.Verdicts {
		if v.Stage != stage {
			continue
		}
		r := at(v.Why)
		switch {
		case !v.Told():
			r.silent += n
		case v.Right() && v.Level != "possible":
			r.right += n
		case v.Right():
			r.perhaps += n
		case v.Level != "possible":
			r.wrong += n
		default:
			r.wrongPerhaps += n
		}
	}
	for k, n := range c.Causes {
		switch {
		case k.Stage != stage:
		case !k.Named():
			at(k.Why).packets[2] += n
		case k.Right():
			at(k.Why).packets[0] += n
		default:
			at(k.Why).packets[1] += n
		}
	}
	return all
}

// printVerdicts writes what was said of each direction of a flow that lost two
// packets or more on one side of the capture.
func (t *tally) printVerdicts(w io.Writer) {
	var all row
	for stage, name := range score.Stages {
		table := rows(&t.total, stage)
		fmt.Fprintf(w, "\ncauses, flow by flow, capture at the %s\n%-16s %6s %14s %14s %14s %14s %6s   %s\n", name,
			"it was", "flows", "right, likely", "(possible)", "wrong, likely", "(possible)", "none", "packets charged: right / wrong / no cause told")
		for _, why := range slices.Sorted(maps.Keys(table)) {
			r := table[why]
			all.add(r)
			fmt.Fprintf(w, "%-16s %6d %14d %14d %14d %14d %6d   %d / %d / %d\n", why, r.flows(), r.right, r.perhaps, r.wrong, r.wrongPerhaps, r.silent,
				r.packets[0], r.packets[1], r.packets[2])
		}
	}
	charged := all.packets[0] + all.packets[1] + all.packets[2]
	if charged == 0 {
		return
	}
	fmt.Fprintf(w, "of %d packets charged: %s the right cause, %s a wrong one, %s no cause (unknown)\n", charged,
		percent(all.packets[0], charged), percent(all.packets[1], charged), percent(all.packets[2], charged))
	if likely := all.right + all.wrong; likely > 0 {
		fmt.Fprintf(w, "likely or certain was said of %d flows, and was wrong of %d (%s)\n", likely, all.wrong, percent(all.wrong, likely))
	}
}

func percent(n, of int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of)) }

// printShown writes how the causes that hosts made were told.
func (t *tally) printShown(w io.Writer) {
	if len(t.total.Shown) == 0 {
		return
	}
	levels := []string{"certain", "likely", "possible", "missed"}
	table := map[string]map[string]int{}
	for s, n := range t.total.Shown {
		if table[s.Want] == nil {
			table[s.Want] = map[string]int{}
		}
		table[s.Want][s.Told] += n
	}
	fmt.Fprintf(w, "\n%-40s %8s %8s %8s %8s\n", "causes that a host made: captures", levels[0], levels[1], levels[2], levels[3])
	for _, want := range slices.Sorted(maps.Keys(table)) {
		fmt.Fprintf(w, "%-40s", want)
		for _, l := range levels {
			fmt.Fprintf(w, " %8d", table[want][l])
		}
		fmt.Fprintln(w)
	}
}
