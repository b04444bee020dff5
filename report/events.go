package report

import (
	"math"
	"strconv"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
)

// Event is what losses of many packets have in common. It charges nothing: the
// charges that it joins do.
type Event struct {
	Kind     string   `json:"kind" jsonschema:"enum=at-once,enum=periodic,enum=one-class"`
	Locus    string   `json:"locus" jsonschema:"enum=sender-host,enum=upstream,enum=downstream,enum=receiver-host,enum=capture,enum=unknown"`
	First    string   `json:"first_time"`
	Last     string   `json:"last_time"`
	Packets  uint64   `json:"packets"`
	Flows    int      `json:"flows"`    // that it hit
	Of       int      `json:"of_flows"` // of one-class: how many there are in the class, or could be compared; else 0
	Episodes int      `json:"episodes"` // losses of a flow within a round trip or 100 ms are one
	Src      string   `json:"src_net"`  // what the senders have in common: an address, a prefix, or ""
	Dst      string   `json:"dst_net"`
	VLAN     int      `json:"vlan"`      // on which all of them are, or 0
	Tunnel   string   `json:"tunnel"`    // in which all of them are: its kind and key, or ""
	PeriodMS float64  `json:"period_ms"` // of periodic, else 0
	JitterMS float64  `json:"jitter_ms"`
	Class    string   `json:"class"` // of one-class: vlan, tunnel, mac, port, destination, source, size, same-flows; else ""
	Value    string   `json:"value"` // of the class: the VID, the tunnel, the port, the address, the octets
	Share    float64  `json:"share"` // of the packets that the class carried
	Chance   string   `json:"chance"`
	Says     string   `json:"says"`
	Rivals   []string `json:"rivals"`
	Charges  []int    `json:"charges"`
}

func (b *builder) events() []Event {
	out := make([]Event, 0, len(b.res.Events))
	for i := range b.res.Events {
		e := &b.res.Events[i]
		r := Event{
			Kind: e.Kind.String(), Locus: e.Locus.String(), First: timestamp(e.First), Last: timestamp(e.Last),
			Packets: e.Packets, Flows: e.Flows, Of: e.Of, Episodes: e.Episodes, Src: netText(e.Src), Dst: netText(e.Dst), VLAN: int(e.VLAN), Tunnel: analyze.TunnelName(e.Tunnel),
			PeriodMS: milliseconds(e.Period), JitterMS: milliseconds(e.Jitter), Class: e.Class.String(), Value: classValue(e),
			Share: round(e.Share, 4), Chance: chanceText(e.Chance), Rivals: []string{}, Charges: e.Charges,
		}
		switch e.Kind {
		case analyze.Periodic:
			r.Says, r.Rivals = b.beatSays(e), append(r.Rivals, "a sender whose own rhythm is as steady as a clock, if one host sends all of them")
		case analyze.OneClass:
			r.Says, r.Rivals = b.classSays(e), append(r.Rivals, classRivals(e)...)
		default:
			r.Says = b.momentSays(e)
		}
		out = append(out, r)
	}
	return out
}

// momentSays tells an event of one moment.
func (b *builder) momentSays(e *analyze.Event) string {
	s := "one event at " + proseSeconds(e.First-b.res.First) + " s, " + duration(e.Last-e.First) + " long, hit " + counted(uint64(e.Flows), "flow")
	return s + inCommon(e)
}

// inCommon is where the flows of an event go.
func inCommon(e *analyze.Event) string {
	var s string
	if src := netText(e.Src); src != "" {
		s += " from " + src
	}
	if dst := netText(e.Dst); dst != "" {
		s += " to " + dst
	}
	if e.VLAN != 0 {
		s += " on VLAN " + strconv.Itoa(int(e.VLAN))
	}
	if e.Tunnel != 0 {
		s += " in tunnel " + analyze.TunnelName(e.Tunnel)
	}
	return s
}

// beatSays tells a period.
func (b *builder) beatSays(e *analyze.Event) string {
	s := "lost every " + duration(e.Period)
	if e.Jitter > int64(time.Millisecond) {
		s += ", give or take " + duration(e.Jitter)
	}
	return s + ", " + times(uint64(e.Episodes)) + ", as by a clock; the traffic itself has no such beat"
}

