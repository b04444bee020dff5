package flow

import (
	"encoding/binary"

	"whydrop/decode"
)

// RTP, RFC 3550. A port says nothing about it, so the header has to: this many
// packets in a row, each numbered one above the last, with one source and the
// right version. RFC 3550 A.1 wants two where the port is known to be RTP's;
// random octets do it eight times in a row once in 2^160.
const (
	rtpConsecutive = 8
	rtpHeaderLen   = 12
	rtpDropout     = 3000 // RFC 3550 A.1, MAX_DROPOUT
	rtpNear        = 64   // of a damaged packet
)

// rtpStream follows one RTP source.
type rtpStream struct {
	on   bool
	ssrc uint32
	serial

	// A source that is not followed yet.
	nextSSRC uint32
	nextSeq  uint16
	run      uint8
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

// follow takes a datagram and says what its RTP number is to those before it;
// strideFirst also for what is no RTP. begins says that another source than
// before is followed from here.
func (r *rtpStream) follow(p *decode.Packet, damaged bool) (what stride, begins bool) {
	ssrc, seq, ok := rtpHeader(p)
	if !ok {
		return strideFirst, false
	}
	ref := FrameRef{Number: p.Number, File: p.File}
	if r.on && ssrc == r.ssrc {
		r.run = 0
		if d := int16(seq - uint16(r.last)); damaged && (d >= rtpNear || d <= -rtpNear) {
			return strideFirst, false
		}
		return r.take(seq, rtpDropout, p.Time, ref), false
	}
	if damaged {
		return strideFirst, false
	}
	if r.run > 0 && ssrc == r.nextSSRC && seq == r.nextSeq {
		r.run++
	} else {
		r.run = 1
	}
	r.nextSSRC, r.nextSeq = ssrc, seq+1
	return strideFirst, r.run >= rtpConsecutive
}

// begin follows the source that was last seen, from p on.
func (r *rtpStream) begin(p *decode.Packet) {
	*r = rtpStream{on: true, ssrc: r.nextSSRC}
	r.take(binary.BigEndian.Uint16(p.Head[2:4]), rtpDropout, p.Time, FrameRef{Number: p.Number, File: p.File})
}
