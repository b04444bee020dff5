package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/pattern"
	"whydrop/decode"
)

// conclude turns findings into conclusions. The order matters: the capture is
// judged first, then the place of the tap is decided, and only then is anything
// said about hosts and the network.
func conclude(res *Result, o Options) {
	loops(res)
	traceroutes(res)
	positions(res)
	beforeCapture(res)
	points(res)
	probing(res)
	translated(res)
	continued(res)
	labelCopies(res)
	audit(res)
	distrust(res)
	inferTap(res, o)
	ownDrops(res)
	hosts(res)
	attribute(res, res.views, o)
	correlate(res)
	res.line = timeline{} // nothing needs it any more
	innocent(res)
	res.beside()
}

// attribute charges every loss whose place is known, and leaves the rest of
// what is missing unexplained.
func attribute(res *Result, views []vantage, o Options) {
	c := witnesses{lossy: lossy(res), disordered: res.disordered(), told: tellCourse(res, o)}
	losses := res.Ledger.Losses
	var missing, only uint64
	for i := range losses {
		l := &losses[i]
		missing += uint64(l.Packets)
		if c.locus(l, views[l.Flow]) == cause.InCapture {
			only += uint64(l.Packets)
		}
	}
	// Packets that the capture says it dropped, beyond those that are known to
	// be missing only here: they passed, so they are missing only here, too.
	counted, _ := res.captureDrops()
	counted = max(counted, only) - only
	c.coincides = float64(only+counted)*float64(missing-only) >= coincidence*float64(res.Counts.Frames)
	ledger := NewLedger(missing + counted + res.strayPackets())
	ledger.Losses = losses
	silent, gone := res.silences(), res.vanished()
	for i := range losses {
		l := &losses[i]
		k := res.wordOn(i)
		if at := c.locus(l, views[l.Flow]); at != cause.LocusUnknown || l.Rule == flow.RuleSACKAlone || k != nil {
			ch := c.charge(l, res.Flows[l.Flow], at, views[l.Flow])
			if k != nil {
				k.byHost(&ch)
			} else {
				silent.explain(&ch, l)
				gone.explain(res, &ch, l)
			}
			ledger.Charge(ch)
		}
	}
	for _, k := range res.strays {
		ledger.Charge(k.stray())
	}
	if counted > 0 {
		ledger.Charge(res.countedDrops(counted))
	}
	res.Ledger = ledger
}

// countedDrops charges n packets that nothing but the capture's own counters
// speaks of. They belong to no flow that could be named.
func (res *Result) countedDrops(n uint64) Charge {
	c := Charge{
		What: flow.OtherPacket, Packets: n, Flow: flow.NoFlow, Locus: cause.InCapture, Cause: cause.CaptureDropped,
		Confidence: cause.Likely, Rule: flow.RuleFileCounter,
	}
	for i := range res.Inputs {
		for _, span := range res.Inputs[i].Stats.Spans {
			from := max(span.From, res.First)
			if c.Last == 0 {
				c.First, c.Last = from, span.To
			}
			c.First, c.Last = min(c.First, from), max(c.Last, span.To)
		}
	}
	if c.Last == 0 { // counted over the whole capture
		c.First, c.Last = res.First, res.Last
	}
	return c
}

// lossy reports whether the capture is known to lack packets.
func lossy(res *Result) bool {
	if n, known := res.captureDrops(); known && n > 0 {
		return true
	}
	for i := range res.Ledger.Losses {
		if res.Ledger.Losses[i].Place == flow.OnlyCapture {
			return true
		}
	}
	return false
}

// witnesses is what every charge must be weighed against.
type witnesses struct {
	lossy      bool // the capture itself lacks packets
	coincides  bool // and so many that it may well lack one that was lost, too
	disordered bool // its frames are in no order of time
	told       *pattern.Causes
}

