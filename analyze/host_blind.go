package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
	"whydrop/decode"
)

// Where the kernel's drop events are not to be had, counters must do. Those of this file
// speak of packets by what they do not say: a packet that came in, and was neither
// delivered nor forwarded, was dropped by what counts nothing.

// unspoken are the packets of t that only rules of the firewall, or the account of IP,
// speak of.
func (res *Result) unspoken(t *capture.Testimony, c *kernel.Conservation) (cases []*hostCase) {
	rest := silentDrops(t, c)
	for i := range t.Rules {
		r := &t.Rules[i]
		if !kernel.Drops(r) || !r.Counted || r.Packets == 0 {
			continue
		}
		k := ruleCase(t, r)
		cases = append(cases, k)
		if k.mean.Stage == kernel.Arrived {
			rest -= min(rest, r.Packets)
		}
	}
	if rejected := res.rejected(t, rest); rejected != nil {
		cases = append(cases, rejected)
		rest -= min(rest, rejected.left)
	}
	if rest > fewSilent {
		cases = append(cases, res.silentCase(t, rest))
	}
	return cases
}

// fewSilent is how many packets may be under way between two counters at a look, as of
// kernel.Near.
const fewSilent = 3

// silentDrops is how many packets of IPv4 came in and were dropped without a counter.
// What is for a group that nobody joined, or was sent on behind the back of IP
// (netfilter/ipvs), is taken for innocent.
func silentDrops(t *capture.Testimony, c *kernel.Conservation) uint64 {
	if c == nil || c.Remainder <= 0 {
		return 0
	}
	by := func(name string) uint64 { return kernel.MovedBy(t, "snmp", name) }
	told := kernel.MovedBy(t, "snmp", "Ip.InHdrErrors", "Ip.InAddrErrors", "Ip.InDiscards", "Ip.InUnknownProtos") +
		kernel.MovedBy(t, "netstat", "IpExt.InNoRoutes", "IpExt.InTruncatedPkts", "TcpExt.IPReversePathFilter", "IpExt.InMcastPkts", "IpExt.InBcastPkts") +
		kernel.MovedBy(t, "conntrack", "drop")
	sent := by("Ip.OutRequests") + by("Ip.ForwDatagrams")
	told += max(by("Ip.OutTransmits"), sent) - sent
	return max(uint64(c.Remainder), told) - told
}

// ruleCase is the case of the packets that a rule counted and dropped.
func ruleCase(t *capture.Testimony, r *capture.Rule) *hostCase {
	k := &hostCase{
		word: &HostWord{Of: t, Rule: r, Sure: true}, mean: kernel.Meaning{Stage: kernel.Arrived}, cause: kernel.CauseOf(r),
		flow: flow.NoFlow, left: min(r.Packets, mostPackets), octets: r.Octets, first: t.Start, last: t.End, sure: cause.Likely, at: cause.ReceiverHost,
		fits: func(_ *flow.Lost, f *flow.Facts) bool { return kernel.Asks(r, f.Protocol, f.Responder.Port) }, wire: !alone(t),
	}
	switch kernel.StageOf(r.Hook) {
	case kernel.Leaving:
		k.mean.Stage, k.at = kernel.Leaving, cause.SenderHost
	default:
		if r.Hook != "INPUT" && kernel.MovedBy(t, "snmp", "Ip.ForwDatagrams") > 0 {
			k.wire = true
			k.at = cause.Downstream
		}
	}
	return k
}

// rejected are packets that a firewall answered in the name of this host: the answers
// are on the wire, and the kernel's own counters of such answers stood still
// (net/ipv4/udp.c:__udp4_lib_rcv, tcp_ipv4.c:tcp_v4_send_reset; nf_reject_ipv4.c counts
// in neither).
func (res *Result) rejected(t *capture.Testimony, most uint64) *hostCase {
	answered := func(l *flow.Lost, f *flow.Facts) bool {
		return l.Reason == flow.ReasonICMP && f.Protocol == decode.ProtoUDP && l.Dir == 0 && owns(t, f.Responder.Addr.Netip())
	}
	k := &hostCase{
		word: &HostWord{Of: t}, mean: kernel.Meaning{Stage: kernel.Arrived}, cause: cause.FirewallReject,
		flow: flow.NoFlow, first: t.Start, last: t.End, sure: cause.Likely, at: cause.ReceiverHost, fits: answered,
	}
	if kernel.MovedBy(t, "snmp", "Udp.NoPorts") == 0 {
		for i := range res.Ledger.Losses {
			if l := &res.Ledger.Losses[i]; answered(l, res.Flows[l.Flow]) {
				k.left += uint64(l.Packets)
			}
		}
	}
	if kernel.MovedBy(t, "snmp", "Tcp.OutRsts") == 0 {
		for i := range res.Flows {
			if f := res.Flows[i]; f.Refused && f.Protocol == decode.ProtoTCP && owns(t, f.Responder.Addr.Netip()) {
				k.left += uint64(f.Dir[0].Retransmissions[flow.SYN]) + 1
			}
		}
	}
	if k.left = min(k.left, most); k.left == 0 {
		return nil
	}
	return k
}

// silentCase is the case of n packets of which it is only known that they came in, and
// went nowhere.
func (res *Result) silentCase(t *capture.Testimony, n uint64) *hostCase {
	fits := func(l *flow.Lost, f *flow.Facts) bool {
		return l.Reason != flow.ReasonICMP && l.Reason != flow.ReasonChecksumTCP && l.Reason != flow.ReasonChecksumUDP &&
			f.Responder.Addr.Is4()
	}
	k := &hostCase{
		word: &HostWord{Of: t}, mean: kernel.Meaning{Stage: kernel.Arrived}, cause: cause.FirewallDrop,
		flow: flow.NoFlow, left: min(n, mostPackets), first: t.Start, last: t.End, sure: cause.Possible, at: cause.ReceiverHost, fits: fits,
		wire:   !alone(t) || kernel.MovedBy(t, "snmp", "Ip.ForwDatagrams") > 0,
		rivals: []Rival{{cause.IPNoRoute, "a route that says blackhole counts nothing either"}},
	}
	for i := range t.Moved {
		if m := &t.Moved[i]; m.Group == "snmp" && m.Name == "Ip.InReceives" {
			k.word.Counters = append(k.word.Counters, m)
		}
	}
	if r := kernel.Uncounted(t); r != nil {
		k.word.Rule = r
	}
	return k
}
