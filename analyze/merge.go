package analyze

import (
	"cmp"
	"slices"

	"whydrop/analyze/flow"
)

// merge puts what the shards found into res, in an order that does not depend
// on how many shards there were: flows by their first frame, symptoms and
// losses by time and frame.
func merge(res *Result, found []flow.Findings) {
	type from struct {
		facts *flow.Facts
		shard int
		index int
	}
	var flows []from
	for s := range found {
		res.GaveUp.Add(found[s].GaveUp)
		for i := range found[s].Flows {
			flows = append(flows, from{found[s].Flows[i], s, i})
		}
	}
	slices.SortFunc(flows, func(a, b from) int { return compareFlows(a.facts, b.facts) })

	renumber := make([][]uint32, len(found))
	for s := range found {
		renumber[s] = make([]uint32, len(found[s].Flows))
	}
	res.Flows = make([]*flow.Facts, len(flows))
	for i, f := range flows {
		res.Flows[i] = f.facts
		renumber[f.shard][f.index] = uint32(i)
	}
	sizes := [2]int{}
	for s := range found {
		sizes[0], sizes[1] = sizes[0]+len(found[s].Symptoms), sizes[1]+len(found[s].Losses)
	}
	res.Symptoms = make([]flow.Symptom, 0, sizes[0])
	losses := make([]flow.Lost, 0, sizes[1])
	for s := range found {
		f := &found[s]
		f.Renumber(func(number uint32) uint32 { return renumber[s][number] })
		res.Symptoms = append(res.Symptoms, f.Symptoms...)
		losses = append(losses, f.Losses...)
		res.loners = append(res.loners, f.Loners...)
		res.Signs = append(res.Signs, f.Signs...)
		res.Stalls = append(res.Stalls, f.Stalls...)
		res.Waits = append(res.Waits, f.Waits...)
		res.trails = append(res.trails, f.Trails...)
		found[s] = flow.Findings{}
	}
	slices.SortFunc(res.Symptoms, compareSymptoms)
	slices.SortFunc(res.loners, func(a, b flow.Loner) int { return cmp.Or(cmp.Compare(a.Time, b.Time), compareFrames(a.Frame, b.Frame)) })
	slices.SortFunc(losses, compareLosses)
	slices.SortFunc(res.Signs, compareSigns)
	slices.SortFunc(res.Stalls, compareStalls)
	slices.SortFunc(res.Waits, func(a, b flow.Waits) int { return cmp.Compare(a.Flow, b.Flow) })
	res.Ledger.Losses = losses
}

func compareFrames(a, b flow.FrameRef) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Number, b.Number))
}

func compareEndpoints(a, b flow.Endpoint) int {
	return cmp.Or(slices.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port))
}

func compareFlows(a, b *flow.Facts) int {
	return cmp.Or(
		cmp.Compare(a.First, b.First), compareFrames(a.FirstFrame, b.FirstFrame),
		cmp.Compare(a.Protocol, b.Protocol),
		compareEndpoints(a.Originator, b.Originator), compareEndpoints(a.Responder, b.Responder),
		cmp.Compare(a.Incarnation, b.Incarnation))
}

func compareSymptoms(a, b flow.Symptom) int {
	if a.Time != b.Time {
		return cmp.Compare(a.Time, b.Time)
	}
	return cmp.Or(
		compareFrames(a.Frame, b.Frame),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail), cmp.Compare(a.Flow, b.Flow),
		cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Octets, b.Octets))
}

// compareStalls orders by flow, and those of a flow longest first.
func compareStalls(a, b flow.Stall) int {
	return cmp.Or(
		cmp.Compare(a.Flow, b.Flow), cmp.Compare(b.To-b.From, a.To-a.From), cmp.Compare(a.From, b.From),
		cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Reason, b.Reason))
}

func compareLosses(a, b flow.Lost) int {
	return cmp.Or(
		cmp.Compare(a.First, b.First), compareFrames(a.Frame, b.Frame), compareFrames(a.Repair, b.Repair),
		cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Last, b.Last),
		cmp.Compare(a.Place, b.Place), cmp.Compare(a.What, b.What), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Packets, b.Packets), cmp.Compare(a.Octets, b.Octets),
		compareFrames(a.Witnesses[0].Frame, b.Witnesses[0].Frame))
}

func compareSigns(a, b flow.Sign) int {
	return cmp.Or(
		cmp.Compare(a.First, b.First), compareFrames(a.Witnesses[0].Frame, b.Witnesses[0].Frame),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Dir, b.Dir),
		slices.Compare(a.Addr[:], b.Addr[:]), slices.Compare(a.By[:], b.By[:]), cmp.Compare(a.Last, b.Last),
		cmp.Compare(a.N, b.N), cmp.Compare(a.M, b.M))
}
