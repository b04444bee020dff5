package analyze

import (
	"fmt"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// requests concludes which servers left requests unanswered. Whether a request
// or its answer was lost, or the server is silent, no frame of one capture says:
// nothing is charged. wire-evidence.md b-24, c-1 row 20.
func (res *Result) requests() []Conclusion {
	type server struct {
		end     flow.Endpoint
		service flow.Service
	}
	type story struct {
		unanswered, repeated uint64
		inbound, outbound    uint64
		proof                []flow.Witness
	}
	stories := map[server]*story{}
	var order []server
	for i := range res.Signs {
		g := &res.Signs[i]
		if g.Kind != flow.SignRequests || g.N == 0 {
			continue
		}
		f := &res.Flows[g.Flow]
		k := server{f.Responder, g.Service}
		if g.Dir == 1 {
			k.end = f.Originator
		}
		s := stories[k]
		if s == nil {
			s = &story{proof: witnessesOf(g)}
			stories[k] = s
			order = append(order, k)
		}
		s.unanswered += g.N
		s.repeated += g.Repeated
		s.inbound += uint64(f.Dir[g.Dir&1].Inbound)
		s.outbound += uint64(f.Dir[g.Dir&1].Outbound)
	}
	both := res.twoWay()
	var out []Conclusion
	for _, k := range order {
		s := stories[k]
		c := Conclusion{Cause: cause.RequestUnanswered, Count: s.unanswered, Confidence: cause.Likely, Evidence: s.proof}
		if k.service == flow.DNS {
			c.Cause = cause.DNSUnanswered
		}
		if !both || s.repeated == 0 && s.unanswered == 1 {
			c.Confidence = cause.Possible
		}
		what, they, again := fmt.Sprintf("%d %s requests", s.unanswered, k.service), "They", fmt.Sprintf("%d of them were repeated", s.repeated)
		if s.unanswered == 1 {
			what, they, again = fmt.Sprintf("1 %s request", k.service), "It", "It was repeated"
		}
		c.Say = fmt.Sprintf("%s to %s got no answer here.", what, k.end.Addr)
		switch {
		case s.inbound > 0 && s.outbound == 0:
			c.Say += " " + they + " arrived at this host, which did not answer."
		case s.repeated > 0:
			c.Say += " " + again + ": request or answer was lost, or the server is silent."
		}
		out = append(out, c)
	}
	return out
}

// twoWay reports whether any conversation has packets of both directions.
func (res *Result) twoWay() bool {
	for i := range res.Flows {
		if f := &res.Flows[i]; f.Dir[0].Packets > 0 && f.Dir[1].Packets > 0 {
			return true
		}
	}
	return false
}
