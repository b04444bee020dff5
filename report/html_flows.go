package report

import (
	"strings"

	"whydrop/analyze/cause"
)

// A pageFlow is a row of the flow table. The numbers beside the words are what it is
// sorted by.
type pageFlow struct {
	F      *Flow
	Family string
	More   int // causes beside the first
	Where  string
	Rate   string
	Bar    float64
	RTT    string
	RTTms  float64 // -1 = not known
	Also   string
	Graph  bool
}

// flows fills the flow table.
func (v *pageView) flows(g *Gallery) {
	f := &v.R.Flows
	var most uint64
	for i := range f.Table {
		most = max(most, f.Table[i].Lost+f.Table[i].OnlyHere)
	}
	seen := map[string]bool{}
	for i := range f.Table {
		row := pageFlowOf(&f.Table[i], most)
		row.Graph = g.drawn(f.Table[i].ID)
		v.Flows = append(v.Flows, row)
		for _, id := range f.Table[i].Causes {
			if !seen[id] {
				seen[id] = true
				v.Families = append(v.Families, id)
			}
		}
	}
	if n := f.Total - len(f.Table); n > 0 {
		v.MoreFlow = "…and " + counted(uint64(n), "more flow") + ": those that lost less or, of as many lost, carried fewer octets. " +
			"All are in `whydrop analyze --format csv`."
	}
}

func pageFlowOf(f *Flow, most uint64) pageFlow {
	const longest = 64
	row := pageFlow{F: f, RTT: "–", RTTms: -1, Family: famNone}
	if len(f.Causes) > 0 {
		locus := ""
		if f.Lost == 0 && f.OnlyHere > 0 {
			locus = locusCapture
		}
		row.Family, row.More = family(f.Causes[0], locus), len(f.Causes)-1
	}
	if most > 0 {
		row.Bar = round(longest*float64(f.Lost)/float64(most), 1)
	}
	row.Rate = "?"
	if !f.CannotTell {
		row.Rate = percent(f.Lost, f.Packets)
	}
	var parts []string
	for l := range cause.NumLoci {
		if n := f.Directions[0].Missing[l.String()] + f.Directions[1].Missing[l.String()]; n > 0 {
			parts = append(parts, count(n)+" "+shortWhere[l])
		}
	}
	row.Where = strings.Join(parts, ", ")
	for d := range f.Directions {
		if known := f.Directions[d].RTT; known != nil {
			row.RTT, row.RTTms = typeset(rtt(known.Median)), known.Median
			break
		}
	}
	row.Also = alsoSeen(f)
	return row
}

// alsoSeen is what a flow shows beside losses.
func alsoSeen(f *Flow) string {
	var resent, unneeded, late, twice, bad, closed uint64
	for d := range f.Directions {
		h := &f.Directions[d]
		for _, n := range h.Retransmissions {
			resent += n
		}
		unneeded += h.Unneeded
		late += h.Reordered
		twice += h.Duplicates
		bad += h.ChecksumBad
		closed += h.ZeroWindow.Episodes
	}
	var parts []string
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, count(n)+" "+what)
		}
	}
	add(resent, "sent again")
	add(unneeded, "unnecessary")
	add(late, "reordered")
	add(twice, "twice")
	add(bad, "bad checksum")
	add(closed, "window closed")
	if f.StallMS > 0 {
		parts = append(parts, "stalled "+milli(f.StallMS))
	}
	return strings.Join(parts, ", ")
}