func (c witnesses) charge(l *flow.Lost, f *flow.Facts, at cause.Locus, v vantage) Charge {
	src, dst := f.Originator, f.Responder
	if l.Dir == 1 {
		src, dst = dst, src
	}
	ch := Charge{
		What: l.What, Packets: uint64(l.Packets), Octets: uint64(l.Octets),
		Flow: l.Flow, Dir: l.Dir, Src: src, Dst: dst, Protocol: f.Protocol,
		Locus: at, Cause: causeOf(l, f, at), Confidence: confidence(l.Proof),
		Rule: l.Rule, First: l.First, Last: l.Last,
		Repair: l.Repair, RepairTime: l.RepairTime, Router: l.Router, Between: l.Between,
	}
	if l.Frame.Number != 0 {
		ch.Frames = []flow.FrameRef{l.Frame}
	}
	n := 0
	for n < len(l.Witnesses) && l.Witnesses[n].Says != flow.SaysNothing {
		n++
	}
	ch.Evidence = l.Witnesses[:n:n]
	ch.Rivals = rivals(l)
	if l.Place != flow.Unaccounted {
		c.weaken(&ch, l, f)
		ch.LocusConfidence = ch.Confidence
		c.course(&ch, l)
		switch {
		case ch.Cause != cause.LostRetransmission:
		case lostOf(&f.Dir[l.Dir&1]) >= manyLosses:
			ch.Cause = cause.Unknown // repairs die of what the first copies die of, and that is not known
		default:
			// That says what was lost: what lost it has no second witness.
			ch.Confidence = min(ch.Confidence, cause.Likely)
		}
		return ch
	}
	if v.onSender(l.Dir) {
		ch.Confidence = cause.Likely
	}
	ch.Rivals = []Rival{{cause.AckLost, "only between its sender and this capture, which lacks packets for certain"}}
	return ch
}

// manyLosses is from how many losses of a direction on they are taken to have one
// cause: as many as a policer must have, loss-causes.md §4. Of fewer it is worth a
// name that one of them was a repair.
const manyLosses = 10

// lostOf is how many packets of a direction did not arrive.
func lostOf(h *flow.Half) (n uint32) {
	for _, place := range [...]flow.Place{flow.BeforeTap, flow.AfterTap, flow.InReceiver} {
		n += h.Missing[place]
	}
	return n
}

// byAbsence reports whether a rule concludes from numbers that are missing
// here and nothing else. A lossy capture looks the same.
func byAbsence(r flow.Rule) bool {
	switch r {
	case flow.RuleFragments, flow.RuleLaterFragments, flow.RuleTailRepair, flow.RuleNeverRepaired:
		return true
	}
	return byNumber(r)
}

// locus turns a place as seen from the tap into a place on the path. Only where
// the tap is on a host, by that host's own signs, is the host named.
//
// A missing ACK is attributable to the path or to the capture by nothing
// (tcp-rules.md b-10), but for one case: where the tap is beside the ACK's
// sender there is hardly a path, and the capture is known to lack packets.
func (c witnesses) locus(l *flow.Lost, v vantage) cause.Locus {
	switch l.Place {
	case flow.Unaccounted:
		if c.lossy && l.What == flow.ACKPacket && l.Rule == flow.RuleIDGap && v.place == sides[l.Dir&1] {
			return cause.InCapture
		}
	case flow.BeforeTap:
		if v.onSender(l.Dir) {
			return cause.SenderHost
		}
		return cause.Upstream
	case flow.AfterTap:
		if l.Between == flow.BetweenPoints {
			return cause.Downstream // of the first point, by what the second shows
		}
		if v.onReceiver(l.Dir) {
			return cause.ReceiverHost
		}
		return cause.Downstream
	case flow.OnlyCapture:
		return cause.InCapture
	case flow.InReceiver:
		// Only the host itself can reject a timestamp. Anything else behind a
		// tap that is merely near the receiver may be the last hop.
		if v.onReceiver(l.Dir) || l.Reason == flow.ReasonPAWS {
			return cause.ReceiverHost
		}
		return cause.Downstream
	}
	return cause.LocusUnknown
}

