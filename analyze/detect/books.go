package detect

import "whydrop/analyze/flow"

// books are what is written down of conversations, while they go on and when
// they are over.
type books struct {
	log    flow.Log
	opened uint32                // conversations so far: the number of the next one
	facts  flow.List[flow.Facts] // of those that are over
	order  flow.List[uint32]     // their numbers
}

func openBooks(o Options) books {
	return books{log: flow.Log{MaxSymptoms: o.MaxSymptoms, MaxLosses: maxLosses, MaxStalls: maxStalls, MaxTrails: o.MaxTrails}}
}

// close writes down that conversation number is over.
func (b *books) close(number uint32, f *flow.Facts) {
	b.facts.Append(*f)
	b.order.Append(number)
}

// findings empties the books and numbers the conversations by their place in
// the result. What is not there is in rest, if it is not nil, which comes last.
func (b *books) findings(rest *flow.Facts) flow.Findings {
	if rest != nil {
		b.facts.Append(*rest)
	}
	f := flow.Findings{
		Flows: b.facts.Refs(), Symptoms: b.log.Symptoms.Take(), Losses: b.log.Losses,
		Loners: b.log.Loners, Signs: b.log.Signs, Stalls: b.log.Stalls.Take(), Waits: b.log.Waits.Take(),
		Trails: b.log.Trails, GaveUp: b.log.GaveUp,
	}
	place := make([]uint32, b.opened)
	if rest != nil {
		for i := range place {
			place[i] = uint32(len(f.Flows) - 1)
		}
	}
	for i, number := range b.order.Take() {
		place[number] = uint32(i)
	}
	f.Renumber(func(number uint32) uint32 { return place[number] })
	return f
}
