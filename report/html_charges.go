package report

import (
	"cmp"
	"slices"
)

// A pageCharge is a charge with what proves it.
type pageCharge struct {
	C      *Charge
	Family string
	Text   string
	Rule   string
	Ladder *pageLadder
	Open   bool
}

// charges picks those that are shown, so that each kind has some.
func (v *pageView) charges(g *Gallery) {
	all := v.R.Ledger.Charges
	for n, i := range pickCharges(all, pageCharges) {
		c := &all[i]
		v.Charges = append(v.Charges, pageCharge{
			C: c, Family: family(c.Cause, c.Locus), Text: chargeText(c), Rule: ruleSentence(c.Rule),
			Ladder: g.ladder(v.R, c.ID), Open: n == 0,
		})
	}
	slices.SortStableFunc(v.Charges, func(a, b pageCharge) int { return cmp.Compare(a.C.ID, b.C.ID) })
	if n := len(all) - len(v.Charges); n > 0 {
		v.More = "…and " + counted(uint64(n), "more charge") + " (--format ndjson)."
	}
}

// pickCharges takes at most n charges, of each kind in turn, most packets first.
func pickCharges(all []Charge, n int) []int {
	kinds := map[proofKey][]int{}
	packets := map[proofKey]uint64{}
	var order []proofKey
	for i := range all {
		c := &all[i]
		k := proofKey{locus: c.Locus, cause: c.Cause, confidence: c.Confidence}
		if kinds[k] == nil {
			order = append(order, k)
		}
		kinds[k] = append(kinds[k], i)
		packets[k] += c.Packets
	}
	slices.SortStableFunc(order, func(a, b proofKey) int { return cmp.Compare(packets[b], packets[a]) })
	var out []int
	for round := 0; len(out) < min(n, len(all)); round++ {
		for _, k := range order {
			if round < len(kinds[k]) && len(out) < n {
				out = append(out, kinds[k][round])
			}
		}
	}
	return out
}
