package analyze

import (
	"net/netip"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
	"whydrop/decode"
)

// A HostWord is what the kernel of the capturing host said of the packets of a
// charge. Of three witnesses, wire, event and counter, it names the last two.
type HostWord struct {
	Drop     *capture.Drop    // the event; nil: only counters speak
	Rule     *capture.Rule    // of the firewall, where it is known which
	Sure     bool             // that it was that rule
	Socket   *capture.Socket  // that was to receive them
	Path     *capture.PathMTU // that was too narrow for them
	Counters []*capture.Moved
	Of       *capture.Testimony
}

// hostSlack, ns, is how far outside of a flow's own time a drop may be that
// concerns it: unresolved neighbours and fragments are given up after seconds,
// and the first packet of a flow may never have passed the capture.
const hostSlack = int64(40e9)

// mostPackets is more than any capture can be about: a file may say anything, and
// sums must not run over.
const mostPackets = 1 << 40

// aboutThen, ns, is how far from a loss that the wire shows its drop may be.
const aboutThen = int64(1e9)

// A hostCase is one drop of the kernel on its way to be charged.
type hostCase struct {
	word   *HostWord
	mean   kernel.Meaning
	cause  cause.ID
	flow   uint32 // NoFlow if the capture holds no packet of it
	dir    uint8
	left   uint64 // packets that are not accounted for yet
	octets uint64
	first  int64
	last   int64
	sure   cause.Confidence
	at     cause.Locus                        // of what only counters say
	fits   func(*flow.Lost, *flow.Facts) bool // likewise: which losses it may be
	wire   bool                               // likewise: it speaks of those only
	rivals []Rival                            // likewise
	given  map[flow.FrameRef]bool             // frames of losses that it was given
	// sampled has the drop events by their frames; see sampleOf.
	sampled map[flow.FrameRef]int
}

// hosts reads what the kernels said, and gives their drops the losses that the
// wire shows. Drops of which it shows none become losses of their own.
func hosts(res *Result) {
	var cases []*hostCase
	placeSamples(res.Inputs)
	for i := range res.Inputs {
		if t := res.Inputs[i].Testimony; t != nil {
			cases = append(cases, casesOf(t)...)
		}
	}
	res.findFlows(cases)
	cases = slices.DeleteFunc(cases, func(k *hostCase) bool { return !k.concerns() })
	nameWitnesses(cases)
	for i := range res.Inputs {
		if t := res.Inputs[i].Testimony; t != nil {
			balance, counted := res.balance(t)
			res.Hosts = append(res.Hosts, balance)
			cases = append(append(cases, counted...), narrowPaths(t)...)
		}
	}
	if len(cases) == 0 {
		return
	}
	res.giveLosses(cases)
	res.refusedSYNs(cases)
	res.correctNeed(cases)
	for _, k := range cases {
		switch {
		case k.wire:
		case k.left > 0 && k.flow == flow.NoFlow:
			res.strays = append(res.strays, k)
		case k.left > 0:
			res.addLoss(k)
		}
	}
	slices.SortStableFunc(res.testified, func(a, b testified) int { return compareLosses(*a.Lost, *b.Lost) })
	res.Ledger.Losses = make([]flow.Lost, 0, len(res.testified))
	for i := range res.testified {
		res.Ledger.Losses = append(res.Ledger.Losses, *res.testified[i].Lost)
	}
}

// A testified loss is one that a kernel may have spoken of.
type testified struct {
	*flow.Lost
	by *hostCase // nil: nobody did
}

// casesOf are the losses among the drops of t.
func casesOf(t *capture.Testimony) (cases []*hostCase) {
	if lacks(t, DropAddresses) {
		return nil // they may be of any traffic of any namespace
	}
	for i := range t.Drops {
		d := &t.Drops[i]
		if m := kernel.Judge(d, t); m.Class == kernel.Loss && d.Packets > 0 {
			m.Stage = stageAt(m.Stage, d, t)
			cases = append(cases, &hostCase{
				word: &HostWord{Drop: d, Of: t}, mean: m, cause: m.Cause,
				flow: flow.NoFlow, left: min(d.Packets, mostPackets), octets: d.Octets, first: d.First, last: d.Last, sure: cause.Certain,
			})
		}
	}
	return cases
}