func confidence(p flow.Proof) cause.Confidence {
	switch p {
	case flow.Second:
		return cause.Certain
	case flow.Single:
		return cause.Likely
	}
	return cause.Possible
}

// causeOf names the cause as far as the packet's own frames tell it. Where only
// the place is known the cause is "unknown", and that is said plainly.
func causeOf(l *flow.Lost, f *flow.Facts, at cause.Locus) cause.ID {
	switch l.Reason {
	case flow.ReasonChecksumIP:
		return cause.IPChecksum
	case flow.ReasonChecksumTCP:
		return cause.TCPChecksum
	case flow.ReasonChecksumUDP:
		return cause.UDPChecksum
	case flow.ReasonChecksumICMP:
		return cause.ICMPChecksum
	case flow.ReasonPAWS:
		return cause.PAWSReject
	case flow.ReasonTail:
		return cause.TailLoss
	case flow.ReasonRepair, flow.ReasonTailRepair:
		return cause.LostRetransmission
	case flow.ReasonWindowUpdate:
		return cause.WindowUpdateLost
	case flow.ReasonCaptureDrop:
		return cause.CaptureDropped
	case flow.ReasonFragment, flow.ReasonLaterFragments:
		return cause.FragmentLost
	case flow.ReasonLoop:
		return cause.RoutingLoop
	case flow.ReasonUnanswered:
		return cause.ConnectionUnanswered
	case flow.ReasonICMP:
		if f.Originator.Addr.Is4() {
			return byICMP(l.ICMPType, l.ICMPCode)
		}
		return byICMPv6(l.ICMPType, l.ICMPCode)
	}
	switch {
	case at == cause.InCapture:
		return cause.CaptureDropped
	case l.Place == flow.InReceiver && at == cause.ReceiverHost:
		return cause.ReceiverHostDrop
	case l.What == flow.ACKPacket:
		return cause.AckLost
	}
	return cause.Unknown
}

// ICMP error types, RFC 792 and RFC 1812 §5.2.7.
const (
	icmpUnreachable  = 3
	icmpTimeExceeded = 11
)

// byICMP says what an ICMP error means. RFC 792; RFC 1122 §3.2.2.1 for the codes 6–12, RFC 1812 §5.2.7.1 for 13.
func byICMP(typ, code uint8) cause.ID {
	switch {
	case typ == icmpTimeExceeded && code == 0:
		return cause.TTLExpired
	case typ == icmpTimeExceeded:
		return cause.FragmentLost
	case typ != icmpUnreachable:
		return cause.Unknown
	}
	switch code {
	case 1, 7, 12:
		return cause.HostUnreachable
	case 2, 3:
		return cause.PortClosed
	case 4:
		return cause.MTUExceeded
	case 9, 10, 13:
		return cause.FirewallReject
	}
	return cause.NoRoute
}

// ICMPv6 error types, RFC 4443 §3.
const (
	icmpv6Unreachable  = 1
	icmpv6TooBig       = 2
	icmpv6TimeExceeded = 3
)

// byICMPv6 says what an ICMPv6 error means, RFC 4443 §3.
func byICMPv6(typ, code uint8) cause.ID {
	switch {
	case typ == icmpv6TooBig:
		return cause.MTUExceeded
	case typ == icmpv6TimeExceeded && code == 0:
		return cause.TTLExpired
	case typ == icmpv6TimeExceeded:
		return cause.FragmentLost
	case typ != icmpv6Unreachable:
		return cause.Unknown
	}
	switch code {
	case 1, 5, 6:
		return cause.FirewallReject
	case 3:
		return cause.HostUnreachable
	case 4:
		return cause.PortClosed
	}
	return cause.NoRoute
}

