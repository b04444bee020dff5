//go:build linux

package main

import (
	"math/rand/v2"
	"time"
)

// A link is what a half of the wire does to all packets of one direction, after
// the faults: it holds them to a rate, or loses some.
type link struct {
	from  side
	where place

	random  float64              // chance of losing a packet by itself
	gilbert *gilbert             // chance that depends on the state of the line
	police  *bucket              // what exceeds it is dropped, and nothing waits
	queue   *queue               // what exceeds it waits, and is dropped if there is no room
	mtu     int                  // longer IP packets vanish
	tells   bool                 // ICMP says of those that they were too long
	dark    []darkness           // times at which nothing gets through
	spare   func(p *packet) bool // packets that it neither counts nor loses; nil = none
	jitter  time.Duration        // up to so much more, in order

	last time.Time // when the packet before leaves it
}

// A darkness is a time without a path, since the first packet of the run.
type darkness struct{ from, to time.Duration }

// A gilbert is the model of E. N. Gilbert: a line that is good or bad, and
// loses packets only while it is bad.
type gilbert struct {
	enter, leave float64 // chances per packet of changing to bad, and to good
	loss         float64 // of a packet, while the line is bad
	bad          bool
}

// A bucket is a token bucket, RFC 2697 without its second colour.
type bucket struct {
	rate   float64 // bits per second
	depth  int     // octets
	tokens float64
	filled time.Time
}

// A queue is a drop-tail queue in front of a line.
type queue struct {
	rate float64   // bits per second
	room int       // octets
	free time.Time // when the line has sent all that waits
}

// pass says how long l keeps p that comes at now, or why it is lost there.
func (l *link) pass(p *packet, now, start time.Time, random *rand.Rand) (wait time.Duration, why string) {
	if l.spare != nil && l.spare(p) {
		return 0, ""
	}
	size := len(p.data) - etherLen
	for _, o := range l.dark {
		if age := now.Sub(start); age >= o.from && age < o.to {
			return 0, "outage"
		}
	}
	switch {
	case l.mtu > 0 && size > l.mtu:
		return 0, "mtu"
	case l.random > 0 && random.Float64() < l.random:
		return 0, "random"
	case l.gilbert != nil && l.gilbert.loses(random):
		return 0, "burst"
	case l.police != nil && !l.police.takes(size, now):
		return 0, "policer"
	}
	if l.queue != nil {
		var room bool
		if wait, room = l.queue.takes(size, now); !room {
			return 0, "queue"
		}
	}
	if l.jitter > 0 {
		wait += time.Duration(random.Float64() * float64(l.jitter))
		wait = max(wait, l.last.Sub(now))
		l.last = now.Add(wait)
	}
	return wait, ""
}

func (g *gilbert) loses(random *rand.Rand) bool {
	if g.bad {
		g.bad = random.Float64() >= g.leave
	} else {
		g.bad = random.Float64() < g.enter
	}
	return g.bad && random.Float64() < g.loss
}

func (b *bucket) takes(size int, now time.Time) bool {
	if b.filled.IsZero() {
		b.tokens, b.filled = float64(b.depth), now
	}
	b.tokens = min(float64(b.depth), b.tokens+now.Sub(b.filled).Seconds()*b.rate/8)
	b.filled = now
	if b.tokens < float64(size) {
		return false
	}
	b.tokens -= float64(size)
	return true
}

// takes returns how long a packet waits and is sent, and whether there was room.
func (q *queue) takes(size int, now time.Time) (time.Duration, bool) {
	backlog := max(0, q.free.Sub(now).Seconds()*q.rate/8)
	if backlog+float64(size) > float64(q.room) {
		return 0, false
	}
	if q.free.Before(now) {
		q.free = now
	}
	q.free = q.free.Add(time.Duration(float64(size) * 8 / q.rate * float64(time.Second)))
	return q.free.Sub(now), true
}