// stageAt is the stage of a drop as the capture's interface sees it: a packet that is
// forwarded passes two, and where it came in it was captured before all that
// happened to it on its way out.
func stageAt(stage kernel.Stage, d *capture.Drop, t *capture.Testimony) kernel.Stage {
	if d.Inbound == "" {
		return stage
	}
	cameIn := kernel.Captured(t, d.Inbound)
	switch {
	case cameIn && (stage == kernel.Leaving || stage == kernel.Departing):
		return kernel.Arrived
	case !cameIn && stage == kernel.Arrived:
		return kernel.Leaving // it would have passed the capture later
	}
	return stage
}

// A tuple is how a packet names its flow.
type tuple struct {
	protocol uint8
	src, dst flow.Endpoint
}

func tupleOf(d *capture.Drop) tuple {
	end := func(a netip.AddrPort) flow.Endpoint {
		e := flow.Endpoint{Addr: decode.Addr(a.Addr().As16())}
		if d.Protocol == decode.ProtoTCP || d.Protocol == decode.ProtoUDP || d.Protocol == decode.ProtoUDPLite {
			e.Port = a.Port()
		}
		return e
	}
	if !d.Src.IsValid() || !d.Dst.IsValid() {
		return tuple{protocol: d.Protocol}
	}
	return tuple{d.Protocol, end(d.Src), end(d.Dst)}
}

func (t tuple) reversed() tuple { return tuple{t.protocol, t.dst, t.src} }

// findFlows looks for the flow of each case: that of its addresses whose time is nearest.
func (res *Result) findFlows(cases []*hostCase) {
	wanted := map[tuple][]*hostCase{}
	for _, k := range cases {
		t := tupleOf(k.word.Drop)
		wanted[t] = append(wanted[t], k)
	}
	take := func(list []*hostCase, i int, dir uint8) {
		for _, k := range list {
			if away(res.Flows[i], k.word.Drop) > hostSlack {
				continue
			}
			if k.flow == flow.NoFlow || away(res.Flows[i], k.word.Drop) < away(res.Flows[k.flow], k.word.Drop) {
				k.flow, k.dir = uint32(i), dir
			}
		}
	}
	for i := range res.Flows {
		f := res.Flows[i]
		t := tuple{f.Protocol, f.Originator, f.Responder}
		if f.Protocol == decode.ProtoICMP || f.Protocol == decode.ProtoICMPv6 {
			t.src.Port, t.dst.Port = 0, 0
		}
		take(wanted[t], i, 0)
		take(wanted[t.reversed()], i, 1)
	}
}

// away is how far outside the time of f a drop happened, ns.
func away(f *flow.Facts, d *capture.Drop) int64 {
	return max(0, f.First-d.Last, d.First-f.Last)
}

// concerns reports whether k is about the traffic of the capture: a flow of it, or
// an interface of it, if the capture takes every packet there.
func (k *hostCase) concerns() bool {
	if k.flow != flow.NoFlow {
		return true
	}
	d, t := k.word.Drop, k.word.Of
	if t.Filter != "" && d.Taken != "yes" {
		return false
	}
	if d.Interface == "" && d.Inbound == "" { // on its way out, before it had one
		return kernel.Captured(t, linkOf(t, d.Src.Addr()))
	}
	if kernel.Captured(t, d.Interface) || kernel.Captured(t, d.Inbound) {
		return true
	}
	// Forwarded, and dropped in front of the interface that it was to leave by.
	return d.Inbound != "" && k.mean.Stage == kernel.Leaving && kernel.Captured(t, wayTo(t, d.Dst.Addr()))
}

// wayTo is the interface in whose network a is, "" if none is known. What routes do beyond
// that is not in t.
func wayTo(t *capture.Testimony, a netip.Addr) (name string) {
	longest := -1
	for i := range t.Links {
		for _, p := range t.Links[i].Addresses {
			if p.Contains(a.Unmap()) && p.Bits() > longest {
				name, longest = t.Links[i].Name, p.Bits()
			}
		}
	}
	return name
}

