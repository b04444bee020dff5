package analyze

import (
	"fmt"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of unanswered connection requests: loss-causes.md rule F, wire-evidence.md b-13.
const (
	// likelySYNs to one port without an answer are no chance; two may be.
	likelySYNs = 3

	// queueFlows lost a SYN to a port that let others in; of the data on the same
	// way queueExpected packets would have been lost if the path were to blame for
	// the SYNs, and none was: one chance in 150. It never is more than possible: a
	// filter may limit the rate of new connections.
	queueFlows    = 3
	queueExpected = 5

	// ignoredLikely SYN-ACKs repeated after their answer had passed are no lost answer.
	ignoredLikely = 2
)

// silences is what the rest of the capture says of hosts that left connection
// requests unanswered. It is nil if there were none.
type silences struct {
	asked   map[asking]*asked
	ports   map[flow.Endpoint]*portStory
	heard   map[hostPair]heard
	talking map[decode.Addr]int64      // when a host was last heard, by anybody
	ignored map[uint32]*flow.Sign      // by flow
	absent  map[decode.Addr]*flow.Sign // hosts for which nobody answers
	queued  map[flow.Endpoint]bool     // ports of flows with such a sign that is more than possible
	flows   []*flow.Facts
}

// An asking is a port and who asks it.
type asking struct {
	port   flow.Endpoint
	client decode.Addr
}

type asked struct {
	syns     uint64 // that nobody answered
	accepted uint64 // connections
}

// A portStory is what became of all connections to a port.
type portStory struct {
	lost     uint64 // connections that lost a SYN, or never began
	accepted uint64
	data     uint64 // data packets on the way to its host, of clients that lost a SYN
	lostData uint64 // and how many of them were lost
	clients  []decode.Addr
}

// A hostPair is a host and who talks to it.
type hostPair struct{ host, client decode.Addr }

// heard is when the host was last heard by the client, and on which port.
type heard struct {
	last     int64
	port     uint16
	protocol uint8
	data     uint64 // packets with data to it
	lost     uint64 // of them
}

// lostSYN reports whether l is a connection request that did not arrive, as far
// as its flow tells.
func lostSYN(l *flow.Lost) bool {
	return l.What == flow.SYNPacket && l.Dir == 0 && (l.Place == flow.AfterTap || l.Place == flow.InReceiver) &&
		(l.Reason == flow.ReasonUnanswered || l.Rule == flow.RuleSYN || l.Rule == flow.RuleDroppedAfterTap)
}

// silences reads the whole capture for what explain needs.
func (res *Result) silences() *silences {
	s := &silences{
		asked: map[asking]*asked{}, ports: map[flow.Endpoint]*portStory{}, heard: map[hostPair]heard{},
		talking: map[decode.Addr]int64{}, ignored: map[uint32]*flow.Sign{}, queued: map[flow.Endpoint]bool{},
		flows: res.Flows,
	}
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind != flow.SignIgnored || s.ignored[g.Flow] != nil {
			continue
		}
		s.ignored[g.Flow] = g
		if g.N >= ignoredLikely && g.M > 0 {
			s.queued[res.Flows[g.Flow].Responder] = true
		}
	}
	before := flow.NoFlow
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if !lostSYN(l) {
			continue
		}
		s.request(res.Flows[l.Flow], l.Flow != before)
		before = l.Flow
	}
	if len(s.ports) == 0 {
		return s
	}
	for i := range res.Flows {
		s.listen(res.Flows[i], s.ignored[uint32(i)] == nil)
	}
	s.sum()
	s.absent = res.absent()
	return s
}

// request notes a flow that lost a SYN.
func (s *silences) request(f *flow.Facts, first bool) {
	k := asking{f.Responder, f.Originator.Addr}
	a := s.asked[k]
	if a == nil {
		a = &asked{}
		s.asked[k] = a
	}
	p := s.ports[f.Responder]
	if p == nil {
		p = &portStory{}
		s.ports[f.Responder] = p
	}
	if !first {
		return
	}
	s.talking[f.Responder.Addr] = 0
	if f.Dir[1].Packets == 0 {
		a.syns += f.Dir[0].Packets
	}
	p.lost++
	if a.syns == f.Dir[0].Packets || f.Dir[1].Packets > 0 {
		p.clients = append(p.clients, k.client)
	}
}

// listen notes what f says of a host that left somebody without an answer.
// calm says that nothing is odd about its beginning.
func (s *silences) listen(f *flow.Facts, calm bool) {
	for d, end := range [2]flow.Endpoint{f.Originator, f.Responder} {
		last, wanted := s.talking[end.Addr]
		if !wanted {
			continue
		}
		h, other := &f.Dir[d], f.Originator
		if d == 0 {
			other = f.Responder
		}
		k := hostPair{end.Addr, other.Addr}
		x := s.heard[k]
		if f.Protocol == decode.ProtoTCP && calm {
			there := &f.Dir[1-d]
			lost := there.Missing[flow.AfterTap]
			x.data += there.Data
			x.lost += uint64(lost - min(lost, there.Retransmissions[flow.SYN]))
		}
		if h.Packets > 0 {
			s.talking[end.Addr] = max(last, h.LastTime)
			if h.LastTime > x.last || h.LastTime == x.last && end.Port < x.port {
				x.last, x.port, x.protocol = h.LastTime, end.Port, f.Protocol
			}
		}
		s.heard[k] = x
	}
	if f.Protocol != decode.ProtoTCP || !f.Dir[1].Start {
		return
	}
	if p := s.ports[f.Responder]; p != nil {
		p.accepted++
		if a := s.asked[asking{f.Responder, f.Originator.Addr}]; a != nil {
			a.accepted++
		}
	}
}

