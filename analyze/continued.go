package analyze

import (
	"fmt"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A connection that rests for longer than flows are remembered ends here, and what
// its hosts say later makes a flow of its own. If the peer has died meanwhile, only
// keep-alives pass, and that flow has one direction though both were captured. That
// they are keep-alives, and that nothing was heard since, the first part shows.

const (
	// fewKeepAlives without an answer: one may be lost, and so may its answer.
	fewKeepAlives = 3

	// askedSooner: who gets an answer to a keep-alive rests as long as before it
	// asks again; who gets none asks again sooner (Linux: tcp_keepalive_time of two
	// hours, tcp_keepalive_intvl of 75 s).
	askedSooner = 2
)

// An endsKey names the two ends of a flow, whoever began it.
type endsKey struct{ lo, hi flow.Endpoint }

func endsOf(f *flow.Facts) endsKey {
	if compareEndpoints(f.Originator, f.Responder) > 0 {
		return endsKey{f.Responder, f.Originator}
	}
	return endsKey{f.Originator, f.Responder}
}

// continued finds flows of nothing but keep-alives that go on with a connection of
// which both directions were captured, and notes how long it had rested.
func continued(res *Result) {
	wanted := map[endsKey]*flow.Facts{}
	for _, f := range res.Flows {
		if f.OneWay() && onlyAsks(f) {
			wanted[endsOf(f)] = nil
		}
	}
	if len(wanted) == 0 {
		return
	}
	for _, f := range res.Flows { // in order of their first frames
		if f.Protocol != decode.ProtoTCP {
			continue
		}
		k := endsOf(f)
		before, ok := wanted[k]
		switch {
		case !ok:
		case f.Dir[0].Packets > 0 && f.Dir[1].Packets > 0:
			wanted[k] = f
		case before != nil && before.Last < f.First && f.OneWay() && onlyAsks(f) && goesOn(before, f):
			f.Rested = f.First - before.Last
		}
	}
}

// asker is the only direction of f in which something passed.
func asker(f *flow.Facts) (src, dst flow.Endpoint, h *flow.Half) {
	if f.Dir[0].Packets > 0 {
		return f.Originator, f.Responder, &f.Dir[0]
	}
	return f.Responder, f.Originator, &f.Dir[1]
}

// onlyAsks reports whether f may be of nothing but keep-alives: they have no octet,
// or one that the receiver has already, RFC 9293 §3.8.4.
func onlyAsks(f *flow.Facts) bool {
	_, _, h := asker(f)
	asked := h.Packets - min(h.Packets, uint64(h.Resets))
	return asked >= fewKeepAlives && h.Octets <= asked && h.Data == h.Octets && !h.Start
}

// goesOn reports whether f asks just below what before had sent, and has heard no
// more than before had: no ACK of a peer that goes on, and no answer to its questions.
func goesOn(before, f *flow.Facts) bool {
	src, _, h := asker(f)
	d := 0
	if src != before.Originator {
		d = 1
	}
	was := &before.Dir[d]
	return h.Heard == was.Heard && h.Next+1 == was.Next+uint32(min(h.Octets, 1))
}

// unansweredKeepAlives says whose peers answered no keep-alive after a long rest.
func (res *Result) unansweredKeepAlives() []Conclusion {
	var out []Conclusion
	rest := Conclusion{Cause: cause.PeerGone, Confidence: cause.Certain}
	for _, f := range res.Flows {
		if f.Rested == 0 {
			continue
		}
		src, dst, h := asker(f)
		asked := h.Packets - min(h.Packets, uint64(h.Resets))
		sure := cause.Possible
		if every := (f.Last - f.First) / int64(asked-1); every*askedSooner < f.Rested {
			sure = cause.Likely
		}
		if len(out) >= maxTold {
			rest.Count++
			rest.Confidence = min(rest.Confidence, sure)
			continue
		}
		say := fmt.Sprintf("%s is gone, or cannot be reached: after a rest of %s it answered none of %d keep-alives of %s",
			place(dst), long(uint64(f.Rested)), asked, src.Addr)
		if h.Resets > 0 {
			say += ", which then gave the connection up"
		}
		out = append(out, Conclusion{
			Cause: cause.PeerGone, Count: 1, Confidence: sure, Say: say + ".",
			Evidence: []flow.Witness{{Frame: f.FirstFrame, Time: f.First, Says: flow.SaysNothingSince}},
		})
	}
	if rest.Count > 0 {
		out = append(out, rest)
	}
	return out
}