// linkOf is the interface that has an address, "" if none of t has it.
func linkOf(t *capture.Testimony, a netip.Addr) string {
	for i := range t.Links {
		for _, p := range t.Links[i].Addresses {
			if p.Addr().Unmap() == a.Unmap() {
				return t.Links[i].Name
			}
		}
	}
	return ""
}

// nameWitnesses finds the rules, sockets and counters behind cases.
func nameWitnesses(cases []*hostCase) {
	all := map[string]uint64{} // events by hook
	for _, k := range cases {
		if k.cause == cause.FirewallDrop {
			all[k.word.Drop.Hook] += k.word.Drop.Events
		}
	}
	for _, k := range cases {
		w := k.word
		switch k.cause {
		case cause.FirewallDrop:
			if w.Rule, w.Sure = kernel.RuleOf(w.Drop, w.Of, all[w.Drop.Hook]); w.Rule != nil {
				k.cause = kernel.CauseOf(w.Rule)
			}
		case cause.UDPReceiveBuffer, cause.TCPReceiveBuffer, cause.ListenOverflow, cause.SocketFilter:
			w.Socket = kernel.SocketOf(w.Drop, w.Of)
			if k.cause == cause.UDPReceiveBuffer && kernel.NotReading(w.Socket) {
				k.cause = cause.SlowApplication
			}
		}
		w.Counters = kernel.Counters(k.cause, w.Of)
	}
}

// places are where a loss that the wire shows may be for a drop at a stage to be its reason.
var places = [...][flow.NumPlaces]bool{
	kernel.Arriving:  {flow.BeforeTap: true, flow.Unaccounted: true, flow.PlaceUnknown: true},
	kernel.Arrived:   {flow.AfterTap: true, flow.InReceiver: true, flow.Unaccounted: true, flow.PlaceUnknown: true},
	kernel.Leaving:   {flow.BeforeTap: true, flow.Unaccounted: true, flow.PlaceUnknown: true},
	kernel.Departing: {flow.AfterTap: true, flow.Unaccounted: true, flow.PlaceUnknown: true},
}

// A direction of a flow.
type halfOf struct {
	flow uint32
	dir  uint8
}

// giveLosses gives each case the losses of its direction that fit: first those of
// frames that the kernel is known to have dropped, then the others in order of time.
func (res *Result) giveLosses(cases []*hostCase) {
	of := map[halfOf][]*hostCase{}
	for _, k := range cases {
		if k.flow != flow.NoFlow {
			h := halfOf{k.flow, k.dir}
			of[h] = append(of[h], k)
		}
	}
	res.testified = make([]testified, 0, len(res.Ledger.Losses)+len(cases))
	for i := range res.Ledger.Losses {
		res.testified = append(res.testified, testified{Lost: &res.Ledger.Losses[i]})
	}
	var counted []*hostCase
	for _, k := range cases {
		if k.word.Drop == nil {
			counted = append(counted, k)
		}
	}
	res.giveTo(func(x *testified) []*hostCase { return of[halfOf{x.Flow, x.Dir}] }, func(k *hostCase, l *flow.Lost) bool { return k.isOf(l) })
	res.giveTo(func(x *testified) []*hostCase { return of[halfOf{x.Flow, x.Dir}] }, func(k *hostCase, l *flow.Lost) bool { return k.explains(l) })
	res.giveTo(func(*testified) []*hostCase { return counted }, func(k *hostCase, l *flow.Lost) bool {
		return places[k.mean.Stage][l.Place] && k.fits(l, res.Flows[l.Flow])
	})
}

// giveTo gives each loss of which nothing was said to the first of its candidates that may be its reason.
func (res *Result) giveTo(candidates func(*testified) []*hostCase, may func(*hostCase, *flow.Lost) bool) {
	for i := 0; i < len(res.testified); i++ {
		x := &res.testified[i]
		if x.by != nil {
			continue
		}
		for _, k := range candidates(x) {
			if k.left > 0 && may(k, x.Lost) {
				res.give(i, k)
				break
			}
		}
	}
}

