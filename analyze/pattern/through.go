package pattern

import (
	"slices"

	"whydrop/decode"
)

// passing are the times at which packets of any direction of a group got through
// to one destination, in order.
type passing map[decode.Addr][]int64

// to is where the packets of d go.
func (d *direction) to() decode.Addr {
	if s := d.series; s.trail.Dir == 1 {
		return s.facts.Originator.Addr
	}
	return d.series.facts.Responder.Addr
}

// throughTo returns the times at which packets of g got through to a destination.
func (g *group) throughTo(to decode.Addr) []int64 {
	if times, ok := g.through[to]; ok {
		return times
	}
	var times []int64
	for _, d := range g.list {
		if d.to() != to {
			continue
		}
		for i := range d.whole {
			if e := &d.whole[i]; e.passed() && !e.is1(isSilent) {
				times = append(times, e.ns)
			}
		}
	}
	slices.Sort(times)
	if g.through == nil {
		g.through = passing{}
	}
	g.through[to] = times
	return times
}

// refute takes out of list what was no outage of the way: in the middle of it
// packets of another flow between the same hosts got through. A queue or a limiter
// that many share starves one of them as long.
func (d *direction) refute(list []outage) []outage {
	if len(list) == 0 || len(d.group.list) < 2 {
		return list
	}
	times := d.group.throughTo(d.to())
	return slices.DeleteFunc(list, func(o outage) bool {
		from, to := d.series.events[o.from].ns, d.series.events[o.to-1].ns
		if d.series.upstream() {
			from, to = o.begin, o.end
		}
		edge := (to - from) / 4 // what is lost at the edges may have been lost by something else
		at, _ := slices.BinarySearch(times, from+edge)
		return at < len(times) && times[at] < to-edge
	})
}
