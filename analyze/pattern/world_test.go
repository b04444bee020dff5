package pattern

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"whydrop/analyze/flow"
)

// A limiter decides about packets: whether one is lost, and what it waits.
type limiter interface {
	offer(t, octets float64) (lost bool, delay float64)
}

// tokenBucket is a policer, or a drop-tail queue of the same rate and size:
// they lose the same packets.
type tokenBucket struct {
	rate, size float64
	queues     bool
	have, last float64
	begun      bool
}

func (b *tokenBucket) offer(t, octets float64) (bool, float64) {
	if !b.begun {
		b.have, b.begun = b.size, true
	}
	b.have = min(b.size, b.have+b.rate*(t-b.last))
	b.last = t
	if b.have < octets {
		return true, 0
	}
	b.have -= octets
	if !b.queues {
		return false, 0
	}
	return false, (b.size - b.have) / b.rate
}

// chance loses each packet with probability p.
type chance struct {
	p float64
	r *rand.Rand
}

func (c *chance) offer(float64, float64) (bool, float64) { return c.r.Float64() < c.p, 0 }

// gilbertPath loses everything while it is bad.
type gilbertPath struct {
	becomesBad, becomesGood float64
	bad                     bool
	r                       *rand.Rand
}

func (g *gilbertPath) offer(float64, float64) (bool, float64) {
	if g.bad {
		g.bad = g.r.Float64() >= g.becomesGood
	} else {
		g.bad = g.r.Float64() < g.becomesBad
	}
	return g.bad, 0
}

// others is a queue that the traffic of others fills and drains, and that never
// overflows: its delay wanders between 0 and 40 ms.
type others struct {
	delay, last float64
	r           *rand.Rand
}

func (o *others) offer(t, _ float64) (bool, float64) {
	step := math.Sqrt(max(t-o.last, 0)) * 0.020
	o.last = t
	o.delay = min(max(o.delay+step*o.r.NormFloat64(), 0), 0.040)
	return false, o.delay
}

// chain is one limiter behind another.
type chain []limiter

func (c chain) offer(t, octets float64) (bool, float64) {
	sum := 0.0
	for _, l := range c {
		lost, d := l.offer(t, octets)
		if lost {
			return true, 0
		}
		sum += d
	}
	return false, sum
}

// A sender sends ever faster until it learns of a loss: a little every round
// trip, and half as fast after it, in bursts of a few packets, as TCP does.
type sender struct {
	rtt, rate  float64 // s, octets/s
	grow       float64 // octets/s per round trip
	most       float64 // octets/s, of its window; 0 = no limit
	burst      int
	from       float64
	next, know float64
	slow       float64 // when the loss of something becomes known
	starting   bool
	events     []event
	id         int32
}

const wire = 1500.0

// emulate lets senders share a path for some seconds. Delays that the path
// adds have jitter of up to jitter s; they do not slow the senders down, so
// that the same arrivals meet any limiter.
func emulate(r *rand.Rand, path limiter, seconds, jitter float64, senders ...*sender) []*series {
	for i, s := range senders {
		s.next, s.id, s.slow, s.starting = s.from, int32(i), math.Inf(1), true
	}
	for {
		s := senders[0]
		for _, o := range senders[1:] {
			if o.next < s.next {
				s = o
			}
		}
		if s.next > seconds {
			break
		}
		s.send(r, path, jitter)
	}
	list := make([]*series, len(senders))
	for i, s := range senders {
		slices.SortStableFunc(s.events, func(a, b event) int { return cmp.Compare(a.t, b.t) })
		list[i] = seriesOf(s.events, s.rtt)
	}
	return list
}

func (s *sender) send(r *rand.Rand, path limiter, jitter float64) {
	if s.next >= s.slow {
		s.rate, s.slow, s.starting = max(s.rate/2, 2*wire/s.rtt), math.Inf(1), false
		s.know = s.next + s.rtt
	}
	n := 1 + r.IntN(max(s.burst, 1))
	for k := range n {
		t := s.next + float64(k)*12e-6
		lost, wait := path.offer(t, wire)
		e := event{t: t, len: wire, q: wait + jitter*r.Float64(), ns: int64(t * 1e9), end: int64(t * 1e9)}
		if lost {
			e.is, e.q = isLost, math.NaN()
			if t >= s.know {
				s.slow = min(s.slow, t+s.rtt)
			}
		}
		s.events = append(s.events, e)
	}
	step := float64(n) * wire / s.rate
	if s.starting {
		s.rate += s.rate * step / s.rtt
	} else {
		s.rate += s.grow * step / s.rtt
	}
	if s.most > 0 {
		s.rate = min(s.rate, s.most)
	}
	s.next += step * (0.8 + 0.4*r.Float64())
}

// seriesOf is a direction at a sender, of which everything is known.
func seriesOf(events []event, rtt float64) *series {
	least := math.Inf(1)
	for i := range events {
		if q := events[i].q; q < least {
			least = q
		}
	}
	s := &series{
		trail: &flow.Trail{Segment: 1448, Header: 52, Whole: true}, facts: &flow.Facts{}, place: flow.AfterTap,
		events: events, rtt: rtt, frames: len(events),
	}
	s.above(least)
	return s
}

// tellOf concludes from series that share a way.
func tellOf(list ...*series) []*direction {
	g := &group{}
	for i, s := range list {
		g.list = append(g.list, &direction{series: s, place: i, whole: s.events, group: g})
	}
	c := Causes{byFlow: map[key]*direction{}}
	c.conclude(map[groupKey]*group{{}: g}, g.list)
	return g.list
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }
