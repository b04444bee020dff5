package report

import (
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A flowExplainer tells the story of one flow, also of one that lost nothing.
type flowExplainer struct {
	b     *builder
	r     *Report
	index uint32
	facts *flow.Facts
	named map[flow.FrameRef]bool
	why   map[flow.FrameRef]string // of named frames

	keep  []kept
	base  [2]uint32
	known [2]bool
	top   [2]uint64 // octets sent, relative
	acked [2]uint64 // octets of that direction acknowledged
	shut  [2]bool   // that side announced a window of 0
	data  [2]bool   // octets of that direction passed
	last  analyze.Sight
	any   bool
	pause pause
}

// kept is a frame of the ladder.
type kept struct {
	s    analyze.Sight
	says string
}

// A pause is the longest time without any packet of the flow.
type pause struct {
	for_     int64
	from, to analyze.Sight
	waiting  [2]bool // octets of that direction were on their way
	shut     [2]bool
}

// shownUnneeded is how many needless retransmissions a ladder shows.
const shownUnneeded = 2

func newFlowExplainer(b *builder, r *Report, i uint32) *flowExplainer {
	x := &flowExplainer{
		b: b, r: r, index: i, facts: b.res.Flows[i],
		named: map[flow.FrameRef]bool{}, why: map[flow.FrameRef]string{},
	}
	unneeded, zero, errors := 0, 0, 0
	for k := range b.res.Symptoms {
		s := &b.res.Symptoms[k]
		if s.Flow != i {
			continue
		}
		switch {
		case s.Kind == flow.Retransmission && s.Need == flow.Unneeded && unneeded < shownUnneeded:
			unneeded++
			x.name(s.Frame, "sent again without need")
		case s.Kind == flow.ZeroWindow && zero == 0:
			zero++
			x.name(s.Frame, "window 0: stop sending")
		case s.Kind == flow.ICMPError && errors == 0:
			errors++
			x.name(s.Frame, "an error about a packet of it")
		case s.Kind == flow.Reordered && len(x.named) == 0:
			x.name(s.Frame, "comes late, out of order")
		}
	}
	return x
}

func (x *flowExplainer) name(f flow.FrameRef, says string) {
	x.named[f] = true
	x.why[f] = says
}

// Wants names the flow, and frames of it that are worth a look.
func (x *flowExplainer) Wants() (*flow.Facts, map[flow.FrameRef]bool) { return x.facts, x.named }

// See follows the flow.
func (x *flowExplainer) See(s *analyze.Sight) bool {
	if !s.Ours {
		if len(x.keep) < 2*maxRungs {
			x.keep = append(x.keep, kept{*s, x.why[s.Ref()]})
		}
		return true
	}
	d := s.Dir
	says := x.why[s.Ref()]
	tcp := s.Kind == decode.KindTCP
	if tcp && !x.known[d] && s.TransportSum != decode.ChecksumBad {
		x.base[d], x.known[d] = s.Seq, true
	}
	switch {
	case says != "":
	case !x.any && (!tcp || s.Flags&decode.SYN == 0):
		says = "the first packet here"
	case tcp && s.Flags&(decode.SYN|decode.ACK) == decode.SYN:
		says = "asks for a connection"
	case tcp && s.Flags&decode.SYN != 0:
		says = "agrees"
	case tcp && s.Flags&decode.RST != 0:
		says = "ends the connection"
	case s.PayloadLen > 0 && !x.data[d]:
		says = "the first data"
	case tcp && s.Flags&decode.FIN != 0:
		says = "has no more to say"
	}
	x.data[d] = x.data[d] || s.PayloadLen > 0
	if x.any && s.Time-x.last.Time > x.pause.for_ {
		x.pause = pause{for_: s.Time - x.last.Time, from: x.last, to: *s, shut: x.shut}
		for side := range x.pause.waiting {
			x.pause.waiting[side] = x.top[side] > x.acked[side]
		}
	}
	if says != "" && len(x.keep) < 2*maxRungs {
		x.keep = append(x.keep, kept{*s, says})
	}
	if tcp {
		x.follow(s)
	}
	x.last, x.any = *s, true
	return true
}

// follow notes how far each direction has got.
func (x *flowExplainer) follow(s *analyze.Sight) {
	d := s.Dir
	if s.TransportSum == decode.ChecksumBad {
		return
	}
	if hi := uint64(s.Seq-x.base[d]) + uint64(s.PayloadLen); s.PayloadLen > 0 && hi < 1<<31 {
		x.top[d] = max(x.top[d], hi)
	}
	if ack := uint64(s.Ack - x.base[1-d]); s.Flags&decode.ACK != 0 && x.known[1-d] && ack < 1<<31 {
		x.acked[1-d] = max(x.acked[1-d], ack)
	}
	x.shut[d] = s.Window == 0 && s.Flags&(decode.SYN|decode.RST|decode.FIN) == 0
}

// Explain tells the story.
func (x *flowExplainer) Explain() *Explanation {
	e := newExplanation(x.r)
	f := x.b.flow(int(x.index))
	e.Flow = &f
	x.ladder(&e.Ladder)
	e.Sentence = x.sentence(&f)
	e.Story = x.story(&f)
	for _, i := range x.b.chargesOf[x.index] {
		c := &x.b.res.Ledger.Charges[i]
		e.Charges = append(e.Charges, ChargeRef{
			ID: c.ID, Packets: c.Packets, What: c.What.String(), Locus: c.Locus.String(), Cause: string(c.Cause),
			Confidence: c.Confidence.String(), First: timestamp(c.First), at: c.First,
		})
	}
	if f.CannotTell {
		e.Do = append(e.Do, "Capture at both ends at the same time:",
			tcpdump("end.pcap", [2]string{x.facts.Originator.Addr.String(), x.facts.Responder.Addr.String()}))
	}
	return e
}

// ladder has the handshake, the first data, what is worth a look, the longest
// pause and the end.
func (x *flowExplainer) ladder(l *Ladder) {
	x.b.between(l, x.index, 0)
	l.heads = [2]string{"originator", "responder"}
	add := func(s *analyze.Sight, says string, first bool) {
		at := slices.IndexFunc(l.Rungs, func(r Rung) bool { return r.ref == s.Ref() })
		switch {
		case at >= 0 && first:
			l.Rungs[at].Says = joined(l.Rungs[at].Says, says)
		case at < 0 && len(l.Rungs) < maxRungs:
			r := rungOf(x.b, l, s, says)
			r.What = frameLabel(s, x.base, x.known)
			l.Rungs = append(l.Rungs, r)
		}
	}
	const ends = 2 // frames of the pause
	for i := range x.keep[:min(len(x.keep), maxRungs-ends)] {
		add(&x.keep[i].s, x.keep[i].says, false)
	}
	if x.pause.for_ > 0 && x.facts.Dir[0].Packets+x.facts.Dir[1].Packets > ends {
		add(&x.pause.from, "the longest pause begins", true)
		add(&x.pause.to, "goes on, "+duration(x.pause.for_)+" later", true)
	}
	if x.any {
		add(&x.last, "the last packet here", false)
	}
	l.settle()
}
