package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of the position of missing fragments: wire-evidence.md b-23.
const (
	// firstsOnly datagrams of which only the first fragment passed, and none with
	// another in the same direction, are no chance.
	firstsOnly = 3

	// firstsFiltered: so many of them in a file without any later fragment were
	// captured with a filter for ports, which only first fragments have.
	firstsFiltered = 2
)

// positions judges datagrams of which only the first fragment passed. A capture
// filter for ports leaves the others out of the file, and they are not missing;
// a filter without state, or a balancer that hashes ports, drops them.
func positions(res *Result) {
	type way struct{ src, dst decode.Addr }
	later := map[way]uint64{}
	var everywhere uint64
	for i := range res.Signs {
		if g := &res.Signs[i]; g.Kind == flow.SignFragments {
			later[way{g.Addr, g.By}] += g.M
			everywhere += g.M
		}
	}
	firsts := map[way]uint64{}
	wayOf := func(l *flow.Lost) way {
		f := res.Flows[l.Flow]
		w := way{f.Originator.Addr, f.Responder.Addr}
		if l.Dir == 1 {
			w.src, w.dst = w.dst, w.src
		}
		return w
	}
	var all uint64
	for i := range res.Ledger.Losses {
		if l := &res.Ledger.Losses[i]; l.Reason == flow.ReasonLaterFragments {
			firsts[wayOf(l)]++
			all++
		}
	}
	if all == 0 {
		return
	}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if l.Reason != flow.ReasonLaterFragments {
			continue
		}
		switch w := wayOf(l); {
		case everywhere == 0 && all >= firstsFiltered:
			res.move(l, flow.Unaccounted)
			l.Proof = flow.Fits
			res.noFragments += uint64(l.Packets)
		case everywhere == 0:
			l.Proof = flow.Fits
		case later[w] == 0 && firsts[w] >= firstsOnly:
			l.Rule = flow.RuleLaterFragments
		}
	}
}

// fragmentRivals are the rivals of a missing fragment.
func fragmentRivals(l *flow.Lost) []Rival {
	switch {
	case l.Rule == flow.RuleLaterFragments:
		return []Rival{{cause.FirewallSilent, "a filter without state, or a balancer that hashes ports, stops what has no ports"}}
	case l.Reason == flow.ReasonLaterFragments && l.Proof == flow.Fits:
		return []Rival{{cause.CaptureDropped, "a capture filter for ports leaves later fragments out"}}
	}
	return nil
}
