package flow

import (
	"encoding/binary"
	"slices"

	"whydrop/decode"
)

// RTP, RFC 3550. A port says nothing about it, so the header has to: this many
// packets in a row of one source, with the right version, nearly all with a
// number of their own, and few numbers between them missing. RFC 3550 A.1 wants
// two in sequence where the port is known to be RTP's.
const (
	rtpConsecutive = 8
	rtpMissing     = 4 // at most, so far
	rtpRepeats     = 4 // one in so many may repeat a number, or be from before the first
	rtpCandidate   = 16
	rtpHeaderLen   = 12
	rtpDropout     = 3000 // RFC 3550 A.1, MAX_DROPOUT
	rtpNear        = 64   // of a damaged packet
)

// rtpStream follows one RTP source.
type rtpStream struct {
	on   bool // it is one, for certain
	ssrc uint32
	serial

	payload  uint8
	from     int64 // the first number
	firstT   int64
	firstRef FrameRef
	again    uint32 // packets with a number that had passed
	jitter   jitter
	holes    []serialGap // that nothing filled
	overflow bool        // there were more of them
	reports  []rtpReport
	reported uint64

	// Of a candidate:
	early   []deferred // late packets
	own     int        // packets with a number of their own
	repeats int
}

// rtpHeader reads the numbers of an RTP header; ok is false if it cannot be one.
func rtpHeader(p *decode.Packet) (ssrc uint32, seq uint16, ok bool) {
	const version2 = 2
	// RFC 5761 §4: where RTCP shares the port, its types are 192 to 223.
	const rtcpFirst, rtcpLast = 192, 223
	h := &p.Head
	if p.Kind != decode.KindUDP || p.PayloadCap < rtpHeaderLen || h[0]>>6 != version2 ||
		h[1] >= rtcpFirst && h[1] <= rtcpLast {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(h[8:12]), binary.BigEndian.Uint16(h[2:4]), true
}

// candidate takes a packet of a source that is not followed yet. It reports
// whether it is to be followed from here on.
func (r *rtpStream) candidate(ssrc uint32, seq uint16, d *deferred) bool {
	if !r.any || ssrc != r.ssrc {
		*r = rtpStream{ssrc: ssrc}
		r.begin(seq, d)
	}
	r.own++
	switch r.take(seq, rtpCandidate, d.t, d.ref) {
	case strideLate:
		r.early = append(r.early, *d)
	case strideRepeat:
		r.own--
		r.repeats++
	case strideJump:
		*r = rtpStream{ssrc: ssrc, own: 1}
		r.begin(seq, d)
		r.take(seq, rtpCandidate, d.t, d.ref)
	}
	missing := int64(0)
	for i := range r.gaps {
		missing += r.gaps[i].missing()
	}
	if missing > rtpMissing || len(r.early) > maxLates/2 {
		*r = rtpStream{}
	}
	return r.own >= rtpConsecutive && r.repeats*rtpRepeats <= r.own
}

// begin notes the first packet.
func (r *rtpStream) begin(seq uint16, d *deferred) {
	r.from, r.firstT, r.firstRef = int64(seq), d.t, d.ref
}

// time folds in the timestamp of a packet.
func (r *rtpStream) time(p *decode.Packet) {
	const typeBits = 0x7f
	r.payload = p.Head[1] & typeBits
	r.jitter.take(r.payload, binary.BigEndian.Uint32(p.Head[4:8]), p.Time)
}

// followRTP counts the RTP packets of a direction, RFC 3550 A.1.
func (t *Talk) followRTP(h *stream, p *decode.Packet, dir uint8, damaged bool) stride {
	ssrc, seq, ok := rtpHeader(p)
	if !ok {
		return strideFirst
	}
	d := deferred{t: p.Time, ref: FrameRef{Number: p.Number, File: p.File}, octets: p.PayloadLen, rtp: true}
	if h.rtp.on && ssrc == h.rtp.ssrc {
		if far := int16(seq - uint16(h.rtp.last)); damaged && (far >= rtpNear || far <= -rtpNear) {
			return strideFirst
		}
		if !damaged {
			h.rtp.time(p)
		}
		what := h.rtp.take(seq, rtpDropout, d.t, d.ref)
		if what == strideRepeat {
			h.rtp.again++
		}
		return what
	}
	if damaged {
		return strideFirst
	}
	if h.nextRTP == nil {
		h.nextRTP = new(rtpStream)
	}
	yes := h.nextRTP.candidate(ssrc, seq, &d)
	h.nextRTP.time(p)
	if !yes {
		return strideFirst
	}
	t.settle(h, dir, p.Time)
	for i := range h.rtp.gaps {
		t.missingRTP(&h.rtp.gaps[i], dir, h.numbers == Yes)
	}
	t.finishRTP(h, dir)
	t.leaveTrail(h, dir)
	h.rtp, h.nextRTP = *h.nextRTP, nil
	t.pair.follow(t.side^dir, h)
	h.rtp.on, t.Facts.Dir[dir].RTP = true, true
	h.lates = append(h.lates, h.rtp.early...)
	h.rtp.early = nil
	return strideFirst
}

// follow notes that a source of side is followed in h.
func (p *TalkPair) follow(side uint8, h *stream) {
	r := p.rarely()
	for i := range r.sources {
		if r.sources[i].stream == h {
			return
		}
	}
	if len(r.sources) < maxSources {
		r.sources = append(r.sources, rtpSource{side, h})
	}
}

// leave notes that h is over.
func (p *TalkPair) leave(h *stream) {
	if p.rare == nil {
		return
	}
	p.rare.sources = slices.DeleteFunc(p.rare.sources, func(s rtpSource) bool { return s.stream == h })
}
