package analyze

import (
	"slices"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
	"whydrop/decode"
)

// A HostBalance compares the witnesses of one host: what its counters say was
// lost, what its drop events say, and what is left over.
type HostBalance struct {
	Of           *capture.Testimony
	Lines        []BalanceLine
	Conservation *kernel.Conservation // nil: its counters are not known
}

// A BalanceLine is one cause.
type BalanceLine struct {
	Cause    cause.ID
	Events   uint64   // drop events of the kernel, of whatever traffic
	Counted  uint64   // by counters
	Counters []string // their names
	Silent   bool     // no event exists for it
}

// A countedCause is one of which counters alone tell, where drop events are not to
// be had or do not exist.
type countedCause struct {
	id     cause.ID
	stage  kernel.Stage
	at     cause.Locus
	silent bool // no drop event exists
	// others says that its counters are of the whole namespace or host: they speak of
	// the traffic of the capture only where that is all there is.
	others bool
	fits   func(*flow.Lost, *flow.Facts) bool
	wire   bool // only packets of which the wire shows the loss are charged
	// less are counters of snmp and xfrm that count some of the same packets for other reasons.
	less []string
}

func anyLoss(*flow.Lost, *flow.Facts) bool { return true }

func udpLoss(_ *flow.Lost, f *flow.Facts) bool { return f.Protocol == decode.ProtoUDP }

func tcpLoss(l *flow.Lost, f *flow.Facts) bool {
	return f.Protocol == decode.ProtoTCP && l.Reason != flow.ReasonChecksumTCP
}

func tcpAny(_ *flow.Lost, f *flow.Facts) bool { return f.Protocol == decode.ProtoTCP }

func icmpLoss(_ *flow.Lost, f *flow.Facts) bool { return f.Protocol == decode.ProtoICMP }

func synLoss(l *flow.Lost, f *flow.Facts) bool {
	return f.Protocol == decode.ProtoTCP && (l.What == flow.SYNPacket || l.What == flow.ACKPacket)
}

var countedCauses = [...]countedCause{
	{id: cause.NICRing, stage: kernel.Arriving, at: cause.ReceiverHost, silent: true, fits: anyLoss},
	{id: cause.NICErrors, stage: kernel.Arriving, at: cause.Upstream, silent: true, fits: anyLoss},
	{id: cause.XDPDrop, stage: kernel.Arriving, at: cause.ReceiverHost, silent: true, fits: anyLoss},
	{id: cause.ListenOverflow, stage: kernel.Arrived, at: cause.ReceiverHost, silent: true, others: true, fits: synLoss, wire: true},
	{id: cause.IPNoRoute, stage: kernel.Leaving, at: cause.SenderHost, silent: true, others: true, fits: anyLoss},
	{id: cause.SoftnetBacklog, stage: kernel.Arriving, at: cause.ReceiverHost, others: true, fits: anyLoss},
	{id: cause.QdiscDrop, stage: kernel.Leaving, at: cause.SenderHost, fits: anyLoss},
	{id: cause.UDPReceiveBuffer, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: udpLoss},
	{id: cause.TCPReceiveBuffer, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: tcpLoss, wire: true},
	{id: cause.RPFilter, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: anyLoss},
	{id: cause.ConntrackFull, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: anyLoss},
	{id: cause.XfrmPolicy, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: anyLoss},
	{id: cause.NoSocket, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: udpLoss},
	// A program's read finds a bad checksum, too, and that drop is not to be told from
	// others: the queue of the socket has overwritten the device (net/ipv4/udp.c:udp_recvmsg).
	{id: cause.SocketFilter, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: udpLoss,
		less: []string{"Udp.RcvbufErrors", "Udp.InCsumErrors", "Udp.MemErrors", "XfrmInPolBlock", "XfrmInNoPols", "XfrmInTmplMismatch"}},
	{id: cause.TCPolicer, stage: kernel.Arrived, at: cause.LocusUnknown, fits: anyLoss},
	{id: cause.TCPChecksum, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: tcpAny},
	{id: cause.ICMPChecksum, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: icmpLoss},
	{id: cause.IPChecksum, stage: kernel.Arrived, at: cause.ReceiverHost, others: true, fits: anyLoss},
	{id: cause.UDPChecksum, stage: kernel.Arrived, at: cause.ReceiverHost, silent: true, others: true, fits: udpLoss},
}

// How capture.Absent calls the kernel's drop events, and their addresses, where events
// are known by reason and function only, of the whole host.
const (
	DropEvents    = "kernel drop events"
	DropAddresses = "addresses of kernel drop events"
)

// lacks reports whether t says that a piece of evidence could not be had.
func lacks(t *capture.Testimony, what string) bool {
	return slices.ContainsFunc(t.Absent, func(a capture.Absent) bool { return a.What == what })
}

// blind reports whether the kernel of t would not have said of each packet that it dropped it.
func blind(t *capture.Testimony) bool { return lacks(t, DropEvents) || lacks(t, DropAddresses) }

