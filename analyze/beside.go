package analyze

import (
	"cmp"
	"slices"
)

// beside concludes who did what beside the losses: each rule from the signs
// that it knows. Conclusions come in the order of cause IDs, those of one cause
// in the order in which they were found.
func (res *Result) beside() {
	for _, rule := range [...]func(*Result) []Conclusion{
		(*Result).loopsBeside, (*Result).conflicts, (*Result).unresolved,
		(*Result).notReading, (*Result).gone, (*Result).unansweredKeepAlives, (*Result).spurious, (*Result).corruption, (*Result).fragmentsBeside,
		func(res *Result) []Conclusion { return res.probed },
		(*Result).requests, (*Result).middleboxes, (*Result).slowReaders, (*Result).imbalance,
	} {
		res.Conclusions = append(res.Conclusions, rule(res)...)
	}
	slices.SortStableFunc(res.Conclusions, func(a, b Conclusion) int { return cmp.Compare(a.Cause, b.Cause) })
}
