package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A conn is a connection in the table. It is small until it has said more than
// a scan does; then state holds what is known of it.
type conn struct {
	state       *flow.Conn
	first, tail *block // waiting segments
	key         key
	last        int64
	tick        int64 // of the last segment
	began       int64
	firstFrame  flow.FrameRef
	via         flow.Via  // of the first frame
	isn         [2]uint32 // by direction
	number      uint32    // of the flow
	incarnation uint32
	hash        uint32
	count       uint16 // of waiting segments
	side        uint8  // which side of the pair the originator is
	marks       connMarks
	live        bool
	lingers     bool // in the queue of those with waiting segments
	looked      bool // the first look is over
}

type connMarks uint8

const (
	hasISN0   connMarks = 1 << iota // isn[0] is valid
	hasISN1                         //
	carried                         // more than SYN
	closed                          // FIN or RST
	tunnelled                       //
	stray                           // a segment without SYN, ACK and RST
)

// Chunks keep what is in them at its address.
const chunk = 256

// connOctets is about what a connection takes before it is looked at, with its
// places in the tables and queues; waitingOctets is the same of a conversation over
// UDP, and talkOctets what it takes besides when it has more than one packet.
const (
	connOctets    = 192
	waitingOctets = 384
	talkOctets    = 1792
)

type (
	connChunk [chunk]conn
	pairChunk [chunk]pair
)

func (e *Engine) conn(i int32) *conn { return &e.conns[i/chunk][i%chunk] }
func (e *Engine) pair(i int32) *pair { return &e.pairs[i/chunk][i%chunk] }

func (c *conn) idleLimit() int64 {
	if c.marks&closed != 0 {
		return closedTime
	}
	return idleTime
}

// lookPair returns the pair of the addresses of a packet, if there is one, and
// which side src is.
func (e *Engine) lookPair(src, dst *decode.Addr, hash uint32) (index int32, side uint8, ok bool) {
	lo, hi := src, dst
	if compare(src, dst) > 0 {
		lo, hi, side = dst, src, 1
	}
	index, ok = e.pairTable.find(hash, func(i int32) bool {
		p := e.pair(i)
		return p.addr[0] == *lo && p.addr[1] == *hi
	})
	return index, side, ok
}

// findPair is lookPair, and makes the pair if there is none.
func (e *Engine) findPair(src, dst *decode.Addr, hash uint32) (index int32, side uint8) {
	i, side, ok := e.lookPair(src, dst, hash)
	if ok {
		return i, side
	}
	i = e.roomForPair()
	ends := [2]decode.Addr{*src, *dst}
	if side == 1 {
		ends[0], ends[1] = ends[1], ends[0]
	}
	*e.pair(i) = pair{addr: ends, hash: hash, queued: true}
	e.pairTable.add(hash, i)
	e.noUsers = append(e.noUsers, i)
	return i, side
}

// roomForPair returns the index of a pair that is not used: beyond the limit that
// of the one that has had no connections for longest.
func (e *Engine) roomForPair() int32 {
	if int(e.numPairs) >= e.options.MaxFlows {
		for n, i := range e.noUsers {
			p := e.pair(i)
			if p.queued = false; p.users == 0 {
				e.noUsers = e.noUsers[n+1:]
				e.pairTable.remove(p.hash, i)
				return i
			}
		}
		e.noUsers = e.noUsers[:0]
	}
	i := e.numPairs
	if i%chunk == 0 {
		e.pairs = append(e.pairs, new(pairChunk))
	}
	e.numPairs++
	return i
}

// release notes that pair i has a connection less.
func (e *Engine) release(i int32) {
	p := e.pair(i)
	if p.users--; p.users == 0 && !p.queued {
		p.queued = true
		e.noUsers = append(e.noUsers, i)
	}
}

// portsOf are the ports of a packet from side to the other, that of side 0 first.
func portsOf(src, dst uint16, side uint8) uint32 {
	if side == 1 {
		src, dst = dst, src
	}
	return uint32(src)<<16 | uint32(dst)
}

// findConn returns the connection k, if it is there.
func (e *Engine) findConn(k key, hash uint32) (int32, bool) {
	return e.connTable.find(hash, func(i int32) bool { return e.conn(i).key == k })
}

