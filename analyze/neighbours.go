package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of ARP and neighbour discovery: wire-evidence.md b-28.
const (
	// conflictWithin, ns: two claims that take turns within this time are a
	// conflict; one that replaces another for good is a fail-over.
	conflictWithin = int64(60e9)

	// bothAnswer, ns: two answers this close are to the same request.
	bothAnswer = int64(1e9)

	// turnsLikely times the address must go back to a MAC that had it before: a
	// cluster that fails over and back does it once.
	turnsLikely = 2

	// manyAddresses of one MAC address are a router that answers for others (proxy ARP).
	manyAddresses = 8

	// sweepTargets for which one host asks in vain are a scan, no neighbours.
	sweepTargets = 16
)

// virtual reports whether a MAC address belongs to a group of routers, of which
// one after the other answers: VRRP and CARP (RFC 9568 §7.3), HSRP, GLBP.
func virtual(mac uint64) bool {
	switch mac >> 8 {
	case 0x00005e0001, 0x00005e0002, 0x00000c07ac:
		return true
	}
	switch mac >> 12 {
	case 0x00000c9ff, 0x000573a00:
		return true
	}
	return mac>>24 == 0x0007b4
}

// conflicts concludes which addresses two hosts claim at the same time.
func (res *Result) conflicts() []Conclusion {
	byAddr := map[decode.Addr][]*flow.Sign{}
	addresses := map[uint64]map[decode.Addr]bool{}
	var order []decode.Addr
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind != flow.SignClaim || virtual(g.N) {
			continue
		}
		if byAddr[g.Addr] == nil {
			order = append(order, g.Addr)
		}
		byAddr[g.Addr] = append(byAddr[g.Addr], g)
		if addresses[g.N] == nil {
			addresses[g.N] = map[decode.Addr]bool{}
		}
		if g.TTL == 0 {
			addresses[g.N][g.Addr] = true
		}
	}
	var out []Conclusion
	for _, a := range order {
		claims := slices.DeleteFunc(byAddr[a], func(g *flow.Sign) bool { return len(addresses[g.N]) >= manyAddresses })
		if c, found := conflict(a, claims); found {
			out = append(out, c)
		}
	}
	return out
}

// conflict judges the claims of one address, in order of time.
func conflict(a decode.Addr, claims []*flow.Sign) (Conclusion, bool) {
	if len(claims) < 2 {
		return Conclusion{}, false
	}
	// What one peer hears counts: a bond that balances tells different peers
	// different MAC addresses, and each of them always the same.
	byPeer := map[decode.Addr][]*flow.Sign{}
	for _, g := range claims {
		byPeer[g.By] = append(byPeer[g.By], g)
	}
	turns, both, probed := 0, false, false
	var proof []flow.Witness
	for _, list := range byPeer {
		slices.SortStableFunc(list, func(x, y *flow.Sign) int { return cmp.Compare(x.First, y.First) })
		for i := 1; i < len(list); i++ {
			x, y := list[i-1], list[i]
			if x.N == y.N {
				continue
			}
			switch {
			case x.TTL != 0 && y.TTL == 0 && y.First-x.Last <= bothAnswer:
				probed = true
			case x.TTL != 0 || y.TTL != 0:
				continue
			case x.M > 0 && y.M > 0 && y.First-x.Last <= bothAnswer:
				both = true
			case i > 1 && list[i-2].N == y.N && y.First-list[i-2].Last <= conflictWithin:
				turns++
			default:
				continue
			}
			for _, g := range list[max(0, i-2) : i+1] {
				proof = append(proof, g.Witnesses[0])
			}
		}
	}
	if turns == 0 && !both && !probed {
		return Conclusion{}, false
	}
	slices.SortFunc(proof, func(x, y flow.Witness) int {
		return cmp.Or(cmp.Compare(x.Time, y.Time), compareFrames(x.Frame, y.Frame))
	})
	proof = slices.Compact(proof)
	c := Conclusion{Cause: cause.AddressConflict, Count: 1, Confidence: cause.Possible, Evidence: proof[:min(len(proof), 6)]}
	macs := []string{}
	for _, w := range proof {
		if m := macName(w.A); !slices.Contains(macs, m) && len(macs) < 2 {
			macs = append(macs, m)
		}
	}
	switch {
	case turns == 0 && !both:
		c.Confidence = cause.Likely
		c.Say = fmt.Sprintf("%s wanted the address %s, which %s has.", macs[0], a, macs[len(macs)-1])
		return c, true
	case both || turns >= turnsLikely:
		c.Confidence = cause.Likely
	}
	c.Say = fmt.Sprintf("Two hosts claim the address %s: %s and %s.", a, macs[0], macs[len(macs)-1])
	return c, true
}

