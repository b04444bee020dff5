package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of holes in the capture: wire-evidence.md c-1 row 9.
const (
	// overloadFlows is how many flows must lack packets at one moment for the
	// capture to have been too slow, rather than one flow to be odd.
	overloadFlows = 3

	// overloadWindow, ns, is how long it may take from the packet in front of a
	// hole to the acknowledgement that proves it, for the hole to tell a moment.
	overloadWindow = int64(1e9)

	// lagFlows is how many flows must lack the same hosts' packets, and how many
	// must have them, for a path to be missing rather than a direction.
	lagFlows = 3
)

// holes says when, and by what, the packets that only the capture lacks are missing.
func (a *auditor) holes() {
	var only []*flow.Lost
	for i := range a.res.Ledger.Losses {
		if l := &a.res.Ledger.Losses[i]; l.Place == flow.OnlyCapture {
			only = append(only, l)
		}
	}
	only = a.betweenFiles(only)
	a.overload(only)
}

// betweenFiles tells the holes where one file ends and the next begins: a
// capture that begins a new file may lose what comes meanwhile. It returns the rest.
func (a *auditor) betweenFiles(only []*flow.Lost) []*flow.Lost {
	for i := 1; i < len(a.res.Inputs); i++ {
		before, behind := &a.res.Inputs[i-1], &a.res.Inputs[i]
		if before.Frames == 0 || behind.Frames == 0 || behind.First < before.Last {
			continue // they overlap: no rotation
		}
		var n uint64
		only = slices.DeleteFunc(only, func(l *flow.Lost) bool {
			here := l.First <= before.Last && l.Last >= behind.First && l.Last-l.First <= overloadWindow+behind.First-before.Last
			if here {
				n += uint64(l.Packets)
			}
			return here
		})
		if n > 0 {
			a.find("rotation-hole", n, true, "%s where %s ends and %s begins", many(n, "packet is missing", "packets are missing"), before.Path, behind.Path)
		}
	}
	return only
}

// overload finds moments at which packets of many flows are missing at once.
func (a *auditor) overload(only []*flow.Lost) {
	only = slices.DeleteFunc(only, func(l *flow.Lost) bool { return l.Last-l.First > overloadWindow })
	slices.SortStableFunc(only, func(x, y *flow.Lost) int { return cmp.Compare(x.Last, y.Last) })
	var packets, moments uint64
	var most, first int64
	for len(only) > 0 {
		at, hit := only[0].Last, map[uint32]bool{}
		var n uint64
		began := only[0].First
		only = slices.DeleteFunc(only, func(l *flow.Lost) bool {
			if l.First > at {
				return false
			}
			hit[l.Flow] = true
			n += uint64(l.Packets)
			began = max(began, l.First)
			return true
		})
		if len(hit) < overloadFlows {
			continue
		}
		if moments == 0 {
			first = began
		}
		moments++
		packets += n
		most = max(most, int64(len(hit)))
	}
	if moments == 0 {
		return
	}
	text := fmt.Sprintf("at %.3f s", float64(first-a.res.First)/1e9)
	if moments > 1 {
		text += fmt.Sprintf(" and at %s", many(moments-1, "more moment", "more moments"))
	}
	a.find("capture-overload", packets, true, "%s, of up to %d flows at once: the capture could not keep up, %s",
		many(packets, "packet is missing", "packets are missing"), most, text)
}

// paths finds flows of which the capture holds one direction, although it hears
// their silent host in other flows with the same peer: a member of a link
// aggregation, or one of several equal paths, is not captured.
func (a *auditor) paths() {
	type way struct{ from, to decode.Addr }
	heard := map[way]int{}
	var silent []way
	for i := range a.res.Flows {
		f := a.res.Flows[i]
		ways := [2]way{{f.Originator.Addr, f.Responder.Addr}, {f.Responder.Addr, f.Originator.Addr}}
		switch {
		case f.Protocol != decode.ProtoTCP:
		case f.OneWay() && f.Dir[0].Packets == 0:
			silent = append(silent, ways[0])
		case f.OneWay():
			silent = append(silent, ways[1])
		case f.Dir[0].Packets > 0 && f.Dir[1].Packets > 0:
			heard[ways[0]]++
			heard[ways[1]]++
		}
	}
	var n uint64
	others := map[way]bool{}
	for _, w := range silent {
		if heard[w] > 0 {
			n++
			others[w] = true
		}
	}
	both := 0
	for w := range others {
		both += heard[w]
	}
	if n >= lagFlows && both >= lagFlows {
		a.find("path-missing", n, true,
			"%s one direction, and %d more between the same hosts both: one member of a LAG, or one of several paths, is not captured",
			many(n, "flow has", "flows have"), both)
	}
}

// midStream tells of conversations that began before the capture.
func (a *auditor) midStream() {
	var n, tcp uint64
	for i := range a.res.Flows {
		f := a.res.Flows[i]
		if f.Protocol != decode.ProtoTCP || f.Dir[0].Data+f.Dir[1].Data == 0 {
			continue
		}
		tcp++
		if !f.Handshake && !f.Dir[0].Start && !f.Dir[1].Start {
			n++
		}
	}
	if n > 0 {
		a.find("mid-stream", n, false, "%d of %s before the capture: what was lost then is not here, nor are their options", n, many(tcp, "TCP flow with data began", "TCP flows with data began"))
	}
}

// unsorted tells that the frames are in no order of time, and what that costs.
func (a *auditor) unsorted() {
	if a.res.disordered() {
		a.find("unsorted", a.res.Unsorted, true,
			"%s out of the order of time by more than can be sorted: what depends on order is possible at most, and what depends on silence is not told",
			many(a.res.Unsorted, "frame is", "frames are"))
	}
}
