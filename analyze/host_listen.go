package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// refusedSYNs gives a full listen queue the SYNs of which the wire alone does not
// say that they were lost, since their answers may have been on the way when the
// capture ended. The kernel counts each that it refuses, and has no event for it.
func (res *Result) refusedSYNs(cases []*hostCase) {
	for _, k := range cases {
		if k.cause != cause.ListenOverflow || k.word.Drop != nil || k.left == 0 {
			continue
		}
		charged := map[uint32]uint64{}
		for i := range res.testified {
			if l := res.testified[i].Lost; l.What == flow.SYNPacket && l.Dir == 0 {
				charged[l.Flow] += uint64(l.Packets)
			}
		}
		last := res.lastSYNs()
		for i := range res.Flows {
			f := res.Flows[i]
			asked := uint64(f.Dir[0].Retransmissions[flow.SYN]) + 1
			if k.left == 0 || !unanswered(f) || charged[uint32(i)] >= asked || !k.listens(f) {
				continue
			}
			n := min(asked-charged[uint32(i)], k.left)
			l := &flow.Lost{
				Flow: uint32(i), Packets: uint32(n), First: f.Dir[0].LastTime, Last: f.Dir[0].LastTime, Protocol: decode.ProtoTCP,
				What: flow.SYNPacket, Place: flow.AfterTap, Rule: flow.RuleHostCounter, Proof: flow.Single, Frame: last[uint32(i)],
			}
			f.Dir[0].Missing[l.Place] += l.Packets
			k.left -= n
			res.testified = append(res.testified, testified{Lost: l, by: k})
		}
	}
}

// unanswered reports whether f is a connection request without any answer.
func unanswered(f *flow.Facts) bool {
	h := &f.Dir[0]
	return f.Protocol == decode.ProtoTCP && f.Dir[1].Packets == 0 && h.Start && h.Data == 0 &&
		h.Packets == uint64(h.Retransmissions[flow.SYN])+1
}

// listens reports whether f asks the listener of k, as far as it is known which one that is.
func (k *hostCase) listens(f *flow.Facts) bool {
	s := k.word.Socket
	return owns(k.word.Of, f.Responder.Addr.Netip()) && (s == nil || s.Local.Port() == f.Responder.Port)
}

// lastSYNs are the frames of the last repeated SYN of each flow.
func (res *Result) lastSYNs() map[uint32]flow.FrameRef {
	last := map[uint32]flow.FrameRef{}
	for i := range res.Symptoms {
		if s := &res.Symptoms[i]; s.Kind == flow.Retransmission && s.Detail == flow.SYN && s.Dir == 0 {
			last[s.Flow] = s.Frame
		}
	}
	return last
}

// fullListener is the listening socket of t whose queue was full; nil if there are
// none, or several.
func fullListener(t *capture.Testimony) (full *capture.Socket) {
	for i := range t.Sockets {
		s := &t.Sockets[i]
		if s.Protocol != decode.ProtoTCP || s.State != "LISTEN" || s.Full == 0 && s.Drops == 0 {
			continue
		}
		if full != nil {
			return nil
		}
		full = s
	}
	return full
}
