package report

import (
	"strconv"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// ladder draws the evidence of the charge, the lost packet where no frame shows
// it, and what stands around the loss.
func (x *chargeExplainer) ladder(l *Ladder) {
	left := x.c.Dir & 1
	if x.c.What == flow.ACKPacket { // its sender is the receiver of the data
		left = 1 - left
	}
	x.b.between(l, x.c.Flow, left)
	l.data = x.dir
	l.heads = [2]string{"sender", "receiver"}
	for i := range x.seen {
		if s := &x.seen[i]; x.named[s.Ref()] {
			l.Rungs = append(l.Rungs, x.evidence(l, s))
		}
	}
	lost := x.lostRung(l)
	x.around(l, lost)
	if lost != nil {
		l.Rungs = append(l.Rungs, *lost)
	}
	l.settle()
}

// rung is what every rung of a frame has.
func (x *chargeExplainer) rung(l *Ladder, s *analyze.Sight, says string) Rung {
	r := rungOf(x.b, l, s, says)
	r.What = x.label(s)
	return r
}

func rungOf(b *builder, l *Ladder, s *analyze.Sight, says string) Rung {
	r := Rung{
		File: b.file(s.File), Frame: s.Number, Time: timestamp(s.Time), To: l.to(s.Dir), Fate: fatePasses, Says: says,
		at: s.Time, ref: s.Ref(), rank: 2 * s.Number,
	}
	if !s.Ours { // an ICMP error: from somewhere on the path to one of the hosts
		r.half, r.To = true, tapLeft
		if addr := endpoint(flow.Endpoint{Addr: s.Dst}, decode.ProtoICMP); hostOf(l.Right) == addr {
			r.To = tapRight
		}
	}
	return r
}

// evidence is a frame that the charge names, with all that it shows.
func (x *chargeExplainer) evidence(l *Ladder, s *analyze.Sight) Rung {
	r := x.rung(l, s, "")
	r.Feeds = ruleOf(x.c.Rule).id
	acked := false
	for _, w := range x.c.Evidence {
		if w.Frame != s.Ref() || w.Says == flow.SaysNothing {
			continue
		}
		switch {
		case w.Says == flow.SaysEcho && acked:
			r.Says += "; echoes the second copy"
			continue
		case w.Says == flow.SaysAcked:
			acked = true
		}
		r.Says = joined(r.Says, x.shows(w, s))
	}
	for _, f := range x.c.Frames {
		if f != s.Ref() {
			continue
		}
		r.Fate = fateBehind
		if x.c.Locus == cause.ReceiverHost {
			r.Fate = fateHost
		}
		if r.Says == "" || x.c.What == flow.ACKPacket {
			r.Says = "passes, never arrives"
		}
	}
	if r.Says == "" && s.Ref() == x.c.Repair {
		r.Says = "sent again"
	}
	return r
}

func joined(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}

// shows is what a witness shows, beside a label that has its number already.
func (x *chargeExplainer) shows(w flow.Witness, s *analyze.Sight) string {
	switch w.Says {
	case flow.SaysArrived:
		return "passes, and arrives"
	case flow.SaysPassed:
		return "passes, never arrives"
	case flow.SaysFirstPoint:
		return "passes the first point only"
	case flow.SaysRepair:
		for _, first := range x.c.Evidence {
			if (isLost(first.Says) || first.Says == flow.SaysArrived) && w.Time > first.Time {
				return "sent again, " + duration(w.Time-first.Time) + " later"
			}
		}
		return "sent again"
	case flow.SaysSACK:
		if lo, _, ok := x.above(s); ok {
			return "SACK " + count(lo) + ": a gap"
		}
		return "SACK: a gap"
	case flow.SaysAcked:
		if x.repairedBefore(w) {
			if x.dsack() == nil {
				return "repaired; no DSACK"
			}
			return "repaired"
		}
		return "all below arrived"
	case flow.SaysEcho:
		return "echoes timestamp " + count(w.A)
	case flow.SaysDSACK:
		return "DSACK: it came twice"
	case flow.SaysUnseenAck:
		return "acknowledges it: it arrived"
	case flow.SaysIDBefore:
		return "ID " + count(w.A) + ", the last before"
	case flow.SaysIDAfter:
		return "ID " + count(w.A) + ", the next here"
	case flow.SaysRTPBefore:
		return "RTP " + count(w.A) + ", the last before"
	case flow.SaysRTPAfter:
		return "RTP " + count(w.A) + ", the next here"
	case flow.SaysFragment:
		return "of datagram " + count(w.A)
	case flow.SaysICMP:
		return icmpName(s.IPVersion == 4, w.A, w.B) + ", and quotes it"
	}
	return says(x.c, w)
}

// repairedBefore reports whether the repair passed before witness w.
func (x *chargeExplainer) repairedBefore(w flow.Witness) bool {
	return x.c.Repair.Number > 0 && w.Time >= x.c.RepairTime
}

// label names a frame by what it carries, in relative octets.
func (x *chargeExplainer) label(s *analyze.Sight) string {
	return frameLabel(s, x.base, x.known)
}

func frameLabel(s *analyze.Sight, base [2]uint32, known [2]bool) string {
	switch {
	case s.Kind == decode.KindICMP:
		return "ICMP " + strconv.Itoa(int(s.ICMPType)) + "/" + strconv.Itoa(int(s.ICMPCode))
	case s.IPFlags&decode.Fragment != 0:
		return "fragment " + count(uint64(s.FragOffset)*8)
	case s.Kind == decode.KindUDP:
		return "datagram " + count(uint64(s.PayloadLen)) + " B"
	case s.Kind != decode.KindTCP:
		return protocolName(s.Protocol)
	case s.Flags&(decode.SYN|decode.ACK) == decode.SYN|decode.ACK:
		return "SYN-ACK"
	case s.Flags&decode.SYN != 0:
		return "SYN"
	case s.Flags&decode.RST != 0:
		return "RST"
	case s.PayloadLen > 0 && known[s.Dir&1]:
		return "data " + count(uint64(s.Seq-base[s.Dir&1]))
	case s.PayloadLen > 0:
		return "data"
	case s.Flags&decode.FIN != 0:
		return "FIN"
	case known[1-s.Dir&1]:
		return "ACK " + count(uint64(s.Ack-base[1-s.Dir&1]))
	}
	return "ACK"
}

// lostRung is the packet itself where it is in no frame of this capture.
func (x *chargeExplainer) lostRung(l *Ladder) *Rung {
	if len(x.c.Frames) > 0 || x.c.What == flow.OtherPacket {
		return nil
	}
	r := Rung{To: l.to(x.c.Dir & 1), at: x.c.First, Says: "never passes here", Fate: fateBefore}
	switch x.c.Locus {
	case cause.InCapture:
		r.Fate, r.Says = fateUnseen, "is not in this file"
	case cause.Upstream:
	case cause.SenderHost:
		r.Says = "never leaves its host"
	default:
		return nil
	}
	r.What = x.noun()
	if x.c.What == flow.DataPacket && x.hi > x.lo {
		r.What = "data " + count(x.lo)
	}
	if x.c.Packets > 1 {
		r.What = counted(x.c.Packets, x.noun())
		r.Says = "never pass here"
		if r.Fate == fateUnseen {
			r.Says = "are not in this file"
		}
	}
	return &r
}
