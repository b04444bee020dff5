package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Datagrams analyses what is not TCP: UDP, ICMP and other protocols over IP.
// It is used by one goroutine, with the contract of Engine.
//
// It says of two addresses only what their packets say, whichever other
// addresses share it. An ICMP error belongs to the flow that it quotes, never
// to one of its own: it comes to the shard of that flow.
type Datagrams struct {
	options Options
	now     int64
	tunnels // of the packet

	table table
	talks []talk
	free  []int32
	live  int
	idle  queue
	pairs map[pairKey]*flow.TalkPair

	fragments   map[fragmentKey]*fragmented
	inFragments []*fragmented // in order of their first fragment
	headOf      int
	ways        map[fragmentWay]*flow.Sign // nil: there are no fragments
	wayOrder    []*flow.Sign

	near *neighbours // nil: nobody asked for one

	books
}

// A talk is a conversation in the table.
type talk struct {
	key    talkKey
	hash   uint32
	number uint32
	side   uint8 // which address of the key the originator is
	last   int64
	*flow.Talk
}

// pairKey is two addresses, the lower one first.
type pairKey struct{ lo, hi decode.Addr }

// A talkKey names a conversation. ports are those of lo and hi; for ICMP echo
// the identifier, for what has none 0.
type talkKey struct {
	pairKey
	ports    uint32
	protocol uint8
}

// NewDatagrams makes a Datagrams.
func NewDatagrams(o Options) *Datagrams {
	if o.MaxFlows <= 0 {
		o.MaxFlows = defaultFlows
	}
	return &Datagrams{
		options: o, books: openBooks(o),
		pairs: map[pairKey]*flow.TalkPair{}, fragments: map[fragmentKey]*fragmented{},
	}
}

// Packet takes the next packet. It keeps no reference to p or d.
func (e *Datagrams) Packet(p *decode.Packet, d *decode.Decoded) {
	e.now = max(e.now, p.Time)
	if p.NumOuter > 0 {
		e.enter(p, d)
	}
	if p.Control >= 0 {
		if d != nil && int(p.Control) < len(d.Controls) {
			e.control(p, &d.Controls[p.Control])
		}
		if p.Kind != decode.KindUDP {
			return
		}
	}
	if p.IPVersion == 0 || p.Protocol == decode.ProtoTCP {
		return // frames without IP; a TCP header that cannot be read is counted by the decoder
	}
	if p.IPFlags&decode.Fragment != 0 && e.fragment(p) {
		return
	}
	i, dir := e.find(p)
	e.talks[i].last = p.Time
	e.talks[i].Datagram(p, dir)
	if p.Control >= 0 && d != nil {
		e.report(i, p, d, dir)
	}
}

// report takes the receiver reports of an RTCP packet of conversation i.
func (e *Datagrams) report(i int32, p *decode.Packet, d *decode.Decoded, dir uint8) {
	for n := int(p.Control); n < len(d.Controls); n++ {
		c := &d.Controls[n]
		if c.Kind != decode.ControlReport || n > int(p.Control) && !c.More {
			return
		}
		e.talks[i].Report(p, &c.Report, dir)
	}
}

// control takes a packet that speaks about others.
func (e *Datagrams) control(p *decode.Packet, c *decode.Control) {
	if c.Kind == decode.ControlQuote {
		e.quote(p, c)
		return
	}
	e.neighbour(p, c)
}

// find returns the conversation of p and the direction of p in it.
func (e *Datagrams) find(p *decode.Packet) (i int32, dir uint8) {
	k, side := keyOf(&p.Src, &p.Dst, p.Protocol, portsOfPacket(p))
	hash := hashOf(p.PairHash, k.ports^uint32(k.protocol)<<24)
	i, ok := e.lookup(&k, hash)
	if !ok && p.TransportSum == decode.ChecksumBad && p.Kind == decode.KindUDP {
		i, ok = e.nearby(k, p.PairHash)
	}
	if !ok {
		i = e.open(k, hash, side, p)
	}
	return i, side ^ e.talks[i].side
}

func (e *Datagrams) lookup(k *talkKey, hash uint32) (int32, bool) {
	return e.table.find(hash, func(i int32) bool { return e.talks[i].key == *k })
}

// nearby finds the conversation of a damaged packet: the one whose ports differ
// in a single bit.
func (e *Datagrams) nearby(k talkKey, pairHash uint32) (int32, bool) {
	ports := k.ports
	for bit := range 32 {
		k.ports = ports ^ 1<<bit
		if i, ok := e.lookup(&k, hashOf(pairHash, k.ports^uint32(k.protocol)<<24)); ok {
			return i, true
		}
	}
	return 0, false
}