// balance compares the witnesses of t, and returns the packets of which only
// counters speak as cases of their own.
func (res *Result) balance(t *capture.Testimony) (HostBalance, []*hostCase) {
	b := HostBalance{Of: t}
	if c, known := kernel.Conserve(t); known {
		b.Conservation = &c
	}
	blind := blind(t)
	events := map[cause.ID]uint64{}
	for i := range t.Drops {
		if m := kernel.Judge(&t.Drops[i], t); m.Class == kernel.Loss && !lacks(t, DropAddresses) {
			events[m.Cause] += t.Drops[i].Events
		}
	}
	if line := firewallLine(t); line.Events > 0 || line.Counted > 0 {
		b.Lines = append(b.Lines, line)
	}
	var counted []*hostCase
	for i := range countedCauses {
		c := &countedCauses[i]
		line := BalanceLine{Cause: c.id, Events: events[c.id], Silent: c.silent}
		moved := kernel.Counters(c.id, t)
		line.Counted = kernel.Counted(c.id, moved)
		line.Counted -= min(line.Counted, kernel.MovedBy(t, "snmp", c.less...)+kernel.MovedBy(t, "xfrm", c.less...))
		for _, m := range moved {
			line.Counters = append(line.Counters, strings.TrimSpace(m.Name+" "+m.Of))
		}
		if line.Counted == 0 && line.Events == 0 {
			continue
		}
		b.Lines = append(b.Lines, line)
		if !c.silent && !blind || line.Counted <= line.Events || line.Events > 0 && kernel.Near(line.Counted, line.Events) {
			continue
		}
		counted = append(counted, c.newCase(t, moved, line.Counted-line.Events))
	}
	if blind {
		counted = append(counted, res.unspoken(t, b.Conservation)...)
	}
	return b, counted
}

// newCase is the case of n packets that only these counters speak of.
func (c *countedCause) newCase(t *capture.Testimony, moved []*capture.Moved, n uint64) *hostCase {
	first, last := spanOf(t, moved)
	k := &hostCase{
		word: &HostWord{Of: t, Counters: moved}, mean: kernel.Meaning{Stage: c.stage}, cause: c.id,
		flow: flow.NoFlow, left: min(n, mostPackets), first: first, last: last, sure: cause.Likely, at: c.at,
		fits: during(c.fits, first, last), wire: c.wire || c.others && !alone(t),
	}
	switch c.id {
	case cause.ListenOverflow:
		k.word.Socket = fullListener(t)
		if blind(t) { // what is refused behind a SYN has an event, and it is not to be had
			k.wire = !alone(t)
		}
	case cause.UDPReceiveBuffer:
		if k.word.Socket = kernel.Loser(t, decode.ProtoUDP); kernel.NotReading(k.word.Socket) {
			k.cause = cause.SlowApplication
		}
	case cause.SocketFilter:
		k.word.Socket = kernel.Loser(t, decode.ProtoUDP)
		k.sure, k.rivals = cause.Possible, []Rival{{cause.KernelOther, "a malformed datagram is counted there as well"}}
	}
	return k
}

// spanOf is when counters moved.
func spanOf(t *capture.Testimony, moved []*capture.Moved) (first, last int64) {
	first, last = t.End, t.Start
	for _, m := range moved {
		first, last = min(first, m.First), max(last, m.Last)
	}
	return first, last
}

// firewallLine compares the rules that drop with the drop events of netfilter.
func firewallLine(t *capture.Testimony) BalanceLine {
	line := BalanceLine{Cause: cause.FirewallDrop}
	for i := range t.Rules {
		if r := &t.Rules[i]; kernel.Drops(r) && r.Counted && r.Packets > 0 {
			line.Counted += r.Packets
			line.Counters = append(line.Counters, kernel.Name(r))
		}
	}
	for i := range t.Drops {
		if lacks(t, DropAddresses) {
			break // they are of the whole host
		}
		if d := &t.Drops[i]; d.Reason == "NETFILTER_DROP" && kernel.Judge(d, t).Cause == cause.FirewallDrop {
			line.Events += d.Events
		}
	}
	return line
}

// during is fits for losses about the time in which the counters moved.
func during(fits func(*flow.Lost, *flow.Facts) bool, first, last int64) func(*flow.Lost, *flow.Facts) bool {
	return func(l *flow.Lost, f *flow.Facts) bool {
		return fits(l, f) && l.First <= last+aboutThen && l.Last >= first-aboutThen
	}
}

// alone reports whether the capture takes all the traffic that counters of the
// whole namespace can speak of: no other interface had any.
func alone(t *capture.Testimony) bool {
	if t.Filter != "" {
		return false
	}
	if slices.Contains(t.Captured, "any") {
		return true
	}
	for i := range t.Links {
		if l := &t.Links[i]; !slices.Contains(t.Captured, l.Name) && (l.Name != "lo" && !counts(t, l.Name) || busy(t, l.Name)) {
			return false
		}
	}
	return true
}

// counts reports whether the counters of an interface would be there if they moved: those
// of another one are.
func counts(t *capture.Testimony, name string) bool {
	return slices.ContainsFunc(t.Moved, func(m capture.Moved) bool { return m.Group == "link" && m.Of != name })
}

// busy reports whether an interface passed packets.
func busy(t *capture.Testimony, name string) bool {
	return slices.ContainsFunc(t.Moved, func(m capture.Moved) bool {
		return m.Group == "link" && m.Of == name && (m.Name == "rx_packets" || m.Name == "tx_packets")
	})
}
