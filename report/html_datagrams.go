package report

import (
	"encoding/binary"
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A graphDatagram is a datagram that passed.
type graphDatagram struct {
	t      int64
	frame  flow.FrameRef
	octets uint32
	number uint16 // of RTP
	stamp  uint32 // of RTP, in ticks
}

// Words for what a graph counts.
const (
	unitOctets    = "octets"
	unitDatagrams = "datagrams"
	unitRTP       = "RTP numbers"
)

// datagrams reports whether the flow has no octets that are numbered.
func (f *galleryFlow) datagrams() bool { return f.facts.Protocol != decode.ProtoTCP }

// rtp is what the headers of the RTP source of a direction say, nil if there is none.
func (f *galleryFlow) rtp(d uint8) *flow.RTPStats { return f.facts.Dir[d].RTPStats }

// seeDatagram keeps a datagram for the picture. Of a direction that is RTP those of other
// sources are left out: their numbers are others.
func (f *galleryFlow) seeDatagram(s *analyze.Sight) {
	if s.Kind != decode.KindUDP || !f.drawn || s.Time < f.from {
		return
	}
	d := s.Dir & 1
	g := graphDatagram{t: s.Time, frame: s.Ref(), octets: s.PayloadLen}
	if rtp := f.rtp(d); rtp != nil {
		const header = 12 // RFC 3550 §5.1
		if s.PayloadCap < header || binary.BigEndian.Uint32(s.Head[8:12]) != rtp.SSRC {
			return
		}
		g.number, g.stamp = binary.BigEndian.Uint16(s.Head[2:4]), binary.BigEndian.Uint32(s.Head[4:8])
	}
	if f.left <= 0 {
		f.passed++
		return
	}
	f.left--
	f.grams[d] = append(f.grams[d], g)
}

// count gives the datagrams of a direction the numbers that they are drawn at: those of
// RTP, or else their place in the order of passing, in which what is missing has its
// places, too.
func (f *galleryFlow) count(d uint8, charges []*analyze.Charge) {
	missing := map[flow.FrameRef]int64{} // behind which frame, and how many
	for _, c := range charges {
		if before := lastBefore(c); len(c.Frames) == 0 && before.Number > 0 {
			missing[before] += int64(c.Packets)
		}
	}
	f.segs[d] = make([]graphSegment, 0, len(f.grams[d]))
	next, rtp := int64(1), f.rtp(d) != nil
	for i := range f.grams[d] {
		g := &f.grams[d][i]
		switch {
		case rtp && i == 0:
			next = int64(g.number)
		case rtp: // RFC 3550 A.1: a number is the nearest of those that it can be
			next += int64(int16(g.number - uint16(next)))
		}
		f.segs[d] = append(f.segs[d], graphSegment{g.t, g.frame, next, 1})
		if !rtp {
			next += 1 + missing[g.frame]
		}
	}
}

// lastBefore is the frame behind which the packets of a charge are missing.
func lastBefore(c *analyze.Charge) flow.FrameRef {
	for _, w := range c.Evidence {
		if w.Says == flow.SaysIDBefore || w.Says == flow.SaysRTPBefore {
			return w.Frame
		}
	}
	return flow.FrameRef{}
}

// between places what never passed: behind the last frame before it, or else behind what
// had passed when it went missing.
func (f *galleryFlow) between(d int, c *analyze.Charge) (q int64, ok bool) {
	segs, before := f.segs[d], lastBefore(c)
	if len(segs) == 0 {
		return 0, false
	}
	for i := range segs {
		if before.Number > 0 && segs[i].frame == before {
			return segs[i].q + 1, true
		}
	}
	i, _ := slices.BinarySearchFunc(segs, c.First, func(s graphSegment, t int64) int {
		if s.t <= t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return segs[0].q, true
	}
	return segs[i-1].q + 1, true
}

// spacing is what stands below the graph of datagrams: the jitter of an RTP source whose
// clock is known, RFC 3550 §6.4.1, or else the time from each datagram to the next.
func (f *galleryFlow) spacing(d uint8) (out []trip) {
	grams, rtp := f.grams[d], f.rtp(d)
	if rtp == nil || rtp.Rate == 0 {
		for i := 1; i < len(grams); i++ {
			out = append(out, trip{grams[i].t, milliseconds(grams[i].t - grams[i-1].t)})
		}
		return out
	}
	const gain = 16 // RFC 3550 §6.4.1
	tick, j := 1e9/float64(rtp.Rate), 0.0
	for i := 1; i < len(grams); i++ {
		a, b := &grams[i-1], &grams[i]
		late := float64(b.t-a.t) - float64(int32(b.stamp-a.stamp))*tick
		j += (max(late, -late) - j) / gain
		out = append(out, trip{b.t, round(j/1e6, 3)})
	}
	return out
}

// spaced says what spacing returns.
func (f *galleryFlow) spaced(d uint8) string {
	if rtp := f.rtp(d); rtp != nil && rtp.Rate > 0 {
		return "Jitter|ms, of RTP at this capture: RFC 3550 §6.4.1"
	}
	return "Spacing|ms from each datagram to the one before it"
}

// unit is what the graph of a direction counts.
func (f *galleryFlow) unit(d uint8) string {
	switch {
	case !f.datagrams():
		return unitOctets
	case f.rtp(d) != nil:
		return unitRTP
	}
	return unitDatagrams
}
