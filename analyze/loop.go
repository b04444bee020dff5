package analyze

import (
	"fmt"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// loops takes packets that went round in a loop for what they are: their
// copies are the network's and no second capture point, and those whose TTL ran
// out are lost. wire-evidence.md b-21, c-1 row 17.
func loops(res *Result) {
	looped := map[loopKey]*flow.Sign{}
	halves := map[[2]uint32]bool{} // flow and direction
	for i := range res.Signs {
		if g := &res.Signs[i]; g.Kind == flow.SignLoop {
			looped[loopKey{g.Flow, g.Dir, g.First}] = g
			halves[[2]uint32{g.Flow, uint32(g.Dir)}] = true
		}
	}
	if len(looped) == 0 {
		return
	}
	for k := range halves {
		h := &res.Flows[k[0]].Dir[k[1]&1]
		h.Copies = [2]uint32{0, h.Copies[0] + h.Copies[1]}
		h.Twins, h.LateTwins, h.OtherTwins, h.TwinHops = 0, 0, 0, 0
	}
	res.loners = slices.DeleteFunc(res.loners, func(l flow.Loner) bool { return halves[[2]uint32{l.Flow, uint32(l.Dir)}] })
	charged := map[loopKey]bool{}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		k := loopKey{l.Flow, l.Dir, l.First}
		g := looped[k]
		if g == nil || l.Place == flow.BeforeTap || l.Place == flow.OnlyCapture {
			continue
		}
		charged[k] = true
		if l.Reason == flow.ReasonICMP && !diedOfTTL(l, res.Flows[l.Flow].Originator) {
			continue // it came out of the loop, and somebody dropped it for another reason
		}
		res.move(l, flow.AfterTap)
		l.Rule, l.Proof = flow.RuleLoop, flow.Single
		if l.Reason == flow.ReasonICMP || ranOut(g) {
			l.Proof = flow.Second
		}
		l.Reason = flow.ReasonLoop
		bear(l, g)
	}
	for i := range res.Signs {
		g := &res.Signs[i]
		if k := (loopKey{g.Flow, g.Dir, g.First}); g.Kind == flow.SignLoop && !charged[k] && ranOut(g) {
			charged[k] = true
			res.lostInLoop(g)
		}
	}
	slices.SortFunc(res.Ledger.Losses, compareLosses)
}

// A loopKey names a packet by when it passed first.
type loopKey struct {
	flow  uint32
	dir   uint8
	first int64
}

// ranOut reports whether the last sighting was the last possible one.
func ranOut(g *flow.Sign) bool { return uint64(g.TTL) <= max(g.M, 2) }

// diedOfTTL reports whether an ICMP error about l says that its TTL ran out.
func diedOfTTL(l *flow.Lost, end flow.Endpoint) bool {
	id := byICMPv6(l.ICMPType, l.ICMPCode)
	if end.Addr.Is4() {
		id = byICMP(l.ICMPType, l.ICMPCode)
	}
	return id == cause.TTLExpired
}

// bear puts sightings of g among the witnesses of l.
func bear(l *flow.Lost, g *flow.Sign) {
	n := 0
	for n < len(l.Witnesses) && l.Witnesses[n].Says != flow.SaysNothing {
		n++
	}
	n = min(n, len(l.Witnesses)-2)
	for i := 0; n < len(l.Witnesses) && i < len(g.Witnesses) && g.Witnesses[i].Says != flow.SaysNothing; i++ {
		l.Witnesses[n] = g.Witnesses[i]
		n++
	}
}

// lostInLoop charges a packet whose TTL ran out in a loop, of which nothing else tells.
func (res *Result) lostInLoop(g *flow.Sign) {
	l := flow.Lost{
		Flow: g.Flow, Dir: g.Dir, Protocol: g.Protocol, Place: flow.AfterTap, What: g.What, Reason: flow.ReasonLoop,
		Rule: flow.RuleLoop, Proof: flow.Second, Packets: 1, Octets: g.Octets, First: g.First, Last: g.Last,
		Frame: g.Frame,
	}
	bear(&l, g)
	res.Flows[g.Flow].Dir[g.Dir&1].Missing[flow.AfterTap]++
	res.Ledger.Losses = append(res.Ledger.Losses, l)
}

// loopsBeside says of each pair of addresses whose packets went round that they did.
func (res *Result) loopsBeside() []Conclusion {
	type way struct{ src, dst flow.Endpoint }
	found := map[way]int{}
	var out []Conclusion
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind != flow.SignLoop {
			continue
		}
		f := res.Flows[g.Flow]
		w := way{flow.Endpoint{Addr: f.Originator.Addr}, flow.Endpoint{Addr: f.Responder.Addr}}
		if g.Dir == 1 {
			w.src, w.dst = w.dst, w.src
		}
		if at, ok := found[w]; ok {
			out[at].Count++
			out[at].Confidence = cause.Certain
			continue
		}
		found[w] = len(out)
		sure := cause.Certain
		if g.N <= 3 && !ranOut(g) {
			sure = cause.Likely
		}
		length := "a TTL that is lower each time"
		if g.M > 0 {
			length = fmt.Sprintf("a TTL lower by %d each time", g.M)
		}
		out = append(out, Conclusion{
			Cause: cause.RoutingLoop, Count: 1, Confidence: sure, Evidence: witnessesOf(g),
			Say: fmt.Sprintf("Packets from %s to %s go round in a loop: they pass here up to %d times, with %s.", w.src.Addr, w.dst.Addr, g.N, length),
		})
	}
	return out
}

// witnessesOf are the witnesses of g that show something.
func witnessesOf(g *flow.Sign) []flow.Witness {
	n := 0
	for n < len(g.Witnesses) && g.Witnesses[n].Says != flow.SaysNothing {
		n++
	}
	return g.Witnesses[:n:n]
}