// sum adds up, for each port, what became of the data of its clients.
func (s *silences) sum() {
	for port, p := range s.ports {
		done := map[decode.Addr]bool{}
		for _, c := range p.clients {
			if done[c] {
				continue
			}
			done[c] = true
			x := s.heard[hostPair{port.Addr, c}]
			p.data += x.data
			p.lostData += x.lost
		}
		p.clients = nil
	}
}

// explain says why the packet of ch was not answered, as far as anything in
// the capture tells.
func (s *silences) explain(ch *Charge, l *flow.Lost) {
	if g := s.ignored[l.Flow]; g != nil && l.Dir == g.Dir && ch.Cause != cause.TCPChecksum && ch.Cause != cause.IPChecksum &&
		(l.Place == flow.AfterTap || l.Place == flow.InReceiver) && l.First <= g.Last && l.Reason != flow.ReasonICMP {
		s.ignoredAnswer(ch, g)
		return
	}
	if !lostSYN(l) || ch.Cause != cause.ConnectionUnanswered && ch.Cause != cause.Unknown {
		return
	}
	p, a := s.ports[ch.Dst], s.asked[asking{ch.Dst, ch.Src.Addr}]
	if p == nil || a == nil {
		return
	}
	switch g := s.absent[ch.Dst.Addr]; {
	case g != nil && l.Reason == flow.ReasonUnanswered && s.talking[ch.Dst.Addr] < l.First:
		ch.Cause, ch.Rule, ch.Confidence = cause.NeighbourUnresolved, flow.RuleNeighbour, cause.Likely
		ch.Evidence = append(ch.Evidence, witnessesOf(g)...)
		ch.Rivals = []Rival{{cause.FirewallSilent, "a filtered host answers ARP and neighbour discovery"}}
	case p.accepted > 0 && s.talking[ch.Dst.Addr] > l.First:
		s.portLetsIn(ch, p, a)
	case l.Reason == flow.ReasonUnanswered:
		s.portIsSilent(ch, a, s.flows[l.Flow].First) // the last SYN fared as the first did
	}
}

// ignoredAnswer charges what a listener dropped that went on repeating its SYN-ACK.
func (s *silences) ignoredAnswer(ch *Charge, g *flow.Sign) {
	ch.Cause, ch.Rule = cause.ListenQueue, flow.RuleListenQueue
	sure := cause.Possible
	if g.N >= ignoredLikely && g.M > 0 {
		sure = cause.Likely
	}
	ch.Confidence = min(ch.Confidence, sure)
	ch.Evidence = append(ch.Evidence, g.Witnesses[0])
	ch.Rivals = []Rival{{cause.Unknown, "the SYN-ACKs arrived, and their answers passed here each time"}}
	if sure == cause.Possible {
		ch.Rivals = []Rival{{cause.AckLost, "one lost answer draws one more SYN-ACK"}}
	}
}

// portLetsIn explains SYNs lost on the way to a port that lets others in. Two
// or three are anybody's; more, and no data with them, are the port's.
func (s *silences) portLetsIn(ch *Charge, p *portStory, a *asked) {
	expected := p.data * p.lost / (p.lost + p.accepted)
	mine := ch.Cause == cause.ConnectionUnanswered && a.syns >= likelySYNs && a.accepted > 0
	switch {
	case s.queued[ch.Dst]:
		ch.Confidence = cause.Likely
	case p.lost >= queueFlows && p.lostData == 0 && expected >= queueExpected, mine:
		ch.Confidence = cause.Possible
	case ch.Cause == cause.ConnectionUnanswered:
		ch.Rivals = []Rival{
			{cause.ListenQueue, "the port lets others in; its queue may have been full"},
			{cause.FirewallSilent, "a filter may let others in, and not this host"},
		}
		return
	default:
		return
	}
	ch.Cause, ch.Rule = cause.ListenQueue, flow.RuleListenQueue
	ch.Rivals = []Rival{{cause.FirewallSilent, "a filter that limits the rate of new connections drops SYNs, too"}}
	if s.queued[ch.Dst] {
		ch.Rivals = []Rival{{cause.FirewallSilent, "a filter does not drop the answer to a SYN-ACK that it let pass"}}
	}
}

// portIsSilent tells a filter from a host that is down, where that can be told.
func (s *silences) portIsSilent(ch *Charge, a *asked, since int64) {
	x := s.heard[hostPair{ch.Dst.Addr, ch.Src.Addr}]
	switch {
	case x.last > since && x.last > 0:
		ch.Cause, ch.Rule = cause.FirewallSilent, flow.RuleSilentPort
		if a.syns >= likelySYNs {
			ch.Confidence = cause.Likely
		}
		ch.Rivals = []Rival{
			{cause.HostUnreachable, fmt.Sprintf("the host is up: it answers %s", byWhat(x))},
			{cause.ListenQueue, fmt.Sprintf("port %d never let anybody in here", ch.Dst.Port)},
		}
	case s.talking[ch.Dst.Addr] > since:
		ch.Rivals = []Rival{
			{cause.FirewallSilent, "the host is up: it talks to others here"},
			{cause.NoRoute, "there may be no way back to this client"},
		}
	default:
		ch.Rivals = []Rival{
			{cause.FirewallSilent, "a filter that drops without a word looks the same"},
			{cause.HostUnreachable, "so does a host that is down; a ping, or another port, would tell"},
		}
	}
}

// byWhat names what a host was heard by.
func byWhat(x heard) string {
	switch x.protocol {
	case decode.ProtoICMP, decode.ProtoICMPv6:
		return "pings"
	case decode.ProtoUDP:
		return fmt.Sprintf("on UDP port %d", x.port)
	}
	return fmt.Sprintf("on port %d", x.port)
}
