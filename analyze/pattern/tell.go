package pattern

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A Finding is what is told of losses of one direction: a cause, how sure it
// is, and the numbers that decided.
type Finding struct {
	Cause      cause.ID // cause.Unknown: cannot tell
	Confidence cause.Confidence
	Row        string   // of loss-causes.md §4
	Rival      cause.ID // the one that stands; "" = the usual ones
	Evidence   Evidence
}

// verdict is a Finding in the making.
type verdict = Finding

// Limits of the work. Of what is beyond them nothing is told, and it is counted.
const (
	fewestLosses = 2
	fitLosses    = 3
	groupMost    = 20_000  // events of an aggregate: the last ones
	fitMost      = 400_000 // events of all directions to which buckets are fitted
	quietMost    = 1000    // flows of a group that lost nothing
	quietOctets  = 15_000  // of such a flow, to be looked at
)

// Causes are the findings of a capture.
type Causes struct {
	byFlow map[key]*direction
	fits   int    // 0 = fitMost
	GaveUp uint64 // directions with losses of which nothing is told because of a limit
}

// A key names one direction of a flow, and a side of the tap.
type key struct {
	flow  uint32
	dir   uint8
	place flow.Place
}

// A direction is a series and what is told of it.
type direction struct {
	series  *series
	place   int // in its group
	whole   []event
	kept    []event // whole, without outages
	own     bucket
	group   *group
	finding Finding
	breaks  []Finding // one for each outage
	fates   []fate
}

// Tell looks at all trails of a capture that began at origin, and fits buckets to
// at most fits of their transmissions; 0 is the default.
func Tell(trails []flow.Trail, flows []*flow.Facts, origin int64, fits int) *Causes {
	c := &Causes{byFlow: map[key]*direction{}, fits: fits}
	groups, order := c.gather(trails, flows, origin)
	if len(order) == 0 {
		return c
	}
	addQuiet(groups, flows, c.byFlow)
	c.conclude(groups, order)
	return c
}

// conclude finds out what can be told of each direction.
func (c *Causes) conclude(groups map[groupKey]*group, order []*direction) {
	c.fitAll(order, groups)
	for _, d := range order {
		d.judge()
	}
	for _, k := range sortedGroups(groups) {
		groups[k].siblings()
	}
	for _, d := range order {
		d.settle()
	}
}

// gather makes the series of all directions with losses, and their groups.
func (c *Causes) gather(trails []flow.Trail, flows []*flow.Facts, origin int64) (map[groupKey]*group, []*direction) {
	groups := map[groupKey]*group{}
	var order []*direction
	for i := range trails {
		t := &trails[i]
		if int(t.Flow) >= len(flows) {
			continue
		}
		f := flows[t.Flow]
		for _, place := range [...]flow.Place{flow.BeforeTap, flow.AfterTap} {
			missing := f.Dir[t.Dir&1].Missing[place]
			if place == flow.AfterTap {
				missing += f.Dir[t.Dir&1].Missing[flow.InReceiver]
			}
			if missing < fewestLosses {
				continue
			}
			s := newSeries(t, f, place, origin)
			source := f.Originator.Addr
			if t.Dir == 1 {
				source = f.Responder.Addr
			}
			k := groupKey{source, place}
			g := groups[k]
			if g == nil {
				g = &group{}
				groups[k] = g
			}
			d := &direction{series: s, place: len(g.list), whole: s.events, group: g}
			g.list = append(g.list, d)
			c.byFlow[key{t.Flow, t.Dir, place}] = d
			order = append(order, d)
		}
	}
	return groups, order
}

// fitAll fits buckets to groups, and to directions with most losses first, as
// far as the limit of the work allows.
func (c *Causes) fitAll(order []*direction, groups map[groupKey]*group) {
	for _, d := range order {
		d.takeOutages()
		d.own.j, d.group.bucket.j = -1, -1
	}
	left := c.fits
	if left == 0 {
		left = fitMost
	}
	var work []fitting
	for _, k := range sortedGroups(groups) {
		g := groups[k]
		if len(g.list)+len(g.quiet) < 2 {
			continue
		}
		if n := min(g.size(), groupMost); n <= left {
			left -= n
			work = append(work, fitting{g.events, &g.bucket})
		}
	}
	most := slices.Clone(order)
	slices.SortStableFunc(most, func(a, b *direction) int { return cmp.Compare(lostOf(b.kept), lostOf(a.kept)) })
	for _, d := range most {
		switch {
		case lostOf(d.kept) < fitLosses:
		case len(d.kept) > left:
			d.kept = nil
			c.GaveUp++
		default:
			left -= len(d.kept)
			work = append(work, fitting{func(*scratch) []event { return d.kept }, &d.own})
		}
	}
	fitEach(work)
}

// A fitting is a bucket to be fitted to events.
type fitting struct {
	events func(*scratch) []event
	bucket *bucket
}

