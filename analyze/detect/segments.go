package detect

import (
	"whydrop/decode"
)

// segment lets a TCP packet wait in its connection.
func (e *Engine) segment(p *decode.Packet) {
	pi, side := e.findPair(&p.Src, &p.Dst, p.PairHash)
	if side == 0 && p.SrcPort > p.DstPort && p.Src == p.Dst {
		side = 1 // a host that talks to itself: the ports tell its ends apart
	}
	k := key{pi, portsOf(p.SrcPort, p.DstPort, side)}
	hash := hashOf(p.PairHash, k.ports)
	i, ok := e.findConn(k, hash)
	damaged := p.TransportSum == decode.ChecksumBad || p.IPFlags&decode.BadIPHeader != 0
	switch {
	case !ok && damaged:
		i, ok = e.oneBitOff(k, p.PairHash)
		if !ok {
			i = e.open(k, hash, p, side, 0)
		}
	case !ok:
		i = e.open(k, hash, p, side, 0)
	case p.Flags&decode.SYN != 0 && !damaged && e.conn(i).isAnother(p, side):
		next := e.conn(i).incarnation + 1
		e.end(i, p.Time)
		i = e.open(k, hash, p, side, next)
	}
	c := e.conn(i)
	dir := side ^ c.side
	if !damaged {
		c.note(p, dir)
	}
	c.last = max(c.last, p.Time)
	e.wait(c, i, p, dir)
}

// oneBitOff finds the connection whose ports differ from k in one bit: where a
// damaged packet belongs. b-16.
func (e *Engine) oneBitOff(k key, pairHash uint32) (int32, bool) {
	for bit := range 32 {
		near := key{k.pair, k.ports ^ 1<<bit}
		if i, ok := e.findConn(near, hashOf(pairHash, near.ports)); ok {
			return i, true
		}
	}
	return 0, false
}

// isAnother reports whether SYN p of side begins a new connection with the
// ports of c: another initial sequence number, RFC 9293 §3.4.1. b-12.
func (c *conn) isAnother(p *decode.Packet, side uint8) bool {
	dir := side ^ c.side
	if c.marks&(hasISN0<<dir) != 0 {
		return c.isn[dir] != p.Seq
	}
	if p.Flags&decode.ACK != 0 {
		// The answer to a SYN that was not captured, in a connection that is over.
		return c.marks&closed != 0
	}
	return c.marks&carried != 0
}

// note keeps what tells the next connection with these ports from this one.
func (c *conn) note(p *decode.Packet, dir uint8) {
	if p.Flags&decode.SYN != 0 {
		c.isn[dir] = p.Seq
		c.marks |= hasISN0 << dir
		if p.Flags&decode.ACK == 0 {
			c.marks &^= closed // it was reset, and asks again
		}
		return
	}
	c.marks |= carried
	switch p.Flags & (decode.FIN | decode.RST | decode.ACK) {
	case decode.ACK:
	case 0: // no host sends such, nor a FIN alone: RFC 9293 §3.10.7.4
		c.marks |= stray
	case decode.FIN:
		c.marks |= stray | closed
	default:
		c.marks |= closed
	}
}

// wait puts p behind the waiting segments of c, and works on them when there
// are enough.
func (e *Engine) wait(c *conn, i int32, p *decode.Packet, dir uint8) {
	if c.tail == nil {
		c.tail = e.waiting.get(c.state == nil)
		c.first = c.tail
	} else if len(c.tail.list) == cap(c.tail.list) {
		next := e.waiting.get(false)
		if cap(c.tail.list) == smallBlock { // the only one, and others need it
			next.take(c.tail)
			e.waiting.put(c.tail)
			c.first = next
		} else {
			c.tail.next = next
		}
		c.tail = next
	}
	c.tail.add(p, dir)
	c.count++
	c.tick = e.ticks
	if !c.lingers {
		e.letWait(c, i)
	}
	if c.count >= nextLook && (c.looked || c.count >= firstLook) {
		e.work(c)
	}
}

// work judges the waiting segments of c.
func (e *Engine) work(c *conn) {
	if c.state == nil {
		e.activate(c)
	}
	c.looked = true
	for b := c.first; b != nil; b = b.next {
		c.state.Calibrate(b.list)
	}
	for b := c.first; b != nil; {
		for j := range b.list {
			s := &b.list[j]
			c.state.Take(s, b.blocks(j), &e.event)
			if e.event.Saw != 0 {
				e.observe(c, s)
			}
		}
		next := b.next
		e.waiting.put(b)
		b = next
	}
	c.first, c.tail, c.count = nil, nil, 0
	c.state.Facts.Last = max(c.last, c.state.Facts.Last)
}

// quoted hands an ICMP error to the connection that it speaks about. It
// reports whether there is one.
func (e *Engine) quoted(p *decode.Packet, q *decode.Control) bool {
	if q.Kind != decode.ControlQuote || q.Protocol != decode.ProtoTCP || !q.HasPorts {
		return false
	}
	pi, side := e.findPair(&q.Src, &q.Dst, p.PairHash)
	if side == 0 && q.SrcPort > q.DstPort && q.Src == q.Dst {
		side = 1
	}
	k := key{pi, portsOf(q.SrcPort, q.DstPort, side)}
	i, ok := e.findConn(k, hashOf(p.PairHash, k.ports))
	if !ok {
		return false
	}
	c := e.conn(i)
	e.work(c)
	e.log.Symptom(c.state.Quote(p, q, side^c.side))
	return true
}

// otherID tells the connections of two addresses of the IP ID of a packet that
// is not TCP: one between two of theirs shows a counter of the host.
func (e *Engine) otherID(p *decode.Packet) {
	if i, side, ok := e.lookPair(&p.Src, &p.Dst, p.PairHash); ok {
		e.pair(i).Other(side, uint16(p.ID))
	}
}
