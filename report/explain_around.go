package report

import (
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// around adds what stands around lost octets: the segment before them and the
// one behind, the acknowledgement of all below, and the first two that report
// the gap. None of these is evidence of its own; they make the evidence
// readable.
func (x *chargeExplainer) around(l *Ladder, lost *Rung) {
	if x.hi <= x.lo || !x.known[x.dir] || x.c.What == flow.SYNPacket || x.c.What == flow.ACKPacket {
		x.neighbours(l, lost)
		return
	}
	when := x.c.First
	for _, w := range x.c.Evidence {
		if isLost(w.Says) {
			when = w.Time
		}
	}
	until := x.c.Last
	if x.c.Repair.Number > 0 {
		until = x.c.RepairTime
	}
	var before, behind, below, gap, stays *analyze.Sight
	for i := range x.seen {
		s := &x.seen[i]
		if !s.Ours || s.Kind != decode.KindTCP || x.named[s.Ref()] && s.Dir == x.dir {
			continue
		}
		switch lo, hi := x.octets(s); {
		case s.Dir == x.dir && hi > lo && hi <= x.lo && s.Time <= until && behind == nil:
			before = s
		case s.Dir == x.dir && hi > lo && lo >= x.hi && s.Time >= when && s.Time <= until && behind == nil:
			behind = s
		case s.Dir == x.dir || s.Time > until || s.Flags&decode.ACK == 0 || uint64(s.Ack-x.base[x.dir]) != x.lo:
		default:
			_, _, reports := x.above(s)
			switch {
			case !reports && gap == nil && !x.named[s.Ref()]:
				below = s
			case reports && gap == nil:
				gap = s
			case reports && stays == nil && !twins(gap, s):
				stays = s
			}
		}
	}
	x.addContext(l, before, "passes just before it")
	x.addContext(l, behind, "passes behind it")
	if !x.placeByEvidence(lost) {
		switch {
		case lost == nil:
		case before != nil:
			lost.behind(before)
		case behind != nil:
			lost.before(behind)
		}
	}
	x.addContext(l, below, "all below arrived")
	if gap != nil {
		first, _, _ := x.above(gap)
		x.addContext(l, gap, "SACK "+count(first)+": a gap")
		x.stays(l, gap)
	}
	if stays != nil {
		first, _, _ := x.above(stays)
		x.addContext(l, stays, "SACK "+count(first)+": the gap stays")
	}
}

// stays says of the evidence behind the first report of the gap that it is the same gap.
func (x *chargeExplainer) stays(l *Ladder, gap *analyze.Sight) {
	for i := range l.Rungs {
		if r := &l.Rungs[i]; r.at >= gap.Time && r.ref != gap.Ref() && strings.HasPrefix(r.Says, "SACK ") {
			r.Says = strings.Replace(r.Says, ": a gap", ": the gap stays", 1)
		}
	}
}

// addContext adds s, unless it is there already or the ladder is full.
func (x *chargeExplainer) addContext(l *Ladder, s *analyze.Sight, says string) {
	if s == nil || x.named[s.Ref()] || len(l.Rungs) >= maxRungs-1 { // the lost packet may need one
		return
	}
	l.Rungs = append(l.Rungs, x.rung(l, s, says))
}

// neighbours adds the last packet of the flow before what the evidence begins
// with, and the first behind it: for losses that no octets number.
func (x *chargeExplainer) neighbours(l *Ladder, lost *Rung) {
	first, last := -1, -1
	for i := range x.seen {
		if x.named[x.seen[i].Ref()] {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if lost != nil && first >= 0 && !x.placeByEvidence(lost) {
		lost.before(&x.seen[first])
	}
	if first > 0 && x.seen[first-1].Ours {
		x.addContext(l, &x.seen[first-1], "passes before")
	}
	if last >= 0 && last+1 < len(x.seen) && x.seen[last+1].Ours {
		says := "passes next"
		if s := &x.seen[last+1]; s.Dir != x.c.Dir&1 && s.Kind == decode.KindTCP {
			says = "answers"
		}
		x.addContext(l, &x.seen[last+1], says)
	}
}

// twins reports whether a and b are one packet that the capture holds twice.
func twins(a, b *analyze.Sight) bool {
	return a.ID == b.ID && a.TSVal == b.TSVal && a.Window == b.Window && a.SACK == b.SACK && a.TTL != b.TTL
}

// behind puts r just below the rung of s.
func (r *Rung) behind(s *analyze.Sight) {
	r.at, r.ref.File, r.rank = s.Time, s.File, 2*s.Number+1
}

// before puts r just above the rung of s.
func (r *Rung) before(s *analyze.Sight) {
	r.at, r.ref.File, r.rank = s.Time, s.File, 2*s.Number-1
}

// placeByEvidence puts the lost packet behind the evidence that ends where it
// is missing. It reports whether there is such evidence.
func (x *chargeExplainer) placeByEvidence(lost *Rung) bool {
	if lost == nil || len(x.c.Evidence) == 0 {
		return false
	}
	switch w := x.c.Evidence[0]; w.Says {
	case flow.SaysIDBefore, flow.SaysRTPBefore, flow.SaysPassed, flow.SaysArrived, flow.SaysFirstPoint, flow.SaysFragment:
		for i := range x.seen {
			if x.seen[i].Ref() == w.Frame {
				lost.behind(&x.seen[i])
				return true
			}
		}
	}
	return false
}

// octets are the octets of s, relative; those of its SYN and FIN too.
func (x *chargeExplainer) octets(s *analyze.Sight) (lo, hi uint64) {
	lo = uint64(s.Seq - x.base[s.Dir])
	if s.PayloadLen == 0 {
		return lo, lo
	}
	return lo, lo + uint64(s.PayloadLen)
}

// above is the lowest SACK block of s that lies above the lost octets.
func (x *chargeExplainer) above(s *analyze.Sight) (lo, hi uint64, ok bool) {
	if s.Options&decode.OptSACK == 0 {
		return 0, 0, false
	}
	for _, block := range s.SACK[:min(int(s.NumSACK), len(s.SACK))] {
		from, to := uint64(block[0]-x.base[x.dir]), uint64(block[1]-x.base[x.dir])
		if from >= x.hi && (!ok || from < lo) {
			lo, hi, ok = from, to, true
		}
	}
	return lo, hi, ok
}

// dsack is the first frame that reports octets of the charge as a duplicate:
// its first block lies below its acknowledgement, RFC 2883 §4, or within its
// second.
func (x *chargeExplainer) dsack() *analyze.Sight {
	for i := range x.seen {
		s := &x.seen[i]
		if !s.Ours || s.Dir == x.dir || s.Options&decode.OptSACK == 0 || s.NumSACK == 0 || !x.known[x.dir] {
			continue
		}
		from, to := uint64(s.SACK[0][0]-x.base[x.dir]), uint64(s.SACK[0][1]-x.base[x.dir])
		if from >= x.hi || to <= x.lo {
			continue
		}
		if to <= uint64(s.Ack-x.base[x.dir]) {
			return s
		}
		if s.NumSACK > 1 && uint64(s.SACK[1][0]-x.base[x.dir]) <= from && uint64(s.SACK[1][1]-x.base[x.dir]) >= to {
			return s
		}
	}
	return nil
}
