package report

import (
	"slices"

	"whydrop/analyze/flow"
)

// also are the conclusions about all charges of the same cause, of which this one
// is: those that name one of its frames, or the only one there is.
func (x *chargeExplainer) also() []string {
	var of, named []string
	for i := range x.b.res.Conclusions {
		c := &x.b.res.Conclusions[i]
		if c.Cause != x.c.Cause || c.Say == "" {
			continue
		}
		of = append(of, c.Say)
		if slices.ContainsFunc(c.Evidence, func(w flow.Witness) bool { return w.Says != flow.SaysNothing && x.names(w) }) {
			named = append(named, c.Say)
		}
	}
	if len(named) == 0 && len(of) == 1 && summedUp(x.c.Rule) {
		named = of
	}
	return append([]string{}, named...)
}

// names reports whether w is a frame of the charge's own evidence.
func (x *chargeExplainer) names(w flow.Witness) bool { return x.named[w.Frame] }

// summedUp reports whether one conclusion speaks of all losses that r decided.
func summedUp(r flow.Rule) bool {
	return r == flow.RuleBadChecksum || r == flow.RuleFragments || r == flow.RuleLaterFragments
}
