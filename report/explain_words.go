package report

import (
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A clause of a rule is a part of its sentence that a frame proves.
type clause struct {
	words string
	says  flow.Says
}

// clauses of all rules; the first that is part of the sentence counts.
var clauses = []clause{
	{"seen here", flow.SaysPassed}, {"when it passed here", flow.SaysPassed},
	{"Seen here", flow.SaysPassed},
	{"It passed the first", flow.SaysFirstPoint},
	{"reported missing by SACK", flow.SaysSACK},
	{"sent again into the gap", flow.SaysRepair}, {"sent again", flow.SaysRepair},
	{"only its repair was acknowledged", flow.SaysAcked},
	{"no DSACK", flow.SaysAcked},
	{"acknowledged by its receiver", flow.SaysUnseenAck},
	{"IP IDs count it", flow.SaysIDAfter}, {"IP IDs of the socket count its datagrams", flow.SaysIDAfter},
	{"RTP sequence numbers are missing here", flow.SaysRTPAfter},
	{"its checksum was wrong", flow.SaysBadChecksum},
	{"An ICMP error quotes it", flow.SaysICMP}, {"An ICMP error about a datagram", flow.SaysICMP},
	{"the data had arrived", flow.SaysDSACK},
}

// ruleWith is the sentence of the rule with the frames that feed each part of it.
func (x *chargeExplainer) ruleWith(c *Charge) string {
	sentence := ruleSentence(c.Rule)
	if x.c.Cause == cause.ConnectionUnanswered {
		sentence = "Rule 10: sent, and never answered."
	}
	var told [flow.NumSays]bool
	for _, k := range clauses {
		at := strings.Index(sentence, k.words)
		if at < 0 || told[k.says] || strings.HasSuffix(sentence[:at], "never ") {
			continue
		}
		end := at + len(k.words)
		for _, w := range x.c.Evidence {
			if w.Says == k.says {
				told[k.says] = true
				sentence = sentence[:end] + " (" + x.b.shortFrame(w.Frame) + ")" + sentence[end:]
				break
			}
		}
	}
	// The label says "rule" already.
	return strings.TrimPrefix(strings.TrimPrefix(sentence, "Rules "), "Rule ")
}

// shortFrame names a frame in prose.
func (b *builder) shortFrame(f flow.FrameRef) string {
	return "frame " + count(f.Number)
}

// sure is the confidence, and what it rests on.
func (x *chargeExplainer) sure() string {
	second := x.secondWitness()
	named := x.c.Cause != cause.Unknown
	switch {
	case x.c.Confidence == cause.Certain && second != "":
		return "certain: a second witness agrees. " + second
	case x.c.Confidence == cause.Certain:
		return "certain: a second witness agrees."
	case second != "" && named: // what is not sure is why
		return x.c.Confidence.String() + ": that it was lost has a second witness, why it was lost has none. " + second
	case x.c.Confidence == cause.Likely:
		return "likely: one witness, and the rivals fell. No second witness saw it."
	}
	return "possible: it fits, and its rivals stand."
}

// secondWitness names what makes a charge certain.
func (x *chargeExplainer) secondWitness() string {
	for _, w := range x.c.Evidence {
		name := x.b.shortFrame(w.Frame)
		switch w.Says {
		case flow.SaysEcho:
			return "The answer (" + name + ") echoes the timestamp of the second copy: the first never came."
		case flow.SaysDSACK:
			return "The receiver itself reports (" + name + ") that it came twice."
		case flow.SaysICMP:
			return "Who dropped it says so (" + name + ")."
		case flow.SaysUnseenAck:
			return "Its receiver has it (" + name + ")."
		case flow.SaysBadChecksum:
			return "The frame itself (" + name + ") shows the damage."
		case flow.SaysOldTimestamp:
			return "The timestamp (" + name + ") is older than one that the receiver had seen."
		}
	}
	return ""
}

// unseen is what this capture does not show: what would decide more, and was
// looked for.
func (x *chargeExplainer) unseen() []string {
	out := []string{}
	if x.facts == nil {
		return append(out, "Which packets they were: the counter names none, and none of them is in this file.")
	}
	tcp := x.facts.Protocol == decode.ProtoTCP
	repaired := x.c.Repair.Number > 0
	end := min(x.c.Last+lookAhead, x.facts.Last)
	switch {
	case tcp && repaired && x.hi > x.lo && x.c.Locus != cause.InCapture && x.c.What == flow.DataPacket && x.dsack() == nil:
		out = append(out, "No DSACK in the "+duration(end-x.c.RepairTime)+" behind the repair: the receiver did not get it twice.")
	case tcp && !repaired && x.c.Locus != cause.InCapture && x.c.Rule != flow.RuleICMPQuote && x.c.What == flow.DataPacket:
		out = append(out, "No repair and no acknowledgement of it, up to the end of the capture "+duration(x.b.res.Last-x.c.First)+" later.")
	}
	if tcp && x.c.Confidence != cause.Certain && x.facts.Dir[x.dir].Timestamps != flow.Yes && repaired {
		out = append(out, "No timestamps in this flow: their echo could have told one copy from the other.")
	}
	switch x.c.Locus {
	case cause.Downstream:
		if x.c.Rule == flow.RuleICMPQuote || x.c.Rule == flow.RuleBadChecksum {
			break // the evidence names the place, or the packet was spoilt before
		}
		out = append(out, "Where behind this capture it was lost: this file ends here.")
	case cause.Upstream:
		out = append(out, "Where before this capture it was lost, and whether it left its host at all.")
	case cause.LocusUnknown:
		out = append(out, "On which side of this capture it was lost.")
	}
	if x.full {
		out = append(out, "Some packets around the loss: there were too many to keep.")
	}
	return out
}
