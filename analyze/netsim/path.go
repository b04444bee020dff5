package netsim

// A Path is the four links between two hosts and the tap:
// [direction][0 = before the tap, 1 = behind it]. Direction 0 is from A to B.
type Path [2][2]Link

// A Link delays, and may have faults. Its own rate is lineRate.
type Link struct {
	Delay    int64
	Jitter   int64     // up to so much more, without reordering
	Elements []Element // in front of the delay, in this order
	Faults   Faults
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
	Data     Kinds = 1 << iota // with octets
	ACK                        // nothing but an acknowledgement
	SYN                        // SYN or SYN-ACK
	FIN                        // without octets
	Datagram                   // UDP
	ICMP                       //
	Update                     // an ACK that opens the window again; it is an ACK, too
)

// Through is a path without faults: a from A to the tap, b from the tap to B,
// and the same back.
func Through(a, b int64) Path {
	return Path{{{Delay: a}, {Delay: b}}, {{Delay: b}, {Delay: a}}}
}

// route is a Path in use.
type route struct {
	links  [2][2]link
	behind [2][]stage // what is between the tap and the second link's delay
}

type link struct {
	Link
	stages   []stage
	busy     int64 // the sender's side is free again
	last     int64 // newest arrival in order
	seen     int   // packets that may suffer
	bursting int
}

const lineRate = 1_000_000_000 // bit/s

func (s *sim) newRoute(p *Path) *route {
	r := &route{}
	for d := range p {
		if between := s.config.Tap.Router[d]; between != nil {
			for _, e := range between {
				r.behind[d] = append(r.behind[d], s.stage(e))
			}
			r.behind[d] = append(r.behind[d], secondPort{})
		}
		for i := range p[d] {
			l := &r.links[d][i]
			l.Link = p[d][i]
			for _, e := range l.Elements {
				l.stages = append(l.stages, s.stage(e))
			}
			if i == 1 {
				r.behind[d] = append(r.behind[d], l.stages...)
			}
		}
	}
	return r
}

// carry takes g from its sender past the tap to its receiver.
func (s *sim) carry(r *route, g segment, to taker) {
	links := &r.links[g.dir]
	truth := &s.trace.Packets[g.truth]
	truth.Unseen = s.config.Flows[g.flow].Unseen
	truth.AtSender, truth.AtReceiver = links[0].Delay < hostDelay, links[1].Delay < hostDelay
	s.through(links[0].stages, g, LostBefore, func(g segment) {
		s.cross(&links[0], g, LostBefore, func(g segment) {
			s.trace.pass(s, &g, links[0].Delay < hostDelay)
			s.through(r.behind[g.dir], g, LostAfter, func(g segment) {
				s.cross(&links[1], g, LostAfter, func(g segment) {
					if g.damaged {
						return // the receiver's checksum test: as if it had never come
					}
					to.receive(g)
				})
			})
		})
	})
}

// hostDelay: a tap nearer to a host than this is on that host.
const hostDelay = 20 * Microsecond

// suffers reports whether the faults of l are for packets like g.
func (l *link) suffers(g *segment) bool {
	only := l.Faults.Only
	return only == 0 || only&g.kind() != 0 || only&Update != 0 && g.update
}

// cross takes g over l; arrive gets it, and its network copy if there is one.
func (s *sim) cross(l *link, g segment, place Fate, arrive func(segment)) {
	truth := &s.trace.Packets[g.truth]
	suffers := l.suffers(&g)
	f := &l.Faults
	if suffers {
		l.seen++
		if by := s.loses(l, &g); by != NoCause {
			truth.lose(place, by)
			return
		}
	}
	l.busy = max(s.now, l.busy) + int64(g.wireLength())*8*Second/lineRate
	at := max(l.last, l.busy+l.Delay+s.between(0, l.Jitter))
	if suffers && s.chance(f.Corrupt) {
		g.damaged = true
		g.flip = s.rand.Uint32()
		truth.lose(place, BitError)
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

// loses decides whether g, which may suffer, is lost on l, and by what.
func (s *sim) loses(l *link, g *segment) Cause {
	f := &l.Faults
	for _, n := range f.Drop {
		if n == l.seen {
			return Chosen
		}
	}
	since := s.now - s.begin
	for _, o := range f.Outages {
		if since >= o.From && since < o.To {
			return LinkDown
		}
	}
	if l.bursting > 0 {
		l.bursting--
		return Burst
	}
	if s.chance(f.Burst) {
		l.bursting = f.BurstLength - 1
		return Burst
	}
	if g.tail && !g.again && s.chance(f.Tail) {
		return Chosen
	}
	if s.chance(f.Loss) {
		return Random
	}
	return NoCause
}
