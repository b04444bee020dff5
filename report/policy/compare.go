package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// A change is one difference from the baseline.
type change struct {
	finding Finding
	rank    int    // what comes first
	packets uint64 // and within that
}

// Ranks of changes: new causes and flows that lost more come first.
const (
	rankNewCause = iota
	rankCause
	rankFlow
	rankOther
	rankGone
)

// Compare holds a capture against what it was. The first findings matter most; if nothing is
// worse, one finding says so.
func Compare(was, now *State, fit string, why string, tol Tolerance) []Finding {
	if fit != Holds {
		return []Finding{{Rule: "not worse than the baseline", Kind: "baseline", Outcome: fit, Actual: []Actual{}, Why: why}}
	}
	var changes []change
	better := compareCauses(was, now, tol, &changes)
	better += compareLost(was, now, tol, &changes)
	better += compareFlows(was, now, tol, &changes)
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.packets, a.packets))
	})
	findings := make([]Finding, 0, len(changes)+1)
	for i := range changes {
		findings = append(findings, changes[i].finding)
	}
	if len(findings) == 0 {
		f := finding("not worse than the baseline", Holds, "lost", was.Lost, now.Lost)
		if better > 0 {
			f.Why = "it has become better: --update-baseline keeps that"
		}
		findings = append(findings, f)
	}
	return findings
}

func finding(rule, outcome, figure string, was, now uint64) Finding {
	n := float64(now)
	value := grouped(n)
	if was != now {
		value += ", was " + grouped(float64(was))
	}
	return Finding{Rule: rule, Kind: "baseline", Outcome: outcome, Actual: []Actual{{Figure: figure, Value: value, Low: &n, High: &n}}}
}

// compareCauses looks for causes that are new, or took more. It counts what took less.
func compareCauses(was, now *State, tol Tolerance, changes *[]change) (better int) {
	for _, c := range now.Causes {
		before, known := uint64(0), false
		for _, old := range was.Causes {
			if old.Cause == c.Cause && old.Locus == c.Locus {
				before, known = old.Packets, true
			}
		}
		where := c.Cause + " @ " + c.Locus
		switch {
		case !known && float64(c.Packets) > tol.most(ofNewCauses, 0):
			f := finding("no new cause: "+where, Violated, "packets", 0, c.Packets)
			*changes = append(*changes, change{f, rankNewCause, c.Packets})
		case known && float64(c.Packets) > tol.most(ofCauses, before):
			f := finding("not more lost: "+where, Violated, "packets", before, c.Packets)
			*changes = append(*changes, change{f, rankCause, c.Packets - before})
		case known && float64(c.Packets) < tol.least(ofCauses, before):
			better++
		}
	}
	return better
}

// compareLost looks at the whole capture: what is lost, and what may be.
func compareLost(was, now *State, tol Tolerance, changes *[]change) (better int) {
	if most := tol.most(ofLost, was.Lost); float64(now.Lost) > most {
		*changes = append(*changes, change{finding("not more lost", Violated, "lost", was.Lost, now.Lost), rankOther, now.Lost - was.Lost})
	} else if open := float64(now.Lost + now.Unexplained); open > max(most, tol.most(ofLost, was.Lost+was.Unexplained)) {
		f := finding("not more lost", Undecided, "unexplained", was.Unexplained, now.Unexplained)
		f.Why = "the evidence of these fits two stories: lost, or not"
		*changes = append(*changes, change{f, rankOther, now.Unexplained})
	}
	if float64(now.Lost) < tol.least(ofLost, was.Lost) {
		better++
	}
	return better
}

// compareFlows looks for conversations that got worse, that are not there any more, or of
// which nothing can be told any more.
func compareFlows(was, now *State, tol Tolerance, changes *[]change) (better int) {
	here := map[string]bool{}
	for i := range now.Flows {
		here[now.Flows[i].Key] = true
	}
	before := map[string]*Conversation{}
	for i := range was.Flows {
		old := &was.Flows[i]
		before[old.Key] = old
		if !here[old.Key] {
			f := finding("there as before: "+old.Key, Undecided, "packets", old.Packets, 0)
			f.Why = "the baseline has this flow, the capture has not"
			*changes = append(*changes, change{f, rankGone, old.Packets})
		}
	}
	for i := range now.Flows {
		c := &now.Flows[i]
		old := before[c.Key]
		if old == nil {
			old = &Conversation{Key: c.Key, CannotTell: c.CannotTell}
		}
		better += compareFlow(old, c, tol, changes)
	}
	return better
}

func compareFlow(old, c *Conversation, tol Tolerance, changes *[]change) (better int) {
	for _, x := range []struct {
		tolerance, figure string
		was, now          uint64
		rank              int
	}{
		{ofLost, "lost", old.Lost, c.Lost, rankFlow},
		{ofRetransmissions, "retransmissions", old.Retransmissions, c.Retransmissions, rankOther},
		{ofChecksums, "bad checksums", old.ChecksumBad, c.ChecksumBad, rankOther},
		{ofStalls, "ms of standing still", old.StallMS, c.StallMS, rankOther},
	} {
		switch {
		case float64(x.now) > tol.most(x.tolerance, x.was):
			f := finding("not worse: "+c.Key, Violated, x.figure, x.was, x.now)
			if x.rank == rankFlow && c.worst != nil && c.Flows > 1 {
				f.Why = fmt.Sprintf("flow %d lost most of it: %d", c.worst.id, c.worst.lost)
			}
			*changes = append(*changes, change{f, x.rank, x.now - x.was})
		case float64(x.now) < tol.least(x.tolerance, x.was):
			better++
		}
	}
	if c.CannotTell > old.CannotTell && old.CannotTell == 0 {
		f := finding("told as before: "+c.Key, Undecided, "flows that cannot be told", old.CannotTell, c.CannotTell)
		f.Why = "what these lost the capture does not tell, as it did for the baseline"
		*changes = append(*changes, change{f, rankGone, c.CannotTell})
	}
	return better
}