// open makes a connection whose first packet is p, sent by side.
func (e *Engine) open(k key, hash uint32, p *decode.Packet, side uint8, incarnation uint32) int32 {
	if e.live >= e.options.MaxFlows {
		e.makeRoom()
	}
	var i int32
	if n := len(e.freeConns); n > 0 {
		i = e.freeConns[n-1]
		e.freeConns = e.freeConns[:n-1]
	} else {
		i = e.numConns
		if i%chunk == 0 {
			e.conns = append(e.conns, new(connChunk))
		}
		e.numConns++
	}
	sender := side
	if p.Flags&(decode.SYN|decode.ACK) == decode.SYN|decode.ACK {
		side = 1 - side // it answers the originator
	}
	*e.conn(i) = conn{
		key: k, hash: hash, side: side, live: true, number: e.opened, incarnation: incarnation,
		began: p.Time, last: p.Time, firstFrame: flow.FrameRef{Number: p.Number, File: p.File},
		via: e.viaOf(p, sender != side),
	}
	e.opened++
	e.live++
	e.pair(k.pair).users++
	e.connTable.add(hash, i)
	e.idle.push(due{e.now + checkTime, i, e.conn(i).number})
	return i
}

// viaOf is the way of p, the first packet of a flow.
func (n *tunnels) viaOf(p *decode.Packet, back bool) flow.Via {
	v := flow.Via{MAC: p.MACHash, Back: back}
	if p.NumVLAN > 0 {
		v.VLAN = p.VLAN[0]
	}
	if p.NumOuter > 0 {
		v.Tunnel, v.Key = n.kind, n.key
	}
	return v
}

// tunnels knows in which tunnel the packet came that is being looked at, if it
// came in one.
type tunnels struct {
	kind decode.Tunnel
	key  uint32
}

// enter notes the tunnel of p: of several the outermost that has a key.
func (n *tunnels) enter(p *decode.Packet, d *decode.Decoded) {
	*n = tunnels{}
	if d == nil || p.Outer < 0 || int(p.Outer)+int(p.NumOuter) > len(d.Outers) {
		return
	}
	for _, o := range d.Outers[p.Outer:][:p.NumOuter] {
		if n.kind == decode.TunnelNone || n.key == 0 && o.Key != 0 {
			n.kind, n.key = o.Tunnel, o.Key
		}
	}
}

// makeRoom ends the connection that has been idle longest of some that are due
// to be looked at. It reports whether there was one.
func (e *Engine) makeRoom() bool {
	d, ok := e.idle.idlest(e.now+checkTime, func(d due) (int64, bool) {
		c := e.conn(d.index)
		return c.last, c.number == d.number && c.live
	})
	if ok {
		before := e.log.GaveUp.Flows
		e.end(d.index, e.now)
		e.log.GaveUp.Flows = before + 1 // once, also where it was summed up
	}
	return ok
}

// end finishes connection i. end is the time up to which the capture would
// have seen more of it.
func (e *Engine) end(i int32, end int64) {
	c := e.conn(i)
	if c.count > 0 || c.state == nil {
		e.work(c)
	}
	s := c.state
	s.Facts.Dir[0].ISN, s.Facts.Dir[1].ISN = c.isn[0], c.isn[1]
	s.Facts.Stray = c.marks&stray != 0
	e.close(c.number, &s.Facts, s, end)
	e.log.GaveUp.Add(s.GaveUp())
	s.Free()
	e.connTable.remove(c.hash, i)
	c.state, c.live = nil, false
	e.release(c.key.pair)
	e.live--
	e.freeConns = append(e.freeConns, i)
}

// activate gives c what a connection needs to be judged.
func (e *Engine) activate(c *conn) {
	p := e.pair(c.key.pair)
	s := e.pool.NewConn(&p.Pair, c.side, c.number, &e.log)
	ports := [2]uint16{uint16(c.key.ports >> 16), uint16(c.key.ports)}
	o, r := c.side, 1-c.side
	s.Facts = flow.Facts{
		Protocol:    decode.ProtoTCP,
		Originator:  flow.Endpoint{Addr: p.addr[o], Port: ports[o]},
		Responder:   flow.Endpoint{Addr: p.addr[r], Port: ports[r]},
		First:       c.began,
		FirstFrame:  c.firstFrame,
		Handshake:   c.marks&hasISN0 != 0,
		Incarnation: c.incarnation,
		Via:         c.via,
	}
	c.state = s
}