// classSays tells what all losses have in common.
func (b *builder) classSays(e *analyze.Event) string {
	all := "all " + counted(uint64(e.Episodes), "episode") + " of loss hit "
	carried := ", " + share(uint64(math.Round(e.Share*1e6)), 1e6) + " of the packets"
	switch e.Class {
	case analyze.ByVLAN:
		return all + "VLAN " + classValue(e) + carried
	case analyze.ByTunnel:
		return all + "tunnel " + classValue(e) + carried
	case analyze.ByMAC:
		return all + "frames between one pair of MAC addresses" + carried
	case analyze.ByPort:
		return all + "port " + classValue(e) + carried
	case analyze.ByAddress:
		return all + "what goes to " + classValue(e) + carried
	case analyze.BySource:
		return all + "what comes from " + classValue(e) + carried
	case analyze.BySize:
		return all + "packets with " + classValue(e) + " octets of payload or more, at most" + carried[1:]
	}
	return all + "the same " + counted(uint64(e.Flows), "flow") + " of " + strconv.Itoa(e.Of) + carried + "; others between the same hosts lost nothing"
}

// classRivals are what looks the same.
func classRivals(e *analyze.Event) []string {
	switch e.Class {
	case analyze.BySomeFlows:
		return []string{"one member of a bundle (LAG, ECMP) that a hash of the ports chooses", "a limit for each flow"}
	case analyze.BySize:
		return []string{"large packets travel in bursts, and bursts overflow queues"}
	}
	return nil
}

func classValue(e *analyze.Event) string {
	switch e.Class {
	case analyze.ByAddress, analyze.BySource:
		return e.Addr.String()
	case analyze.ByVLAN, analyze.ByPort:
		return strconv.FormatUint(e.Number, 10)
	case analyze.ByTunnel:
		return analyze.TunnelName(e.Number)
	case analyze.BySize:
		return count(e.Number)
	}
	return ""
}

// Prefixes shorter than these are common to half the world.
const (
	shortest4 = 8
	shortest6 = 16
)

// netText is an address, a prefix, or "" for nothing in common.
func netText(n analyze.Net) string {
	addr := n.Addr.Netip()
	bits, shortest := n.Bits, shortest6
	if addr.Is4() {
		bits, shortest = n.Bits-(128-32), shortest4
	}
	switch {
	case bits < shortest:
		return ""
	case bits == addr.BitLen():
		return addr.String()
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// chanceText says how improbable an event is by chance, as a power of ten that
// it is below.
func chanceText(ln float64) string {
	digits := -ln / math.Ln10
	const most = 99 // nobody wants to know more
	return "below 1e-" + strconv.Itoa(int(min(max(digits, 0), most)))
}

// inEvents is how charges of a group belong to events of one moment: the share
// of their packets, how many events, and the first one.
func (b *builder) inEvents(charges []*analyze.Charge) (covered uint64, events int, first *analyze.Event) {
	if len(b.res.Events) == 0 || charges[0].Locus == cause.LocusUnknown {
		return 0, 0, nil
	}
	for i := range b.res.Events {
		e := &b.res.Events[i]
		if e.Kind != analyze.AtOnce || e.Locus != charges[0].Locus {
			continue
		}
		var n uint64
		for _, c := range charges {
			if c.First >= e.First && c.First <= e.Last {
				n += c.Packets
			}
		}
		if n == 0 {
			continue
		}
		covered += n
		if events++; first == nil {
			first = e
		}
	}
	return covered, events, first
}

// mostlyEvents is the per cent of its packets from which a group is told as events.
const mostlyEvents = 80

// eventPhrase is what the line of a group says of its event, or "".
func (b *builder) eventPhrase(packets uint64, charges []*analyze.Charge) string {
	covered, n, first := b.inEvents(charges)
	switch {
	case covered*100 < packets*mostlyEvents || n == 0:
		return ""
	case n == 1:
		return ", " + b.eventShort(first)
	}
	return ", " + counted(uint64(n), "event")
}

func (b *builder) eventShort(e *analyze.Event) string {
	return "one event at " + proseSeconds(e.First-b.res.First) + " s, " + duration(e.Last-e.First) + " long, hit " + counted(uint64(e.Flows), "flow")
}

// eventList is the section on events.
func (p *printer) eventList(r *Report) {
	if len(r.Events) == 0 {
		return
	}
	p.heading("Events")
	for i := range r.Events {
		e := &r.Events[i]
		role := lostCount
		if e.Locus == locusCapture {
			role = unsure
		}
		p.number(role, count(e.Packets), countEnd)
		p.to(max(phraseColumn, p.col+2))
		p.wrap(e.Locus+": "+e.Says+". By chance: "+e.Chance+".", plain, phraseColumn, 5)
		p.nl()
		for _, s := range e.Rivals {
			p.to(phraseColumn)
			p.put(skip, "or ")
			p.wrap(s+".", plain, phraseColumn+len("or "), 3)
			p.nl()
		}
	}
}