// keyOf makes a key, and says which of its addresses src is. ports are those of
// src and dst, or the same number for both sides.
func keyOf(src, dst *decode.Addr, protocol uint8, ports uint32) (k talkKey, side uint8) {
	lo, hi := src, dst
	order := compare(src, dst)
	if order == 0 && ports>>16 > ports&0xffff {
		order = 1 // a host that talks to itself: the ports tell its ends apart
	}
	if order > 0 {
		lo, hi, side = dst, src, 1
		if protocol != decode.ProtoICMP && protocol != decode.ProtoICMPv6 {
			ports = ports<<16 | ports>>16
		}
	}
	return talkKey{pairKey{*lo, *hi}, ports, protocol}, side
}

func portsOfPacket(p *decode.Packet) uint32 {
	if p.Kind == decode.KindICMP {
		return uint32(p.EchoID)
	}
	return uint32(p.SrcPort)<<16 | uint32(p.DstPort)
}

// open makes a conversation whose first packet is p, sent by side.
func (e *Datagrams) open(k talkKey, hash uint32, side uint8, p *decode.Packet) int32 {
	facts := flow.Facts{
		Protocol: k.protocol, First: p.Time, Last: p.Time,
		FirstFrame: flow.FrameRef{Number: p.Number, File: p.File}, Tunnelled: p.NumOuter > 0, Via: e.viaOf(p, false),
	}
	ends := [2]flow.Endpoint{{Addr: k.lo, Port: uint16(k.ports >> 16)}, {Addr: k.hi, Port: uint16(k.ports)}}
	if k.protocol == decode.ProtoICMP || k.protocol == decode.ProtoICMPv6 {
		ends[0].Port, ends[1].Port = 0, 0
	}
	facts.Originator, facts.Responder = ends[side], ends[1-side]
	if e.live >= e.options.MaxFlows {
		e.makeRoom()
	}
	pair := e.pairs[k.pairKey]
	if pair == nil {
		pair = new(flow.TalkPair)
		e.pairs[k.pairKey] = pair
	}
	var i int32
	if n := len(e.free); n > 0 {
		i, e.free = e.free[n-1], e.free[:n-1]
	} else {
		i = int32(len(e.talks))
		e.talks = append(e.talks, talk{})
	}
	e.talks[i] = talk{
		key: k, hash: hash, number: e.opened, side: side, last: p.Time,
		Talk: flow.NewTalk(pair, side, e.opened, facts, &e.log),
	}
	e.table.add(hash, i)
	e.idle.push(due{e.now + checkTime, i, e.opened})
	e.opened++
	e.live++
	return i
}

// makeRoom ends the conversation that has been idle longest of some that are
// due to be looked at. It reports whether there was one.
func (e *Datagrams) makeRoom() bool {
	d, ok := e.idle.idlest(e.now+checkTime, func(d due) (int64, bool) {
		t := &e.talks[d.index]
		return t.last, t.number == d.number && t.Talk != nil
	})
	if ok {
		e.log.GaveUp.Flows++
		e.end(d.index, e.now)
	}
	return ok
}

// end finishes conversation i; end is as for Talk.Finish.
func (e *Datagrams) end(i int32, end int64) {
	t := &e.talks[i]
	pair := e.pairs[t.key.pairKey]
	e.close(t.number, &t.Facts, t.Talk, end)
	if pair.Users == 0 {
		delete(e.pairs, t.key.pairKey)
	}
	e.table.remove(t.hash, i)
	t.Talk = nil
	e.live--
	e.free = append(e.free, i)
}

// Tick tells the time of the capture, ns. It finishes what has been idle.
func (e *Datagrams) Tick(now int64) {
	e.now = max(e.now, now)
	e.expire(now)
	for most := e.options.MaxState; most > 0 && int64(e.live)*talkOctets > most && e.makeRoom(); {
	}
	for {
		d, ok := e.idle.pop(now)
		if !ok {
			return
		}
		t := &e.talks[d.index]
		if t.number != d.number || t.Talk == nil {
			continue
		}
		if now-t.last > idleTime {
			e.end(d.index, now)
		} else {
			e.idle.push(due{now + checkTime, d.index, d.number})
		}
	}
}

// Finish ends everything and returns what was learned. last is the time of the
// last frame of the whole capture.
func (e *Datagrams) Finish(last int64) flow.Findings {
	e.finishFragments(last)
	if e.near != nil {
		e.near.finish(&e.log, last)
	}
	for i := range e.talks {
		if e.talks[i].Talk != nil {
			e.end(int32(i), last)
		}
	}
	return e.findings()
}
