package score

import (
	"maps"
	"slices"

	"whydrop/cmd/lab/truth"
)

// side of the tap, as charges name it.
func side(locus string) string {
	switch locus {
	case "upstream", "sender-host":
		return "up"
	case "downstream", "receiver-host":
		return "down"
	}
	return locus
}

// counts scores how many TCP data packets were lost on each side of the tap,
// direction by direction.
func (s *scorer) counts() {
	said := map[string]map[string]int{}
	for _, c := range s.answer.Charges {
		if c.What == "data" && c.Protocol == "tcp" {
			k := key(c.Src, c.Dst)
			if said[k] == nil {
				said[k] = map[string]int{}
			}
			said[k][side(c.Locus)] += c.Packets
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.flows)) {
		flow := s.flows[k]
		var up, down Count
		for _, p := range flow {
			if p.What != "data" || p.Lost == 0 || s.copied(p) {
				continue
			}
			count := &down
			if s.upstream(p) {
				count = &up
			}
			count.Truth++
			if s.hidden(p) != "" {
				count.Hidden++
			}
		}
		stage := s.stage(flow[0])
		for name, count := range map[string]*Count{"up": &up, "down": &down} {
			count.Said = said[k][name]
			count.Off = max(0, count.Truth-count.Hidden-count.Said, count.Said-count.Truth)
			if count.Off > 0 {
				s.note("lost %sstream: %s at the %s: said %d, were %d, %d of them hidden", name, k, Stages[stage], count.Said, count.Truth, count.Hidden)
			}
		}
		s.card.Up[stage].add(up)
		s.card.Down[stage].add(down)
		if lost := up.Truth + down.Truth; lost == 0 && up.Said+down.Said > 0 {
			s.mistake(FalseLoss, k, "%d data packets said to be lost", up.Said+down.Said)
		}
		if n := said[k]["capture"]; n > 0 && !slices.ContainsFunc(flow, s.missed) {
			s.mistake(FalseCapture, k, "%d data packets said to be missing only here", n)
		}
	}
}

// copied reports whether a copy of p that the network made was delivered: then
// p is missing nowhere.
func (s *scorer) copied(p *truth.Packet) bool {
	for i := range s.Packets {
		q := &s.Packets[i]
		if q.Copy && q.ID == p.ID && q.Src == p.Src && q.Dst == p.Dst && q.Lost == 0 {
			return true
		}
	}
	return false
}

func (s *scorer) mistake(kind, flow, format string, args ...any) {
	s.note(kind+": "+flow+": "+format, args...)
	s.card.Mistakes = append(s.card.Mistakes, Mistake{kind, s.card.Notes[len(s.card.Notes)-1]})
}

// named scores the lost data frames that charges name.
func (s *scorer) named() {
	want, ignore, said := set{}, set{}, set{}
	for n, packets := range s.byFrame {
		for _, p := range packets {
			switch {
			case p.Octets == 0 || p.Copy || !s.downstream(p):
			case s.hidden(p) != "" || s.copied(p):
				ignore[n] = true
			default:
				want[n] = true
			}
		}
	}
	for n := range want {
		delete(ignore, n)
	}
	for _, c := range s.answer.Charges {
		if c.What == "data" && c.Protocol == "tcp" && side(c.Locus) == "down" {
			for _, n := range c.Frames {
				said[n] = true
			}
		}
	}
	s.compare("lost frame", &s.card.Named, want, said, ignore)
}

// lostBy are the packets that c says were lost, as far as it says which: those
// of its frames, or the lost copies of what its repair carries.
func (s *scorer) lostBy(c *Charge) (lost []*truth.Packet) {
	for _, n := range c.Frames {
		for _, p := range s.byFrame[n] {
			if s.downstream(p) {
				lost = append(lost, p)
			}
		}
	}
	if len(c.Frames) > 0 {
		return lost
	}
	for _, repair := range s.byFrame[c.RepairedBy] {
		for _, p := range s.flows[key(c.Src, c.Dst)] {
			if p.ID < repair.ID && overlaps(p, repair) && p.Lost > 0 && s.upstream(p) == (side(c.Locus) == "up") {
				lost = append(lost, p)
			}
		}
	}
	return lost
}

