package report

import (
	"testing"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// TestEveryConclusionHasItsWords holds that no card, rule, place or kind of
// packet reaches the screen as a bare identifier.
func TestEveryConclusionHasItsWords(t *testing.T) {
	for _, card := range cause.All() {
		if why[card.ID] == "" {
			t.Errorf("%s: no phrase for the first screen", card.ID)
		}
		delete(unused, card.ID)
	}
	for id := range unused {
		t.Errorf("%s has a phrase and no card", id)
	}
	ids := map[string]bool{}
	for r := range flow.NumRules {
		text := ruleOf(r)
		if text.id == "" || text.sentence == "" || ids[text.id] {
			t.Errorf("rule %d: %+v", r, text)
		}
		ids[text.id] = true
	}
	for l := range cause.NumLoci {
		if where[l] == "" || shortWhere[l] == "" {
			t.Errorf("%v: no words", l)
		}
	}
	for w := range flow.NumWhats {
		if nouns[w] == "" {
			t.Errorf("%v: no noun", w)
		}
	}
}

// unused are the phrases that no card was met for yet.
var unused = func() map[cause.ID]bool {
	m := map[cause.ID]bool{}
	for id := range why {
		m[id] = true
	}
	return m
}()

// TestPhrasesFitTheirLine holds that where and why stand in one line of 80
// columns for the places that a cause can have.
func TestPhrasesFitTheirLine(t *testing.T) {
	for id, words := range why {
		if n := phraseColumn + utf8.RuneCountInString(where[cause.Downstream]+": "+words); n > phraseWidth {
			t.Errorf("%s: %d columns, there are %d", id, n, phraseWidth)
		}
	}
}

// TestRefusedIsSaid: refused connections are told beside what else is no loss.
func TestRefusedIsSaid(t *testing.T) {
	for _, c := range []struct {
		innocent Innocent
		want     string
	}{
		{Innocent{RefusedConnections: 1}, "1 connection was refused."},
		{Innocent{RefusedConnections: 1200, UnneededRetransmissions: 2}, "2 retransmissions were unnecessary. 1 200 connections were refused."},
		{Innocent{UnneededRetransmissions: 1}, "1 retransmission was unnecessary."},
	} {
		b := builder{innocent: c.innocent, res: &analyze.Result{}}
		if got := b.innocentSay(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.innocent, got, c.want)
		}
	}
}