// macName is a MAC address in its usual form.
func macName(n uint64) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// absent are the hosts that somebody asked for in vain, by what happened first.
// Who asks for very many scans.
func (res *Result) absent() map[decode.Addr]*flow.Sign {
	failed := map[decode.Addr]*flow.Sign{}
	targets := map[decode.Addr]int{}
	for i := range res.Signs {
		if g := &res.Signs[i]; g.Kind == flow.SignUnresolved {
			targets[g.By]++
			if failed[g.Addr] == nil {
				failed[g.Addr] = g
			}
		}
	}
	if len(failed) == 0 {
		return nil
	}
	for a, g := range failed {
		if targets[g.By] > sweepTargets {
			delete(failed, a)
		}
	}
	for i := range res.Signs { // it was there all the same
		if g := &res.Signs[i]; g.Kind == flow.SignClaim && g.TTL == 0 && failed[g.Addr] != nil && g.Last >= failed[g.Addr].First {
			delete(failed, g.Addr)
		}
	}
	for i := range res.Flows {
		f := res.Flows[i]
		for d, end := range [2]decode.Addr{f.Originator.Addr, f.Responder.Addr} {
			if g := failed[end]; g != nil && f.Dir[d].Packets > 0 && f.Dir[d].LastTime >= g.First {
				delete(failed, end)
			}
		}
	}
	return failed
}

// unresolved concludes for whom nobody answers. It is likely where others
// answer the one who asks: answers go to him alone, and not every tap sees them.
func (res *Result) unresolved() []Conclusion {
	failed := res.absent()
	if len(failed) == 0 {
		return nil
	}
	heard := res.hearing(failed)
	var out []Conclusion
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind != flow.SignUnresolved || failed[g.Addr] != g {
			continue
		}
		c := Conclusion{
			Cause: cause.NeighbourUnresolved, Count: 1, Confidence: cause.Possible, Evidence: witnessesOf(g),
			Say: fmt.Sprintf("Nobody answers for %s: %s asked %d times for its link-layer address.", g.Addr, g.By, g.N),
		}
		if heard[g.By] {
			c.Confidence = cause.Likely
		}
		out = append(out, c)
	}
	return out
}

// hearing are those who asked in vain and to whom others send what the capture
// holds: an answer would be seen, too.
func (res *Result) hearing(failed map[decode.Addr]*flow.Sign) map[decode.Addr]bool {
	heard := map[decode.Addr]bool{}
	for _, g := range failed {
		heard[g.By] = false
	}
	note := func(a decode.Addr) {
		if _, asked := heard[a]; asked {
			heard[a] = true
		}
	}
	for i := range res.Signs {
		if g := &res.Signs[i]; g.Kind == flow.SignClaim && g.M > 0 {
			note(g.By)
		}
	}
	for i := range res.Flows {
		f := res.Flows[i]
		for d, end := range [2]decode.Addr{f.Responder.Addr, f.Originator.Addr} {
			if f.Dir[d].Packets > 0 {
				note(end)
			}
		}
	}
	return heard
}
