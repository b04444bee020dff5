package detect

import "whydrop/decode"

// quote takes an ICMP error to the flow of the packet that it quotes, which it
// opens if nothing of it was seen: the packet passed elsewhere.
func (e *Datagrams) quote(p *decode.Packet, q *decode.Control) {
	ports := uint32(q.SrcPort)<<16 | uint32(q.DstPort)
	if q.Protocol == decode.ProtoICMP || q.Protocol == decode.ProtoICMPv6 {
		ports = uint32(q.EchoID)
	}
	k, side := keyOf(&q.Src, &q.Dst, q.Protocol, ports)
	hash := hashOf(p.PairHash, k.ports^uint32(k.protocol)<<24)
	i, ok := e.lookup(&k, hash)
	if !ok {
		i = e.open(k, hash, side, p)
	}
	e.talks[i].last = p.Time
	e.talks[i].Facts.Last = max(e.talks[i].Facts.Last, p.Time)
	e.talks[i].Quote(p, q, side^e.talks[i].side, e.whole(q))
}

// whole reports whether the quoted packet is not known to have lost fragments
// before it came here: of those the error tells nothing new.
func (e *Datagrams) whole(q *decode.Control) bool {
	g := e.fragments[fragmentKey{q.Src, q.Dst, q.ID, q.Protocol}]
	return g == nil || g.Done
}

var _ watcher = (*Datagrams)(nil)
