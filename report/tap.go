package report

import (
	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// tap is where the capture was taken, why that is thought, and what cannot be
// told from there: wire-evidence.md c-0 and c-1b.
func (b *builder) tap() Tap {
	t := &b.res.Tap
	out := Tap{
		Locus: t.Place.String(), Confidence: t.Confidence.String(), Given: t.Given,
		Evidence: append([]string{}, t.Evidence...), Directions: map[string]uint64{},
		CannotTell: append([]string{}, b.tapBlind()...),
	}
	for i := range b.res.Flows {
		for d := range b.res.Flows[i].Dir {
			if b.res.Flows[i].Dir[d].Packets > 0 {
				place, _ := b.res.TapOf(i, uint8(d))
				out.Directions[place.String()]++
			}
		}
	}
	return out
}

// tapBlind lists what a tap at this place cannot tell.
func (b *builder) tapBlind() []string {
	var blind []string
	onHost := b.res.Tap.Confidence == cause.Certain
	switch b.res.Tap.Place {
	case analyze.TapSender:
		blind = append(blind,
			"where behind this capture a packet was lost: in the sender's own NIC, on the path, or in the receiver, unless ICMP, size or rate say so")
		if onHost {
			blind = append(blind, "which of the sender's own queues or filters dropped what never got here; the kernel's counters do")
		} else {
			blind = append(blind, "whether what never got here was lost in the sender or on the first hop")
		}
	case analyze.TapReceiver:
		blind = append(blind,
			"whether what never got here was lost on the path or in the receiver's own NIC ring, which is in front of a capture on that host: see `ethtool -S`",
			"whether an ACK that passed here arrived, unless its sender's peer repeats data without need")
		if !onHost {
			blind = append(blind, "whether what passed here was lost on the last hop or in the receiver")
		}
	case analyze.TapMiddle:
		blind = append(blind,
			"which hop lost a packet, upstream or downstream; a second capture further along does",
			"the hosts from the path to them: queues and filters of the sender count as upstream, those of the receiver as downstream")
	default:
		blind = append(blind, "whether a host or the path to it lost a packet: no host is blamed for what it alone could have dropped")
	}
	return append(blind, b.flowBlind()...)
}

// flowBlind lists what the flows themselves leave open, wherever the tap is.
func (b *builder) flowBlind() []string {
	var blind []string
	var oneWay, unnumbered, ackless uint64
	for i := range b.res.Flows {
		f := b.res.Flows[i]
		switch {
		case f.OneWay():
			oneWay++
		case f.Protocol == decode.ProtoTCP && (quiet(&f.Dir[0]) || quiet(&f.Dir[1])):
			ackless++
		case f.Protocol != decode.ProtoTCP && !counts(f):
			unnumbered++
		}
	}
	if oneWay > 0 {
		blind = append(blind, "whether packets of "+counted(oneWay, "flow")+" captured in one direction only arrived")
	}
	if unnumbered > 0 {
		blind = append(blind, "whether packets of "+counted(unnumbered, "flow")+" without numbers or answers were lost")
	}
	if ackless > 0 {
		blind = append(blind, "whether pure ACKs of "+counted(ackless, "flow")+" were lost upstream: no IP IDs count them")
	}
	return blind
}

// quiet reports whether h carried packets that its IP IDs do not count.
func quiet(h *flow.Half) bool { return h.Packets > h.Data && h.IDClass != flow.Yes }

// counts reports whether a direction of f numbers its packets.
func counts(f *flow.Facts) bool {
	for d := range f.Dir {
		if h := &f.Dir[d]; h.Packets > 0 && h.IDClass != flow.Yes && !h.RTP {
			return false
		}
	}
	return true
}

// hops is how many routers packets of h have passed, nil if that is not known.
func hops(h *flow.Half) *int {
	if n := analyze.Hops(h.TTL); n >= 0 && h.Packets > 0 {
		return &n
	}
	return nil
}
