package analyze

import (
	"whydrop/analyze/flow"
	"whydrop/capture"
)

// ownDrops gives numbers that are missing here, and of which nothing else is known,
// to the drops that the capture itself counted in the same stretch of time, as far
// as those go. Else one packet would be charged twice, to the network and to the
// capture.
func ownDrops(res *Result) {
	var spans []capture.DropSpan
	for i := range res.Inputs {
		spans = append(spans, res.Inputs[i].Stats.Spans...)
	}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if l.Place != flow.BeforeTap || !byNumber(l.Rule) {
			continue
		}
		for k := range spans {
			s := &spans[k]
			if s.From != 0 && l.First <= s.To && l.Last >= s.From && s.Packets >= uint64(l.Packets) {
				s.Packets -= uint64(l.Packets)
				res.move(l, flow.OnlyCapture)
				l.Reason, l.Proof = flow.ReasonCaptureDrop, flow.Single
				break
			}
		}
	}
}

// byNumber reports whether a rule concludes from nothing but numbers that no packet had.
func byNumber(r flow.Rule) bool {
	switch r {
	case flow.RuleIDGap, flow.RuleDatagramID, flow.RuleRTP:
		return true
	}
	return false
}
