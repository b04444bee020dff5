package netsim

// A Path is the four links between two hosts and the tap:
// [direction][0 = before the tap, 1 = behind it]. Direction 0 is from A to B.
type Path [2][2]Link

// A Link delays, and may have faults.
type Link struct {
	Delay  int64
	Jitter int64 // up to so much more, without reordering
	Rate   int64 // bit/s; 0 = 1 Gbit/s
	Queue  int   // packets that may wait for the rate; 0 = no limit
	Faults Faults
}

// Faults are what a link does to packets, each with its probability.
type Faults struct {
	Only        Kinds // the packets that suffer; 0 = all
	Loss        float64
	Burst       float64 // a run of BurstLength losses begins
	BurstLength int
	Tail        float64 // the first copy of the last segment of a write is lost
	Outages     []Span
	Drop        []int // the nth (from 1) of the packets that may suffer are lost
	Reorder     float64
	Late        [2]int64 // how late a reordered packet is: from, to
	Duplicate   float64
	Corrupt     float64 // one bit is flipped
}

// A Span is a stretch of time since the start of the experiment.
type Span struct{ From, To int64 }

// Kinds is a set of kinds of packets.
type Kinds uint8

// Kinds of packets.
const (
	Data Kinds = 1 << iota // with octets
	ACK                    // nothing but an acknowledgement
	SYN                    // SYN or SYN-ACK
	FIN                    // without octets
)

// Through is a path without faults: a from A to the tap, b from the tap to B,
// and the same back.
func Through(a, b int64) Path {
	return Path{{{Delay: a}, {Delay: b}}, {{Delay: b}, {Delay: a}}}
}

// route is a Path in use.
type route struct{ links [2][2]link }

type link struct {
	Link
	busy     int64 // the sender's side is free again
	last     int64 // newest arrival in order
	seen     int   // packets that may suffer
	bursting int
}

const defaultRate = 1_000_000_000

func newRoute(p *Path) *route {
	r := &route{}
	for d := range p {
		for i := range p[d] {
			r.links[d][i].Link = p[d][i]
			if r.links[d][i].Rate == 0 {
				r.links[d][i].Rate = defaultRate
			}
		}
	}
	return r
}

// carry takes g from its sender past the tap to its receiver.
func (s *sim) carry(r *route, g segment, to *host) {
	links := &r.links[g.dir]
	s.cross(&links[0], g, LostBefore, func(g segment) {
		s.trace.Packets[g.truth].AtReceiver = links[1].Delay < hostDelay
		s.trace.pass(s, &g, links[0].Delay < hostDelay)
		s.cross(&links[1], g, LostAfter, func(g segment) {
			if g.damaged {
				return // the receiver's checksum test: as if it had never come
			}
			to.receive(g)
		})
	})
}

// hostDelay: a tap nearer to a host than this is on that host.
const hostDelay = 20 * Microsecond

// cross takes g over l; arrive gets it, and its network copy if there is one.
func (s *sim) cross(l *link, g segment, place Fate, arrive func(segment)) {
	truth := &s.trace.Packets[g.truth]
	suffers := l.Faults.Only == 0 || l.Faults.Only&g.kind() != 0
	f := &l.Faults
	if suffers {
		l.seen++
		if s.loses(l, &g) {
			truth.lose(place)
			return
		}
	}
	depart := max(s.now, l.busy)
	sending := int64(g.wireLength()) * 8 * Second / l.Rate
	if l.Queue > 0 && l.busy-s.now > int64(l.Queue)*sending {
		truth.lose(place)
		return
	}
	l.busy = depart + sending
	at := max(l.last, l.busy+l.Delay+s.between(0, l.Jitter))
	if suffers && s.chance(f.Corrupt) {
		g.damaged = true
		g.flip = s.rand.Uint32()
		truth.lose(place)
		truth.Damaged = true
	}
	if suffers && s.chance(f.Reorder) {
		at += s.between(f.Late[0], f.Late[1])
	} else {
		l.last = at
	}
	s.at(at, func() { arrive(g) })
	if suffers && s.chance(f.Duplicate) {
		c := g
		c.truth = s.trace.copyOf(g.truth)
		s.at(at+s.between(5*Microsecond, 200*Microsecond), func() { arrive(c) })
	}
}

// loses decides whether g, which may suffer, is lost on l.
func (s *sim) loses(l *link, g *segment) bool {
	f := &l.Faults
	for _, n := range f.Drop {
		if n == l.seen {
			return true
		}
	}
	since := s.now - epoch - s.config.Shift
	for _, o := range f.Outages {
		if since >= o.From && since < o.To {
			return true
		}
	}
	if l.bursting > 0 {
		l.bursting--
		return true
	}
	if s.chance(f.Burst) {
		l.bursting = f.BurstLength - 1
		return true
	}
	if g.tail && !g.again && s.chance(f.Tail) {
		return true
	}
	return s.chance(f.Loss)
}
