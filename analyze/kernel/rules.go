package kernel

import (
	"strconv"
	"strings"

	"whydrop/capture"
)

// Near reports whether two witnesses that counted the same packets agree, within 3
// or 10 per cent: a look at a counter takes a moment, and packets go on meanwhile.
func Near(a, b uint64) bool {
	const few, share = 3, 10
	d := max(a, b) - min(a, b)
	return d <= few || d*share <= max(a, b)
}

// Drops reports whether a rule of this verdict ends a packet's way.
func Drops(r *capture.Rule) bool {
	return strings.HasPrefix(r.Verdict, "drop") || strings.HasPrefix(r.Verdict, "reject") || r.Traced > 0
}

// RuleOf names the firewall rule that dropped the packets of d, and reports
// whether it is certain: nothing else can have been it. all are the packets that
// the firewall dropped at the hook of d. It returns nil if it cannot be told.
func RuleOf(d *capture.Drop, t *capture.Testimony, all uint64) (rule *capture.Rule, certain bool) {
	var fits []*capture.Rule
	for i := range t.Rules {
		r := &t.Rules[i]
		if Drops(r) && concerns(r, d) {
			fits = append(fits, r)
		}
	}
	traced := keep(fits, func(r *capture.Rule) bool { return r.Traced > 0 })
	if len(traced) == 1 {
		return traced[0], true
	}
	if len(traced) > 1 {
		fits = traced
	}
	// A rule that counts, and counted nothing, dropped nothing.
	fits = keep(fits, func(r *capture.Rule) bool { return !r.Counted || r.Packets > 0 || r.Traced > 0 })
	switch counted := keep(fits, func(r *capture.Rule) bool { return r.Counted && (Near(r.Packets, d.Events) || Near(r.Packets, all)) }); {
	case len(fits) == 1:
		return fits[0], !fits[0].Counted || len(counted) == 1 || fits[0].Packets >= d.Events
	case len(counted) == 1:
		return counted[0], true
	}
	return nil, false
}

func keep(rules []*capture.Rule, good func(*capture.Rule) bool) (kept []*capture.Rule) {
	for _, r := range rules {
		if good(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// concerns reports whether r can have seen a packet of d.
func concerns(r *capture.Rule, d *capture.Drop) bool {
	v6 := d.EtherType == typeIPv6
	switch r.Family {
	case "ip":
		if v6 {
			return false
		}
	case "ip6":
		if !v6 {
			return false
		}
	}
	if r.Hook != "" && d.Hook != "" && !strings.EqualFold(r.Hook, d.Hook) {
		return false
	}
	if p, ok := mentioned(r.Text, "sport"); ok && p != d.Src.Port() {
		return false
	}
	return Asks(r, d.Protocol, d.Dst.Port())
}

// Asks reports whether r can have seen a packet of a protocol to a port.
func Asks(r *capture.Rule, protocol uint8, port uint16) bool {
	if p, ok := mentioned(r.Text, "dport"); ok && p != port {
		return false
	}
	for word, of := range map[string]uint8{"udp": protoUDP, "tcp": protoTCP} {
		if protocol != of && (hasWord(r.Text, word+" dport") || hasWord(r.Text, word+" sport") || hasWord(r.Text, "-p "+word)) {
			return false
		}
	}
	return true
}

// Uncounted is the one rule that drops what comes in, and counts nothing; nil if there
// are none, or several.
func Uncounted(t *capture.Testimony) (only *capture.Rule) {
	for i := range t.Rules {
		r := &t.Rules[i]
		if !Drops(r) || r.Counted || hooks[r.Hook] != Arrived || r.Hook == "FORWARD" {
			continue
		}
		if only != nil {
			return nil
		}
		only = r
	}
	return only
}

func hasWord(text, word string) bool { return strings.Contains(" "+text+" ", " "+word+" ") }

// mentioned is the one port that a rule asks for after word, as nft prints it
// (dport 53) or iptables (--dport 53). Sets and ranges ask for no single one.
func mentioned(text, word string) (port uint16, ok bool) {
	fields := strings.Fields(text)
	for i := 0; i+1 < len(fields); i++ {
		if strings.TrimLeft(fields[i], "-") != word {
			continue
		}
		if n, err := strconv.ParseUint(fields[i+1], 10, 16); err == nil {
			return uint16(n), true
		}
	}
	return 0, false
}

// Name says which rule r is, as an engineer would look it up.
func Name(r *capture.Rule) string {
	tool := "nft "
	if r.Legacy {
		tool = "iptables "
		if r.Family == "ip6" {
			tool = "ip6tables "
		}
		if r.Number == 0 {
			return tool + r.Table + " " + r.Chain + ", its policy"
		}
		return tool + r.Table + " " + r.Chain + ", rule " + strconv.Itoa(r.Number)
	}
	name := tool + r.Family + " " + r.Table + " " + r.Chain
	switch {
	case r.Handle == 0 && r.Number == 0:
		return name + ", its policy"
	case r.Handle == 0:
		return name + ", rule " + strconv.Itoa(r.Number)
	}
	return name + ", handle " + strconv.FormatUint(r.Handle, 10)
}
