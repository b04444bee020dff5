package report

import (
	"cmp"
	"iter"
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

const (
	// tableRows is how many flows the table shows (look.md §3); --format ndjson has all.
	tableRows = 1000
	// topFlows is how many flows the JSON document has.
	topFlows = 100
)

func (b *builder) flows() Flows {
	out := Flows{Total: int(b.conversations), ByProtocol: map[string]int{}, CannotTell: int(b.blind.flows)}
	var byProtocol [256]uint64
	for _, f := range b.res.Flows {
		byProtocol[f.Protocol] += f.Conversations()
	}
	for p, n := range byProtocol {
		if n > 0 {
			out.ByProtocol[protocolName(uint8(p))] = int(n)
		}
	}
	rows := b.order()
	out.Table = make([]Flow, 0, len(rows))
	for _, i := range rows {
		out.Table = append(out.Table, b.flow(i))
	}
	out.Top = out.Table[:min(len(out.Table), topFlows)]
	return out
}

// order picks the flows of the table: most losses first, then those that only
// the capture lacks packets of, then by octets, then by first frame.
func (b *builder) order() []int {
	octets := func(i int) uint64 { return b.res.Flows[i].Dir[0].Octets + b.res.Flows[i].Dir[1].Octets }
	less := func(i, j int) int {
		s, t := &b.perFlow[i], &b.perFlow[j]
		return cmp.Or(cmp.Compare(t.lost, s.lost), cmp.Compare(t.only, s.only),
			cmp.Compare(octets(j), octets(i)), cmp.Compare(i, j))
	}
	// Sorting a million flows to show a thousand would be a waste: keep the
	// best of what was seen, and cut back whenever twice that came together.
	rows := make([]int, 0, 2*tableRows)
	for i := range b.res.Flows {
		if len(rows) == cap(rows) {
			slices.SortFunc(rows, less)
			rows = rows[:tableRows]
		}
		rows = append(rows, i)
	}
	slices.SortFunc(rows, less)
	return rows[:min(len(rows), tableRows)]
}

// flow is flow i in full.
func (b *builder) flow(i int) Flow {
	f, t := b.res.Flows[i], &b.perFlow[i]
	out := Flow{
		ID: i + 1, Protocol: protocolName(f.Protocol),
		Originator: endpoint(f.Originator, f.Protocol), Responder: endpoint(f.Responder, f.Protocol),
		First: timestamp(f.First), Last: timestamp(f.Last), FirstFrame: b.frame(f.FirstFrame),
		Packets: t.sent, Octets: f.Dir[0].Octets + f.Dir[1].Octets,
		Lost: t.lost, OnlyHere: t.only, CannotTell: b.cannotTell(i), LossRate: rate(t.lost, t.sent),
		Causes: b.flowCauses(i), Handshake: f.Handshake, StallMS: stallMS(b.waited(i)), Stalls: []Stall{},
	}
	longest := b.stallsOf(i)
	for k := range longest {
		out.Stalls = append(out.Stalls, b.stall(&longest[k]))
	}
	out.Directions[0] = b.direction(i, 0)
	out.Directions[1] = b.direction(i, 1)
	return out
}

// flowCauses are the causes of flow i, most packets first.
func (b *builder) flowCauses(i int) []string {
	packets := map[cause.ID]uint64{}
	ids := []cause.ID{}
	for _, n := range b.chargesOf[uint32(i)] {
		c := &b.res.Ledger.Charges[n]
		if packets[c.Cause] == 0 {
			ids = append(ids, c.Cause)
		}
		packets[c.Cause] += c.Packets
	}
	slices.SortFunc(ids, func(a, b cause.ID) int {
		return cmp.Or(cmp.Compare(packets[b], packets[a]), cmp.Compare(a, b))
	})
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return names
}

func (b *builder) direction(i, d int) Direction {
	f := b.res.Flows[i]
	h := &f.Dir[d]
	ends := [2]string{endpoint(f.Originator, f.Protocol), endpoint(f.Responder, f.Protocol)}
	out := Direction{
		Src: ends[d], Dst: ends[1-d], Protocol: protocolName(f.Protocol),
		Packets: h.Packets, WirePackets: h.WirePackets, Octets: h.Octets,
		Missing: b.missing(i, d), Retransmissions: map[string]uint64{},
		Unneeded: uint64(h.Unneeded), Undecided: uint64(h.UndecidedNeed), Reordered: uint64(h.Reordered),
		Duplicates: uint64(h.Duplicates[0]) + uint64(h.Duplicates[1]), ChecksumBad: uint64(h.ChecksumBad),
		ZeroWindow: ZeroWindow{Episodes: uint64(h.ZeroWindows), MS: milliseconds(h.ZeroWindowNS)},
		Stalls:     stalled(b.waited(i), d),
	}
	for detail := flow.Fast; detail <= flow.Other; detail++ {
		if n := h.Retransmissions[detail]; n > 0 {
			out.Retransmissions[detail.String()] = uint64(n)
		}
	}
	if h.RTTSamples > 0 && h.RTTMin >= 0 {
		out.RTT = &RTT{Min: milliseconds(h.RTTMin), Median: milliseconds(h.RTTMed), Max: milliseconds(h.RTTMax)}
	}
	place, onHost := b.res.TapOf(i, uint8(d))
	out.Tap, out.TapOnHost, out.Hops = place.String(), onHost, hops(h)
	out.RTP = rtpOf(h)
	out.MinDown, out.MinUp = knownDelay(h.MinDown), knownDelay(h.MinUp)
	return out
}

// knownDelay is ns as ms, nil where it is not known.
func knownDelay(ns int64) *float64 {
	if ns < 0 {
		return nil
	}
	ms := milliseconds(ns)
	return &ms
}

// missing is what direction d of flow i lacks, by locus. What no charge
// accounts for stands beside them.
func (b *builder) missing(i, d int) map[string]uint64 {
	out := map[string]uint64{}
	var total, charged uint64
	for _, n := range b.res.Flows[i].Dir[d].Missing {
		total += uint64(n)
	}
	for _, n := range b.chargesOf[uint32(i)] {
		if c := &b.res.Ledger.Charges[n]; int(c.Dir) == d {
			out[c.Locus.String()] += c.Packets
			charged += c.Packets
		}
	}
	if total > charged {
		out["unexplained"] = total - charged
	}
	return out
}

// EachFlow are all flows of res, in the order of their IDs; Flows has only the first of them.
func EachFlow(res *analyze.Result) iter.Seq[*Flow] {
	return func(yield func(*Flow) bool) {
		b := newBuilder(res)
		for i := range res.Flows {
			if f := b.flow(i); !yield(&f) {
				return
			}
		}
	}
}
