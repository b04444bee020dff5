package report

import (
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// blindness counts flows of which the capture cannot tell the losses, by why.
type blindness struct {
	flows      uint64 // all that cannot tell
	packets    uint64 // their packets
	chatter    uint64 // of them, what hosts say to their neighbours unasked, and scans and floods
	last       uint64 // packets at the end of TCP flows that nobody acknowledged, nor their sender sent again …
	lasts      uint64 // … and their flows
	asked      uint64 // keep-alives and probes of closed windows that nobody answered any more
	probes     uint64 // packets of scans and floods
	oneWay     uint64 // of them, TCP with one direction
	unnumbered uint64 // of them, protocols that number nothing
	requests   uint64 // packets of those that are connection requests without an answer
	tcp        uint64 // TCP flows that carry data
	bothWays   uint64 // of those, with both directions
	unanswered uint64 // packets that nothing acknowledges in the capture
	datagrams  uint64 // packets of UDP of which nothing tells whether they arrived …
	talks      uint64 // … and their flows
}

// unansweredRequest reports whether f ends, in this capture, in a SYN or SYN-ACK
// that nobody answered. It, or its answer, was lost, or a filter or a scanner
// stays silent; or the capture was taken with a filter for SYNs.
func unansweredRequest(f *flow.Facts) bool {
	if f.Protocol != decode.ProtoTCP || f.Refused {
		return false
	}
	if f.Unanswered() {
		return true
	}
	for d := range f.Dir {
		h := &f.Dir[d]
		syns := uint64(h.Retransmissions[flow.SYN]) + uint64(h.Retransmissions[flow.SYNACK]) + 1
		if h.Packets > 0 && !h.Start || h.Packets > syns || h.Data > 0 || h.Resets > 0 {
			return false
		}
	}
	return true
}

// cannotTell reports whether no loss of flow i is known although there may
// have been some: its answers were not captured, it numbers nothing that shows
// a loss at this tap, or something is missing that fits more than one story.
func (b *builder) cannotTell(i int) bool {
	f, t := b.res.Flows[i], &b.perFlow[i]
	switch {
	case t.lost > 0:
		return false
	case t.missing > t.only:
		return true
	case f.Protocol == decode.ProtoTCP:
		return f.OneWay() || unansweredRequest(f)
	}
	// IP IDs or RTP numbers that count datagrams show what never reached this tap.
	// Only at the receiver is that all of the path.
	main := mainDir(f)
	if reported(f) || answered(f) && b.allAnswered() {
		return false // its receiver counts what it lacks, or answered each
	}
	return main.IDClass != flow.Yes && !main.RTP || b.res.Tap.Place != analyze.TapReceiver
}

// allAnswered reports whether no request is known that got no answer.
func (b *builder) allAnswered() bool {
	return !slices.ContainsFunc(b.res.Conclusions, func(c analyze.Conclusion) bool {
		return c.Cause == cause.DNSUnanswered || c.Cause == cause.RequestUnanswered
	})
}

// chatter reports whether flow i is what hosts tell the groups of their own link, such as
// MLD, IGMP and mDNS (RFC 5771 §4, RFC 4291 §2.7): it is there whatever else is, and that
// nobody acknowledges it says nothing of the flows beside it.
func (b *builder) chatter(i int) bool {
	f := b.res.Flows[i]
	to := f.Responder.Addr.Netip()
	return f.Protocol != decode.ProtoTCP && (to.IsLinkLocalMulticast() || to.IsInterfaceLocalMulticast())
}

// mostlyBlind reports whether of most packets nothing in the capture tells whether they arrived.
func (b *builder) mostlyBlind() bool {
	blind, all := b.blind.packets, b.packets
	if all > b.blind.chatter {
		blind, all = blind-b.blind.chatter, all-b.blind.chatter
	}
	return blind*100 > all*mostlyBlindPercent
}

// untold counts the packets of flow i, of UDP, that passed here and of which
// nothing in the capture tells whether they arrived.
func (b *builder) untold(i int) uint64 {
	f, t := b.res.Flows[i], &b.perFlow[i]
	main := mainDir(f)
	switch {
	case f.Protocol != decode.ProtoUDP && f.Protocol != decode.ProtoUDPLite, reported(f), answered(f):
		return 0
	case (main.IDClass == flow.Yes || main.RTP) && b.res.Tap.Place == analyze.TapReceiver:
		return 0
	}
	return t.sent - min(t.sent, t.lost)
}

// answered reports whether f is of requests, and has as many answers.
func answered(f *flow.Facts) bool {
	service := flow.ServiceOf(f.Responder.Port)
	return service != flow.NoService && service != flow.QUIC && f.Dir[0].Packets > 0 && f.Dir[1].Packets >= f.Dir[0].Packets
}

// mainDir is the direction of f with more packets.
func mainDir(f *flow.Facts) *flow.Half {
	if f.Dir[1].Packets > f.Dir[0].Packets {
		return &f.Dir[1]
	}
	return &f.Dir[0]
}

// reported reports whether the receiver of f itself counts what it lacks.
func reported(f *flow.Facts) bool {
	s := mainDir(f).RTPStats
	return s != nil && s.Reports > 0
}
