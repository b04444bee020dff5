package flow

import (
	"whydrop/capture"
	"whydrop/decode"
)

// judgeSum notes a wrong checksum: the receiving host will drop the packet.
// RFC 1122 §4.1.3.4 for UDP, §3.2.1.2 for IPv4, RFC 4443 §2.3 for ICMPv6.
func (t *Talk) judgeSum(h *stream, p *decode.Packet, dir uint8) (damaged bool) {
	badIP := p.IPFlags&decode.BadIPHeader != 0
	if p.TransportSum != decode.ChecksumBad && !badIP {
		return false
	}
	detail, reason := InUDP, ReasonChecksumUDP
	switch {
	case badIP:
		detail, reason = InIPv4, ReasonChecksumIP
	case p.Protocol == decode.ProtoICMP:
		detail, reason = InICMP, ReasonChecksumICMP
	case p.Protocol == decode.ProtoICMPv6:
		detail, reason = InICMPv6, ReasonChecksumICMP
	}
	t.Facts.Dir[dir].ChecksumBad++
	t.log.Symptom(t.symptom(p, dir, ChecksumBad, detail))
	h.bad++
	if p.Direction == capture.Outbound {
		// A frame that leaves this host has yet to pass the NIC, which may
		// fill in what is wrong here. It says nothing about the wire.
		return true
	}
	if len(h.damaged) >= maxLates {
		t.settleDamage(h, dir)
	}
	l := deferred{t: p.Time, ref: FrameRef{Number: p.Number, File: p.File}, octets: p.PayloadLen, reason: reason}
	if l.sum, l.rightSum = p.HeaderSum, p.RightSum; badIP {
		l.sum, l.rightSum = p.IPSum, p.IPRight
	}
	h.damaged = append(h.damaged, l)
	if s := h.seen.back(0); s != nil {
		s.lost = true
	}
	return true
}

// settleDamage charges damaged packets, unless nearly every packet of the
// direction is wrong: then their sender leaves checksums to others.
func (t *Talk) settleDamage(h *stream, dir uint8) {
	all := t.Facts.Dir[dir].Packets
	if h.bad < neverSummed || float64(h.bad) <= neverSummedShare*float64(all) {
		for i := range h.damaged {
			l := &h.damaged[i]
			t.lose(dir, Lost{
				Place: AfterTap, What: t.what(), Reason: l.reason, Proof: Second, Rule: RuleBadChecksum,
				Packets: 1, Octets: l.octets, First: l.t, Last: l.t, Frame: l.ref,
				Witnesses: [5]Witness{{l.ref, l.t, SaysBadChecksum, uint64(l.sum), uint64(l.rightSum)}},
			})
		}
	}
	h.damaged = h.damaged[:0]
}
