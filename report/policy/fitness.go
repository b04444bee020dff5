package policy

import (
	"math"
	"slices"
	"strings"

	"whydrop/report"
)

// Conditions of a capture under which a rule cannot be told of it. A policy may accept
// them by name: then it takes the report at its word.
const (
	CannotTell = report.StateCannotTell // the evidence does not decide what was lost
	TooLossy   = report.StateTooLossy   // the capture itself lacks too much
	Empty      = report.StateEmpty      // there is nothing to judge
	Truncated  = "truncated"            // a file ends too early, or reading was stopped
)

// Unfitness is every such condition, as it may be accepted.
var Unfitness = []string{CannotTell, TooLossy, Empty, Truncated}

// fitness is how far the figures of a capture can be believed.
type fitness struct {
	nothing     bool   // too lossy or empty: of the network nothing is known
	cut         bool   // there was more than was read
	blind       bool   // there may have been more losses
	unexplained uint64 // that may be losses, too
	packets     uint64
	why         string // for a person
	code        string // the condition, or ""
	believing   bool   // flows that cannot tell are taken to have lost nothing more
}

// fitnessOf judges the capture of r. What is accepted counts as sound.
func fitnessOf(r *report.Report, accept []string) fitness {
	f := fitness{packets: r.Verdict.Packets, unexplained: r.Verdict.Unexplained}
	is := func(code string, there bool) bool { return there && !slices.Contains(accept, code) }
	state := r.Verdict.State
	switch {
	case is(TooLossy, state == TooLossy), is(Empty, state == Empty):
		f.nothing, f.code, f.why = true, state, lowerFirst(r.Verdict.Sentence)
	case is(Truncated, truncated(r)):
		f.cut, f.code, f.why = true, Truncated, cutWhy(r)
	case is(CannotTell, state == CannotTell):
		f.blind, f.code, f.why = true, CannotTell, lowerFirst(strings.TrimPrefix(r.Verdict.Sentence, "Cannot tell how many packets were lost: "))
	case is(CannotTell, r.Verdict.State == report.StateLost && r.Verdict.Blind):
		f.blind, f.code, f.why = true, CannotTell, "of most packets nothing tells whether they arrived"
	}
	if slices.Contains(accept, CannotTell) {
		f.unexplained, f.believing = 0, true
	}
	return f
}

func truncated(r *report.Report) bool {
	return r.Verdict.Interrupted || slices.ContainsFunc(r.Inputs, func(in report.Input) bool { return in.Truncated != nil })
}

func cutWhy(r *report.Report) string {
	if r.Verdict.Interrupted {
		return "reading was stopped before the end"
	}
	return "the file ends too early"
}

// lowerFirst is a sentence as a part of another.
func lowerFirst(s string) string {
	s = strings.TrimSuffix(s, ".")
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// bound widens x to what the capture leaves possible.
func (f *fitness) bound(of *figure, x value) value {
	most := unbounded(of.dim)
	switch {
	case of.about == theCapture:
		return x
	case f.nothing:
		return value{lo: 0, hi: most}
	case f.cut && of.about == seen:
		return f.seenOfPart(of, x, most)
	case f.cut && of.dim == share:
		return value{lo: 0, hi: most}
	case (f.cut || f.blind) && of.about == losses:
		return value{lo: f.least(of, x), hi: most}
	case of.about == losses && f.unexplained > 0:
		return f.withUnexplained(of, x)
	}
	return x
}

// seenOfPart bounds what was seen in the part that was read.
func (f *fitness) seenOfPart(of *figure, x value, most float64) value {
	switch {
	case of.dim == count && of.agg != "min" && of.agg != "mean" && !percentile.MatchString(strings.TrimSuffix(of.agg, ".9")) && of.agg != "median",
		of.agg == "max":
		return value{lo: x.lo, hi: most}
	case of.agg == "min":
		return value{lo: 0, hi: x.hi}
	}
	return value{lo: 0, hi: most}
}

// least is the least that a figure of losses can be when there may be more of them.
func (f *fitness) least(of *figure, x value) float64 {
	if of.dim == elapsed || of.agg != "" && of.agg != "sum" && of.agg != "count" && of.agg != "max" {
		return 0
	}
	return x.lo
}

// withUnexplained adds what may have been lost, too.
func (f *fitness) withUnexplained(of *figure, x value) value {
	n := float64(f.unexplained)
	switch {
	case of.text == "ledger.unexplained" || of.text == "ledger.missing" || of.text == "verdict.unexplained":
	case of.dim == count && (of.agg == "" || of.agg == "sum"):
		x.hi += n
	case of.dim == share && of.agg == "" && f.packets > 0:
		x.hi = math.Min(1, x.hi+n/float64(f.packets))
	}
	return x
}
