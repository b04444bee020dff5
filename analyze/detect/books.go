package detect

import (
	"cmp"
	"slices"

	"whydrop/analyze/flow"
)

// books are what is written down of conversations, while they go on and when
// they are over.
type books struct {
	log    flow.Log
	opened uint32                // conversations so far: the number of the next one
	facts  flow.List[flow.Facts] // of those that are over
	order  flow.List[uint32]     // their numbers
	keep   int                   // how many of them are kept apart
	tiny   int                   // how many of those have few packets
	rest   [2]folded             // of all others: conversations, and bare probes
}

// folded sums up conversations of which there are too many.
type folded struct {
	facts flow.Facts
	lost  flow.Rest // what they lost
}

func openBooks(o Options) books {
	b := books{
		log:  flow.Log{MaxSymptoms: o.MaxSymptoms, MaxLosses: o.MaxLosses, MaxStalls: maxStalls, MaxTrails: o.MaxTrails},
		keep: o.MaxFacts,
	}
	if b.log.MaxSymptoms <= 0 {
		b.log.MaxSymptoms = defaultSymptoms
	}
	if b.log.MaxLosses <= 0 {
		b.log.MaxLosses = defaultLosses
	}
	if b.keep <= 0 {
		b.keep = defaultFacts
	}
	return b
}

// tooMany reports whether a conversation that is over can only be summed up with
// others, since there is no room for another of that many packets.
func (b *books) tooMany(f *flow.Facts) bool {
	n := f.Dir[0].Packets + f.Dir[1].Packets
	tiny := n <= scanFlow || n <= shortFlow && !f.Troubled()
	if tiny {
		b.tiny++
	}
	return b.facts.Len() >= b.keep || tiny && b.tiny > b.keep/tinyShare
}

// close finishes conversation number, of which f is known, and writes it down: apart,
// or with others where there are too many. end is the time up to which the capture
// would have seen more of it.
func (b *books) close(number uint32, f *flow.Facts, c conversation, end int64) {
	if b.tooMany(f) {
		sum := &b.rest[0]
		if f.Bare() {
			sum = &b.rest[1]
		}
		c.Fold(&sum.lost)
		c.Finish(end)
		sum.facts.Fold(f)
		b.log.GaveUp.Summed++
		return
	}
	c.Finish(end)
	b.facts.Append(*f)
	b.order.Append(number)
}

// A conversation is a flow.Conn or a flow.Talk.
type conversation interface {
	Fold(sum *flow.Rest)
	Finish(end int64)
}

// findings empties the books and numbers the conversations by their place in
// the result. Those that were folded are the last ones.
func (b *books) findings() flow.Findings {
	kept := b.facts.Len()
	for i := range b.rest {
		if r := &b.rest[i]; r.facts.SummedUp > 0 {
			b.facts.Append(r.facts)
		}
	}
	f := flow.Findings{
		Flows: b.facts.Refs(), Symptoms: b.log.Symptoms.Take(), Losses: b.log.Losses,
		Loners: b.log.Loners, Signs: b.log.Signs, Stalls: b.log.Stalls.Take(), Waits: b.log.Waits.Take(),
		Trails: b.log.Trails, GaveUp: b.log.GaveUp,
	}
	f.Renumber(placesOf(b.order.Take(), b.opened, uint32(max(len(f.Flows)-1, 0))))
	at := uint32(kept)
	for i := range b.rest {
		if b.rest[i].facts.SummedUp > 0 {
			f.Losses = b.rest[i].losses(f.Losses, at)
			at++
		}
	}
	return f
}

// losses appends what was lost, as losses of conversation at.
func (r *folded) losses(to []flow.Lost, at uint32) []flow.Lost {
	for d := range r.lost {
		for p := range r.lost[d] {
			if l := r.lost[d][p]; l.Packets > 0 {
				l.Flow = at
				to = append(to, l)
			}
		}
	}
	return to
}

// placesOf returns what tells the place of a number in order; that of a number
// which is not there is other. Numbers are below opened.
func placesOf(order []uint32, opened, other uint32) func(number uint32) uint32 {
	if uint64(opened) <= sparse*uint64(len(order)) {
		place := slices.Repeat([]uint32{other}, int(opened))
		for i, number := range order {
			place[number] = uint32(i)
		}
		return func(number uint32) uint32 { return place[number] }
	}
	type at struct{ number, place uint32 }
	list := make([]at, len(order))
	for i, number := range order {
		list[i] = at{number, uint32(i)}
	}
	slices.SortFunc(list, func(a, b at) int { return cmp.Compare(a.number, b.number) })
	return func(number uint32) uint32 {
		i, ok := slices.BinarySearchFunc(list, number, func(a at, n uint32) int { return cmp.Compare(a.number, n) })
		if !ok {
			return other
		}
		return list[i].place
	}
}
