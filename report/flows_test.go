package report

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTheTableHasTheWorstFlows holds that the bounded selection is the head of
// a full sort: most losses, then missing only here, then octets, then order.
func TestTheTableHasTheWorstFlows(t *testing.T) {
	res := manyFlows(5000)
	rng := rand.New(rand.NewPCG(3, 4))
	b := newBuilder(res)
	for i := range b.perFlow {
		b.perFlow[i] = tally{lost: rng.Uint64N(20), only: rng.Uint64N(3)}
		res.Flows[i].Dir[0].Octets = rng.Uint64N(5)
	}
	all := make([]int, len(res.Flows))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(i, j int) int {
		s, u := b.perFlow[i], b.perFlow[j]
		switch {
		case s.lost != u.lost:
			return int(u.lost) - int(s.lost)
		case s.only != u.only:
			return int(u.only) - int(s.only)
		}
		return int(res.Flows[j].Dir[0].Octets) - int(res.Flows[i].Dir[0].Octets)
	})
	if got := b.order(); !slices.Equal(got, all[:tableRows]) {
		t.Error("the table does not have the worst flows, worst first")
	}
}

func TestTheTableSaysWhatItLeavesOut(t *testing.T) {
	r := Build(manyFlows(1500), BuildOptions{})
	text := render(t, r, TextOptions{Flows: true})
	if rows := strings.Count(text, " > 10.30.4.2:443"); rows != tableRows {
		t.Errorf("%d rows, want %d", rows, tableRows)
	}
	if want := "…and 500 more (--format ndjson)."; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text[len(text)-300:])
	}
	if len(r.Flows.Top) != topFlows || r.Flows.Total != 1500 {
		t.Errorf("%d of %d flows in JSON, want %d of 1500", len(r.Flows.Top), r.Flows.Total, topFlows)
	}
}
