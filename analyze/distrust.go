package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// disorderUseless is the share of frames stamped earlier than the one in front
// from which the order of the file says nothing: a capture written backwards
// has nearly all of them, one of several queues a few in a hundred.
const disorderUseless = 0.1

// distrust leaves unaccounted what only the times of frames said, in a file
// whose times are worthless.
func distrust(res *Result) {
	if !res.disordered() {
		return
	}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if !byTime(l.Rule) || l.Place == flow.Unaccounted {
			continue
		}
		m := &res.Flows[l.Flow].Dir[l.Dir&1].Missing
		m[l.Place] -= min(uint64(l.Packets), m[l.Place])
		m[flow.Unaccounted] += uint64(l.Packets)
		l.Place, l.Reason, l.Proof = flow.Unaccounted, flow.ReasonAmbiguous, flow.Fits
	}
}

func (r *Result) disordered() bool {
	return float64(r.Disorder) > disorderUseless*float64(r.Counts.Frames)
}

// byTime reports whether a rule concludes from how long somebody was silent, or
// from who spoke first.
func byTime(r flow.Rule) bool {
	switch r {
	case flow.RuleNeverRepaired, flow.RuleAmbiguous, flow.RuleDroppedAfterTap, flow.RuleTailRepair, flow.RuleAckLost, flow.RuleEchoed:
		return true
	}
	return false
}

// byOrder reports whether a rule needs to know what passed before what. Damage
// and what routers say speak for themselves.
func byOrder(r flow.Rule) bool {
	switch r {
	case flow.RuleBadChecksum, flow.RuleICMPQuote, flow.RuleFileCounter, flow.RuleAckedUnseen:
		return false
	}
	return true
}

// weaken lowers what a charge of l claims where the capture may lack what would
// say otherwise.
func (c witnesses) weaken(ch *Charge, l *flow.Lost, f *flow.Facts) {
	switch {
	case c.lossy && byAbsence(l.Rule), l.Reason == flow.ReasonTail && l.Proof != flow.Second && lacksPackets(f):
		ch.Confidence = min(ch.Confidence, cause.Possible)
		ch.Rivals = append(ch.Rivals, Rival{cause.CaptureDropped, "this capture lacks packets for certain, and may lack this one"})
	case c.disordered && byOrder(l.Rule):
		ch.Confidence = min(ch.Confidence, cause.Possible)
		ch.Rivals = append(ch.Rivals, Rival{cause.Reordering, "this capture is not in the order of its times"})
	}
}

// lacksPackets reports whether packets of f are known to be missing from the
// capture alone: the answer to a tail may be one of them.
func lacksPackets(f *flow.Facts) bool {
	return f.Dir[0].Missing[flow.OnlyCapture]+f.Dir[1].Missing[flow.OnlyCapture] > 0
}
