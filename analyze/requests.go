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
		asked, answered      uint64
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
		f := res.Flows[g.Flow]
		k := server{f.Responder, g.Service}
		if g.Dir == 1 {
			k.end = f.Originator
		}
		if k.service == flow.Echo {
			k.end.Port = 0 // the identifier of one ping
		}
		s := stories[k]
		if s == nil {
			s = &story{proof: witnessesOf(g)}
			stories[k] = s
			order = append(order, k)
		}
		s.unanswered += g.N
		s.asked += f.Dir[g.Dir&1].Packets
		s.answered += f.Dir[1-g.Dir&1].Packets
		s.repeated += g.Repeated
		s.inbound += uint64(f.Dir[g.Dir&1].Inbound)
		s.outbound += uint64(f.Dir[g.Dir&1].Outbound)
	}
	both := res.twoWay()
	var out, silent []Conclusion
	var hosts []flow.Endpoint
	for _, k := range order {
		s := stories[k]
		c := Conclusion{Cause: cause.RequestUnanswered, Count: s.unanswered, Confidence: cause.Likely, Evidence: s.proof}
		if k.service == flow.DNS {
			c.Cause = cause.DNSUnanswered
		}
		switch {
		case k.service == flow.Echo && s.answered == 0:
			c.Confidence = cause.Possible // many hosts never answer
			silent = append(silent, c)
			hosts = append(hosts, k.end)
			continue
		case k.service == flow.Echo:
			c.Say = echoSay(k.end, s.unanswered, s.asked)
			out = append(out, c)
			continue
		case !both || s.repeated == 0 && s.unanswered == 1:
			c.Confidence = cause.Possible
		}
		c.Say = unansweredSay(k.service, k.end, s.unanswered, s.repeated, s.inbound > 0 && s.outbound == 0)
		out = append(out, c)
	}
	return append(out, silentToEcho(silent, hosts)...)
}

// unansweredSay says that a server left n requests unanswered; here: they came to
// the host of the capture.
func unansweredSay(service flow.Service, server flow.Endpoint, n, repeated uint64, here bool) string {
	what, they, again := fmt.Sprintf("%d %s requests", n, service), "They", fmt.Sprintf("%d of them were repeated", repeated)
	if n == 1 {
		what, they, again = fmt.Sprintf("1 %s request", service), "It", "It was repeated"
	}
	say := fmt.Sprintf("%s to %s got no answer here.", what, server.Addr)
	switch {
	case here:
		say += " " + they + " arrived at this host, which did not answer."
	case repeated > 0:
		say += " " + again + ": request or answer was lost, or the server is silent."
	}
	return say
}

// silentMost is how many hosts that answer no ping are named one by one: a sweep
// of addresses is one finding.
const silentMost = 3

// silentToEcho says of hosts that they answered no echo request at all.
func silentToEcho(list []Conclusion, hosts []flow.Endpoint) []Conclusion {
	if len(list) <= silentMost {
		for i := range list {
			c := &list[i]
			c.Say = fmt.Sprintf("%s to %s got no answer here. No other did: the host is down, or a filter is silent.",
				many(c.Count, "echo request", "echo requests"), hosts[i].Addr)
		}
		return list
	}
	c := list[0]
	c.Count = 0
	for i := range list {
		c.Count += list[i].Count
	}
	c.Say = fmt.Sprintf("%d echo requests to %d hosts got no answer here, among them %s.", c.Count, len(hosts), hosts[0].Addr)
	return []Conclusion{c}
}

// echoSay says that of the echo requests to a host some were not answered.
func echoSay(host flow.Endpoint, unanswered, asked uint64) string {
	return fmt.Sprintf("%d of %d echo requests to %s got no answer here: they were lost, or their answers, or the host limits how many it gives.",
		unanswered, asked, host.Addr)
}

// twoWay reports whether any conversation has packets of both directions.
func (res *Result) twoWay() bool {
	for i := range res.Flows {
		if f := res.Flows[i]; f.Dir[0].Packets > 0 && f.Dir[1].Packets > 0 {
			return true
		}
	}
	return false
}
