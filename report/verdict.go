package report

import (
	"maps"
	"slices"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// tooLossyPercent is where a capture lacks so much that no loss of the network
// can be told from its own: design.md §4, exit code 5.
const tooLossyPercent = 10

// mostlyBlindPercent is where too little of a capture can be judged for
// "Nothing was lost." to be the answer.
const mostlyBlindPercent = 50

// cannotTellHow begins the sentence of a capture that does not hold the answer.
const cannotTellHow = "Cannot tell how many packets were lost: "

// state decides what can be said at all.
func (b *builder) state() string {
	l := &b.res.Ledger
	switch {
	case b.packets == 0 && b.unusable()*100 > b.res.Counts.Frames*mostlyBlindPercent:
		return StateCannotTell
	case b.packets == 0:
		return StateEmpty
	case l.CaptureOnly()*100 > b.captured()*tooLossyPercent:
		return StateTooLossy
	case l.Lost() > 0:
		return StateLost
	case l.Unexplained() > 0, b.mostlyBlind():
		return StateCannotTell
	}
	return StateNothingLost
}

// captured is what a capture without drops would hold: its frames and what it
// lacks. Its counters speak of all frames, not only of those of flows.
func (b *builder) captured() uint64 {
	return max(b.packets, b.res.Counts.Frames+b.res.Ledger.CaptureOnly())
}

func (b *builder) verdict() Verdict {
	l := &b.res.Ledger
	v := Verdict{
		State: b.state(), Interrupted: b.res.Interrupted, Packets: b.packets,
		Lost: l.Lost(), CaptureOnly: l.CaptureOnly(), Unexplained: l.Unexplained(),
		Groups: []Group{}, Unsure: []string{}, Sure: []string{}, Advice: []string{},
		Innocent: b.innocent, InnocentSay: b.innocentSay(), Also: b.also(),
		Duration: round(float64(b.res.Last-b.res.First)/1e9, 6),
		Blind:    b.mostlyBlind(),
	}
	switch {
	case v.State == StateEmpty:
		v.Sentence, v.Duration = "No packets to judge.", 0
		v.Aside = b.emptyAside()
		return v
	case b.packets == 0:
		v.Sentence, v.Duration = cannotTellHow+"no frame could be decoded.", 0
		if b.unusable() < b.res.Counts.Frames {
			v.Sentence = cannotTellHow + "most frames could not be decoded."
		}
		v.Aside = b.emptyAside()
		return v
	case v.State == StateTooLossy:
		v.Sentence = "This capture is too lossy to judge: " + share(v.CaptureOnly, b.captured()) + " of its packets are missing."
		v.Advice = do[cause.CaptureDropped]
		return v
	}
	v.Groups = b.groups()
	switch v.State {
	case StateLost:
		v.Sentence = count(v.Lost) + " of " + counted(v.Packets, "packet") + " " + was(v.Lost) + " lost."
		if v.CaptureOnly > 0 {
			v.Aside = count(v.CaptureOnly) + " more " + is(v.CaptureOnly) + " missing only from this capture: " + b.onlyWhy()
		}
		v.Aside = strings.TrimSpace(v.Aside + " " + b.untoldSay())
	case StateCannotTell:
		b.cannotTellWhy(&v)
	default:
		v.Sentence, v.Aside = "Nothing was lost.", b.lookedAt()
		if s := b.lastSay(); s != "" {
			v.Sentence, v.Aside = "No packet is known to be lost.", s+" "+v.Aside
		}
	}
	if s := b.hostSure(); s != "" {
		v.Sure = append(v.Sure, s)
	}
	if len(v.Advice) == 0 && len(v.Groups) > 0 {
		v.Advice = v.Groups[0].Do
	}
	return v
}

// lastSay says what nothing tells of packets that were sent at the end of connections.
func (b *builder) lastSay() string {
	var parts []string
	if n, flows := b.blind.last, b.blind.lasts; n > 0 {
		which := "The last " + counted(n, "packet") + " of "
		if n == 1 {
			which = "The last packet of "
		}
		parts = append(parts, which+counted(flows, "connection")+" "+was(n)+" never acknowledged, nor sent again: nothing tells whether "+
			theyOrIt(n)+" arrived.")
	}
	if n := b.blind.asked; n > 0 {
		parts = append(parts, "Of "+counted(n, "question")+" whether the other end is still there, which nobody answers, nothing tells whether they arrived.")
	}
	return strings.Join(parts, " ")
}

func theyOrIt(n uint64) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

// untoldSay says that of packets of UDP nobody knows whether they arrived.
func (b *builder) untoldSay() string {
	n, flows := b.blind.datagrams, b.blind.talks
	if n == 0 {
		return ""
	}
	return "Whether " + counted(n, "UDP packet") + " of " + counted(flows, "flow") + " arrived, this capture does not tell."
}

// lookedAt is what stands behind "Nothing was lost."
func (b *builder) lookedAt() string {
	if n := b.res.Ledger.CaptureOnly(); n > 0 {
		return count(n) + " of " + counted(b.packets, "packet") + " " + is(n) + " missing only from this capture."
	}
	s := counted(b.packets, "packet") + ", " + counted(b.conversations, "flow") + ", " + duration(b.res.Last-b.res.First)
	if n := b.blind.flows; n > 0 {
		s += "; " + counted(n, "flow") + " cannot be told"
	}
	return s + "."
}

// unusable counts the frames of which the decoder could make nothing.
func (b *builder) unusable() uint64 {
	c := &b.res.Counts
	n := c.HeadersCut + c.TooDeep + malformed(c)
	for _, frames := range c.UnknownLink {
		n += frames
	}
	return n
}

func malformed(c *decode.Counts) (n uint64) {
	for _, frames := range c.Malformed[decode.WellFormed+1:] {
		n += frames
	}
	return n
}

// emptyAside says what the file has instead of packets of flows.
func (b *builder) emptyAside() string {
	c := &b.res.Counts
	if c.Frames == 0 {
		return "There is no frame in it."
	}
	var parts []string
	if n := malformed(c); n > 0 {
		parts = append(parts, counted(n, "frame")+" "+is(n)+" malformed.")
	}
	for _, l := range slices.Sorted(maps.Keys(c.UnknownLink)) {
		parts = append(parts, counted(c.UnknownLink[l], "frame")+" of link type "+linkName(l)+", which is not decoded.")
	}
	if n := c.HeadersCut; n > 0 {
		parts = append(parts, counted(n, "frame")+" cut before the transport header.")
	}
	if n := c.TooDeep; n > 0 {
		parts = append(parts, counted(n, "frame")+" of too many encapsulations.")
	}
	if rest := c.Frames - min(c.Frames, b.unusable()); rest > 0 {
		parts = append(parts, counted(rest, "frame")+", none of a flow.")
	}
	return strings.Join(parts, " ")
}

// onlyWhy says how it is known that only the capture lacks packets.
func (b *builder) onlyWhy() string {
	for i := range b.res.Ledger.Charges {
		c := &b.res.Ledger.Charges[i]
		if c.Locus == cause.InCapture && c.Rule == flow.RuleFileCounter {
			return "it counted its drops."
		}
	}
	return "their receivers acknowledged them."
}

// innocentSay is one line on what looks like loss and is none, or "".
func (b *builder) innocentSay() string {
	resent, refused := b.resentSay(), ""
	if n := b.innocent.RefusedConnections; n > 0 {
		refused = counted(n, "connection") + " " + was(n) + " refused."
	}
	return strings.Join(slices.DeleteFunc([]string{resent, b.copiedSay(), refused}, func(s string) bool { return s == "" }), " ")
}

// copiedSay says that the network copies packets. Copies that the capture made
// are no news: the audit tells of them.
func (b *builder) copiedSay() string {
	var n uint64
	for i := range b.res.Flows {
		for d := range b.res.Flows[i].Dir {
			n += uint64(b.res.Flows[i].Dir[d].Duplicates[0])
		}
	}
	if n == 0 {
		return ""
	}
	return counted(n, "packet") + " came twice: the network copies packets."
}

// resentSay is the part of it on packets that were late or sent again.
func (b *builder) resentSay() string {
	n := &b.innocent
	late := counted(n.Reordered, "packet") + " came out of order."
	switch unneeded := n.UnneededRetransmissions; {
	case unneeded == 0 && n.Reordered == 0:
		return ""
	case unneeded == 0:
		return late
	case n.Reordered > 0 && b.res.Ledger.Missing() == 0:
		return counted(unneeded, "retransmission") + " " + was(unneeded) + " unnecessary: " + late
	default:
		return counted(unneeded, "retransmission") + " " + was(unneeded) + " unnecessary."
	}
}

// cannotTellWhy fills v for a capture that does not hold the answer.
func (b *builder) cannotTellWhy(v *Verdict) {
	reasons := b.unaccounted()
	n := counted(v.Unexplained, "retransmission")
	hosts := b.hosts()
	const how = cannotTellHow
	switch {
	case b.blind.oneWay > 0 && (v.Unexplained == 0 || reasons[flow.ReasonOneWay] > 0 || b.blind.bothWays == 0):
		v.Sentence = how + "one direction was not captured."
		if v.Unexplained > 0 {
			v.Unsure = []string{n + ". Each repaired a loss, or its ACK was lost, or the first copy was only late. " +
				"The answers would tell; none is in this file."}
		}
		v.Advice = []string{"Capture both directions, here or at the receiver:", tcpdump("both.pcap", hosts)}
	case v.Unexplained > 0 && b.unexplainedACKs() == v.Unexplained:
		v.Sentence = "No data was lost. Cannot tell whether " + counted(v.Unexplained, "ACK") + " " + was(v.Unexplained) + "."
		v.Unsure = []string{b.twoStories(v.Unexplained)}
		v.Advice = []string{"Capture at both ends at the same time:", tcpdump("end.pcap", hosts)}
	case v.Unexplained > 0 && reasons[flow.ReasonEnd] == v.Unexplained:
		v.Sentence = how + "the capture ends too early."
		v.Unsure = []string{counted(v.Unexplained, "packet") + ". Each was lost, or is late: the capture ends before it could come, or be sent again."}
		v.Advice = []string{"Capture for longer:", tcpdump("longer.pcap", hosts)}
	case v.Unexplained > 0:
		v.Sentence = how + "the evidence fits two stories."
		v.Unsure = []string{b.twoStories(v.Unexplained)}
		v.Advice = []string{"Capture at both ends at the same time:", tcpdump("end.pcap", hosts)}
	case b.blind.probes*2 > b.blind.packets:
		v.Sentence = how + "most of these packets are of a scan or a flood."
		v.Unsure = []string{counted(b.blind.requests, "packet") + " that nobody answered. Whether they arrived nothing tells, " +
			"and no conversation misses them."}
	case b.blind.requests*2 > b.blind.packets:
		v.Sentence = how + "nobody answered these connection requests."
		v.Unsure = []string{counted(b.blind.requests, "packet") + " of connections that did not begin. Each was lost, or its answer was, " +
			"or the host that it asks stays silent, as behind a filter. A capture there would tell."}
		v.Advice = []string{"Capture at both ends at the same time:", tcpdump("end.pcap", hosts)}
	default:
		v.Sentence = how + "nothing acknowledges these packets."
		if b.blind.flows < b.conversations {
			v.Sentence = how + "nothing acknowledges most of these packets."
		}
		v.Unsure = []string{counted(b.blind.packets, "packet") + " of protocols that repair and acknowledge nothing. " +
			"Only their receiver, or a second capture, knows which of them arrived."}
		v.Advice = []string{"Capture at both ends at the same time:", tcpdump("end.pcap", hosts)}
	}
	if b.gapless() {
		v.Sure = []string{"nothing is missing upstream of this capture: 0 gaps in " + counted(b.packets, "packet")}
	}
}

// unexplainedACKs counts the pure ACKs among the packets that no charge explains.
func (b *builder) unexplainedACKs() (acks uint64) {
	for i := range b.res.Ledger.Losses {
		l := &b.res.Ledger.Losses[i]
		if l.What == flow.ACKPacket && (l.Place == flow.Unaccounted || l.Place == flow.PlaceUnknown) {
			acks += uint64(l.Packets)
		}
	}
	return acks
}

// twoStories says what n packets that no charge explains have in common.
func (b *builder) twoStories(n uint64) string {
	if b.unexplainedACKs() == n { // nothing answers an ACK: tcp-rules.md §5
		return counted(n, "ACK") + ". Each was lost, or only this capture lacks it; nothing answers an ACK. The data arrived."
	}
	return counted(n, "packet") + ". Each was lost, or its ACK was, or only this capture lacks it. " +
		"A capture at the other end would tell."
}

// unaccounted counts packets that no charge explains by the reason they gave.
func (b *builder) unaccounted() (reasons [flow.NumReasons]uint64) {
	for i := range b.res.Ledger.Losses {
		if l := &b.res.Ledger.Losses[i]; l.Place == flow.Unaccounted && l.Reason < flow.NumReasons {
			reasons[l.Reason] += uint64(l.Packets)
		}
	}
	return reasons
}

// gapless reports whether TCP data passed here in which nothing was missing.
func (b *builder) gapless() bool {
	var data uint64
	for i := range b.res.Flows {
		f := b.res.Flows[i]
		for d := range f.Dir {
			if f.Dir[d].Missing[flow.BeforeTap]+f.Dir[d].Missing[flow.OnlyCapture] > 0 {
				return false
			}
		}
		if f.Protocol == decode.ProtoTCP {
			data += f.Dir[0].Data + f.Dir[1].Data
		}
	}
	for i := range b.res.Symptoms {
		if b.res.Symptoms[i].Kind == flow.Gap {
			return false
		}
	}
	return data > 0
}

// hosts are the two ends of the flow that lacks most. Where none lacks anything,
// conversations come before what is said to a group.
func (b *builder) hosts() [2]string {
	best := -1
	for i := range b.perFlow {
		if best < 0 || b.perFlow[i].missing > b.perFlow[best].missing ||
			b.perFlow[i].missing == b.perFlow[best].missing && b.toGroup(best) && !b.toGroup(i) {
			best = i
		}
	}
	if best < 0 {
		return [2]string{}
	}
	f := b.res.Flows[best]
	if b.toGroup(best) {
		return [2]string{}
	}
	return [2]string{f.Originator.Addr.String(), f.Responder.Addr.String()}
}

// toGroup reports whether flow i is to a multicast address.
func (b *builder) toGroup(i int) bool { return b.res.Flows[i].Responder.Addr.Netip().IsMulticast() }

// tcpdump is a command that captures both directions between hosts.
func tcpdump(file string, hosts [2]string) string {
	var s strings.Builder
	s.WriteString("`tcpdump -i eth0 -w " + file)
	if hosts[0] != "" {
		s.WriteString(" host " + hosts[0])
	}
	if hosts[1] != hosts[0] {
		s.WriteString(" and host " + hosts[1])
	}
	s.WriteString("`")
	return s.String()
}
