package pattern

import (
	"cmp"
	"math"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A fate is one lost packet and what is told of it.
type fate struct {
	from, to   int64 // ns
	finding    *Finding
	confidence cause.Confidence
}

// settle says of each lost packet how sure the finding is of it.
func (d *direction) settle() {
	f := &d.finding
	if f.Cause == cause.Unknown || f.Cause == cause.LinkOutage {
		d.sortFates()
		return
	}
	var met []float64
	if f.Cause == cause.Policer && f.Row != rowClockwork {
		met = d.tokens()
	}
	k := 0
	for i := range d.kept {
		e := &d.kept[i]
		if !e.is1(isLost) {
			continue
		}
		sure := f.Confidence
		switch f.Cause {
		case cause.QueueOverflow:
			if q, ok := delayBeside(d.kept, i, d.series.rtt); !ok || q < lossCeiling*f.Evidence.P99 {
				sure = cause.Possible
			}
		case cause.Policer:
			if f.Row != rowClockwork && (k >= len(met) || met[k] > e.len+tolerance(f.Evidence.Rate)) {
				sure = cause.Possible
			}
		}
		k++
		d.fates = append(d.fates, fate{e.ns, e.end, f, sure})
	}
	d.sortFates()
}

// lossCeiling is the share of the ceiling from which a lost packet is surely
// the queue's: loss-causes.md §4.
const lossCeiling = 0.7

func (d *direction) sortFates() {
	slices.SortStableFunc(d.fates, func(a, b fate) int { return cmp.Compare(a.from, b.from) })
}

// tokens is what the bucket held when each lost packet of d came.
func (d *direction) tokens() []float64 {
	b, place := &d.own, int32(0)
	if d.group.bucket.j > b.j {
		b, place = &d.group.bucket, int32(d.place)
	}
	if b.j == -1 {
		return nil
	}
	all := make([]float64, len(b.events))
	r := layOut(b.events)
	r.try(b.rate, b.size, all)
	var met []float64
	for i := range b.events {
		if e := &b.events[i]; e.is1(isLost) && e.flow == place {
			met = append(met, all[i])
		}
	}
	// The aggregate may lack the first ones.
	for n := lostOf(d.kept) - len(met); n > 0; n-- {
		met = slices.Insert(met, 0, math.Inf(1))
	}
	return met
}

// Of returns what is told of l, if anything is, and how sure that is of l
// itself: a finding about a direction may be surer than about one packet of it.
func (c *Causes) Of(l *flow.Lost) (*Finding, cause.Confidence, bool) {
	place := l.Place
	if place == flow.InReceiver {
		place = flow.AfterTap
	}
	if c == nil {
		return nil, 0, false
	}
	d := c.byFlow[key{l.Flow, l.Dir, place}]
	if d == nil {
		return nil, 0, false
	}
	if f := d.fateOf(l); f != nil {
		return f.finding, f.confidence, f.finding.Cause != cause.Unknown
	}
	// It is missing by something else than what the rules saw: by its number, say.
	if d.finding.Cause == cause.Unknown || d.finding.Cause == cause.LinkOutage || d.series.upstream() == (l.Frame.Number != 0) {
		return nil, 0, false
	}
	return &d.finding, cause.Possible, true
}

// fateOf finds the lost packet that l is, or the least sure of those that it holds.
func (d *direction) fateOf(l *flow.Lost) *fate {
	i, _ := slices.BinarySearchFunc(d.fates, l.First, func(x fate, t int64) int { return cmp.Compare(x.from, t) })
	if i > 0 && d.series.upstream() && d.fates[i-1].to > l.First {
		for i--; i > 0 && d.fates[i-1].from == d.fates[i].from; i-- {
		}
	}
	var found *fate
	for ; i < len(d.fates); i++ {
		x := &d.fates[i]
		if !d.series.upstream() && x.from != l.First || d.series.upstream() && x.from > l.Last {
			break
		}
		if found != nil && x.from != found.from {
			break
		}
		if found == nil || x.confidence < found.confidence {
			found = x
		}
	}
	return found
}