// wordOn is what a host said of loss i; nil: nothing.
func (res *Result) wordOn(i int) *hostCase {
	if i < len(res.testified) {
		return res.testified[i].by
	}
	return nil
}

// strayPackets is how many packets of no flow of the capture hosts speak of.
func (res *Result) strayPackets() (n uint64) {
	for _, k := range res.strays {
		n += k.left
	}
	return n
}

// isOf reports whether l is of a frame that k is known to have dropped.
func (k *hostCase) isOf(l *flow.Lost) bool {
	return k.cause != cause.FragmentTimeout && l.Frame.Number != 0 && k.sampleOf(l.Frame) != nil
}

// sampleOf is the drop event that was a frame, nil if none is known.
func (k *hostCase) sampleOf(frame flow.FrameRef) *capture.DropSample {
	all := k.word.Drop.Samples
	if k.sampled == nil {
		k.sampled = make(map[flow.FrameRef]int, len(all))
		for i := range all {
			if at := frameOf(&all[i]); at.Number != 0 {
				k.sampled[at] = i
			}
		}
	}
	if i, ok := k.sampled[frame]; ok {
		return &all[i]
	}
	return nil
}

// explains reports whether k may be the reason of l. Fragments that were given up
// are not the one that was missing.
func (k *hostCase) explains(l *flow.Lost) bool {
	return k.cause != cause.FragmentTimeout && places[k.mean.Stage][l.Place] &&
		l.First <= k.last+aboutThen && l.Last >= k.first-aboutThen
}

// give makes k the reason of loss i, or of as many of its packets as k has left.
func (res *Result) give(i int, k *hostCase) {
	x := &res.testified[i]
	if n := uint64(x.Packets); n > k.left {
		rest := *x.Lost
		rest.Packets -= uint32(k.left)
		rest.Octets -= uint32(uint64(x.Octets) * k.left / n)
		mine := *x.Lost
		mine.Packets -= rest.Packets
		mine.Octets -= rest.Octets
		res.testified = append(res.testified, testified{Lost: &rest})
		x = &res.testified[i]
		x.Lost = &mine
	}
	x.by = k
	if x.Frame.Number != 0 {
		if k.given == nil {
			k.given = map[flow.FrameRef]bool{}
		}
		k.given[x.Frame] = true
	}
	k.left -= uint64(x.Packets)
	k.octets -= min(k.octets, uint64(x.Octets))
}

// addLoss writes down the packets of k of which the wire shows no loss.
func (res *Result) addLoss(k *hostCase) {
	d := k.word.Drop
	l := &flow.Lost{
		Flow: k.flow, Dir: k.dir, Packets: uint32(min(k.left, 1<<32-1)), Octets: uint32(min(k.octets, 1<<32-1)),
		First: d.First, Last: d.Last, What: whatOf(d), Rule: flow.RuleKernelDrop, Proof: flow.Second, Place: flow.AfterTap,
	}
	if k.mean.Stage == kernel.Arriving || k.mean.Stage == kernel.Leaving {
		l.Place = flow.BeforeTap
	}
	for _, s := range d.Samples {
		if s.Frame != 0 && l.Place == flow.AfterTap && !k.given[frameOf(&s)] {
			l.Frame = frameOf(&s)
			break
		}
	}
	res.Flows[k.flow].Dir[k.dir].Missing[l.Place] += l.Packets
	k.left = 0
	res.testified = append(res.testified, testified{Lost: l, by: k})
}

// whatOf is the kind of the packets of d.
func whatOf(d *capture.Drop) flow.What {
	switch d.Protocol {
	case decode.ProtoUDP, decode.ProtoUDPLite:
		if d.Reason == "FRAG_REASM_TIMEOUT" {
			return flow.FragmentPacket
		}
		return flow.Datagram
	case decode.ProtoICMP, decode.ProtoICMPv6:
		return flow.ICMPPacket
	case decode.ProtoTCP:
		switch {
		case len(d.Samples) > 0 && uint16(d.Samples[0].Flags)&decode.SYN != 0:
			return flow.SYNPacket
		case d.Empty*2 > d.Events:
			return flow.ACKPacket
		}
		return flow.DataPacket
	}
	return flow.OtherPacket
}
