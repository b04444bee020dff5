package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// whenBuckets is how finely a Group's losses are laid out over the capture:
// as many columns as an 80-column line has room for.
const whenBuckets = 48

// maxRivals is how many rivals a group names: the first screen has two lines for them.
const maxRivals = 2

// A groupKey is what the charges of one line have in common. A line says what
// holds for each of its packets, so the certain stand with the likely, as
// likely; what is merely possible stands apart. Where the place is surer than
// the cause, the line is as sure as the place, and says perhaps of the cause.
type groupKey struct {
	locus    cause.Locus
	cause    cause.ID
	possible bool
	perhaps  bool
	between  flow.Between
	host     bool   // the capturing host said so
	who      string // which rule or program of it
}

func keyOf(c *analyze.Charge) groupKey {
	at := placeConfidence(c)
	return groupKey{
		c.Locus, c.Cause, at == cause.Possible, at > c.Confidence && c.Confidence == cause.Possible, c.Between, c.Host != nil, whoOf(c),
	}
}

// placeConfidence is how sure it is that the packets of c were lost, and where.
func placeConfidence(c *analyze.Charge) cause.Confidence {
	if c.Told != nil {
		return c.LocusConfidence
	}
	return c.Confidence
}

// groups are the lines of the first screen: most packets first, and those that
// only the capture lacks behind all that were lost.
func (b *builder) groups() []Group {
	byKey := map[groupKey][]*analyze.Charge{}
	for i := range b.res.Ledger.Charges {
		c := &b.res.Ledger.Charges[i]
		k := keyOf(c)
		byKey[k] = append(byKey[k], c)
	}
	type entry struct {
		key     groupKey
		packets uint64
	}
	order := make([]entry, 0, len(byKey))
	for k, charges := range byKey {
		e := entry{key: k}
		for _, c := range charges {
			e.packets += c.Packets
		}
		order = append(order, e)
	}
	only := func(e entry) int {
		if e.key.locus == cause.InCapture {
			return 1
		}
		return 0
	}
	second := func(e entry) int {
		switch {
		case e.key.possible:
			return 2
		case e.key.perhaps:
			return 1
		}
		return 0
	}
	slices.SortFunc(order, func(x, y entry) int {
		return cmp.Or(cmp.Compare(only(x), only(y)), cmp.Compare(y.packets, x.packets),
			cmp.Compare(x.key.locus, y.key.locus), cmp.Compare(x.key.cause, y.key.cause),
			cmp.Compare(x.key.between, y.key.between), cmp.Compare(second(x), second(y)), cmp.Compare(x.key.who, y.key.who))
	})
	groups := make([]Group, 0, len(order))
	for _, e := range order {
		g := b.group(e.key, e.packets, byKey[e.key])
		g.Phrase += b.eventPhrase(e.packets, byKey[e.key])
		groups = append(groups, g)
	}
	return groups
}

func (b *builder) group(k groupKey, packets uint64, charges []*analyze.Charge) Group {
	slices.SortStableFunc(charges, func(x, y *analyze.Charge) int { return cmp.Compare(x.First, y.First) })
	rule := mainRule(charges)
	sure := cause.Certain
	for _, c := range charges {
		at := c.Confidence
		if k.perhaps {
			at = placeConfidence(c)
		}
		sure = min(sure, at)
	}
	surely, perhaps := "", ""
	if k.perhaps {
		surely, perhaps = surelyWords[sure], "perhaps "
	}
	g := Group{
		Packets: packets, Locus: k.locus.String(), Cause: string(k.cause),
		Phrase: surely + b.where(k) + ": " + perhaps + b.whyOf(k, rule, charges), Confidence: sure.String(),
		Rule: ruleOf(rule).id, Not: rivals(charges), Do: b.doOf(k, charges),
		Flows: flowsOf(charges), When: b.when(charges), perhaps: k.perhaps,
	}
	g.Seen = b.seen(charges, g.Flows) + superFrames(charges)
	if s := hostSeen(charges); s != "" {
		g.Seen += " " + s
	}
	if f := mainFinding(charges); f != nil {
		g.Seen += " " + briefly(f)
		g.Bursts = burstsOf(f)
	} else {
		g.Seen += insideSays(k)
	}
	if (k.possible || k.perhaps) && len(g.Not) > 0 {
		// Rivals of a mere possibility stand: they are not excluded.
		g.Seen += " It fits " + strings.ReplaceAll(strings.Join(g.Not, " "), ": ", " as well: ")
		g.Not = []string{}
	}
	return g
}

