package decode

import (
	"whydrop/capture"
	"whydrop/decode/checksum"
)

// judge verifies a transport checksum and hashes the payload with the same
// reading of it. header and body are captured octets, field the checksum in
// header; length is that of the pseudo-header; complete says that all the
// octets were captured that the checksum covers.
//
// Order matters: a verdict that needs octets we do not have must never be
// reached, and a wrong sum on a frame that is yet to be completed says nothing
// about the wire.
func (w *walk) judge(header, body []byte, field uint16, length int, complete bool) Checksum {
	var sum checksum.Sum
	if len(body) > 0 {
		sum = sum.Add(body)
		w.p.PayloadHash = hashPayload(sum, len(body))
	}
	w.hashed = true
	if !complete {
		return ChecksumPartial
	}
	protocol := w.p.Protocol
	var pseudo checksum.Sum
	if protocol != ProtoICMP { // RFC 792 has no pseudo-header
		pseudo = w.pseudoHeader(protocol, length)
	}
	sum = sum.Plus(pseudo.Add(header))
	if sum.Valid() {
		return ChecksumGood
	}
	if w.f.Offload == capture.OffloadPending {
		return ChecksumPending
	}
	if protocol != ProtoICMP && (field == pseudo.Fold() || field == w.pseudoHeader(protocol, 0).Fold()) {
		// What a stack leaves in the field for the NIC: the sum of the
		// pseudo-header, not complemented (Linux net/ipv4/tcp_ipv4.c:
		// __tcp_v4_send_check); for segmentation offload without the length.
		return ChecksumPending
	}
	w.p.RightSum = right(sum, field)
	if w.p.RightSum == 0 && (protocol == ProtoUDP || protocol == ProtoUDPLite) {
		w.p.RightSum = 0xffff // RFC 768
	}
	return ChecksumBad
}

// right is what field should have been, given the sum over data and field:
// RFC 1624 §3 (eqn. 3) turned around.
func right(sum checksum.Sum, field uint16) uint16 {
	v := uint32(sum.Fold()) + uint32(^field) // without the field: add its complement
	return ^uint16(v&0xffff + v>>16)
}

// verdict stores and counts a verdict on a transport checksum.
func (w *walk) verdict(l Layer, v Checksum) {
	w.p.TransportSum = v
	w.dec.Counts.Checksums[l][v]++
}
