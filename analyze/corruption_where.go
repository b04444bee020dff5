package analyze

import (
	"fmt"
	"math"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

const (
	// damagedLevel: what chance brings about less often than this is told of the
	// damaged packets; as classFlowLevel, for packets of one flow.
	damagedLevel = 1e-3

	// damagedSizes: so many of sizes that differ by damagedSpread are of any size.
	damagedSizes  = 8
	damagedSpread = 2
)

// damagedOn says on which path of several the damaged packets were: one VLAN, one
// tunnel, or frames between the same two MAC addresses, beside undamaged ones on
// others; or that they were on all of them. Between two hosts the addresses of their
// frames say no more than their own do.
func (res *Result) damagedOn(charges []*Charge, ways int) string {
	damaged := map[[2]uint32]uint64{}
	var all uint64
	for _, c := range charges {
		damaged[[2]uint32{c.Flow, uint32(c.Dir & 1)}] += c.Packets
		all += c.Packets
	}
	for _, of := range [...]struct {
		path    func(v *flow.Via, dir int) (uint64, bool)
		one     func(uint64) string
		several string
	}{
		{viaVLAN, func(n uint64) string { return fmt.Sprintf("in VLAN %d", n) }, "VLANs"},
		{viaTunnel, func(n uint64) string { return fmt.Sprintf("in the tunnel %d", uint32(n)) }, "tunnels"},
		{viaMAC, func(uint64) string { return "between the same two MAC addresses" }, ""}, // of one network each host has its own
	} {
		passed, hit := map[uint64]uint64{}, map[uint64]uint64{}
		var total, known uint64
		for i, f := range res.Flows {
			for d := range f.Dir {
				k, ok := of.path(&f.Via, d)
				if !ok || f.Dir[d].Packets == 0 {
					continue
				}
				passed[k] += f.Dir[d].WirePackets
				total += f.Dir[d].WirePackets
				if n := damaged[[2]uint32{uint32(i), uint32(d)}]; n > 0 {
					hit[k] += n
					known += n
				}
			}
		}
		if len(passed) < 2 || known < all || all < fewDamaged || of.several == "" && ways < 2 {
			continue
		}
		if len(hit) == 1 {
			for k := range hit {
				if math.Pow(float64(passed[k])/float64(total), float64(all)) < damagedLevel {
					return fmt.Sprintf(". All were %s, and of %s on other ways none", of.one(k), many(total-passed[k], "packet", "packets"))
				}
			}
		} else if len(hit) == len(passed) && all >= damagedSizes && of.several != "" {
			return fmt.Sprintf(". They were in each of the %d %s here", len(hit), of.several)
		}
	}
	return ""
}

func viaVLAN(v *flow.Via, _ int) (uint64, bool) { return uint64(v.VLAN), v.VLAN != 0 }

func viaTunnel(v *flow.Via, _ int) (uint64, bool) {
	return uint64(v.Tunnel)<<32 | uint64(v.Key), v.Tunnel != decode.TunnelNone
}

// viaMAC knows the way of one direction only: that of the first packet.
func viaMAC(v *flow.Via, dir int) (uint64, bool) {
	return uint64(v.MAC), v.MAC != 0 && v.Back == (dir == 1)
}

// damagedSize says whether the damaged packets are the long ones or the short ones
// of their directions, or of any size. How many are so long is not known exactly: at
// most the octets divided by the length, and as many short ones as the mean allows.
func (res *Result) damagedSize(charges []*Charge) string {
	least, most := uint64(math.MaxUint64), uint64(0)
	var n uint64
	seen := map[[2]uint32]bool{}
	var packets, octets, longest float64
	for _, c := range charges {
		if c.Octets == 0 || c.Packets != 1 {
			return ""
		}
		n++
		least, most = min(least, c.Octets), max(most, c.Octets)
		if k := [2]uint32{c.Flow, uint32(c.Dir & 1)}; !seen[k] {
			seen[k] = true
			h := &res.Flows[c.Flow].Dir[c.Dir&1]
			packets += float64(h.WirePackets)
			octets += float64(h.Octets)
			longest = max(longest, float64(h.MaxSegment))
		}
	}
	if n < fewDamaged || packets == 0 {
		return ""
	}
	rare := func(share float64) bool { return math.Pow(share, float64(n)) < damagedLevel }
	if share := octets / float64(least) / packets; rare(min(share, 1)) {
		return fmt.Sprintf(". All carry at least %d octets, as no more than %.0f %% of the packets there do: "+
			"errors of single bits hit long packets more often, a line at its largest frame hits only those", least, math.Ceil(100*share))
	}
	if longest > float64(most) {
		if share := (longest - octets/packets) / (longest - float64(most)); share >= 0 && rare(min(share, 1)) {
			return fmt.Sprintf(". All carry at most %d octets, as no more than %.0f %% of the packets there do: no errors of single bits, which hit long packets more often",
				most, math.Ceil(100*share))
		}
	}
	if n >= damagedSizes && most >= damagedSpread*least {
		return fmt.Sprintf(". They are of any size, %d to %d octets", least, most)
	}
	return ""
}
