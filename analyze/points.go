package analyze

import (
	"slices"

	"whydrop/analyze/flow"
)

// A pairing joins the packets that passed one of two capture points with what
// was found of their flows.
type pairing struct {
	res    *Result
	hops   uint8
	lone   map[flow.FrameRef]*flow.Loner // that passed one point only
	used   map[flow.FrameRef]bool        // of them, those that are charged
	resent map[flow.FrameRef]bool        // of them, retransmissions
	lost   map[half]uint64               // how many are known to be lost between the points
}

// A half is one direction of a flow.
type half struct {
	flow uint32
	dir  uint8
}

// Thresholds of two capture points in one file: wire-evidence.md c-0, b-2.
const (
	// twinSame is the share of the packets with a copy of another TTL whose TTL
	// is lower by the same number.
	twinSame = 0.9

	// twinFew is how many of them there must be.
	twinFew = 8

	// twinHalf is the share of the packets of a direction that pass both points
	// from which it is known to lead through both. Losses between them lower it.
	twinHalf = 0.5

	// twinAll is the share, of those that are not known to be lost between the
	// points, from which one that passed the first point only is lost, although
	// nobody asked for it again. Below, the second may be on one of several ways.
	twinAll = 0.9
)

// points decides whether the file holds two capture points, and uses them:
// what passed the first and not the second was lost between them.
func points(res *Result) {
	hops := pairHops(res)
	if hops == 0 {
		return
	}
	p := pairing{res, hops, map[flow.FrameRef]*flow.Loner{}, map[flow.FrameRef]bool{}, map[flow.FrameRef]bool{}, map[half]uint64{}}
	res.Points = &Points{Hops: hops}
	for i := range res.Flows {
		for d := range res.Flows[i].Dir {
			if h := &res.Flows[i].Dir[d]; h.TwinHops == hops {
				res.Points.Both += uint64(h.Twins)
			}
		}
	}
	for i := range res.loners {
		if l := &res.loners[i]; p.leads(l.Flow, l.Dir, twinHalf) {
			p.lone[l.Frame] = l
		}
	}
	p.lostBetween()
	p.sightings()
	p.missed()
	p.alsoBetween()
}

// pairHops is by how much the TTL of the second copies is lower, or 0 if the
// file holds one capture point.
func pairHops(res *Result) uint8 {
	var byHops [256]uint64
	var all, packets uint64
	for i := range res.Flows {
		for d := range res.Flows[i].Dir {
			h := &res.Flows[i].Dir[d]
			packets += h.Packets
			all += uint64(h.Twins) + uint64(h.OtherTwins)
			byHops[h.TwinHops] += uint64(h.Twins)
		}
	}
	best := 0
	for hops, n := range byHops {
		if n > byHops[best] {
			best = hops
		}
	}
	n := byHops[best]
	if n < twinFew || float64(n) < twinSame*float64(all) || float64(n) < spanShare*float64(packets) {
		return 0
	}
	return uint8(best)
}

// leads reports whether a direction is known to lead through both points: at
// least this share of its packets passed both, without those that are known to
// be lost between them.
func (p *pairing) leads(number uint32, dir uint8, least float64) bool {
	h := &p.res.Flows[number].Dir[dir&1]
	could := float64(h.Packets) - float64(p.lost[half{number, dir & 1}])
	return h.TwinHops == p.hops && float64(h.Twins) >= least*could
}

// lostBetween tells losses between the points from those beyond both.
func (p *pairing) lostBetween() {
	losses := p.res.Ledger.Losses
	for i := range losses {
		l := &losses[i]
		if l.Frame.Number == 0 || l.Place == flow.OnlyCapture || l.Place == flow.BeforeTap {
			continue
		}
		switch x := p.lone[l.Frame]; {
		case x == nil:
			if l.Place == flow.AfterTap && p.leads(l.Flow, l.Dir, twinHalf) {
				l.Between = flow.BeyondPoints
			}
		case x.Late && !x.Overdue: // it may have been on its way between the points
		case x.First:
			p.used[l.Frame] = true
			p.between(l)
		}
	}
}

