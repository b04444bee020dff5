package analyze

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

const (
	// sameSide is the share of damaged packets that come from one host, or go to
	// one, from which on its side is named; fewDamaged are no pattern.
	sameSide   = 0.9
	fewDamaged = 3
)

// A damageOf is the account of damaged packets of one way between two hosts.
type damageOf struct {
	src, dst decode.Addr
	packets  uint64
	passed   uint64 // of all packets on that way
}

// corruption says on which way packets were damaged and how: all of them before
// they passed here, since here they were wrong already. c-1 row 13.
func (res *Result) corruption() []Conclusion {
	byCause := map[cause.ID][]*Charge{}
	var order []cause.ID
	for i := range res.Ledger.Charges {
		c := &res.Ledger.Charges[i]
		if c.Rule != flow.RuleBadChecksum || int64(c.Flow) >= int64(len(res.Flows)) {
			continue
		}
		if byCause[c.Cause] == nil {
			order = append(order, c.Cause)
		}
		byCause[c.Cause] = append(byCause[c.Cause], c)
	}
	var out []Conclusion
	for _, id := range order {
		out = append(out, res.damaged(id, byCause[id]))
	}
	return out
}

func (res *Result) damaged(id cause.ID, charges []*Charge) Conclusion {
	ways := res.ways(charges)
	var packets uint64
	for _, w := range ways {
		packets += w.packets
	}
	c := Conclusion{Cause: id, Confidence: cause.Certain}
	for _, ch := range charges[:min(len(charges), 4)] {
		c.Evidence = append(c.Evidence, ch.Evidence[:min(len(ch.Evidence), 1)]...)
	}
	c.Say = many(packets, "packet was", "packets were") + " damaged before " + itOrThey(packets) + " passed here"
	way := func(w damageOf) string { return fmt.Sprintf(" on the way from %s to %s", w.src, w.dst) }
	of := func(n, all uint64) string { return fmt.Sprintf(", %d of %d there", n, all) }
	back := slices.IndexFunc(ways, func(w damageOf) bool { return w.src == ways[0].dst && w.dst == ways[0].src })
	switch src, dst := common(ways, packets); {
	case len(ways) == 1:
		c.Say += way(ways[0]) + of(packets, ways[0].passed) + "; the other way nothing was damaged"
	case back >= 0 && len(ways) == 2:
		c.Say += fmt.Sprintf(", both ways between %s and %s", ways[0].src, ways[0].dst)
	case packets < fewDamaged:
	case src != nil:
		c.Say += fmt.Sprintf(": those of %s, to several hosts, so on its side", src)
	case dst != nil:
		c.Say += fmt.Sprintf(": those to %s, from several hosts, so on its side", dst)
	default:
		c.Say += fmt.Sprintf(", between several hosts, most of them%s", way(ways[0]))
	}
	if bit, same, one := sameBit(charges); one > 0 {
		c.Say += fmt.Sprintf(". In %d of them one bit was turned", one)
		if packets == 1 {
			c.Say = c.Say[:len(c.Say)-len(" In 1 of them one bit was turned")] + " One bit was turned"
		}
		if same >= fewDamaged && same == one {
			c.Say += fmt.Sprintf(", always bit %d of a 16-bit word, as by one device with a weak line", bit)
		}
	}
	c.Say += res.damagedSize(charges) + res.damagedOn(charges, len(ways)) + "."
	return c
}

func itOrThey(n uint64) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

// ways are the ways between two hosts on which charges lie, most packets first.
func (res *Result) ways(charges []*Charge) []damageOf {
	type way struct{ src, dst decode.Addr }
	at := map[way]int{}
	var list []damageOf
	for _, c := range charges {
		k := way{c.Src.Addr, c.Dst.Addr}
		i, ok := at[k]
		if !ok {
			i = len(list)
			at[k] = i
			list = append(list, damageOf{src: k.src, dst: k.dst})
		}
		list[i].packets += c.Packets
	}
	for i := range res.Flows {
		f := res.Flows[i]
		for d, k := range [2]way{{f.Originator.Addr, f.Responder.Addr}, {f.Responder.Addr, f.Originator.Addr}} {
			if n, ok := at[k]; ok {
				list[n].passed += f.Dir[d].WirePackets
			}
		}
	}
	slices.SortStableFunc(list, func(x, y damageOf) int { return cmp.Compare(y.packets, x.packets) })
	return list
}

// common is the host that nearly all damaged packets come from, or go to, though
// they have several at the other end.
func common(ways []damageOf, packets uint64) (src, dst *decode.Addr) {
	from, to := map[decode.Addr]uint64{}, map[decode.Addr]uint64{}
	for _, w := range ways {
		from[w.src] += w.packets
		to[w.dst] += w.packets
	}
	for i := range ways {
		if float64(from[ways[i].src]) >= sameSide*float64(packets) {
			src = &ways[i].src
		}
		if float64(to[ways[i].dst]) >= sameSide*float64(packets) {
			dst = &ways[i].dst
		}
	}
	return src, dst
}

// sameBit tells in how many packets the checksum is off by a power of two, as
// it is when one bit was turned; which bit of its word that most often was, and
// how often. A damaged checksum of an unknown kind fits by chance once in 2 000.
func sameBit(charges []*Charge) (bit, same, one int) {
	var times [16]int
	for _, c := range charges {
		if len(c.Evidence) == 0 || c.Evidence[0].Says != flow.SaysBadChecksum {
			continue
		}
		found, right := uint32(c.Evidence[0].A), uint32(c.Evidence[0].B)
		for _, d := range [2]uint32{(found + 0xffff - right) % 0xffff, (right + 0xffff - found) % 0xffff} {
			if bits.OnesCount32(d) == 1 {
				times[bits.TrailingZeros32(d)]++
				one++
				break
			}
		}
	}
	for i, n := range times {
		if n > times[bit] {
			bit = i
		}
	}
	return bit, times[bit], one
}
