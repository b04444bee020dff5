package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// fewGaps: so many gaps in the IP IDs that two conversations share are of one sender:
// that two counters stand alike is one chance in 65 536 for each.
const fewGaps = 2

// A gapID is a gap in the IP IDs of a direction: what was in front of it, and behind.
type gapID struct {
	before, behind uint64
	dir            uint8
}

// gapsOf are the gaps in IP IDs that lost datagrams left, by flow.
func (res *Result) gapsOf() map[uint32]map[gapID]int64 {
	gaps := map[uint32]map[gapID]int64{}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if l.Rule != flow.RuleDatagramID || l.Place != flow.BeforeTap || res.Flows[l.Flow].Protocol == decode.ProtoTCP {
			continue
		}
		if gaps[l.Flow] == nil {
			gaps[l.Flow] = map[gapID]int64{}
		}
		gaps[l.Flow][gapOf(l)] = l.Last
	}
	return gaps
}

func gapOf(l *flow.Lost) gapID {
	return gapID{l.Witnesses[0].A, l.Witnesses[1].A, l.Dir & 1}
}

// translatedTalks finds conversations without sequence numbers that passed both sides of
// a translator of addresses: what goes to one server at the same moments with the same
// IP IDs, which a translator leaves alone (RFC 3022 §4.1), and a lower TTL behind it. It
// calls pair for each, the side next to the sender first.
func (res *Result) translatedTalks(pair func(near, far uint32)) {
	gaps := res.gapsOf()
	servers := map[flow.Endpoint][]uint32{}
	for n := range gaps {
		servers[res.Flows[n].Responder] = append(servers[res.Flows[n].Responder], n)
	}
	for _, list := range servers {
		slices.Sort(list)
		list = list[:min(len(list), translatedScan)]
		for _, a := range list {
			for _, b := range list {
				if res.farSide(a, b, gaps) {
					pair(a, b)
				}
			}
		}
	}
}

// farSide reports whether b is what a translator made of a.
func (res *Result) farSide(a, b uint32, gaps map[uint32]map[gapID]int64) bool {
	f, g := res.Flows[a], res.Flows[b]
	off := f.First - g.First
	if a == b || f.Originator == g.Originator || g.Dir[0].TTL >= f.Dir[0].TTL || max(off, -off) > translatedWithin {
		return false
	}
	if len(gaps[a]) < fewGaps && f.Dir[0].Packets != g.Dir[0].Packets {
		return false
	}
	for k, t := range gaps[a] {
		at, ok := gaps[b][k]
		if !ok || max(at-t, t-at) > translatedWithin {
			return false
		}
	}
	return true
}
