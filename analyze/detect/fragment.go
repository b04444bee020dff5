package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// maxFragmented bounds the datagrams whose fragments are remembered. At 10 000
// datagrams a second this is more than a second; the oldest goes first.
const maxFragmented = 1 << 14

// maxFragmentWays bounds the directions of which is counted which fragments pass.
const maxFragmentWays = 1 << 12

// errorTime, ns: the receiver's error about a datagram that it gave up comes a
// round trip after that, and must find it here.
const errorTime = int64(2e9)

// fragmentKey is what fragments of one datagram share, RFC 791 §3.2 and RFC 8200 §4.5.
type fragmentKey struct {
	src, dst decode.Addr
	id       uint32
	protocol uint8
}

// fragmented is a datagram that comes in pieces.
type fragmented struct {
	flow.Reassembly
	key     fragmentKey
	hash    uint32 // of the pair
	number  uint32 // of the conversation, if known
	index   int32  // of the conversation, or -1: only the first fragment has ports
	dir     uint8
	over    bool   // judged
	packets uint64 // later fragments that are counted to no conversation yet
	octets  uint64
	packet  decode.Packet // the fragment that came first, to open a conversation with
}

// fragment takes a fragment. It reports whether that is all there is to it;
// the first fragment has a transport header and is a datagram as well.
func (e *Datagrams) fragment(p *decode.Packet) (over bool) {
	first := p.IPFlags&decode.FirstFragment != 0
	if p.Malformed != decode.WellFormed || p.IPFlags&decode.BadIPHeader != 0 {
		return !first
	}
	lo := uint32(p.FragOffset) * 8
	n := p.PayloadLen
	if first && (p.Kind == decode.KindUDP || p.Kind == decode.KindICMP) {
		n += 8 // their headers
	}
	k := fragmentKey{p.Src, p.Dst, p.ID, p.Protocol}
	g := e.fragments[k]
	if g != nil && g.Stale(p.Time) {
		e.judge(g, p.Time)
		g = nil
	}
	if g == nil {
		g = e.begin(k, p)
	}
	ref := flow.FrameRef{Number: p.Number, File: p.File}
	ago, again := g.Take(lo, lo+n, p.IPFlags&decode.MoreFragments != 0, p.PayloadHash, p.Time, ref)
	if first {
		if g.index < 0 && !again {
			g.index, g.dir = e.find(p)
			g.number = e.talk(g.index).number
			e.settle(g)
		}
		return false
	}
	if again {
		if t := e.talkOf(g); t != nil {
			e.wake(t).Copied(p, g.dir, ago)
		}
		return true
	}
	if i, side := e.lookPair(&p.Src, &p.Dst, p.PairHash); i != noPair && p.IPVersion == 4 {
		e.pair(i).SawFragment(side, uint16(p.ID), p.Time)
	}
	g.packets++
	g.octets += uint64(p.PayloadLen)
	e.settle(g)
	return true
}

// begin remembers a datagram of which the first fragment passes.
func (e *Datagrams) begin(k fragmentKey, p *decode.Packet) *fragmented {
	if len(e.fragments) >= maxFragmented {
		e.forget()
	}
	g := &fragmented{key: k, hash: p.PairHash, index: -1, packet: *p}
	g.IPv6 = p.IPVersion == 6
	if i, side := e.lookPair(&p.Src, &p.Dst, p.PairHash); i != noPair {
		g.Started = e.pair(i).Seen[side]
	}
	e.fragments[k] = g
	e.inFragments = append(e.inFragments, g)
	return g
}

// talkOf returns the conversation of g while it goes on.
func (e *Datagrams) talkOf(g *fragmented) *talk {
	if g.index < 0 {
		return nil
	}
	if t := e.talk(g.index); t.number == g.number && t.live {
		return t
	}
	return nil
}

// settle counts later fragments to the conversation, as soon as it is known.
func (e *Datagrams) settle(g *fragmented) {
	t := e.talkOf(g)
	if t == nil || g.packets == 0 {
		return
	}
	t.last = g.Last
	e.wake(t).Fragment(g.packets, g.octets, g.dir, g.Last)
	g.packets, g.octets = 0, 0
}

// judge says what is missing of g. end is the time up to which the capture
// would have shown more of it.
func (e *Datagrams) judge(g *fragmented, end int64) {
	g.over = true
	if e.fragments[g.key] == g {
		delete(e.fragments, g.key)
	}
	if g.Done && g.packets == 0 {
		e.tally(g)
		return
	}
	t := e.talkOf(g)
	if t == nil {
		// Without its first fragment a datagram has no ports.
		pair, side := e.findPair(&g.key.src, &g.key.dst, g.hash)
		k, side := e.talkKeyOf(pair, side, g.key.protocol, 0)
		hash := hashOfTalk(g.hash, k)
		i, ok := e.lookup(k, hash)
		if !ok {
			i = e.open(k, hash, side, &g.packet)
		}
		t = e.talk(i)
		g.index, g.number, g.dir = i, t.number, side^t.side
	}
	e.settle(g)
	e.tally(g)
	e.wake(t).Incomplete(&g.Reassembly, g.dir, g.key.id, end)
}

// A fragmentWay is a direction between two addresses in which fragments pass.
type fragmentWay struct{ src, dst decode.Addr }

// tally counts which fragments pass in the direction of g.
func (e *Datagrams) tally(g *fragmented) {
	k := fragmentWay{g.key.src, g.key.dst}
	w := e.ways[k]
	if w == nil {
		if e.ways == nil {
			e.ways = map[fragmentWay]*flow.Sign{}
		}
		if len(e.ways) >= maxFragmentWays {
			return
		}
		w = &flow.Sign{Kind: flow.SignFragments, Flow: flow.NoFlow, Addr: k.src, By: k.dst, First: g.First}
		e.ways[k] = w
		e.wayOrder = append(e.wayOrder, w)
	}
	w.N++
	w.Last = g.Last
	if g.HasLater() {
		w.M++
	}
}

// forget makes room for another datagram.
func (e *Datagrams) forget() {
	for ; e.headOf < len(e.inFragments); e.headOf++ {
		g := e.inFragments[e.headOf]
		if g.over {
			continue
		}
		if !g.Done {
			e.log.GaveUp.Gaps++
		}
		g.over = true
		delete(e.fragments, g.key)
		break
	}
	e.trim()
}

// expire judges datagrams that no host would wait for any longer.
func (e *Datagrams) expire(now int64) {
	for ; e.headOf < len(e.inFragments); e.headOf++ {
		g := e.inFragments[e.headOf]
		if g.over {
			continue
		}
		if now-g.First <= flow.FragmentTime+errorTime {
			break
		}
		e.judge(g, now)
	}
	e.trim()
}

// trim gives back the front of the list when it is the larger part.
func (e *Datagrams) trim() {
	if e.headOf > 1024 && e.headOf*2 > len(e.inFragments) {
		n := copy(e.inFragments, e.inFragments[e.headOf:])
		clear(e.inFragments[n:])
		e.inFragments, e.headOf = e.inFragments[:n], 0
	}
}

// finishFragments judges all that is left at the end of the capture.
func (e *Datagrams) finishFragments(last int64) {
	for ; e.headOf < len(e.inFragments); e.headOf++ {
		if g := e.inFragments[e.headOf]; !g.over {
			e.judge(g, last)
		}
	}
	for _, w := range e.wayOrder {
		e.log.Sign(*w)
	}
}
