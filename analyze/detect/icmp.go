package detect

import "whydrop/decode"

// quote takes an ICMP error to the flow of the packet that it quotes, which it
// opens if nothing of it was seen: the packet passed elsewhere.
func (e *Datagrams) quote(p *decode.Packet, q *decode.Control) {
	ports := uint32(q.SrcPort)<<16 | uint32(q.DstPort)
	if q.Protocol == decode.ProtoICMP || q.Protocol == decode.ProtoICMPv6 {
		ports = uint32(q.EchoID)
	}
	pair, side := e.findPair(&q.Src, &q.Dst, p.PairHash)
	k, side := e.talkKeyOf(pair, side, q.Protocol, ports)
	hash := hashOfTalk(p.PairHash, k)
	i, ok := e.lookup(k, hash)
	if !ok {
		i = e.open(k, hash, side, p)
	}
	t := e.talk(i)
	state := e.wake(t)
	t.last = p.Time
	state.Facts.Last = max(state.Facts.Last, p.Time)
	state.Quote(p, q, side^t.side, e.whole(q))
}

// whole reports whether the quoted packet is not known to have lost fragments
// before it came here: of those the error tells nothing new.
func (e *Datagrams) whole(q *decode.Control) bool {
	g := e.fragments[fragmentKey{q.Src, q.Dst, q.ID, q.Protocol}]
	return g == nil || g.Done
}

var _ watcher = (*Datagrams)(nil)
