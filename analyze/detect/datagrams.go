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

	talkTable table
	talks     []*[chunk]talk
	numTalks  int32
	freeTalks []int32
	live      int
	awake     int // of those, that have a state
	idle      queue
	pool      flow.TalkPool

	pairTable table
	pairs     []*[chunk]talkPair
	numPairs  int32
	freePairs []int32

	fragments   map[fragmentKey]*fragmented
	inFragments []*fragmented // in order of their first fragment
	headOf      int
	ways        map[fragmentWay]*flow.Sign // nil: there are no fragments
	wayOrder    []*flow.Sign

	near *neighbours // nil: nobody asked for one

	books
}

// A talk is a conversation in the table. It is small until there is more to it than
// its first packet; then state holds what is known of it.
type talk struct {
	state     *flow.Talk
	first     flow.First
	last      int64
	key       talkKey
	hash      uint32
	number    uint32
	via       flow.Via // of the first packet
	side      uint8    // which side of the pair the originator is
	tunnelled bool
	live      bool
	waits     bool // first is a packet of the conversation that state has not seen
}

// A talkKey names a conversation: ports are those of the pair's addresses in their
// order; for ICMP echo the identifier, for what has none 0.
type talkKey struct {
	pair     int32
	ports    uint32
	protocol uint8
}

// A talkPair is two addresses, the lower one first, and what their conversations share.
type talkPair struct {
	addr [2]decode.Addr
	hash uint32
	flow.TalkPair
}