// causes fills the matrix of what it was against what was said, for TCP data.
func (s *scorer) causes() {
	for i := range s.answer.Charges {
		c := &s.answer.Charges[i]
		if side(c.Locus) == "capture" || (c.What != "data" || c.Protocol != "tcp") && !ofHost(s.lostBy(c)) {
			continue
		}
		flow := s.flows[key(c.Src, c.Dst)]
		if len(flow) == 0 {
			continue
		}
		lost := s.lostBy(c)
		var why string
		switch {
		case len(lost) > 0 && c.Cause == "tail-loss" && s.atTail(lost[0]):
			why = "at a tail"
		case len(lost) > 0:
			why = lost[0].Why
		default:
			why = s.only(flow, side(c.Locus))
		}
		s.card.Causes[Cause{s.stage(flow[0]), why, c.Cause, c.Confidence}] += c.Packets
	}
}

// only is why all the data of flow that was lost on that side was lost, if it
// is one cause.
func (s *scorer) only(flow []*truth.Packet, where string) string {
	why := "nothing"
	for _, p := range flow {
		if p.What != "data" || p.Lost == 0 || s.upstream(p) != (where == "up") {
			continue
		}
		if why != "nothing" && why != p.Why {
			return "one of several"
		}
		why = p.Why
	}
	return why
}

// fits lists the causes that whydrop may name for what really was.
var fits = map[string][]string{
	"random":    {"random-loss"},
	"burst":     {"random-loss"},
	"queue":     {"queue-overflow"},
	"policer":   {"policer"},
	"outage":    {"link-outage"},
	"mtu":       {"mtu-black-hole"},
	"paws":      {"paws-reject", "receiver-host-drop"},
	"corrupt":   {"tcp-checksum", "random-loss"},
	"at a tail": {"tail-loss"},

	"firewall":      {"firewall-silent"},
	"rejected":      {"firewall-reject"},
	"closed":        {"port-closed"},
	"conflict":      {"address-conflict"},
	"listen-queue":  {"listen-queue"},
	"socket-buffer": {"receiver-host-drop"},
	"mtu-told":      {"mtu-exceeded"},
}

// Right reports whether the cause said fits what was.
func (c Cause) Right() bool { return slices.Contains(fits[c.Why], c.Said) }

// Named reports whether a cause was said at all.
// That a connection is not answered is what happened, and not why.
func (c Cause) Named() bool {
	return c.Said != "unknown" && c.Said != "unexplained" && c.Said != "connection-unanswered"
}

// certain looks for charges that are certain and wrong.
func (s *scorer) certain() {
	sums := map[string]int{}
	for i := range s.answer.Charges {
		c := &s.answer.Charges[i]
		where, flow := side(c.Locus), key(c.Src, c.Dst)
		if c.Confidence != "certain" || c.Protocol != "tcp" || where == "capture" {
			continue
		}
		s.card.Certain += c.Packets
		sums[c.What+" "+where+" "+flow] += c.Packets
		lost := s.lostBy(c)
		switch {
		case c.What == "ack": // its repair, if any, is of the other direction
		case len(c.Frames) > 0 && len(lost) < c.Packets, c.RepairedBy > 0 && len(lost) == 0:
			s.mistake(FalseCertain, flow, "charge %d (%s): %d %s %sstream, frames %v, repaired by %d", c.ID, c.Rule, c.Packets, c.What, where, c.Frames, c.RepairedBy)
		case len(lost) > 0 && (Cause{Said: c.Cause}).Named() && !(Cause{Why: lost[0].Why, Said: c.Cause}).Right():
			s.mistake(FalseCertain, flow, "charge %d (%s): %s by %s was %s", c.ID, c.Rule, c.What, c.Cause, lost[0].Why)
		}
	}
	for k, n := range sums {
		are := 0
		for _, flow := range s.flows {
			for _, p := range flow {
				where := "down"
				if s.upstream(p) {
					where = "up"
				}
				if p.Lost > 0 && p.What+" "+where+" "+key(p.Src, p.Dst) == k {
					are++
				}
			}
		}
		if n > are {
			s.mistake(FalseCertain, k, "%d with certainty, were %d", n, are)
		}
	}
}
