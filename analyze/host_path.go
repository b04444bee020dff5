package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
	"whydrop/decode"
)

// The kernel of a sender remembers what an ICMP error said of the way to a destination.
// Such an error may have come by an interface that is not captured, and then nothing but
// this memory tells a path that is too narrow, and says so, from a black hole.

// toldOfPath, ns, is how far from the time of that error a packet may have been sent
// that was too big: as long as a round trip, and what the clocks of the kernel and of
// the capture differ by.
const toldOfPath = int64(300e6)

// narrowPaths are the cases of what t was told of paths: of losses of the wire alone.
func narrowPaths(t *capture.Testimony) (cases []*hostCase) {
	for i := range t.Paths {
		p := &t.Paths[i]
		if p.Learnt < t.Start-toldOfPath || p.Learnt > t.End+toldOfPath {
			continue // of an error before this capture: its senders know
		}
		k := &hostCase{
			word: &HostWord{Of: t, Path: p, Counters: tooBigErrors(t)}, mean: kernel.Meaning{Stage: kernel.Departing}, cause: cause.MTUExceeded,
			flow: flow.NoFlow, left: mostPackets, first: p.Learnt, last: p.Learnt, sure: cause.Likely, at: cause.Downstream,
			fits: func(l *flow.Lost, f *flow.Facts) bool { return tooBigFor(l, f, p, t) }, wire: true,
		}
		if len(k.word.Counters) > 0 {
			k.sure = cause.Certain // the wire, the routes and a counter agree
		}
		cases = append(cases, k)
	}
	return cases
}

// tooBigErrors are the counters of such errors; of IPv4 they count other ones of
// type 3 as well.
func tooBigErrors(t *capture.Testimony) (moved []*capture.Moved) {
	for i := range t.Moved {
		m := &t.Moved[i]
		if m.Group == "snmp" && m.Name == "IcmpMsg.InType3" || m.Group == "snmp6" && m.Name == "Icmp6InPktTooBigs" {
			moved = append(moved, m)
		}
	}
	return moved
}

// Octets of the headers in front of the payload, at least.
const (
	leastIPv4 = 20
	leastIPv6 = 40
	leastTCP  = 20
)

// tooBigFor reports whether l are segments that this host sent on the path p when it was
// told that they are too big for it.
func tooBigFor(l *flow.Lost, f *flow.Facts, p *capture.PathMTU, t *capture.Testimony) bool {
	src, dst := f.Originator.Addr, f.Responder.Addr
	if l.Dir == 1 {
		src, dst = dst, src
	}
	if f.Protocol != decode.ProtoTCP || l.Packets == 0 || l.Place != flow.AfterTap || dst.Netip() != p.To.Unmap() || !owns(t, src.Netip()) {
		return false
	}
	headers := leastIPv6 + leastTCP
	if dst.Is4() {
		headers = leastIPv4 + leastTCP
	}
	return int(l.Octets/l.Packets)+headers > p.MTU && l.First >= p.Learnt-toldOfPath && l.First <= p.Learnt+toldOfPath
}
