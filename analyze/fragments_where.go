package analyze

import (
	"fmt"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

const (
	// fewFragments missing have no position in common; severalFragments are enough
	// to say that theirs differs.
	fewFragments     = 3
	severalFragments = 5

	// oneByChance is the level of the chance that a loss hits the same of all
	// fragments of a datagram each time, if it chooses none.
	oneByChance = 1e-3

	// mostlyOne: from this share in one place on it is not said that the place is any.
	mostlyOne = 0.75
)

// fragmentsBeside says which fragments of their datagrams were lost: always the same
// one, as a filter or a queue chooses it, or any, as chance does. b-23.
func (res *Result) fragmentsBeside() []Conclusion {
	var firsts, others []*flow.Lost
	for i := range res.Ledger.Losses {
		switch l := &res.Ledger.Losses[i]; {
		case l.What != flow.FragmentPacket || l.Place != flow.BeforeTap || l.Piece == 0:
		case l.Rule == flow.RuleLaterFragments:
			firsts = append(firsts, l)
		case l.Rule == flow.RuleFragments:
			others = append(others, l)
		}
	}
	var out []Conclusion
	if len(firsts) >= fewFragments {
		out = append(out, Conclusion{
			Cause: cause.FragmentLost, Confidence: cause.Likely, Evidence: evidenceOf(firsts),
			Say: fmt.Sprintf("Of %d datagrams only the first fragment passed, which has the ports: a filter without state, or a balancer that hashes ports, stops all others.",
				len(firsts)),
		})
	}
	if say, sure := positionOf(others); say != "" {
		out = append(out, Conclusion{Cause: cause.FragmentLost, Confidence: sure, Say: say, Evidence: evidenceOf(others)})
	}
	return out
}

func evidenceOf(list []*flow.Lost) []flow.Witness {
	const most = 4
	var out []flow.Witness
	for _, l := range list[:min(len(list), most)] {
		out = append(out, l.Witnesses[0])
	}
	return out
}

// positionOf tells the place of missing fragments in their datagrams.
func positionOf(list []*flow.Lost) (string, cause.Confidence) {
	var first, middle, last int
	same, chance := true, 1.0
	for i, l := range list {
		switch l.Piece {
		case 1:
			first++
		case l.Pieces:
			last++
		default:
			middle++
		}
		same = same && l.Piece == list[0].Piece
		if i > 0 {
			chance /= float64(max(l.Pieces, 2))
		}
	}
	n := len(list)
	switch {
	case n < fewFragments:
	case first == n && chance < oneByChance:
		return fmt.Sprintf("Of %d datagrams always the first fragment is missing, the only one with ports: a rule for ports stops it, and lets the others pass.", n), cause.Likely
	case last == n && chance < oneByChance:
		return fmt.Sprintf("Of %d datagrams always the end is missing: the last fragments find the queue full that those before them filled, or their length is what stops them.", n),
			cause.Possible
	case same && chance < oneByChance:
		return fmt.Sprintf("Of %d datagrams always fragment %d is missing: no chance chooses so.", n, list[0].Piece), cause.Likely
	case n >= severalFragments && float64(max(first, middle, last)) < mostlyOne*float64(n):
		return fmt.Sprintf("The missing fragments of %d datagrams are %s: no filter chooses so, packets are lost one by one.", n, whichPieces(first, middle, last)), cause.Likely
	}
	return "", cause.Possible
}

func whichPieces(first, middle, last int) string {
	var list []string
	for _, p := range [...]struct {
		n    int
		what string
	}{{first, "the first"}, {middle, "one between"}, {last, "the last"}} {
		if p.n > 0 {
			list = append(list, fmt.Sprintf("%s (%d)", p.what, p.n))
		}
	}
	return strings.Join(list, ", ")
}