// between notes that l was lost between the points. That it is missing at the
// second and was not acknowledged, or was sent again, are two witnesses.
func (p *pairing) between(l *flow.Lost) {
	p.res.move(l, flow.AfterTap)
	p.lost[half{l.Flow, l.Dir & 1}] += uint64(l.Packets)
	l.Between = flow.BetweenPoints
	switch l.Rule {
	case flow.RuleBadChecksum, flow.RuleICMPQuote:
		return // they say why
	case flow.RuleNeverRepaired:
		l.Proof = flow.Single
	default:
		l.Proof = flow.Second
	}
	l.Rule = flow.RuleTwoPoints
	if l.Reason == flow.ReasonAmbiguous {
		l.Reason = flow.ReasonUnknown
	}
	for i := range l.Witnesses {
		if l.Witnesses[i].Says == flow.SaysPassed && l.Witnesses[i].Frame == l.Frame {
			l.Witnesses[i].Says = flow.SaysFirstPoint
		}
	}
}

// sightings notes which lone packets are retransmissions, and takes back that
// packets which the first point missed came late.
func (p *pairing) sightings() {
	p.res.Symptoms = slices.DeleteFunc(p.res.Symptoms, func(s flow.Symptom) bool {
		switch x := p.lone[s.Frame]; {
		case x == nil:
		case s.Kind == flow.Retransmission:
			p.resent[s.Frame] = true
		case s.Kind == flow.Reordered && !x.First:
			p.res.Flows[s.Flow].Dir[s.Dir&1].Reordered--
			return true
		}
		return false
	})
}

// missed counts packets that one point did not see, although they passed it.
func (p *pairing) missed() {
	for _, x := range p.lone {
		if x.Late {
			continue
		}
		if !x.First || x.Arrived && !p.used[x.Frame] && !p.resent[x.Frame] {
			p.res.Points.Missed++
		}
	}
}

// alsoBetween charges what nobody asks for again: acknowledgements, datagrams,
// and retransmissions that were not needed. Where a point is known to miss
// packets, or many pass one point only, nothing tells which of the two it was.
func (p *pairing) alsoBetween() {
	for i := range p.res.loners {
		x := &p.res.loners[i]
		if p.lone[x.Frame] != x || !x.First || x.Late || p.used[x.Frame] {
			continue
		}
		switch x.What {
		case flow.SYNPacket, flow.FINPacket, flow.DataPacket:
			if !p.resent[x.Frame] {
				continue
			}
		}
		l := flow.Lost{
			Flow: x.Flow, Dir: x.Dir, Protocol: p.res.Flows[x.Flow].Protocol, Place: flow.AfterTap, What: x.What,
			Rule: flow.RuleTwoPoints, Proof: flow.Single, Between: flow.BetweenPoints, Packets: 1, Octets: x.Octets,
			First: x.Time, Last: x.Time, Frame: x.Frame,
			Witnesses: [5]flow.Witness{{Frame: x.Frame, Time: x.Time, Says: flow.SaysFirstPoint}},
		}
		if p.res.Points.Missed > 0 || !p.leads(x.Flow, x.Dir, twinAll) { // it may have missed this one, too
			l.Place, l.Reason, l.Proof, l.Between = flow.Unaccounted, flow.ReasonAmbiguous, flow.Fits, flow.OnePoint
		}
		p.res.Flows[x.Flow].Dir[x.Dir&1].Missing[l.Place]++
		p.res.Ledger.Losses = append(p.res.Ledger.Losses, l)
	}
	slices.SortFunc(p.res.Ledger.Losses, compareLosses)
}

// move puts l to another place, in the account of its flow as well.
func (res *Result) move(l *flow.Lost, to flow.Place) {
	m := &res.Flows[l.Flow].Dir[l.Dir&1].Missing
	m[l.Place] -= min(l.Packets, m[l.Place])
	m[to] += l.Packets
	l.Place = to
}
