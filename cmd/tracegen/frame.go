package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// TCP flags, RFC 9293 §3.1.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

const (
	maxPairs = 60000
	servers  = 16
)

// key is who talks to whom.
type key struct {
	v6    bool
	addrs [2][]byte
	ports [2]uint16
	full  int // octets of a full segment
}

// newKey spreads connections over the pairs of addresses; 443 is the server's port.
func newKey(i int, o options) key {
	pair := i % o.pairs
	client, server := pair/servers, pair%servers
	k := key{ports: [2]uint16{uint16(32768 + i/o.pairs), 443}, full: fullSegment}
	if float64(pair) < o.ipv6*float64(o.pairs) {
		k.v6, k.full = true, fullSegment-20
		a := []byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, byte(client >> 8), byte(client)}
		b := []byte{0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(server)}
		k.addrs = [2][]byte{a, b}
		return k
	}
	k.addrs = [2][]byte{{10, 1, byte(client >> 8), byte(client)}, {10, 2, 0, byte(server)}}
	return k
}

// appendFrame writes p as an Ethernet frame.
func (c *conn) appendFrame(b []byte, p *pkt, t *text) []byte {
	src, dst := c.key.addrs[p.dir], c.key.addrs[1-p.dir]
	options := 12
	switch {
	case p.flags&flagSYN != 0:
		options = 20
	case p.numSACK > 0:
		options += 4 + 8*p.numSACK
	}
	length := 20 + options + p.octets
	b = append(b, 2, 0, 0, 0, 0, 2-p.dir, 2, 0, 0, 0, 0, 1+p.dir)
	if c.key.v6 {
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, byte(length>>8), byte(length), 6, 57)
		b = append(b, src...)
		b = append(b, dst...)
	} else {
		c.ids[p.dir]++
		id := c.ids[p.dir]
		if p.dir == 1 && p.flags&flagSYN != 0 {
			id = 0 // as Linux does it
		}
		ip := len(b) + 2
		b = append(b, 8, 0, 0x45, 0, byte((length+20)>>8), byte(length+20), byte(id>>8), byte(id), 0x40, 0, 57, 6, 0, 0)
		b = append(b, src...)
		b = append(b, dst...)
		binary.BigEndian.PutUint16(b[ip+10:], ^fold(sum(0, b[ip:])))
	}
	tcp := len(b)
	b = c.appendHeader(b, p, options)
	s := sum(sum(sum(uint64(6+length), src), dst), b[tcp:])
	b, s = t.append(b, s, c.ports()*golden+p.seq, p.octets)
	binary.BigEndian.PutUint16(b[tcp+16:], ^fold(s))
	return b
}

func (c *conn) ports() uint32 {
	return uint32(c.key.ports[0])<<16 | uint32(c.key.addrs[0][len(c.key.addrs[0])-1])
}

func (c *conn) appendHeader(b []byte, p *pkt, options int) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(b, c.key.ports[p.dir])
	b = be.AppendUint16(b, c.key.ports[1-p.dir])
	b = be.AppendUint32(b, c.isn[p.dir]+p.seq)
	ack := uint32(0)
	if p.flags&flagACK != 0 {
		ack = c.isn[1-p.dir] + p.ack
	}
	b = be.AppendUint32(b, ack)
	window := uint16(2048) // scaled by 7: 256 KiB
	if p.flags&flagSYN != 0 {
		window = 64240
	}
	b = append(b, byte(20+options)/4<<4, p.flags)
	b = be.AppendUint16(b, window)
	b = append(b, 0, 0, 0, 0)
	if p.flags&flagSYN != 0 {
		mss := uint16(c.key.full + 12)
		b = append(b, 2, 4, byte(mss>>8), byte(mss), 4, 2)
	} else {
		b = append(b, 1, 1)
	}
	b = append(b, 8, 10)
	b = be.AppendUint32(b, c.stamp(p.dir, p.sent))
	echo := uint32(0)
	if p.flags&flagACK != 0 {
		echo = c.stamp(1-p.dir, p.echoes)
	}
	b = be.AppendUint32(b, echo)
	if p.flags&flagSYN != 0 {
		return append(b, 1, 3, 3, 7)
	}
	if p.numSACK > 0 {
		b = append(b, 1, 1, 5, byte(2+8*p.numSACK))
		for _, s := range p.sacks[:p.numSACK] {
			b = be.AppendUint32(b, c.isn[1-p.dir]+s[0])
			b = be.AppendUint32(b, c.isn[1-p.dir]+s[1])
		}
	}
	return b
}

// stamp is the TSVal of what the sender of direction d sends at a time: milliseconds.
func (c *conn) stamp(d uint8, at int64) uint32 { return c.stamps[d] + uint32((at-epoch)/millisecond) }

// text is random payload whose sums are known: sums[i] is that of the first i words.
type text struct {
	octets []byte
	sums   []uint64
}

const (
	textOctets = 1 << 18
	golden     = 2654435761 // 2^32 over the golden ratio: spreads neighbours (Knuth, TAOCP 6.4)
)

func newText(seed uint64) *text {
	r := rand.New(rand.NewPCG(seed, 0x7465_7874))
	t := &text{octets: make([]byte, textOctets+2048)}
	t.sums = make([]uint64, len(t.octets)/2+1)
	for i := 0; i < len(t.octets); i += 8 {
		binary.LittleEndian.PutUint64(t.octets[i:], r.Uint64())
	}
	for i := range len(t.octets) / 2 {
		t.sums[i+1] = t.sums[i] + uint64(binary.BigEndian.Uint16(t.octets[2*i:]))
	}
	return t
}

// append adds n octets to b, and their sum to s. Equal places have equal octets.
func (t *text) append(b []byte, s uint64, place uint32, n int) ([]byte, uint64) {
	from := int(place*golden>>14) & (textOctets - 1) &^ 1
	s += t.sums[(from+n)/2] - t.sums[from/2]
	if n%2 == 1 {
		s += uint64(t.octets[from+n-1]) << 8
	}
	return append(b, t.octets[from:from+n]...), s
}

// sum adds b, of even length, to a one's complement sum (RFC 1071).
func sum(s uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(b[0])<<8 | uint64(b[1])
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
