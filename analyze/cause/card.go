package cause

import (
	"embed"
	"slices"
	"strings"
	"sync"
)

//go:embed cards/*.md
var cards embed.FS

// A Card explains a cause to a tired operator. The texts are Markdown: commands
// and names are back-quoted, steps begin with "- ".
type Card struct {
	ID       ID
	Title    string // a full sentence, without the full stop
	Innocent bool   // looks like a loss and is none
	Family   string // one of the Family constants

	Where           string
	WhatHappens     string
	HowWhydropKnows string
	WhatElse        string // what else looks like this
	Confirm         string
	Remedy          string
	References      string
}

// A Section is a heading of a card and its text.
type Section struct {
	Heading string
	Text    string
}

// headings of a card, in order.
var headings = [...]string{
	"Where", "What happens", "How whydrop knows", "What else looks like this",
	"Confirm", "Remedy", "References",
}

// Sections returns the sections of c in the order of the card.
func (c *Card) Sections() []Section {
	texts := [...]string{
		c.Where, c.WhatHappens, c.HowWhydropKnows, c.WhatElse, c.Confirm, c.Remedy, c.References,
	}
	s := make([]Section, len(headings))
	for i, h := range headings {
		s[i] = Section{h, texts[i]}
	}
	return s
}

// Lookup returns the card of id, or false if there is no such cause.
func Lookup(id ID) (Card, bool) {
	all := deck()
	i, found := slices.BinarySearchFunc(all, id, func(c Card, id ID) int {
		return strings.Compare(string(c.ID), string(id))
	})
	if !found {
		return Card{}, false
	}
	return all[i], true
}

// All returns every card, in ID order.
func All() []Card { return slices.Clone(deck()) }

// deck is every card, parsed once. The cards are part of the program, so a
// missing or misshapen one is a bug; the tests read each of them.
var deck = sync.OnceValue(func() []Card {
	all := make([]Card, 0, len(catalogue))
	for _, k := range catalogue {
		text, err := cards.ReadFile("cards/" + string(k.id) + ".md")
		if err != nil {
			panic("whydrop: bug: no card for " + string(k.id))
		}
		c := parse(string(text))
		c.ID, c.Family, c.Innocent = k.id, k.family, k.innocent
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Card) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
})

// parse splits a card on its headings. A heading that is not one of ours is
// kept as text; the tests look for it.
func parse(text string) Card {
	var c Card
	fields := map[string]*string{
		headings[0]: &c.Where, headings[1]: &c.WhatHappens, headings[2]: &c.HowWhydropKnows,
		headings[3]: &c.WhatElse, headings[4]: &c.Confirm, headings[5]: &c.Remedy, headings[6]: &c.References,
	}
	var into *string
	for line := range strings.Lines(text) {
		if t, ok := strings.CutPrefix(line, "# "); ok {
			c.Title = strings.TrimSpace(t)
			continue
		}
		h, ok := strings.CutPrefix(line, "## ")
		if f := fields[strings.TrimSpace(h)]; ok && f != nil {
			into = f
			continue
		}
		if into != nil {
			*into += line
		}
	}
	for _, f := range fields {
		*f = strings.TrimSpace(*f)
	}
	return c
}
