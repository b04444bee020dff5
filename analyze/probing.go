package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of scans and floods. What asks once, and does not ask again in the three
// seconds in which any host would have (RFC 6298 §2), wants no connection. All were set
// by hand: fewer than these stay what they are, connection requests without an answer.
const (
	// scanLeast ports or hosts that one host asks, and talks to none of them.
	// Browsers that try two families of addresses at once give up the slower one within
	// a second (RFC 8305 §5): with SYNs as a host sends them it takes hostsLeast hosts.
	scanLeast  = 16
	hostsLeast = 256

	// portsLeast ports of one host are no chance even where each is asked again.
	portsLeast = 64

	// scanTries is how often a scanner asks each port at most; what checks whether
	// a server is alive asks for ever.
	scanTries = 3

	// scanTalks: what talks with more than one in so many does not scan.
	scanTalks = 8

	// floodLeast hosts ask one, each once, over floodTime ns or more, or floodMany do; or
	// one does so loneFlood times, floodRate of them a second.
	floodLeast = 48
	floodMany  = 1024
	floodTime  = int64(1e9)
	loneFlood  = 256
	floodRate  = 10

	// askAgain, ns: RFC 6298 §2, an initial timeout of 1 s, doubled once.
	askAgain = int64(3e9)
)

// probes are the flows in which somebody asked and nobody said anything.
type probes struct {
	res    *Result
	kind   []flow.ProbeKind // by flow
	of     map[decode.Addr]*scanner
	at     map[decode.Addr]*target
	talks  bool // some conversation of the capture carries data
	taken  []bool
	floods []probed
	scans  []probed
	more   uint64 // that are only counted, and go with them
}

// A scanner is a host and what it asked.
type scanner struct {
	flows []uint32
	talks uint64
}

// A target is a host that others ask.
type target struct {
	flows []uint32
}

// probed is one scan or flood.
type probed struct {
	who      decode.Addr // scans: who asks; floods: whom
	flows    uint64
	packets  uint64
	others   int // hosts on the other side
	ports    int
	port     uint16 // if there is one
	host     decode.Addr
	silent   uint64 // flows without an answer
	halfOpen uint64
	stray    bool
	proof    []flow.Witness
}

// probing finds scans and floods, and takes what they lack out of the books: a
// question that wants no connection is no packet of a conversation, and whether it
// arrived nothing tells.
func probing(res *Result) {
	p := probes{res: res, of: map[decode.Addr]*scanner{}, at: map[decode.Addr]*target{}}
	if !p.sort() {
		return
	}
	p.taken = make([]bool, len(res.Flows))
	for _, who := range sortedAddrs(p.of) {
		p.scan(who, p.of[who])
	}
	for _, whom := range sortedAddrs(p.at) {
		p.flood(whom, p.at[whom])
	}
	if len(p.scans)+len(p.floods) == 0 {
		return
	}
	p.takeRest()
	p.takeOut()
	res.probes, res.probed = p.taken, p.conclusions()
}

// OfProbes reports whether flow i is of a scan or a flood.
func (res *Result) OfProbes(i int) bool { return res.probes != nil && res.probes[i] }

// sort puts flows to who asks in them, and whom. It reports whether there are any.
func (p *probes) sort() bool {
	p.kind = make([]flow.ProbeKind, len(p.res.Flows))
	n := 0
	for i, f := range p.res.Flows {
		if f.Protocol != decode.ProtoTCP || f.SummedUp > 0 {
			continue
		}
		if p.kind[i] = f.Probe(); p.kind[i] != flow.NoProbe {
			n++
		}
	}
	if n < scanLeast {
		return false
	}
	for i, f := range p.res.Flows {
		if f.Protocol != decode.ProtoTCP || f.SummedUp > 0 {
			continue
		}
		s := p.of[f.Originator.Addr]
		if s == nil {
			s = &scanner{}
			p.of[f.Originator.Addr] = s
		}
		if p.kind[i] == flow.NoProbe {
			s.talks++
			p.talks = p.talks || f.Dir[0].Data+f.Dir[1].Data > 0
			continue
		}
		s.flows = append(s.flows, uint32(i))
		t := p.at[f.Responder.Addr]
		if t == nil {
			t = &target{}
			p.at[f.Responder.Addr] = t
		}
		t.flows = append(t.flows, uint32(i))
	}
	return true
}

// again reports whether f was asked again, or there was no time to see it.
func (p *probes) again(f *flow.Facts) (again, known bool) {
	if f.Stray {
		return false, true
	}
	return f.Dir[0].Retransmissions[flow.SYN] > 0, f.Dir[0].Retransmissions[flow.SYN] > 0 || p.res.Last-f.First >= askAgain
}