// rivals are the other explanations of a loss, and why they fell.
func rivals(l *flow.Lost) []Rival {
	if l.Place == flow.OnlyCapture && byNumber(l.Rule) {
		return []Rival{{cause.Unknown, "the capture counted as many drops at that time"}}
	}
	switch l.Rule {
	case flow.RuleSACKHole, flow.RuleEchoed:
		return []Rival{
			{cause.Reordering, "a late original would have been reported twice by the receiver (DSACK)"},
			{cause.AckLost, "the receiver asked for it again"},
		}
	case flow.RuleAmbiguous:
		return []Rival{{cause.AckLost, "nothing in these frames tells the packet from its acknowledgement"}}
	case flow.RuleGapRepaired:
		return []Rival{
			{cause.CaptureDropped, "the receiver asked for it again, so it lacked it, too"},
			{cause.Reordering, "what filled the gap was sent later than what made it"},
		}
	case flow.RuleAckedUnseen:
		return []Rival{{cause.Unknown, "the receiver has it: it was not lost"}}
	case flow.RuleTailRepair, flow.RuleIDGap:
		if l.Rule == flow.RuleTailRepair && l.Proof == flow.Fits {
			return []Rival{{cause.SpuriousRTO, "what its sender waited for may have been late, and this is no repair"}}
		}
		return []Rival{{cause.AckLost, "missing IP IDs do not say what the packets carried"}}
	case flow.RuleReceiverReport:
		if l.Place == flow.OnlyCapture {
			return []Rival{{cause.Unknown, "the receiver has it: it was not lost"}}
		}
		return []Rival{{cause.CaptureDropped, "what is missing here is not counted again"}}
	case flow.RuleSACKAlone:
		return []Rival{{cause.Reordering, "what is late by as much is sent again"}}
	case flow.RuleSilentICMP:
		return []Rival{{cause.Unknown, "a program may have opened the port just then, and read it"}}
	case flow.RuleTwoPoints:
		return []Rival{{cause.CaptureDropped, "the second point missed no packet that is known to have passed it"}}
	case flow.RuleFragments, flow.RuleLaterFragments:
		return fragmentRivals(l)
	case flow.RuleAckLost:
		if l.Proof == flow.Fits {
			return []Rival{{cause.SpuriousRTO, "more than one acknowledgement of it passed, and all of them may have been late"}}
		}
	case flow.RuleDroppedAfterTap:
		return []Rival{{cause.AckLost, "the receiver went on to acknowledge other packets, and not this one"}}
	}
	return nil
}

// innocent concludes what looks like loss and is none.
func innocent(res *Result) {
	var n struct{ spurious, reordered, copies, offload, oneWay, cut, refused uint64 }
	for i := range res.Flows {
		f := res.Flows[i]
		for d := range f.Dir {
			h := &f.Dir[d]
			n.spurious += uint64(h.Unneeded)
			n.reordered += uint64(h.Reordered)
			n.copies += uint64(h.Duplicates[1])
		}
		if f.Refused {
			n.refused++
		}
		if f.OneWay() {
			n.oneWay++
		}
	}
	for l := range res.Counts.Checksums {
		n.offload += res.Counts.Checksums[l][decode.ChecksumPending]
	}
	n.cut = res.Counts.Truncated
	for i := range res.Inputs {
		if res.Inputs[i].Damage != nil {
			n.cut++
		}
	}
	for _, c := range []Conclusion{
		{Cause: cause.CaptureDuplicates, Count: n.copies},
		{Cause: cause.CaptureTruncated, Count: n.cut},
		{Cause: cause.ChecksumOffload, Count: n.offload},
		{Cause: cause.ConnectionRefused, Count: n.refused},
		{Cause: cause.OneWayCapture, Count: n.oneWay},
		{Cause: cause.Reordering, Count: n.reordered},
		{Cause: cause.SpuriousRetransmission, Count: n.spurious},
	} {
		if c.Count > 0 {
			c.Confidence = cause.Certain
			res.Conclusions = append(res.Conclusions, c)
		}
	}
}