// surelyWords say how sure a place is whose cause is merely possible.
var surelyWords = [...]string{cause.Likely: "likely ", cause.Certain: "certainly "}

// where says the place of a line.
func (b *builder) where(k groupKey) string {
	if k.host && k.locus != cause.InCapture {
		return "in this host"
	}
	if words, ok := whereBetween[k.between]; ok && k.locus == cause.Downstream {
		return words
	}
	if b.res.Points != nil && k.locus == cause.Upstream {
		return "upstream of both capture points"
	}
	return where[k.locus]
}

func (b *builder) whyOf(k groupKey, rule flow.Rule, charges []*analyze.Charge) string {
	if words, ok := whyDropped[rule]; ok && k.cause == cause.CaptureDropped {
		return words
	}
	if words := courseWords(charges); words != "" {
		return words
	}
	words, ok := why[k.cause]
	if !ok {
		return string(k.cause)
	}
	if k.host {
		words = strings.TrimSuffix(words, ", says ICMP")
		if k.who != "" {
			words += " (" + k.who + ")"
		}
		return words
	}
	if port := onePort(charges); port != "" && (k.cause == cause.FirewallSilent || k.cause == cause.ListenQueue) {
		words += ", port " + port
	}
	return words
}

// onePort is the port that all charges have in common, or "".
func onePort(charges []*analyze.Charge) string {
	for _, c := range charges {
		if c.Dst.Port != charges[0].Dst.Port || c.Dst.Port == 0 {
			return ""
		}
	}
	return strconv.Itoa(int(charges[0].Dst.Port))
}

// doOf is the next step: the remedy of a cause, or the capture that tells more.
func (b *builder) doOf(k groupKey, charges []*analyze.Charge) []string {
	if k.cause == cause.ReceiverHostDrop {
		return receiverSteps(charges)
	}
	if k.host {
		if steps := hostSteps(k.cause, charges); steps != nil {
			return steps
		}
	}
	if steps, ok := do[k.cause]; ok {
		return b.named(steps, k.cause, charges)
	}
	c := charges[0]
	for _, other := range charges {
		if other.Packets > c.Packets {
			c = other
		}
	}
	var hosts [2]string
	if b.hasFlow(c) {
		hosts = [2]string{c.Src.Addr.String(), c.Dst.Addr.String()}
	}
	switch k.locus {
	case cause.Downstream:
		return []string{"Capture at the receiver at the same time:", tcpdump("receiver.pcap", hosts)}
	case cause.Upstream:
		return []string{"Capture at the sender at the same time:", tcpdump("sender.pcap", hosts)}
	case cause.SenderHost:
		return []string{"Ask its kernel: the qdisc, then its filters:", "`tc -s qdisc show`", "`nft list ruleset`"}
	case cause.ReceiverHost:
		return receiverSteps(charges)
	}
	return []string{"Capture at both ends at the same time:", tcpdump("end.pcap", hosts)}
}

// mainRule is the rule that decided most packets.
func mainRule(charges []*analyze.Charge) flow.Rule {
	var packets [flow.NumRules]uint64
	best := flow.NoRule
	for _, c := range charges {
		r := min(c.Rule, flow.NumRules-1)
		packets[r] += c.Packets
		if packets[r] > packets[best] || packets[r] == packets[best] && r < best {
			best = r
		}
	}
	return best
}

// rivals are the other explanations, each once, those of most packets first.
func rivals(charges []*analyze.Charge) []string {
	packets := map[string]uint64{}
	lines := []string{}
	for _, c := range charges {
		other := c.Rivals
		if c.Told != nil {
			other = c.CauseRivals // those of the place are not what stands
		}
		for _, r := range other {
			line := string(r.Cause) + ": " + strings.TrimSuffix(r.Why, ".") + "."
			if r.Cause == cause.Unknown { // of what the capture lacks: the rival is a loss
				reason, _, _ := strings.Cut(r.Why, ":")
				line = "lost: " + strings.TrimSuffix(reason, ".") + "."
			}
			if packets[line] == 0 {
				lines = append(lines, line)
			}
			packets[line] += c.Packets
		}
	}
	slices.SortFunc(lines, func(x, y string) int {
		return cmp.Or(cmp.Compare(packets[y], packets[x]), cmp.Compare(x, y))
	})
	return lines[:min(len(lines), maxRivals)]
}

