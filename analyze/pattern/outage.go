package pattern

import "whydrop/analyze/cause"

// Thresholds of the rows O-s and O-r, loss-causes.md §4. Times in s.
const (
	outageLeast    = 0.2
	outageSegments = 3

	// outageTimeout, on top of a round trip, is how long a sender is silent at the most behind
	// a flight of which the end was lost: its shortest timeout (Linux TCP_RTO_MIN, 0.2 s), of
	// a round trip that delayed acknowledgements made longer. A limiter that takes the end of
	// a burst leaves the same hole as an outage so short.
	outageTimeout = 0.3

	outageMany    = 20
	outageGrace   = 0.020
	outageCeiling = 1.2
	outageQuiet   = 0.1
	outageShort   = 1
	outageFew     = 5 // lost packets, up to which it is only possible
	outageHalf    = 0.5
)

// An outage is a time in which nothing got through: events from … to−1.
type outage struct {
	from, to int
	lost     int
	begin    int64 // ns
	end      int64
}

// outages finds the times in which nothing of s got through.
func (s *series) outages() []outage {
	var list []outage
	grace := s.grace()
	for i := 0; i < len(s.events); {
		if !s.gone(i) {
			i++
			continue
		}
		k := i
		for k < len(s.events) && s.gone(k) {
			k++
		}
		if i > 0 && k < len(s.events) {
			if s.upstream() && s.cutOff(i, k) || !s.upstream() && s.silenced(i, k, grace) {
				o := outage{from: i, to: k, begin: s.events[i-1].ns, end: s.events[k].ns}
				if s.upstream() {
					o.begin = s.events[i].ns // of the packet in front of the hole
				}
				for n := i; n < k; n++ {
					if s.events[n].is1(isLost) {
						o.lost++
					}
				}
				if o.lost > 0 {
					list = append(list, o)
				}
			}
		}
		i = k
	}
	return list
}

// gone reports whether event i is not known to have arrived.
func (s *series) gone(i int) bool {
	return s.events[i].is1(isLost|isSilent) && !s.events[i].is1(isFluid) && (!s.upstream() || s.events[i].is1(isLost))
}

// grace is how long answers to what had been sent before an outage may come.
func (s *series) grace() float64 {
	var delays []float64
	for i := range s.events {
		if q := s.events[i].q; q == q {
			delays = append(delays, q)
		}
	}
	if len(delays) > fewSamples {
		return s.rtt + outageCeiling*quantile(delays, ceilingShare) + outageGrace
	}
	return outageCeiling*s.rtt + outageGrace
}

// silenced is row O-s: events i … k−1 were tried, and nobody answered anything.
func (s *series) silenced(i, k int, grace float64) bool {
	begin := s.events[i].t
	segments, again, heard := 0, 0, -1
	for n := i; n < k; n++ {
		if e := &s.events[n]; e.is1(isAgain) {
			again++
			heard = n
		} else {
			segments++
		}
	}
	if s.events[k].is1(isAgain) {
		heard = k
	}
	if s.events[k-1].t-begin < max(s.rtt, outageLeast) || heard < 0 {
		return false
	}
	quiet := s.events[heard].quiet <= begin+grace && s.events[heard].t-(begin+grace) >= outageQuiet
	return quiet && (again >= 1 && segments >= outageSegments || k-i >= outageMany)
}

// cutOff is row O-r: a hole of many packets, or of a long time by the clock of
// the sender or of this capture.
func (s *series) cutOff(i, k int) bool {
	before := i - 1
	for before > 0 && s.events[before].is1(isAgain|isLost|isFluid) {
		before--
	}
	b := &s.events[k]
	gap := s.widest(before, k)
	if s.events[before].is1(isFluid) {
		gap = seconds(b.ns - s.events[i].ns) // when it passed, is not remembered
	}
	least := outageLeast
	if b.is1(isAgain) || before < i-1 && s.events[i-1].is1(isAgain) {
		least = outageTimeout + s.rtt // its sender had sent all that it could, and waited for a timer
	}
	return k-i >= outageMany && gap >= least || k-i >= outageSegments && gap >= outageShort
}

// widest is the longest time, of events from … to, in which nothing arrived, by the
// times of this capture or by the clock of the sender. Repairs that arrived in between
// are no part of the sequence, and show all the same that something got through.
func (s *series) widest(from, to int) float64 {
	gap, a := 0.0, &s.events[from]
	for n := from + 1; n <= to; n++ {
		b := &s.events[n]
		if n < to && !b.passed() {
			continue
		}
		gap = max(gap, b.t-a.t)
		if a.q == a.q && b.q == b.q {
			gap = max(gap, (b.t-b.q)-(a.t-a.q))
		}
		a = b
	}
	return gap
}

// linkOutage is the verdict where outages took half of the losses or more.
func linkOutage(list []outage, lost int, upstream bool) (verdict, bool) {
	in, longest := 0, outage{}
	for _, o := range list {
		in += o.lost
		if o.lost > longest.lost {
			longest = o
		}
	}
	if in == 0 || float64(in) < outageHalf*float64(lost) {
		return verdict{}, false
	}
	return verdict{Cause: cause.LinkOutage, Row: outageRow(upstream), Confidence: longest.confidence(upstream, false)}, true
}

func outageRow(upstream bool) string {
	if upstream {
		return "O-r"
	}
	return "O-s"
}

// confidence is that of one outage. minor says that outages took less than half of
// what the direction lost, which a flow's verdict asks for (§4). In front of the tap
// that counts: when the missing packets were sent is not known there, and a limiter
// that takes a burst whole, and the timeout after it, look like an outage.
func (o *outage) confidence(upstream, minor bool) cause.Confidence {
	if o.lost <= outageFew || upstream && (o.lost < outageMany || minor) {
		return cause.Possible
	}
	return cause.Likely
}
