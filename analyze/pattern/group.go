package pattern

import (
	"cmp"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A group is the directions that share a source and a side of the tap: a limiter
// on their way knows no flows.
type group struct {
	list    []*direction
	quiet   []quiet
	bucket  bucket
	through passing // as far as somebody asked
}

type quiet struct {
	facts *flow.Facts
	dir   uint8
}

// groupKey is what the directions of a group share.
type groupKey struct {
	source decode.Addr
	place  flow.Place
}

// addQuiet notes which flows that lost nothing share the way of a group.
func addQuiet(groups map[groupKey]*group, flows []*flow.Facts, have map[key]*direction) {
	for i := range flows {
		f := flows[i]
		for d := range f.Dir {
			if f.Dir[d].Octets < quietOctets {
				continue
			}
			source := f.Originator.Addr
			if d == 1 {
				source = f.Responder.Addr
			}
			for _, place := range [...]flow.Place{flow.BeforeTap, flow.AfterTap} {
				g := groups[groupKey{source, place}]
				if g != nil && have[key{uint32(i), uint8(d), place}] == nil && len(g.quiet) < quietMost {
					g.quiet = append(g.quiet, quiet{f, uint8(d)})
				}
			}
		}
	}
}

func sortedGroups(groups map[groupKey]*group) []groupKey {
	keys := make([]groupKey, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b groupKey) int {
		return cmp.Or(slices.Compare(a.source[:], b.source[:]), cmp.Compare(a.place, b.place))
	})
	return keys
}

func lostOf(events []event) int {
	n := 0
	for i := range events {
		if events[i].is1(isLost) {
			n++
		}
	}
	return n
}

// size is the most events that g can have.
func (g *group) size() int {
	n := mostSpread * len(g.quiet)
	for _, d := range g.list {
		n += len(d.kept)
	}
	return n
}

// events are those of all directions of g, in order of time.
func (g *group) events(s *scratch) []event {
	all := slices.Grow(s.all[:0], g.size())
	for i, d := range g.list {
		for _, e := range d.kept {
			e.flow = int32(i)
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return nil
	}
	t := g.list[0].series.trail
	spread := series{trail: &flow.Trail{Segment: t.Segment, Header: t.Header}, events: all}
	first := all[0].ns - int64(all[0].t*1e9)
	for _, q := range g.quiet {
		spread.spread(q.facts.First, max(q.facts.Last, q.facts.First+1), q.facts.Dir[q.dir].Octets, first)
	}
	s.all = spread.events
	return s.latest()
}

// scratch is memory for the events of one group after the other.
type scratch struct {
	all    []event
	order  []place
	sorted []event
}

// A place is one of scratch.all, and its time.
type place struct {
	t float64
	i int
}

// latest are the last events of s, in order of time; of those of one time the
// first comes first. They are valid until it is called again.
func (s *scratch) latest() []event {
	order := s.order[:0]
	for i := range s.all {
		order = append(order, place{s.all[i].t, i})
	}
	s.order = order
	slices.SortFunc(order, func(a, b place) int {
		if a.t != b.t {
			return cmp.Compare(a.t, b.t)
		}
		return a.i - b.i
	})
	order = order[max(0, len(order)-groupMost):]
	s.sorted = slices.Grow(s.sorted[:0], len(order))[:len(order)]
	for k := range order {
		s.sorted[k] = s.all[order[k].i]
	}
	return s.sorted
}

// Thresholds of the rule for siblings, loss-causes.md §4.
const (
	siblingDelay  = 0.005
	siblingShare  = 0.5
	siblingLosses = 3
)

// siblings puts to a policer what a sibling that surely has one leaves open.
func (g *group) siblings() {
	deepest := 0.0
	for _, d := range g.list {
		if f := &d.finding; f.Cause == cause.Policer && f.Confidence == cause.Likely {
			deepest = max(deepest, f.Evidence.Delay)
		}
	}
	if deepest < siblingDelay {
		return
	}
	for _, d := range g.list {
		f := &d.finding
		open := f.Cause == cause.RandomLoss || f.Cause == cause.Unknown && f.Evidence.Lost >= siblingLosses
		if open && f.Evidence.Delayed > 0 && f.Evidence.FirstMed < siblingShare*deepest {
			f.Cause, f.Row, f.Confidence, f.Rival = cause.Policer, "sibling", cause.Possible, cause.RandomLoss
			b := &d.group.bucket
			if b.j > -1 {
				f.Evidence.explain(b, d)
				f.Evidence.estimate(b, d.series)
			}
		}
	}
}
