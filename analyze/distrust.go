package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A capture is in no order of time when sorting within a window leaves more than
// setbacks steps back in it, and more than one in setbackEvery frames. One that
// is written backwards has at least one in a window of frames, one of several
// queues has none, and a clock is seldom set back.
const (
	setbacks     = 3
	setbackEvery = 2 * window
)

// coincidence is how many packets, on average, may have been both lost behind
// this capture and missed by it: such a one looks lost before it, and only the
// repair was seen (tcp-rules.md §5). From there on, nothing lost before it is
// more than possible.
const coincidence = 0.01

// distrust leaves unaccounted what only the times of frames said, in a file
// whose times are worthless, and in a flow that was known to be as late.
func distrust(res *Result) {
	disordered, untimed, late := res.disordered(), res.untimed(), res.lateAnswers()
	if untimed { // how long nothing moved, nobody knows
		res.Stalls, res.Waits = nil, nil
	}
	if !disordered && !untimed && len(late) == 0 {
		return
	}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if l.Place == flow.Unaccounted || (!disordered || !byTime(l.Rule)) && (!untimed || !byClock(l)) && !byLateness(l, late[l.Flow]) {
			continue
		}
		res.move(l, flow.Unaccounted)
		l.Reason, l.Proof = flow.ReasonAmbiguous, flow.Fits
	}
}

// byLateness reports whether l was concluded from how long a sender waited, and
// another answer of its flow, which came, was late by that much, ns.
func byLateness(l *flow.Lost, late int64) bool {
	switch {
	case late <= 0 || l.Proof == flow.Second:
		return false
	case l.Rule == flow.RuleAckLost:
		return late >= l.RepairTime-l.First
	}
	return l.Rule == flow.RuleTailRepair && l.Proof == flow.Fits
}

func (res *Result) disordered() bool {
	return res.Unsorted > setbacks && res.Unsorted*setbackEvery > res.Counts.Frames
}

// byTime reports whether a rule concludes from how long somebody was silent, or
// from who spoke first.
func byTime(r flow.Rule) bool {
	switch r {
	case flow.RuleNeverRepaired, flow.RuleAmbiguous, flow.RuleDroppedAfterTap, flow.RuleTailRepair, flow.RuleAckLost, flow.RuleEchoed,
		flow.RuleSACKAlone:
		return true
	}
	return false
}

// byOrder reports whether a rule needs to know what passed before what. Damage
// and what routers say speak for themselves.
func byOrder(r flow.Rule) bool {
	switch r {
	case flow.RuleBadChecksum, flow.RuleICMPQuote, flow.RuleFileCounter, flow.RuleAckedUnseen, flow.RuleReceiverReport:
		return false
	}
	return true
}

// weaken lowers what a charge of l claims where the capture may lack what would
// say otherwise.
func (c witnesses) weaken(ch *Charge, l *flow.Lost, f *flow.Facts) {
	switch {
	case l.Place == flow.OnlyCapture:
	case c.lossy && byAbsence(l.Rule), c.coincides && l.Place == flow.BeforeTap,
		c.lossy && l.Rule == flow.RuleTwoPoints && l.Proof != flow.Second,
		(l.Reason == flow.ReasonTail || l.Reason == flow.ReasonTailRepair) && l.Proof != flow.Second && lacksPackets(f):
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

// lateAnswers says how late, ns, an answer of a flow was at the worst, where a
// timeout did not wait for it. What is late at one time may be so at another, and
// then a repair that nobody needed is no sign that an acknowledgement was lost.
func (res *Result) lateAnswers() map[uint32]int64 {
	late := make(map[uint32]int64)
	for _, g := range res.signsOf(flow.SignSpurious) {
		late[g.Flow] = max(late[g.Flow], int64(g.M))
	}
	return late
}