func flowsOf(charges []*analyze.Charge) int {
	flows := map[uint32]bool{}
	for _, c := range charges {
		if c.Flow != flow.NoFlow {
			flows[c.Flow] = true
		}
	}
	return len(flows)
}

// when lays charges out over the capture.
func (b *builder) when(charges []*analyze.Charge) []uint32 {
	buckets := make([]uint32, whenBuckets)
	span := b.res.Last - b.res.First
	for _, c := range charges {
		at := 0
		if span > 0 {
			part := float64(c.First-b.res.First) / float64(span)
			at = min(max(int(part*whenBuckets), 0), whenBuckets-1)
		}
		buckets[at] += uint32(min(c.Packets, math.MaxUint32-uint64(buckets[at])))
	}
	return buckets
}

// seen says what was lost, how it was spread, and when.
func (b *builder) seen(charges []*analyze.Charge, flows int) string {
	var packets [flow.NumWhats]uint64
	first, last := charges[0].First, charges[0].Last
	for _, c := range charges {
		packets[min(c.What, flow.NumWhats-1)] += c.Packets
		first, last = min(first, c.First), max(last, c.Last)
	}
	var parts []string
	for _, w := range [...]flow.What{
		flow.DataPacket, flow.Datagram, flow.FragmentPacket, flow.SYNPacket, flow.FINPacket, flow.RSTPacket,
		flow.ACKPacket, flow.ICMPPacket, flow.OtherPacket,
	} {
		if packets[w] > 0 {
			parts = append(parts, counted(packets[w], nouns[w]))
		}
	}
	s := strings.Join(parts, ", ")
	if flows > 0 {
		s += " in " + counted(uint64(flows), "flow")
	}
	if covered, n, _ := b.inEvents(charges); n > 0 && covered == sum(packets[:]) {
		s += ", in " + counted(uint64(n), "event")
	} else if n := b.bursts(charges); n > 1 {
		s += ", in " + counted(uint64(n), "burst")
	}
	if first < b.res.First || last > b.res.Last {
		return s + "."
	}
	if proseSeconds(first) == proseSeconds(last) {
		return s + ", at " + proseSeconds(first-b.res.First) + " s."
	}
	return s + ", from " + proseSeconds(first-b.res.First) + " to " + proseSeconds(last-b.res.First) + " s."
}

// superFrames says how many of the packets were not captured one by one: their
// host cuts, or has joined, them where nobody sees it. b-17.
func superFrames(charges []*analyze.Charge) string {
	var frames, packets uint64
	for _, c := range charges {
		if n := uint64(len(c.Frames)); c.What == flow.DataPacket && n > 0 && c.Packets > n {
			frames, packets = frames+n, packets+c.Packets
		}
	}
	switch frames {
	case 0:
		return ""
	case 1:
		return " " + count(packets) + " of them are 1 frame here, not yet cut into packets or already joined."
	}
	return " " + count(packets) + " of them are " + count(frames) + " frames here, not yet cut into packets or already joined."
}

// proseSeconds is a time from the start of the capture in prose: two decimals.
func proseSeconds(ns int64) string {
	whole := seconds(0, ns)
	return whole[:len(whole)-len("0000")]
}

// burstSpan parts bursts where no round trip time is known. One queue's
// overflow lasts about as long as its senders take to hear of it.
const burstSpan = int64(100 * time.Millisecond)

// bursts counts loss events: RFC 5348 §5.2 takes losses of one flow within one
// round trip time of the first as one event.
func (b *builder) bursts(charges []*analyze.Charge) int {
	type half struct {
		flow uint32
		dir  uint8
	}
	began := map[half]int64{}
	n := 0
	for _, c := range charges {
		span := burstSpan
		if b.hasFlow(c) {
			if rtt := b.res.Flows[c.Flow].Dir[c.Dir&1].RTTMin; rtt > 0 {
				span = rtt
			}
		}
		k := half{c.Flow, c.Dir}
		if start, ok := began[k]; !ok || c.First-start > span {
			began[k] = c.First
			n++
		}
	}
	return n
}

func sum(list []uint64) (n uint64) {
	for _, x := range list {
		n += x
	}
	return n
}
