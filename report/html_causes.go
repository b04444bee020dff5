package report

import (
	"slices"
	"strings"
)

// A pageCause is a cause with its evidence and what to do.
type pageCause struct {
	ID, Title  string
	Family     string
	Packets    uint64
	Places     string // "33 upstream, 25 downstream"
	Confidence string
	Seen       []string
	Not        []string
	Rules      []string
	Why        []string
	Charges    []int // some of them
	Flow       int   // the one that lost most by it
	Confirm    []pageStep
	Remedy     []pageStep
	Do         []pageStep
	Say        []string // of what is no loss
	Count      uint64
}

// shownSteps is how many steps the lines of a cause give together.
const shownSteps = 8

// shownLinks is how many charges a cause leads to.
const shownLinks = 5

// pageCausesOf joins the lines of each cause, and lists apart what explains other
// things than losses.
func pageCausesOf(r *Report) (losses, others []pageCause) {
	for i := range r.Causes {
		c := &r.Causes[i]
		p := pageCause{
			ID: c.ID, Title: c.Title, Packets: c.Packets, Count: c.Count, Confidence: c.Confidence,
			Family: family(c.ID, c.Locus), Confirm: pageSteps(c.Confirm), Remedy: pageSteps(c.Remedy),
		}
		for j := range r.Conclusions {
			if k := &r.Conclusions[j]; k.Cause == c.ID && k.Say != "" {
				p.Say = append(p.Say, k.Say)
			}
		}
		if c.Packets == 0 {
			others = append(others, p)
			continue
		}
		p.join(r)
		losses = append(losses, p)
	}
	return losses[:min(len(losses), pageCauses)], others[:min(len(others), pageCauses)]
}

// join gathers what the lines and the charges of the cause say.
func (p *pageCause) join(r *Report) {
	var places, loci []string
	first := true
	for i := range r.Verdict.Groups {
		g := &r.Verdict.Groups[i]
		if g.Cause != p.ID {
			continue
		}
		places, loci = append(places, count(g.Packets)+" "+g.Locus), addOnce(loci, g.Locus)
		p.Seen = addOnce(p.Seen, g.Seen)
		for _, s := range g.Not {
			p.Not = addOnce(p.Not, s)
		}
		if s := ruleSentence(g.Rule); s != "" {
			p.Rules = addOnce(p.Rules, s)
		}
		for _, step := range pageSteps(g.Do) {
			if !slices.Contains(p.Do, step) && len(p.Do) < shownSteps {
				p.Do = append(p.Do, step)
			}
		}
		if first {
			p.Confidence = g.Sure()
		}
		first = false
	}
	if len(loci) == 1 {
		places = loci
	}
	p.Places = strings.Join(places, ", ")
	perFlow := map[int]uint64{}
	for i := range r.Ledger.Charges {
		c := &r.Ledger.Charges[i]
		if c.Cause != p.ID {
			continue
		}
		if len(p.Charges) < shownLinks {
			p.Charges = append(p.Charges, c.ID)
		}
		if c.Why != "" {
			p.Why = addOnce(p.Why, c.Why)
		}
		perFlow[c.Flow] += c.Packets
	}
	const shownWhy = 3
	p.Why = p.Why[:min(len(p.Why), shownWhy)]
	for f, n := range perFlow {
		if f > 0 && (n > perFlow[p.Flow] || p.Flow == 0 || n == perFlow[p.Flow] && f < p.Flow) {
			p.Flow = f
		}
	}
}

func addOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
