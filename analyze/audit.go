package analyze

import (
	"fmt"
	"strings"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// Thresholds of the audit.
const (
	// spanShare is the share of frames with a copy within 1 ms from which the
	// copies are the capture's (a mirror port, "any", a bond), not the
	// network's: tcp-rules.md b-2.
	spanShare = 0.35

	// disorderShare is the share of frames out of time order from which rules
	// that use time are weak: wire-evidence.md b-19.
	disorderShare = 0.001

	// maxIPPacket is the largest length that an IPv4 header can say, RFC 791 §3.1.
	maxIPPacket = 65535
)

// labelCopies decides for the whole file whose the copies are: those that came
// at once are the capture's when most frames have one, else all are the
// network's. It counts from the flows, which count also what was not kept.
func labelCopies(res *Result) {
	var prompt uint64
	for i := range res.Flows {
		prompt += uint64(res.Flows[i].Dir[0].Copies[0]) + uint64(res.Flows[i].Dir[1].Copies[0])
	}
	res.Spanned = res.Points != nil || float64(prompt) > spanShare*float64(res.Counts.Frames)
	for i := range res.Flows {
		for d := range res.Flows[i].Dir {
			h := &res.Flows[i].Dir[d]
			h.Duplicates = [2]uint32{h.Copies[0] + h.Copies[1], 0}
			if res.Spanned {
				h.Duplicates = [2]uint32{h.Copies[1], h.Copies[0]}
			}
			if res.Points != nil { // whatever the routers between the points took
				h.Duplicates[0] -= h.LateTwins
				h.Duplicates[1] += h.LateTwins
			}
		}
	}
	for i := range res.Symptoms {
		if s := &res.Symptoms[i]; res.Spanned && s.Kind == flow.Duplicate && (s.For < flow.CopyImmediate || res.Points != nil && s.Twin) {
			s.Detail = flow.CaptureCopy
		}
	}
}

// audit judges the capture before the network is judged.
func audit(res *Result) {
	a := auditor{res: res}
	a.damage()
	a.drops()
	a.holes()
	a.copies()
	a.oneWay()
	a.paths()
	a.midStream()
	a.cut()
	a.clock()
	a.times()
	a.unsorted()
	a.offload()
	a.unread()
	a.limits()
	a.opaque()
	if n := a.res.noFragments; n > 0 {
		a.find("first-fragments-only", n, true, "of all fragmented datagrams only the first fragment is here, as with a capture filter for ports; %s missing at least",
			many(n, "other fragment is", "other fragments are"))
	}
}

type auditor struct{ res *Result }

func (a *auditor) find(finding string, frames uint64, lowers bool, format string, args ...any) {
	a.res.Audit = append(a.res.Audit, AuditFinding{
		Finding: finding, Frames: frames, Lowers: lowers, Detail: fmt.Sprintf(format, args...)})
}

// many is "1 frame was" or "7 frames were".
func many(n uint64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func (a *auditor) damage() {
	for i := range a.res.Inputs {
		in := &a.res.Inputs[i]
		if d := in.Damage; d != nil {
			a.find("truncated", 0, false, "%s %s at octet %d; %s read before", in.Path, d.What, d.Offset, many(in.Frames, "frame was", "frames were"))
		}
		for _, note := range in.Notes {
			a.find("file", 0, false, "%s: %s", in.Path, note)
		}
	}
	if a.res.Interrupted {
		a.find("interrupted", 0, false, "reading was stopped before the end")
	}
}

// drops reports what the capture itself says that it dropped, and what the
// other ends prove that it lacks.
func (a *auditor) drops() {
	if n, known := a.res.captureDrops(); known && n > 0 {
		a.find("capture-dropped", n, true, "the capture's own counters say that it dropped %s", many(n, "packet", "packets"))
	}
	var only uint64
	for i := range a.res.Ledger.Losses {
		if l := &a.res.Ledger.Losses[i]; l.Place == flow.OnlyCapture {
			only += uint64(l.Packets)
		}
	}
	if only > 0 {
		a.find("acknowledged-unseen", only, true, "%s acknowledged by the receiver, and not in this capture", many(only, "packet was", "packets were"))
	}
}

// captureDrops sums the drop counters of all inputs; unknown unless one is known.
func (res *Result) captureDrops() (n uint64, known bool) {
	for i := range res.Inputs {
		s := &res.Inputs[i].Stats
		// epb_dropcount counts what the interface's counters count, too: the
		// larger of the two accounts, never their sum.
		var byInterface uint64
		for _, c := range []capture.Counter{s.InterfaceDrops, s.OSDrops} {
			v, ok := c.Value()
			byInterface += v
			known = known || ok
		}
		byPacket, ok := s.PacketDrops.Value()
		known = known || ok
		n += max(byInterface, byPacket)
	}
	return n, known
}

func (a *auditor) copies() {
	var network, own uint64
	for i := range a.res.Flows {
		for d := range a.res.Flows[i].Dir {
			network += uint64(a.res.Flows[i].Dir[d].Duplicates[0])
			own += uint64(a.res.Flows[i].Dir[d].Duplicates[1])
		}
	}
	if p := a.res.Points; p != nil {
		a.find("two-points", p.Both, false, "%s twice, the second time with a TTL lower by %d: the file holds two capture points, on both sides of %s",
			many(p.Both, "packet is here", "packets are here"), p.Hops, many(uint64(p.Hops), "router", "routers"))
		if p.Missed > 0 {
			a.find("point-missed", p.Missed, true, "%s one of the two points, and passed the other", many(p.Missed, "packet is missing at", "packets are missing at"))
		}
	} else if own > 0 {
		a.find("duplicates", own, false, "%s captured twice and counted once", many(own, "frame was", "frames were"))
	}
	if n := a.res.Translated; n > 0 {
		a.find("translated", n, false, "%s here twice, under other addresses: the file holds both sides of a translator (NAT), and what both sides lack is counted once",
			many(n, "connection is", "connections are"))
	}
	if n := a.res.Traced; n > 0 {
		a.find("traceroute", n, false, "%s on the way, and were meant to: probes of a traceroute, which are no losses", many(n, "packet died", "packets died"))
	}
	if network > 0 {
		a.find("network-duplicates", network, false, "%s twice from the network and counted once", many(network, "packet came", "packets came"))
	}
}

// oneWay counts TCP conversations of which only one direction was captured.
func (a *auditor) oneWay() {
	var one, tcp uint64
	for i := range a.res.Flows {
		f := a.res.Flows[i]
		if f.Protocol != decode.ProtoTCP {
			continue
		}
		tcp++
		if f.OneWay() {
			one++
		}
	}
	if one > 0 {
		a.find("one-way", one, true, "%d of %s captured in one direction only", one, many(tcp, "TCP flow was", "TCP flows were"))
	}
}

func (a *auditor) cut() {
	c := &a.res.Counts
	if c.Truncated > 0 {
		a.find("snap-length", c.Truncated, false, "%s cut: no checksum behind the cut can be verified", many(c.Truncated, "frame was", "frames were"))
	}
	if c.HeadersCut > 0 {
		a.find("headers-cut", c.HeadersCut, true, "%s cut inside the headers and could not be analysed", many(c.HeadersCut, "frame was", "frames were"))
	}
}

// minute is one in ns.
const minute = int64(60e9)

func (a *auditor) clock() {
	res := a.res
	if res.Leaps > 0 {
		a.find("time-leap", res.Leaps, false, "%s stamped more than %d minutes after all before it, up to %d: the clock was set, or the capture rested",
			many(res.Leaps, "frame is", "frames are"), leapFrom/minute, res.Leap/minute)
	}
	a.behindACKs()
	if res.Disorder == 0 {
		return
	}
	said := many(res.Disorder, "frame is", "frames are") + " stamped earlier than the one in front"
	if res.setBack() && !res.disordered() {
		a.find("time-disorder", res.Disorder, true, "%s, by more than sorting mends: the clock was set back, and what shows in the course of time is not told", said)
		return
	}
	lowers := float64(res.Disorder) > disorderShare*float64(res.Counts.Frames)
	a.find("time-disorder", res.Disorder, lowers, "%s", said)
}

func (a *auditor) offload() {
	var pending, super, blanked uint64
	var largest uint32
	for l := range a.res.Counts.Checksums {
		pending += a.res.Counts.Checksums[l][decode.ChecksumPending]
	}
	for i := range a.res.Flows {
		largest = max(largest, a.res.Flows[i].Dir[0].MaxSegment, a.res.Flows[i].Dir[1].MaxSegment)
		super += uint64(a.res.Flows[i].Dir[0].Super) + uint64(a.res.Flows[i].Dir[1].Super)
		blanked += uint64(a.res.Flows[i].Dir[0].ChecksumBlanked) + uint64(a.res.Flows[i].Dir[1].ChecksumBlanked)
	}
	if pending > 0 {
		a.find("offload", pending, false, "%s not filled in yet when captured: the NIC does it later", many(pending, "checksum was", "checksums were"))
	}
	if blanked > 0 {
		a.find("payload-blanked", blanked, false, "%s a wrong checksum and zeros for a payload, from senders of which no checksum over payload is right here: the file was made anonymous", many(blanked, "frame has", "frames have"))
	}
	if super > 0 {
		by := "segmentation offload"
		if largest > maxIPPacket {
			by += " of more than IP allows (BIG TCP)"
		}
		a.find("super-frames", super, false, "%s larger than a segment, up to %d octets, by %s, and counted as the packets they stand for",
			many(super, "frame is", "frames are"), largest, by)
	}
}

func (a *auditor) unread() {
	c := &a.res.Counts
	var unknown, malformed uint64
	for _, n := range c.UnknownLink {
		unknown += n
	}
	for m := 1; m < len(c.Malformed); m++ {
		malformed += c.Malformed[m]
	}
	if unknown > 0 {
		a.find("unknown-link", unknown, true, "%s a link type that is not decoded", many(unknown, "frame has", "frames have"))
	}
	if malformed > 0 {
		a.find("malformed", malformed, false, "%s malformed", many(malformed, "frame is", "frames are"))
	}
	if c.TooDeep > 0 {
		a.find("too-deep", c.TooDeep, false, "%s more encapsulations than are followed", many(c.TooDeep, "frame has", "frames have"))
	}
}

// limits says what was given up. Of flows that are summed up nothing is missing but
// their lines: what they lost is charged, and counted among the losses without detail.
func (a *auditor) limits() {
	g := a.res.GaveUp
	if g.Summed > 0 {
		a.find("summed-up", g.Summed, false, "%s summed up in one line: there were too many to keep them apart", many(g.Summed, "flow is", "flows are"))
	}
	var what []string
	for _, x := range [...]struct {
		n    uint64
		what string
	}{
		{g.Flows, "flows ended early"}, {g.Symptoms, "symptoms not kept"}, {g.Gaps, "gaps forgotten"},
		{g.Losses, "lost packets without detail"},
	} {
		if x.n > 0 {
			what = append(what, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if n := g.Flows + g.Symptoms + g.Gaps + g.Losses; n > 0 {
		a.find("limits", n, true, "limits were reached: %s; --max-memory keeps more", strings.Join(what, ", "))
	}
}

// opaque says that QUIC hides its losses: wire-evidence.md b-25.
func (a *auditor) opaque() {
	var packets uint64
	for i := range a.res.Flows {
		if f := a.res.Flows[i]; f.QUIC {
			packets += f.Dir[0].Packets + f.Dir[1].Packets
		}
	}
	if packets > 0 {
		a.find("quic-opaque", packets, false, "%s of QUIC, which encrypts its packet numbers and acknowledgements: of its losses one capture tells nothing but an unanswered handshake",
			many(packets, "packet is", "packets are"))
	}
}
