package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"whydrop/analyze/cause"
)

// probedMost is how many scans or floods are named one by one.
const probedMost = 3

// conclusions says what was found, floods and scans each once if there are many.
func (p *probes) conclusions() []Conclusion {
	var out []Conclusion
	for _, kind := range [...]struct {
		id   cause.ID
		list []probed
		say  func(*probes, []probed, uint64) string
	}{{cause.PortScan, p.scans, (*probes).scanSay}, {cause.SYNFlood, p.floods, (*probes).floodSay}} {
		list := kind.list
		slices.SortStableFunc(list, func(a, b probed) int { return cmp.Compare(b.flows, a.flows) })
		for len(list) > 0 {
			n := 1
			if len(kind.list) > probedMost {
				n = len(list)
			}
			c := Conclusion{Cause: kind.id, Confidence: cause.Likely, Evidence: list[0].proof}
			if !p.talks && kind.id == cause.SYNFlood {
				c.Confidence = cause.Possible
			}
			for i := range list[:n] {
				c.Count += list[i].packets
			}
			if len(p.floods) == 0 || kind.id == cause.SYNFlood {
				c.Count, p.more = c.Count+p.more, 0 // what is only counted goes with the largest
			}
			c.Say = kind.say(p, list[:n], c.Count)
			out = append(out, c)
			list = list[n:]
		}
	}
	return out
}

// scanSay says who scans whom with n packets.
func (p *probes) scanSay(list []probed, n uint64) string {
	x := &list[0]
	how := "Nobody answers many of them, which is no loss."
	if x.stray {
		how = "They are segments that no host sends (FIN, NULL or Xmas): a silent port is no loss."
	}
	switch {
	case len(list) > 1:
		return fmt.Sprintf("%d hosts scan others with %s, %s most. %s", len(list), many(n, "packet", "packets"), x.who, how)
	case x.others == 1:
		return fmt.Sprintf("%s scans %s of %s with %s. %s", x.who, many(uint64(x.ports), "port", "ports"), x.host, many(n, "packet", "packets"), how)
	case x.ports == 1:
		return fmt.Sprintf("%s scans port %d of %d hosts with %s. %s", x.who, x.port, x.others, many(n, "packet", "packets"), how)
	}
	return fmt.Sprintf("%s scans %d ports of %d hosts with %s. %s", x.who, x.ports, x.others, many(n, "packet", "packets"), how)
}

// floodSay says whom n SYNs were sent to that nobody stood behind.
func (p *probes) floodSay(list []probed, n uint64) string {
	x := &list[0]
	whom := x.who.String()
	if x.ports == 1 {
		whom = fmt.Sprintf("port %d of %s", x.port, x.who)
	}
	from := fmt.Sprintf("%d addresses", x.others)
	if x.others == 1 {
		from = "one address"
	}
	say := fmt.Sprintf("%d SYNs from %s asked %s and were never heard of again: a SYN flood, and no loss.", n, from, whom)
	if len(list) > 1 {
		say = fmt.Sprintf("%d SYNs asked %d hosts, %s most, and were never heard of again: a SYN flood, and no loss.", n, len(list), x.who)
	}
	if !p.talks {
		say += " A capture filter for SYNs would leave as much."
	}
	return say
}
