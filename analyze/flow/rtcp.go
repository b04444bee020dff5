package flow

import "whydrop/decode"

// What the receiver of an RTP source reports is a counter at the other end:
// what it lacks beyond what is missing here was lost behind the tap, and what
// is missing here and it does not lack only this capture missed. b-24.

const (
	// maxReports of one source are kept; beyond them the last is replaced.
	maxReports = 256

	// maxHoles in the numbers of one source are kept until it ends.
	maxHoles = 1024

	// maxSources are known of the two sides of a pair.
	maxSources = 64
)

// An rtpReport is what the receiver said of a source.
type rtpReport struct {
	t       int64
	ref     FrameRef
	highest int64 // number, as this tap counts
	lost    int32
	jitter  uint32
}

// An rtpSource is where a source of the pair is followed.
type rtpSource struct {
	side   uint8 // of its sender
	stream *stream
}

// Report takes a receiver report that travels in direction dir, in any
// conversation between the two hosts: RTCP has a port of its own, or not.
func (t *Talk) Report(p *decode.Packet, r *decode.Report, dir uint8) {
	if p.TransportSum == decode.ChecksumBad || t.pair.rare == nil {
		return
	}
	for i := range t.pair.rare.sources {
		s := &t.pair.rare.sources[i]
		if s.side == t.side^dir || !s.stream.rtp.on || s.stream.rtp.ssrc != r.Source {
			continue
		}
		s.stream.rtp.report(rtpReport{
			t: p.Time, ref: FrameRef{Number: p.Number, File: p.File}, lost: r.Lost, jitter: r.Jitter, highest: int64(r.Highest),
		})
		return
	}
}

// report notes x, whose highest number is as its receiver counts.
func (r *rtpStream) report(x rtpReport) {
	x.highest = r.max + int64(int16(uint16(x.highest)-uint16(r.max)))
	r.reported++
	if n := len(r.reports); n > 0 && x.highest < r.reports[n-1].highest {
		return // an old one, late, or a receiver that began anew
	}
	if len(r.reports) == maxReports {
		r.reports = r.reports[:maxReports-1]
	}
	r.reports = append(r.reports, x)
}

// hole notes that the numbers of g are missing here for good. If charged is
// set, IP IDs have charged them.
func (t *Talk) hole(r *rtpStream, g *serialGap, dir uint8, charged bool) {
	if len(r.holes) == maxHoles {
		r.overflow = true
	}
	if r.overflow {
		if !charged {
			t.loseRTP(g, dir, BeforeTap, Single)
		}
		return
	}
	g.charged = charged
	r.holes = append(r.holes, *g)
}

// finishRTP ends a source: what is missing is charged, here and behind the tap.
func (t *Talk) finishRTP(h *stream, dir uint8) {
	r := &h.rtp
	if !r.on {
		return
	}
	t.Facts.Dir[dir].RTPStats = r.summarise()
	place, proof := BeforeTap, Single
	behind, more := t.judgeReports(r, dir)
	if more > 0 {
		t.dropTrail(h) // which of the holes are losses nobody knows
	}
	for i := range r.holes {
		g := &r.holes[i]
		if g.charged {
			continue
		}
		at, sure := place, proof
		if more > 0 && r.reportedOn(g) { // the receiver has as many of them
			sure = Fits
			if behind <= 0 {
				at, sure = OnlyCapture, Single
			}
		}
		t.loseRTP(g, dir, at, sure)
	}
}

// reportedOn reports whether g lies among the numbers that reports speak of.
func (r *rtpStream) reportedOn(g *serialGap) bool {
	return g.from > r.baseline().highest && g.to-1 <= r.reports[len(r.reports)-1].highest
}

// baseline is what the reports are compared with: the first of them, or, where
// it tells of losses already, the first packet. Whether the capture has these
// losses, only its beginning can tell.
func (r *rtpStream) baseline() rtpReport {
	first := r.reports[0]
	if first.lost > 0 {
		return rtpReport{t: r.firstT, ref: r.firstRef, highest: r.from - 1}
	}
	first.lost = min(first.lost, 0)
	return first
}

// judgeReports charges what the receiver lacks beyond what is missing here. It
// returns how many packets of what is missing here the receiver lacks, and how
// many it has.
func (t *Talk) judgeReports(r *rtpStream, dir uint8) (lacks, has int64) {
	if len(r.reports) == 0 || r.overflow {
		return 0, 0
	}
	base := r.baseline()
	least := make([]int64, len(r.reports)) // lost behind the tap so far, at least
	low := int64(1) << 62
	for i := len(r.reports) - 1; i >= 0; i-- {
		x := &r.reports[i]
		low = min(low, int64(x.lost-base.lost)-r.missing(base.highest, x.highest))
		least[i] = low
	}
	last := &r.reports[len(r.reports)-1]
	if final := least[len(least)-1]; final < 0 {
		return int64(last.lost - base.lost), -final
	}
	before, charged := base, int64(0)
	for i := range r.reports {
		x := &r.reports[i]
		if n := least[i] - charged; n > 0 {
			charged = least[i]
			t.lose(dir, Lost{
				Place: AfterTap, What: Datagram, Proof: Single, Rule: RuleReceiverReport, Packets: uint32(n),
				First: before.t, Last: x.t, MaybeBefore: before.ref == r.firstRef,
				Witnesses: [5]Witness{
					{before.ref, before.t, SaysReport, uint64(uint16(before.highest)), uint64(max(before.lost, 0))},
					{x.ref, x.t, SaysReport, uint64(uint16(x.highest)), uint64(max(x.lost, 0))},
				},
			})
		}
		before = *x
	}
	return 0, 0
}

// missing is how many numbers behind from, up to to, did not pass here.
func (r *rtpStream) missing(from, to int64) (n int64) {
	for i := range r.holes {
		if g := &r.holes[i]; g.to > from+1 && g.from <= to {
			n += min(g.to-1, to) - max(g.from-1, from)
		}
	}
	return n
}

// loseRTP charges the numbers of g.
func (t *Talk) loseRTP(g *serialGap, dir uint8, place Place, proof Proof) {
	l := Lost{
		Place: place, What: Datagram, Proof: proof, Rule: RuleRTP, Packets: uint32(g.missing()), First: g.t0, Last: g.t1,
		Witnesses: [5]Witness{
			{g.before, g.t0, SaysRTPBefore, uint64(uint16(g.from - 1)), 0},
			{g.next, g.t1, SaysRTPAfter, uint64(uint16(g.to)), 0},
		},
	}
	if place == OnlyCapture {
		l.Rule, l.Reason = RuleReceiverReport, ReasonCaptureDrop
	}
	t.lose(dir, l)
}