// scan judges what one host asked.
func (p *probes) scan(who decode.Addr, s *scanner) {
	if len(s.flows) < scanLeast {
		return
	}
	asked, hosts, ports := map[flow.Endpoint]bool{}, map[decode.Addr]map[uint16]bool{}, map[uint16]bool{}
	var unwelcome, once, again, plain uint64
	for _, i := range s.flows {
		f := p.res.Flows[i]
		if !asked[f.Responder] {
			asked[f.Responder] = true
			ports[f.Responder.Port] = true
			if hosts[f.Responder.Addr] == nil {
				hosts[f.Responder.Addr] = map[uint16]bool{}
			}
			hosts[f.Responder.Addr][f.Responder.Port] = true
		}
		if p.kind[i] == flow.ProbeSilent || p.kind[i] == flow.ProbeRefused {
			unwelcome++
		}
		if f.Dir[0].SACK != flow.Yes {
			plain++
		}
		if p.kind[i] != flow.ProbeSilent {
			continue
		}
		switch repeated, known := p.again(f); {
		case repeated:
			again++
		case known:
			once++
		}
	}
	most := 0
	for _, list := range hosts {
		most = max(most, len(list))
	}
	n := uint64(len(asked))
	wants := again*4 > once+again // most of them are asked again
	raw := plain*2 > uint64(len(s.flows))
	switch {
	case uint64(len(s.flows)) > scanTries*n, s.talks*scanTalks > n, unwelcome*2 < uint64(len(s.flows)), once+again == 0 && unwelcome == 0:
		return
	case most >= portsLeast:
	case wants, most < scanLeast && len(hosts) < scanLeast, most < scanLeast && !raw && len(hosts) < hostsLeast:
		return
	}
	x := probed{who: who, others: len(hosts), ports: len(ports)}
	for _, i := range s.flows {
		p.take(&x, i)
	}
	p.scans = append(p.scans, x)
}

// flood judges what one host was asked.
func (p *probes) flood(whom decode.Addr, t *target) {
	if len(t.flows) < floodLeast {
		return
	}
	sources := map[decode.Addr]uint64{}
	var list []uint32
	var first, last int64
	for _, i := range t.flows {
		f := p.res.Flows[i]
		repeated, known := p.again(f)
		if p.taken[i] || repeated || f.Stray || p.kind[i] == flow.ProbeRefused || p.kind[i] == flow.ProbeLeft && f.Dir[0].Packets > 2 {
			continue
		}
		if p.kind[i] == flow.ProbeHalfOpen && f.Dir[1].Retransmissions[flow.SYNACK] == 0 && !p.talks {
			continue // a filter for SYNs leaves as much of any connection
		}
		list = append(list, i)
		if !known {
			continue
		}
		if len(sources) == 0 {
			first = f.First
		}
		sources[f.Originator.Addr]++
		last = f.First
	}
	var lone, n uint64
	for _, m := range sources {
		lone = max(lone, m)
		n += m
	}
	span := last - first
	switch {
	case len(sources) >= floodLeast && (span >= floodTime || len(sources) >= floodMany) && n <= scanTries*uint64(len(sources)):
	case n >= loneFlood && span > 0 && float64(n)*1e9 >= floodRate*float64(span) && span >= floodTime:
	default:
		return
	}
	x := probed{who: whom}
	ports := map[uint16]bool{}
	for _, i := range list {
		f := p.res.Flows[i]
		sources[f.Originator.Addr]++
		ports[f.Responder.Port] = true
		p.take(&x, i)
	}
	x.others, x.ports = len(sources), len(ports)
	p.floods = append(p.floods, x)
}

// take puts flow i to x.
func (p *probes) take(x *probed, i uint32) {
	f := p.res.Flows[i]
	p.taken[i] = true
	x.flows++
	x.packets += f.Dir[0].Packets
	x.port, x.host = f.Responder.Port, f.Responder.Addr
	x.stray = x.stray || f.Stray
	switch p.kind[i] {
	case flow.ProbeSilent:
		x.silent++
	case flow.ProbeHalfOpen:
		x.halfOpen++
	}
	if len(x.proof) < 2 {
		says := flow.SaysSYN
		if f.Stray {
			says = flow.SaysStray
		}
		x.proof = append(x.proof, flow.Witness{Frame: f.FirstFrame, Time: f.First, Says: says})
	}
}

// takeRest takes what is only counted of probes, if nearly all that are known are taken.
func (p *probes) takeRest() {
	var bare, taken uint64
	for i, f := range p.res.Flows {
		if f.SummedUp == 0 && f.Bare() {
			bare++
			if p.taken[i] {
				taken++
			}
		}
	}
	if taken*10 < bare*9 {
		return
	}
	for i, f := range p.res.Flows {
		if f.SummedUp > 0 && f.Protocol == decode.ProtoTCP && f.Dir[0].Packets == f.SummedUp && f.Dir[0].Data+f.Dir[1].Data == 0 {
			p.taken[i] = true
			p.more += f.SummedUp
		}
	}
}

// takeOut takes what the taken flows lost out of the ledger.
func (p *probes) takeOut() {
	kept := p.res.Ledger.Losses[:0]
	for _, l := range p.res.Ledger.Losses {
		if !p.taken[l.Flow] || l.Place == flow.OnlyCapture || l.Reason == flow.ReasonICMP || l.Proof == flow.Second {
			kept = append(kept, l)
			continue
		}
		f := p.res.Flows[l.Flow]
		m := &f.Dir[l.Dir&1].Missing[l.Place]
		*m -= min(l.Packets, *m)
		if f.SummedUp > 0 {
			p.res.GaveUp.Losses -= min(uint64(l.Packets), p.res.GaveUp.Losses)
		}
	}
	p.res.Ledger.Losses = kept
	p.res.Stalls = slices.DeleteFunc(p.res.Stalls, func(x flow.Stall) bool { return p.taken[x.Flow] })
	p.res.Waits = slices.DeleteFunc(p.res.Waits, func(x flow.Waits) bool { return p.taken[x.Flow] })
}

func sortedAddrs[T any](m map[decode.Addr]T) []decode.Addr {
	list := make([]decode.Addr, 0, len(m))
	for a := range m {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b decode.Addr) int { return slices.Compare(a[:], b[:]) })
	return list
}
