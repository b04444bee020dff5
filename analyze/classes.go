package analyze

import (
	"math"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

const (
	// classEpisodes: fewer episodes have no class.
	classEpisodes = 8

	// classShare is the most that a class may carry of the packets: that all
	// losses hit what nearly all packets are says nothing.
	classShare = 0.5

	// classFlows: a class is hit in so many flows at least, and as many outside
	// of it were not: else the flow is the class, or there is nothing to compare.
	classFlows = 2

	// classFlowLevel is the level of the same test by flows instead of episodes:
	// the episodes of one flow are not independent of each other.
	classFlowLevel = 1e-3

	// classMost episodes, the first ones, and laneMost directions of flows are
	// looked at: what always holds, holds for these.
	classMost = 256
	laneMost  = 1 << 14

	// someFlowsFree is how many flows must have been spared that go between the
	// same hosts as those that are always hit.
	someFlowsFree = 3
)

// A lane is one direction of a flow, with what it sent whose loss could have
// been seen.
type lane struct {
	flow        uint32
	dir         uint8
	packets     float64
	octets      float64
	first, last int64
	episodes    int
}

// rate is how many packets a second l sends at time t.
func (l *lane) rate(t int64) float64 {
	if t < l.first || t > l.last {
		return 0
	}
	return l.packets / (float64(max(l.last-l.first, episodeSpan)) / 1e9)
}

// A trait is what a lane belongs to.
type trait struct {
	kind   ClassKind
	number uint64
	addr   decode.Addr
}

// classes finds the class of packets that all losses of a locus hit. Each
// episode hits the class with the probability of its share of the packets that
// were being sent at that time, so that losses which came while only few flows
// were there say nothing; that all do has the product of these probabilities
// (with one share for all of them it is the binomial test of n out of n). A
// hypergeometric test over flows stands beside it. Only what is hit in every
// episode is told, and only the class that chance explains least.
func (c *correlation) classes(at cause.Locus, list []episode) []Event {
	var events []Event
	for _, protocol := range []uint8{decode.ProtoTCP, decode.ProtoUDP} {
		some := c.ofData(list, protocol)
		if len(some) < classEpisodes {
			continue
		}
		some = some[:min(len(some), classMost)]
		lanes := c.lanes(some, protocol)
		if e, ok := c.bestClass(at, some, lanes); ok {
			events = append(events, e)
		}
	}
	return events
}

// ofData are the episodes of data of one protocol.
func (c *correlation) ofData(list []episode, protocol uint8) []episode {
	var some []episode
	for i := range list {
		if list[i].data && c.res.Flows[list[i].flow].Protocol == protocol {
			some = append(some, list[i])
		}
	}
	return some
}

// lanes are the directions of flows in which a loss of data would have been
// seen: where the peer acknowledges, or numbers tell. Of too many there are none.
func (c *correlation) lanes(list []episode, protocol uint8) []lane {
	type half struct {
		flow uint32
		dir  uint8
	}
	hit := map[half]int{}
	for i := range list {
		hit[half{list[i].flow, list[i].dir}]++
	}
	var lanes []lane
	for i := range c.res.Flows {
		f := c.res.Flows[i]
		if f.Protocol != protocol || f.Last < list[0].first || f.First > list[len(list)-1].first {
			continue
		}
		for d := range f.Dir {
			h := &f.Dir[d]
			n := float64(h.Data)
			if protocol == decode.ProtoUDP {
				n = float64(h.Packets)
			}
			told := protocol == decode.ProtoTCP && f.Dir[1-d].Packets > 0 || h.IDClass == flow.Yes || h.RTP
			if n == 0 || !told {
				continue
			}
			lanes = append(lanes, lane{
				flow: uint32(i), dir: uint8(d), packets: n, octets: float64(h.Octets), first: f.First, last: f.Last,
				episodes: hit[half{uint32(i), uint8(d)}],
			})
		}
		if len(lanes) > laneMost {
			return nil
		}
	}
	return lanes
}

// bestClass tries every class that the first episode belongs to.
func (c *correlation) bestClass(at cause.Locus, list []episode, lanes []lane) (Event, bool) {
	first := slices.IndexFunc(lanes, func(l lane) bool { return l.episodes > 0 })
	if first < 0 {
		return Event{}, false
	}
	traits := c.traits(nil, &lanes[first])
	var passing []Event
	least := 1.0
	tests := math.Log(float64(c.candidates(lanes)))
	for _, t := range traits {
		if p, share, of, ok := c.allIn(t, list, lanes); ok && p+tests < math.Log(classLevel) {
			passing = append(passing, Event{Chance: p + tests, Class: t.kind, Number: t.number, Addr: t.addr, Share: share, Of: of})
			least = min(least, share)
		}
	}
	// The narrowest class says most; of those as narrow, the first.
	const alike = 1.5
	i := slices.IndexFunc(passing, func(e Event) bool { return e.Share <= alike*least })
	found := i >= 0
	var best Event
	if found {
		best = passing[i]
	}
	for _, try := range []func([]episode, []lane) (Event, bool){c.bySize, c.bySomeFlows} {
		if e, ok := try(list, lanes); ok && !found {
			best, found = e, true
		}
	}
	if !found {
		return Event{}, false
	}
	e := c.event(OneClass, at, list)
	e.Chance, e.Class, e.Number, e.Addr, e.Share, e.Of = best.Chance, best.Class, best.Number, best.Addr, best.Share, best.Of
	return e, true
}

// traits appends the classes that l belongs to. Of classes that are the same packets
// the first is told: what a reader can find goes before what is only a hash here.
func (c *correlation) traits(out []trait, l *lane) []trait {
	f := c.res.Flows[l.flow]
	src, dst := c.ends(l.flow, l.dir)
	if f.Via.VLAN != 0 {
		out = append(out, trait{kind: ByVLAN, number: uint64(f.Via.VLAN)})
	}
	if f.Via.Tunnel != decode.TunnelNone {
		out = append(out, trait{kind: ByTunnel, number: tunnelOf(f)})
	}
	out = append(out, trait{kind: ByAddress, addr: dst}, trait{kind: BySource, addr: src})
	if f.Via.MAC != 0 && f.Via.Back == (l.dir == 1) { // the way of the other direction is not known
		out = append(out, trait{kind: ByMAC, number: uint64(f.Via.MAC)})
	}
	out = append(out, trait{kind: ByPort, number: uint64(f.Responder.Port)})
	return out
}

// candidates is how many classes could have been told.
func (c *correlation) candidates(lanes []lane) int {
	all := map[trait]bool{}
	var list []trait
	for i := range lanes {
		list = c.traits(list[:0], &lanes[i])
		for _, t := range list {
			all[t] = true
		}
	}
	return len(all)
}

// shares is the natural logarithm of the probability that each episode hits one
// of the lanes that are in, and the mean share of these.
func shares(list []episode, lanes []lane, in []float64) (chance, mean float64) {
	for i := range list {
		t := list[i].first
		var mine, all float64
		for k := range lanes {
			if r := lanes[k].rate(t); r > 0 && in[k] >= 0 {
				all += r
				mine += r * in[k]
			}
		}
		if all > 0 && mine > 0 {
			chance += math.Log(mine / all)
			mean += mine / all
		} else { // the flow is not known to have sent anything then
			mean++
		}
	}
	return chance, mean / float64(len(list))
}

// left out of the comparison: see shares.
const leftOut = -1.0

// allIn reports whether every lane that was hit is in t, and enough flows are
// outside of it. It compares with what went the same way; of is the number of
// flows in t, share what they carried.
func (c *correlation) allIn(t trait, list []episode, lanes []lane) (chance, share float64, of int, ok bool) {
	way, known := c.way(lanes)
	lightest := lightestHit(lanes)
	in := make([]float64, len(lanes))
	var hit, heavyIn, heavy, spared int
	var its []trait
	for i := range lanes {
		l := &lanes[i]
		if known && t.kind != ByMAC && t.kind != ByVLAN && t.kind != ByTunnel && c.wayOf(l) != way {
			in[i] = leftOut
			continue
		}
		its = c.traits(its[:0], l)
		mine := slices.Contains(its, t)
		if mine {
			in[i] = 1
			of++
		}
		switch {
		case l.episodes > 0 && !mine:
			return 0, 0, 0, false
		case l.episodes > 0:
			hit++
		case !mine:
			spared++
		}
		if l.packets*2 >= lightest {
			heavy++
			if mine {
				heavyIn++
			}
		}
	}
	if hit < classFlows || spared < classFlows || allFrom(hit, heavyIn, heavy) >= math.Log(classFlowLevel) {
		return 0, 0, 0, false
	}
	chance, share = shares(list, lanes, in)
	return chance, share, of, share <= classShare
}

// lightestHit is how much the lane sent that sent least of those that were hit.
func lightestHit(lanes []lane) float64 {
	lightest := math.MaxFloat64
	for i := range lanes {
		if lanes[i].episodes > 0 {
			lightest = min(lightest, lanes[i].packets)
		}
	}
	return lightest
}

// wayOf is the way that the packets of l took to the tap: frames from one MAC
// address to another, or back.
func (c *correlation) wayOf(l *lane) uint64 {
	v := &c.res.Flows[l.flow].Via
	w := uint64(v.MAC) << 1
	if v.Back != (l.dir == 1) {
		w |= 1
	}
	return w
}

// way is the one that all lanes that were hit took, if it is one.
func (c *correlation) way(lanes []lane) (way uint64, one bool) {
	for i := range lanes {
		if lanes[i].episodes == 0 {
			continue
		}
		w := c.wayOf(&lanes[i])
		if w>>1 == 0 || one && w != way {
			return 0, false
		}
		way, one = w, true
	}
	return way, one
}

// bySize reports whether all losses hit packets of at least some size that few
// packets have. How many have it is not known exactly: at most the octets
// divided by the size.
func (c *correlation) bySize(list []episode, lanes []lane) (Event, bool) {
	least := uint32(math.MaxUint32)
	for i := range list {
		least = min(least, list[i].least)
	}
	if least == 0 || least == math.MaxUint32 {
		return Event{}, false
	}
	in := make([]float64, len(lanes))
	for i := range lanes {
		in[i] = min(lanes[i].octets/float64(least)/lanes[i].packets, 1)
	}
	p, share := shares(list, lanes, in)
	if share > classShare || p >= math.Log(classLevel) {
		return Event{}, false
	}
	return Event{Chance: p, Class: BySize, Number: uint64(least), Share: share}, true
}

// bySomeFlows reports whether always the same few of many comparable flows lose,
// each of which goes between the same hosts as one that is spared: no host and
// no network tells them apart, only their ports. A member of a bundle that a
// hash of the ports chooses looks so, and so does a limit for each flow. Which
// flows they are was learnt from the losses: the bound is for every set of that
// size (union bound).
func (c *correlation) bySomeFlows(list []episode, lanes []lane) (Event, bool) {
	lightest := lightestHit(lanes)
	type pair struct{ src, dst decode.Addr }
	free := map[pair]int{}
	in := make([]float64, len(lanes))
	var hit []int
	spared, comparable := 0, 0
	for i := range lanes {
		l := &lanes[i]
		switch {
		case l.packets*2 < lightest:
			in[i] = leftOut
			continue
		case l.episodes > 0:
			in[i] = 1
			hit = append(hit, i)
		case l.present(list):
			spared++
			src, dst := c.ends(l.flow, l.dir)
			free[pair{src, dst}]++
		}
		comparable++
	}
	if len(hit) < classFlows || spared < someFlowsFree {
		return Event{}, false
	}
	for _, i := range hit {
		src, dst := c.ends(lanes[i].flow, lanes[i].dir)
		if free[pair{src, dst}] == 0 {
			return Event{}, false
		}
	}
	p, share := shares(list, lanes, in)
	p += logChoose(comparable, len(hit))
	if share > classShare || p >= math.Log(classLevel) {
		return Event{}, false
	}
	return Event{Chance: p, Class: BySomeFlows, Share: share, Of: comparable}, true
}

// present reports whether l was there at most of the episodes.
func (l *lane) present(list []episode) bool {
	n := 0
	for i := range list {
		if list[i].first >= l.first && list[i].first <= l.last {
			n++
		}
	}
	return n*2 > len(list)
}
