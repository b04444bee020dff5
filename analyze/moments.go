package analyze

import (
	"cmp"
	"math"
	"slices"

	"whydrop/analyze/cause"
)

// momentWidths, ns, are how long one event may take to begin in all the flows
// that it hits: each of them notices with its next packet.
var momentWidths = [...]int64{20e6, 100e6, 500e6}

// momentJoin, ns: what follows an event so soon, or as soon as it was long, is
// the same event: what is repaired into an outage is lost once more.
const momentJoin = int64(500e6)

// moments finds losses that hit many flows at one moment. The null is that
// packets are lost independently of each other, at the rate of all the rest of
// the capture: then as many losses are expected in a window as that rate times
// the packets in it, and that so many flows begin to lose there is the tail of
// a Poisson distribution. Each loss counts for that rate, also those that follow
// another in the same flow: if only the first of them did, flows that all begin
// to send at one moment would seem to lose at one moment. A busy moment has many packets, and so expects many
// losses. The level is for all windows together.
func (c *correlation) moments(at cause.Locus, list []episode) []Event {
	var found []moment
	packets := c.res.Counts.Frames
	rest := slices.Clone(list)
	for len(found) < maxEvents && len(rest) >= eventFlows {
		w, ok := c.densest(rest, float64(packets))
		if !ok {
			break
		}
		found = append(found, w)
		packets -= min(packets, c.res.line.packets(w.from, w.to))
		_, rest = split(rest, w)
	}
	slices.SortFunc(found, func(a, b moment) int { return cmp.Compare(a.from, b.from) })
	var events []Event
	for i := 0; i < len(found); {
		w := found[i]
		for i++; i < len(found) && found[i].from-w.to <= max(momentJoin, w.to-w.from); i++ {
			w.to = max(w.to, found[i].to)
			w.chance = min(w.chance, found[i].chance)
		}
		part, _ := split(list, w)
		e := c.event(AtOnce, at, part)
		e.Chance, e.Episodes = w.chance, e.Flows
		events = append(events, e)
	}
	return events
}

// A moment is a window of time, by the index of the episode that it begins with.
type moment struct {
	from, to int64
	chance   float64
}

// densest finds the window that independent losses explain least, in what is left
// of a capture of so many packets.
func (c *correlation) densest(list []episode, packets float64) (best moment, ok bool) {
	tests := math.Log(float64(len(list) * len(momentWidths)))
	best.chance = math.Log(momentLevel)
	hits := make([]uint32, len(c.res.Flows)) // in the window, by flow
	for _, width := range momentWidths {
		end, flows := 0, 0
		clear(hits)
		var lost uint64
		for start := range list {
			for end < len(list) && list[end].first <= list[start].first+width {
				if hits[list[end].flow]++; hits[list[end].flow] == 1 {
					flows++
				}
				lost += list[end].packets
				end++
			}
			if flows >= eventFlows {
				from, to := list[start].first, list[end-1].first
				in := float64(c.res.line.packets(from, to) + lost)
				rate := float64(len(list)-(end-start)+1) / max(packets-in, 1)
				if p := poissonTail(flows, rate*in) + tests; p < best.chance {
					best, ok = moment{from, to, p}, true
				}
			}
			lost -= list[start].packets
			if hits[list[start].flow]--; hits[list[start].flow] == 0 {
				flows--
			}
		}
	}
	return best, ok
}

// split parts the episodes that begin in w from the others.
func split(list []episode, w moment) (in, out []episode) {
	for i := range list {
		if p := &list[i]; p.first >= w.from && p.first <= w.to {
			in = append(in, *p)
		} else {
			out = append(out, *p)
		}
	}
	return in, out
}
