package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A program that wants to know the way sends packets that die on it, one hop further each
// time, and every router answers that their time is exceeded (RFC 792, RFC 1393 §1).
// They reached what they were meant for, so they are no losses. A host sends
// all else with one TTL, and what dies in a loop died with that: so many TTLs, and as
// many routers, are those of a traceroute.
const (
	traceTTLs    = 3
	traceRouters = 3
)

// A route is who asks for the way, and to where.
type route struct{ from, to decode.Addr }

// A traced is what routers said of the packets of a route.
type traced struct {
	ttls    []uint8
	routers []decode.Addr
}

func (p *traced) add(ttl uint8, router decode.Addr) {
	if !slices.Contains(p.ttls, ttl) {
		p.ttls = append(p.ttls, ttl)
	}
	if !slices.Contains(p.routers, router) && len(p.routers) < traceRouters {
		p.routers = append(p.routers, router)
	}
}

// traceroutes takes the probes of traceroutes out of the ledger, and the last of them,
// which their target refused: that port was chosen because nothing listens there.
func traceroutes(res *Result) {
	found := map[route]*traced{}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if way, expired := res.routeOf(l); expired {
			if found[way] == nil {
				found[way] = &traced{}
			}
			found[way].add(res.sentTTL(l), l.Router)
		}
	}
	if len(found) == 0 {
		return
	}
	res.Ledger.Losses = slices.DeleteFunc(res.Ledger.Losses, func(l flow.Lost) bool {
		way, expired := res.routeOf(&l)
		p := found[way]
		refused := l.Rule == flow.RuleICMPQuote && l.Router == way.to && !expired
		if p == nil || len(p.ttls) < traceTTLs || len(p.routers) < traceRouters || !expired && !refused {
			return false
		}
		m := &res.Flows[l.Flow].Dir[l.Dir&1].Missing[l.Place]
		*m -= min(l.Packets, *m)
		res.Traced += uint64(l.Packets)
		return true
	})
}

// routeOf is the way that l took, and whether a router said that its time was exceeded on it.
func (res *Result) routeOf(l *flow.Lost) (way route, expired bool) {
	f := res.Flows[l.Flow]
	way = route{f.Originator.Addr, f.Responder.Addr}
	if l.Dir == 1 {
		way.from, way.to = way.to, way.from
	}
	if l.Rule != flow.RuleICMPQuote || l.ICMPCode != 0 {
		return way, false
	}
	if f.Originator.Addr.Is4() {
		return way, l.ICMPType == icmpTimeExceeded
	}
	return way, l.ICMPType == icmpv6TimeExceeded
}

// sentTTL is the TTL with which l passed.
func (res *Result) sentTTL(l *flow.Lost) uint8 {
	if l.TTL != 0 {
		return l.TTL
	}
	return res.Flows[l.Flow].Dir[l.Dir&1].TTL
}
