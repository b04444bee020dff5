package host

import (
	"cmp"
	"net/netip"
	"slices"

	"whydrop/capture"
)

// mostRows bounds the drops of a testimony, which travels with its capture: half
// of them for the largest, the other half for what those that are left sum up to.
const mostRows = 4096

// foldDrops keeps the rows with the most events as they are, and sums the others
// up without their addresses. No event is lost by that.
func foldDrops(drops []capture.Drop) []capture.Drop {
	if len(drops) <= mostRows {
		return drops
	}
	slices.SortFunc(drops, func(a, b capture.Drop) int { return cmp.Or(cmp.Compare(b.Events, a.Events), compareDrops(a, b)) })
	kept := drops[: mostRows/2 : mostRows/2]
	type kind struct {
		reason, function, hook, via, iface, inbound string
		ether                                       uint16
		protocol                                    uint8
	}
	at := map[kind]int{}
	for _, d := range drops[mostRows/2:] {
		k := kind{d.Reason, d.Function, d.Hook, d.Via, d.Interface, d.Inbound, d.EtherType, d.Protocol}
		i, known := at[k]
		if !known {
			at[k] = len(kept)
			d.Src, d.Dst, d.Process, d.Samples = netip.AddrPort{}, netip.AddrPort{}, nil, nil
			kept = append(kept, d)
			continue
		}
		sum := &kept[i]
		sum.Events += d.Events
		sum.Packets += d.Packets
		sum.Octets += d.Octets
		sum.Empty += d.Empty
		sum.First, sum.Last = min(sum.First, d.First), max(sum.Last, d.Last)
	}
	return kept
}

func compareDrops(a, b capture.Drop) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Function, b.Function),
		a.Src.Compare(b.Src), a.Dst.Compare(b.Dst), cmp.Compare(a.Interface, b.Interface))
}
