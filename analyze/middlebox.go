package analyze

import (
	"fmt"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// stampsLikely and sacksLikely: one odd segment may be a host's own mistake; as
// many are a habit of something on the way. wire-evidence.md b-30.
const (
	stampsLikely = 3
	sacksLikely  = 3
)

// middleboxes concludes that something on the way answers for hosts or rewrites
// what they send, once for each host and each way of doing it.
func (res *Result) middleboxes() []Conclusion {
	type story struct {
		host flow.Endpoint
		kind flow.SignKind
	}
	found := map[story]int{}
	var out []Conclusion
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind < flow.SignForeignReset || g.Kind > flow.SignStripped {
			continue
		}
		f := res.Flows[g.Flow]
		src, dst := f.Originator, f.Responder
		if g.Dir == 1 {
			src, dst = dst, src
		}
		c := Conclusion{Cause: cause.MiddleboxMangled, Count: 1, Evidence: witnessesOf(g)}
		c.Confidence, c.Say = mangling(g, src, dst)
		k := story{flow.Endpoint{Addr: src.Addr}, g.Kind}
		if at, ok := found[k]; ok {
			out[at].Count++
			out[at].Confidence = max(out[at].Confidence, c.Confidence)
			continue
		}
		found[k] = len(out)
		out = append(out, c)
	}
	return out
}

// mangling says what g shows, and how sure it is.
func mangling(g *flow.Sign, src, dst flow.Endpoint) (cause.Confidence, string) {
	sure := cause.Possible
	switch g.Kind {
	case flow.SignForeignReset:
		if g.M > 0 {
			sure = cause.Likely
			return sure, fmt.Sprintf("Somebody on the way resets connections in the name of %s, which itself goes on.", src.Addr)
		}
		return sure, fmt.Sprintf("A reset in the name of %s came from another place than its other packets.", src.Addr)
	case flow.SignForeignHandshake:
		return sure, fmt.Sprintf("Somebody on the way answers SYNs for %s: its data comes from another place.", src.Addr)
	case flow.SignNoStamps:
		if g.N >= stampsLikely {
			sure = cause.Likely
		}
		return sure, fmt.Sprintf("Timestamps are stripped from %s of %s to %s.", counted(g.N, "segment"), src.Addr, dst.Addr)
	case flow.SignAbsurdSACK:
		if g.N >= sacksLikely {
			sure = cause.Likely
		}
		return sure, fmt.Sprintf("Something on the way shifts the sequence numbers to %s and not those in its SACK, which is worth nothing.", src.Addr)
	}
	if g.Kind == flow.SignStripped {
		return cause.Certain, fmt.Sprintf("What %s offers in its SYN is taken out between the two capture points: %s.", src.Addr, StrippedNames(g.Witnesses[0].A))
	}
	return cause.Certain, fmt.Sprintf("The MSS that %s announces is changed between the two capture points.", src.Addr)
}

// StrippedNames are the options of flow.SaysStripped in words.
func StrippedNames(options uint64) string {
	var names []string
	for i, name := range [...]string{"the window scale", "SACK", "timestamps"} {
		if options>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// counted is "1 segment" or "7 segments".
func counted(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