// NewDatagrams makes a Datagrams.
func NewDatagrams(o Options) *Datagrams {
	if o.MaxFlows <= 0 {
		o.MaxFlows = defaultFlows
	}
	return &Datagrams{
		options: o, books: openBooks(o), fragments: map[fragmentKey]*fragmented{},
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
	t := e.talk(i)
	t.last = p.Time
	if t.state == nil && !t.waits && p.Control < 0 {
		t.first, t.waits = flow.FirstOf(p), true
		t.first.Dir = dir
		t.first.Pass(&e.pair(t.key.pair).TalkPair, t.side^dir, t.number, t.key.protocol)
		return
	}
	state := e.wake(t)
	state.Datagram(p, dir)
	if p.Control >= 0 && d != nil {
		report(state, p, d, dir)
	}
}

// report takes the receiver reports of an RTCP packet of conversation t.
func report(t *flow.Talk, p *decode.Packet, d *decode.Decoded, dir uint8) {
	for n := int(p.Control); n < len(d.Controls); n++ {
		c := &d.Controls[n]
		if c.Kind != decode.ControlReport || n > int(p.Control) && !c.More {
			return
		}
		t.Report(p, &c.Report, dir)
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
	pair, side := e.findPair(&p.Src, &p.Dst, p.PairHash)
	k, side := e.talkKeyOf(pair, side, p.Protocol, portsOfPacket(p))
	hash := hashOfTalk(p.PairHash, k)
	i, ok := e.lookup(k, hash)
	if !ok && p.TransportSum == decode.ChecksumBad && p.Kind == decode.KindUDP {
		i, ok = e.nearby(k, p.PairHash)
	}
	if !ok {
		i = e.open(k, hash, side, p)
	}
	return i, side ^ e.talk(i).side
}

func (e *Datagrams) lookup(k talkKey, hash uint32) (int32, bool) {
	return e.talkTable.find(hash, func(i int32) bool { return e.talk(i).key == k })
}

// nearby finds the conversation of a damaged packet: the one whose ports differ
// in a single bit.
func (e *Datagrams) nearby(k talkKey, pairHash uint32) (int32, bool) {
	ports := k.ports
	for bit := range 32 {
		k.ports = ports ^ 1<<bit
		if i, ok := e.lookup(k, hashOfTalk(pairHash, k)); ok {
			return i, true
		}
	}
	return 0, false
}

func portsOfPacket(p *decode.Packet) uint32 {
	if p.Kind == decode.KindICMP {
		return uint32(p.EchoID)
	}
	return uint32(p.SrcPort)<<16 | uint32(p.DstPort)
}

// open makes a conversation whose first packet is p, sent by side.
func (e *Datagrams) open(k talkKey, hash uint32, side uint8, p *decode.Packet) int32 {
	pair := e.pair(k.pair)
	pair.Users++ // before room is made: it is not to be given to others
	if e.live >= e.options.MaxFlows {
		e.makeRoom()
	}
	var i int32
	if n := len(e.freeTalks); n > 0 {
		i, e.freeTalks = e.freeTalks[n-1], e.freeTalks[:n-1]
	} else {
		i = e.numTalks
		if i%chunk == 0 {
			e.talks = append(e.talks, new([chunk]talk))
		}
		e.numTalks++
	}
	*e.talk(i) = talk{
		key: k, hash: hash, number: e.opened, side: side, last: p.Time, live: true, via: e.viaOf(p, false),
		tunnelled: p.NumOuter > 0, first: flow.First{Time: p.Time, Number: p.Number, File: p.File},
	}
	e.talkTable.add(hash, i)
	e.idle.push(due{e.now + checkTime, i, e.opened})
	e.opened++
	e.live++
	return i
}

// wake returns the state of t, which is made when it is first needed.
func (e *Datagrams) wake(t *talk) *flow.Talk {
	if t.state != nil {
		return t.state
	}
	pair := e.pair(t.key.pair)
	facts := flow.Facts{
		Protocol: t.key.protocol, First: t.first.Time, Last: t.first.Time,
		FirstFrame: flow.FrameRef{Number: t.first.Number, File: t.first.File}, Tunnelled: t.tunnelled, Via: t.via,
	}
	ends := [2]flow.Endpoint{
		{Addr: pair.addr[0], Port: uint16(t.key.ports >> 16)}, {Addr: pair.addr[1], Port: uint16(t.key.ports)},
	}
	if isEcho(t.key.protocol) {
		ends[0].Port, ends[1].Port = 0, 0
	}
	facts.Originator, facts.Responder = ends[t.side], ends[1-t.side]
	t.state = e.pool.NewTalk(&pair.TalkPair, t.side, t.number, facts, &e.log)
	e.awake++
	if t.waits {
		t.waits = false
		t.state.Begin(&t.first)
	}
	return t.state
}

// makeRoom ends the conversation that has been idle longest of some that are
// due to be looked at. It reports whether there was one.
func (e *Datagrams) makeRoom() bool {
	d, ok := e.idle.idlest(e.now+checkTime, func(d due) (int64, bool) {
		t := e.talk(d.index)
		return t.last, t.number == d.number && t.live
	})
	if ok {
		before := e.log.GaveUp.Flows
		e.end(d.index, e.now)
		e.log.GaveUp.Flows = before + 1 // once, also where it was summed up
	}
	return ok
}

// end finishes conversation i; end is as for Talk.Finish.
func (e *Datagrams) end(i int32, end int64) {
	t := e.talk(i)
	state := e.wake(t)
	e.close(t.number, &state.Facts, state, end)
	e.talkTable.remove(t.hash, i)
	t.state, t.live = nil, false
	e.live--
	e.awake--
	e.freeTalks = append(e.freeTalks, i)
	e.release(t.key.pair)
}

// octets are what the conversations that go on take, about.
func (e *Datagrams) octets() int64 {
	return int64(e.live)*waitingOctets + int64(e.awake)*talkOctets
}

// Tick tells the time of the capture, ns. It finishes what has been idle.
func (e *Datagrams) Tick(now int64) {
	e.now = max(e.now, now)
	e.expire(now)
	for most := e.options.MaxState; most > 0 && e.octets() > most && e.makeRoom(); {
	}
	for {
		d, ok := e.idle.pop(now)
		if !ok {
			return
		}
		t := e.talk(d.index)
		if t.number != d.number || !t.live {
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
	for i := range e.numTalks {
		if e.talk(i).live {
			e.end(i, last)
		}
		if i%chunk == chunk-1 {
			e.talks[i/chunk] = nil // as Engine.Finish
		}
	}
	return e.findings()
}