// fitEach fits them all, on all cores: no fit depends on another.
func fitEach(work []fitting) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(work)) {
		workers.Go(func() {
			var s scratch
			for i := next.Add(1); i <= int64(len(work)); i = next.Add(1) {
				if events := work[i-1].events(&s); lostOf(events) >= fitLosses {
					*work[i-1].bucket = fit(events)
				}
			}
		})
	}
	workers.Wait()
}

// takeOutages takes what was lost in outages, and what speaks for itself, out
// of what the other rules look at.
func (d *direction) takeOutages() {
	s := d.series
	list := d.refute(s.outages())
	upstream := s.upstream()
	took := 0
	for i := range list {
		took += list[i].lost
	}
	minor := float64(took) < outageHalf*float64(lostOf(s.events))
	skip := make([]bool, len(s.events))
	for _, o := range list {
		for i := o.from; i < o.to; i++ {
			skip[i] = true
		}
		w := Finding{Cause: cause.LinkOutage, Row: outageRow(upstream), Confidence: o.confidence(upstream, minor)}
		w.Evidence.From, w.Evidence.To, w.Evidence.Outages = o.begin, o.end, o.lost
		d.breaks = append(d.breaks, w)
	}
	if len(list) == 0 && !slices.ContainsFunc(s.events, func(e event) bool { return e.is1(isTold) }) {
		d.kept = s.events
		return
	}
	at := 0
	for i := range s.events {
		e := &s.events[i]
		if skip[i] {
			for list[at].to <= i {
				at++
			}
			if e.is1(isLost) && !e.is1(isTold) {
				d.fates = append(d.fates, fate{e.ns, e.end, &d.breaks[at], d.breaks[at].Confidence})
			}
			continue
		}
		if !e.is1(isTold) {
			d.kept = append(d.kept, *e)
		}
	}
}

// judge applies the rules in their order.
func (d *direction) judge() {
	s := d.series
	lost := lostOf(s.events)
	if w, ok := blackHole(s); ok {
		d.finding, d.fates = w, nil
		d.finding.Evidence.Lost = lost
		d.finding.Evidence.Packets = len(s.events)
		d.kept = s.events
		return
	}
	v := observe(d.kept, s.rtt)
	v.Outages = lost - lostOf(d.kept)
	d.finding = Finding{Cause: cause.Unknown, Evidence: v}
	var list []outage
	for _, b := range d.breaks {
		list = append(list, outage{lost: b.Evidence.Outages})
	}
	if w, ok := linkOutage(list, lost, s.upstream()); ok {
		w.Evidence = v
		d.finding = w
		return
	}
	if v.Lost < fewestLosses || d.kept == nil {
		return
	}
	b := &d.own
	if d.group.bucket.j > b.j {
		b = &d.group.bucket
	}
	v.explain(b, d)
	w := decide(&v, s)
	switch w.Cause {
	case cause.Policer:
		v.estimate(b, s)
	case cause.QueueOverflow:
		if v.bottleneck(d.kept); s.trail.Datagrams && !s.seen {
			v.QueueSize = 0 // how short it was when it was empty is not known
		}
	case cause.RandomLoss:
		v.gilbert()
		v.elliott(d.kept)
	}
	w.Evidence = v
	d.finding = w
}

// explain takes over what bucket b says.
func (v *Evidence) explain(b *bucket, d *direction) {
	v.J, v.E, v.Firsts, v.Empty = b.j, b.e, b.firsts, b.empty
	v.Firm, v.Twins = b.firm, b.twins
	v.Rate, v.Size, v.Delay, v.Slope, v.Range = b.rate, b.size, b.delay(), b.slope, b.xr
	v.Ratio = math.Inf(1)
	if v.Delay > 0 {
		v.Ratio = max(v.FirstMed, v.Med) / v.Delay
	}
	if d.series.upstream() && b.size < leastBuckets*tolerance(b.rate) {
		v.Hollow = v.J >= randomJ
		v.J = min(v.J, randomJ-0.01)
	}
	v.Shared = 1
	if b == &d.group.bucket {
		v.Shared = len(d.group.list) + len(d.group.quiet)
	}
}

// decide is §4, the first row that holds.
func decide(v *Evidence, s *series) verdict {
	for _, row := range [...]func(*Evidence, *series) (verdict, bool){clockwork, fullQueue, shallowQueue, policer, queue, deepBuffer} {
		w, ok := row(v, s)
		if !ok {
			continue
		}
		if w.Cause == cause.QueueOverflow && w.Confidence == cause.Possible && v.ghost() {
			break
		}
		if w.Cause == cause.Policer && s.trail.Datagrams && !s.seen {
			w.Confidence = cause.Possible // a queue that was full all along delays everything alike
		}
		return w
	}
	if v.Episodes < policedEpisodes || v.fits(s.upstream()) {
		return verdict{Cause: cause.Unknown}
	}
	if w, ok := random(v, s); ok {
		return w
	}
	return verdict{Cause: cause.Unknown}
}
