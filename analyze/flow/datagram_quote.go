package flow

import "whydrop/decode"

// quoteLate, ns, is how long after a datagram an error about it may come. Linux
// gives up on a neighbour after three requests, one second apart (arp(7),
// mcast_solicit), and on reassembly after 30 s (ipfrag_time).
const quoteLate = 35 * second

// Quote takes an ICMP error that quotes a packet of direction dir. If that
// packet passed here, it is lost: whoever sent the error has dropped it. A
// closed port, too: the packet arrived at the host, and nobody got it.
//
// whole says that no fragment of the quoted packet is missing here.
func (t *Talk) Quote(p *decode.Packet, q *decode.Control, dir uint8, whole bool) {
	s := Symptom{
		Time: p.Time, Frame: FrameRef{Number: p.Number, File: p.File}, Flow: t.number, Packets: 1, Kind: ICMPError,
		Dir: dir, Protocol: t.Facts.Protocol,
	}
	h := t.half[dir]
	if h == nil || !tellsLoss(q.IPVersion, p.ICMPType) || p.TransportSum == decode.ChecksumBad {
		t.log.Symptom(s)
		return
	}
	x := h.seen.quoted(q, p.Time)
	if x == nil {
		t.log.Symptom(s)
		return
	}
	t.requests.refused(x.ref)
	s.Octets = x.octets
	t.log.Symptom(s)
	if x.lost || !whole {
		return
	}
	x.lost = true
	if portClosed(q.IPVersion, p.ICMPType, p.ICMPCode) {
		h.closedPort(x, p, q.Router)
	}
	if timedOut(q.IPVersion, p.ICMPType, p.ICMPCode) {
		t.reassemblyFailed(p, q, x, dir)
		return
	}
	t.lose(dir, Lost{
		Place: AfterTap, What: t.what(), Reason: ReasonICMP, Proof: Second, Rule: RuleICMPQuote,
		ICMPType: p.ICMPType, ICMPCode: p.ICMPCode, Router: q.Router, TTL: x.ttl,
		Packets: 1, Octets: x.octets, First: x.t, Last: max(x.t, p.Time), Frame: x.ref,
		Witnesses: [5]Witness{
			{x.ref, x.t, SaysPassed, 0, 0},
			{s.Frame, p.Time, SaysICMP, uint64(p.ICMPType), uint64(p.ICMPCode)},
		},
	})
}

// quoted finds the packet that q quotes: by its IP ID and length, else by what
// was quoted of the transport header; the oldest that was not lost already.
func (r *sightings) quoted(q *decode.Control, t int64) (found *sighting) {
	for n := 0; n < len(r.list); n++ {
		x := r.back(n)
		if x.length != q.Length || x.t > t || t-x.t > quoteLate {
			continue
		}
		if q.IPVersion == 4 && q.ID != 0 {
			if x.id == uint16(q.ID) {
				return x
			}
			continue
		}
		sum := q.Seq
		if q.Protocol == decode.ProtoICMP || q.Protocol == decode.ProtoICMPv6 {
			sum = uint32(q.EchoSeq)
		}
		if q.HasPorts && x.sum == sum && (!x.lost || found == nil) {
			found = x
		}
	}
	return found
}

// timedOut reports whether an ICMP error says that fragments did not come:
// RFC 792 and RFC 4443 §3.3, code 1 of time exceeded.
func timedOut(version, typ, code uint8) bool {
	return code == 1 && (version == 4 && typ == 11 || version == 6 && typ == 3)
}

// reassemblyFailed charges a fragment that passed here and that the receiver
// waited for in vain. The quoted fragment is not the one: it arrived, or there
// would be no error (RFC 792). Which of the others it was nobody says.
func (t *Talk) reassemblyFailed(p *decode.Packet, q *decode.Control, x *sighting, dir uint8) {
	t.lose(dir, Lost{
		Place: AfterTap, What: FragmentPacket, Reason: ReasonICMP, Proof: Second, Rule: RuleICMPQuote,
		ICMPType: p.ICMPType, ICMPCode: p.ICMPCode, Router: q.Router,
		Packets: 1, First: x.t, Last: max(x.t, p.Time),
		Witnesses: [5]Witness{
			{x.ref, x.t, SaysFragment, uint64(q.ID), 0},
			{FrameRef{Number: p.Number, File: p.File}, p.Time, SaysICMP, uint64(p.ICMPType), uint64(p.ICMPCode)},
		},
	})
}

// tell marks the packet of a frame as lost.
func (r *sightings) tell(ref FrameRef) {
	for i := range r.list {
		if r.list[i].ref == ref {
			r.list[i].lost = true
		}
	}
}
