package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// maxTold is how many conclusions of one cause are told one by one, those that
// cost most first; the others are counted together.
const maxTold = 20

// signsOf are the signs of one kind, those with the highest M first.
func (res *Result) signsOf(kind flow.SignKind) []*flow.Sign {
	var list []*flow.Sign
	for i := range res.Signs {
		if g := &res.Signs[i]; g.Kind == kind && int64(g.Flow) < int64(len(res.Flows)) {
			list = append(list, g)
		}
	}
	slices.SortStableFunc(list, func(x, y *flow.Sign) int { return cmp.Compare(y.M, x.M) })
	return list
}

// tell makes a conclusion of each sign, as far as there are not too many.
func tell(list []*flow.Sign, of cause.ID, sure func(*flow.Sign) cause.Confidence, say func(*flow.Sign) (string, uint64)) []Conclusion {
	var out []Conclusion
	rest := Conclusion{Cause: of, Confidence: cause.Certain}
	for i, g := range list {
		words, n := say(g)
		if i >= maxTold {
			rest.Count += n
			rest.Confidence = min(rest.Confidence, sure(g))
			continue
		}
		k := 0
		for k < len(g.Witnesses) && g.Witnesses[k].Says != flow.SaysNothing {
			k++
		}
		out = append(out, Conclusion{Cause: of, Count: n, Confidence: sure(g), Say: words, Evidence: g.Witnesses[:k:k]})
	}
	if rest.Count > 0 {
		out = append(out, rest)
	}
	return out
}

// ends are the sender and the receiver of the packets of a sign.
func (res *Result) ends(g *flow.Sign) (src, dst flow.Endpoint) {
	f := res.Flows[g.Flow]
	if g.Dir == 1 {
		return f.Responder, f.Originator
	}
	return f.Originator, f.Responder
}

func place(e flow.Endpoint) string {
	if e.Addr.Is4() {
		return fmt.Sprintf("%s:%d", e.Addr, e.Port)
	}
	return fmt.Sprintf("[%s]:%d", e.Addr, e.Port)
}

func long(ns uint64) string {
	d := time.Duration(min(ns, 1<<62))
	if d >= 10*time.Second {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	if d < time.Millisecond {
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// A reader that was not scheduled at once closes its window for a moment, at the speed
// of the sender's bursts: nobody waits for that. Delayed acknowledgements take so long
// (RFC 9293 §3.8.6.3: less than 500 ms; Linux: TCP_DELACK_MIN).
const unreadMoment = int64(40e6)

// closedWindows are the signs of windows that stood closed for longer than a moment, or
// whose sender had to ask.
func (res *Result) closedWindows() []*flow.Sign {
	return slices.DeleteFunc(res.signsOf(flow.SignClosed), func(g *flow.Sign) bool {
		return g.Octets == 0 && g.Last-g.First < unreadMoment
	})
}

// notReading says which receivers closed their windows, how often and for how
// long: c-1 row 14. That they did is their own word.
func (res *Result) notReading() []Conclusion {
	return tell(res.closedWindows(), cause.ReceiverNotReading, func(g *flow.Sign) cause.Confidence {
		if g.Octets > 0 { // asked, and it said so again
			return cause.Certain
		}
		return cause.Likely
	},
		func(g *flow.Sign) (string, uint64) {
			src, dst := res.ends(g)
			s := fmt.Sprintf("%s closed its window %s, for %s together: its program did not read", place(dst), many(g.N, "time", "times"), long(g.M))
			if g.Octets > 0 {
				s += fmt.Sprintf("; %s asked %s whether it is open", src.Addr, many(uint64(g.Octets), "time", "times"))
			}
			return s + ".", g.N
		})
}

// gone says which receivers closed their windows and then answered nothing: a
// receiver that does not read answers each probe, and one answer may be lost,
// but not all of them. b-11.
func (res *Result) gone() []Conclusion {
	return tell(res.signsOf(flow.SignGone), cause.PeerGone, func(*flow.Sign) cause.Confidence { return cause.Likely },
		func(g *flow.Sign) (string, uint64) {
			src, dst := res.ends(g)
			return fmt.Sprintf("%s is gone, or cannot be reached: it closed its window, and %s of %s, at growing intervals, got no answer.",
				place(dst), many(g.N, "probe", "probes"), src.Addr), 1
		})
}

// spurious says where timeouts fired because the path was late. An answer that
// echoes the first copy is a second witness. b-8.5.
func (res *Result) spurious() []Conclusion {
	return tell(res.signsOf(flow.SignSpurious), cause.SpuriousRTO, func(g *flow.Sign) cause.Confidence {
		if g.Witnesses[3].Says == flow.SaysFirstEcho {
			return cause.Certain
		}
		return cause.Likely
	}, func(g *flow.Sign) (string, uint64) {
		src, dst := res.ends(g)
		return fmt.Sprintf("%s of %s fired though nothing was lost: the answer of %s took %s.",
			many(g.N, "timeout", "timeouts"), place(src), dst.Addr, long(g.M)), g.N
	})
}
