//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// TCP flags, RFC 9293 §3.1.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// A side is a host: 0 is the client's, 1 the server's. As a direction it is
// the side that sends.
type side int

const (
	client side = iota
	server
)

func (s side) peer() side { return 1 - s }

// A packet is one wire packet that a host sent, and its fate.
type packet struct {
	number   int // in the order sent by its host
	from     side
	data     []byte // the Ethernet frame, checksums filled in
	protocol byte
	src, dst netip.AddrPort
	seq, ack uint32
	flags    byte
	window   uint16
	payload  int
	id       uint16
	tsval    uint32 // RFC 7323; 0 without
	tsecr    uint32

	other bool // ARP or neighbour discovery: carried and captured, but not of the log

	at     time.Time
	retx   bool // its host had sent these octets, or higher ones, before
	copyOf *packet
	lost   place // where it was lost; nowhere if it was delivered
	why    string
	kind   string // of a retransmission: what set it off, by the kernel's tracepoints
	bad    bool   // damaged on the way
	badAt  place
	given  time.Time // when it was handed to the receiving host
}

// A place is a stretch of the road, in the direction of travel.
type place int

// Places, in the order of the road: the first half of the wire, the second,
// and the receiving host behind its tap.
const (
	nowhere place = iota
	firstHalf
	secondHalf
	inReceiver
)

// span is the sequence space that p takes: its octets, SYN and FIN.
func (p *packet) span() (lo, hi uint32) {
	n := uint32(p.payload)
	if p.flags&(flagSYN|flagFIN) != 0 {
		n++
	}
	return p.seq, p.seq + n
}

// what is the JSON contract's word for p.
func (p *packet) what() string {
	switch {
	case p.protocol == unix.IPPROTO_UDP:
		return "datagram"
	case p.protocol != unix.IPPROTO_TCP:
		return "icmp"
	case p.flags&flagRST != 0:
		return "rst"
	case p.flags&flagSYN != 0:
		return "syn"
	case p.payload > 0:
		return "data"
	case p.flags&flagFIN != 0:
		return "fin"
	}
	return "ack"
}

const (
	etherLen   = 14
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	ipv6Header = 40
)

// A layout says where the headers of a frame lie.
type layout struct {
	v6        bool
	network   int // offset of the IP header
	transport int
	end       int // behind the last octet of the packet
	protocol  byte
}

func layoutOf(frame []byte) (layout, bool) {
	if len(frame) < etherLen+20 {
		return layout{}, false
	}
	l := layout{network: etherLen}
	b := frame[etherLen:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherIPv4:
		l.transport = etherLen + int(b[0]&15)*4
		l.protocol = b[9]
		l.end = etherLen + int(binary.BigEndian.Uint16(b[2:]))
	case etherIPv6:
		if len(b) < ipv6Header {
			return layout{}, false
		}
		l.v6 = true
		l.transport = etherLen + ipv6Header
		l.protocol = b[6]
		l.end = l.transport + int(binary.BigEndian.Uint16(b[4:]))
	default:
		return layout{}, false
	}
	return l, l.end <= len(frame) && l.transport+8 <= l.end
}

// describe fills in p from its frame. It reports whether p is a packet of IP.
func (p *packet) describe() bool {
	l, ok := layoutOf(p.data)
	if !ok {
		return false
	}
	p.protocol = l.protocol
	ip, t := p.data[l.network:], p.data[l.transport:l.end]
	var src, dst netip.Addr
	if l.v6 {
		src, _ = netip.AddrFromSlice(ip[8:24])
		dst, _ = netip.AddrFromSlice(ip[24:40])
	} else {
		src, _ = netip.AddrFromSlice(ip[12:16])
		dst, _ = netip.AddrFromSlice(ip[16:20])
		p.id = binary.BigEndian.Uint16(ip[4:])
	}
	var sport, dport uint16
	switch p.protocol {
	case unix.IPPROTO_TCP:
		if len(t) < 20 {
			return false
		}
		p.seq, p.ack = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:])
		p.flags, p.window = t[13], binary.BigEndian.Uint16(t[14:])
		p.payload = len(t) - int(t[12]>>4)*4
		p.tsval, p.tsecr = timestamps(t)
		sport, dport = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	case unix.IPPROTO_UDP:
		sport, dport = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
		p.payload = len(t) - 8
	}
	p.src, p.dst = netip.AddrPortFrom(src, sport), netip.AddrPortFrom(dst, dport)
	return true
}

// timestamps finds the option of RFC 7323 §3 in a TCP segment.
func timestamps(t []byte) (value, echo uint32) {
	for o := t[20:max(20, min(int(t[12]>>4)*4, len(t)))]; len(o) > 0; {
		switch {
		case o[0] == 1: // no operation
			o = o[1:]
		case len(o) < 2 || o[1] < 2 || int(o[1]) > len(o) || o[0] == 0:
			return 0, 0
		case o[0] == 8 && o[1] == 10:
			return binary.BigEndian.Uint32(o[2:]), binary.BigEndian.Uint32(o[6:])
		default:
			o = o[o[1]:]
		}
	}
	return 0, 0
}

// sum is the ones' complement sum of b, RFC 1071 §1, not yet folded.
func sum(b []byte, s uint32) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// fillChecksums computes the checksums of a frame that its host had left to the card.
func fillChecksums(frame []byte) {
	l, ok := layoutOf(frame)
	if !ok {
		return
	}
	ip, t := frame[l.network:l.transport], frame[l.transport:l.end]
	addresses := ip[8:min(40, len(ip))]
	if !l.v6 {
		addresses = ip[12:20]
		ip[10], ip[11] = 0, 0
		binary.BigEndian.PutUint16(ip[10:], fold(sum(ip, 0)))
	}
	field := 16
	switch l.protocol {
	case unix.IPPROTO_TCP:
	case unix.IPPROTO_UDP:
		field = 6
	default:
		return
	}
	t[field], t[field+1] = 0, 0
	c := fold(sum(t, sum(addresses, uint32(l.protocol)+uint32(len(t)))))
	if c == 0 && l.protocol == unix.IPPROTO_UDP {
		c = 0xffff // RFC 768
	}
	binary.BigEndian.PutUint16(t[field:], c)
}

// segments splits a super-frame into the packets that a card would send: size
// octets of payload each, IDs counted up, PSH and FIN on the last only.
func segments(frame []byte, size int) ([][]byte, error) {
	l, ok := layoutOf(frame)
	if !ok || l.protocol != unix.IPPROTO_TCP || size <= 0 {
		return nil, fmt.Errorf("super-frame of %d octets is not TCP", len(frame))
	}
	header := l.transport + int(frame[l.transport+12]>>4)*4
	payload := frame[header:l.end]
	var out [][]byte
	for off := 0; off < len(payload); off += size {
		part := payload[off:min(off+size, len(payload))]
		f := append(append([]byte{}, frame[:header]...), part...)
		if l.v6 {
			binary.BigEndian.PutUint16(f[l.network+4:], uint16(len(f)-l.transport))
		} else {
			binary.BigEndian.PutUint16(f[l.network+2:], uint16(len(f)-l.network))
			id := binary.BigEndian.Uint16(f[l.network+4:])
			binary.BigEndian.PutUint16(f[l.network+4:], id+uint16(len(out)))
		}
		t := f[l.transport:]
		binary.BigEndian.PutUint32(t[4:], binary.BigEndian.Uint32(t[4:])+uint32(off))
		if off+size < len(payload) {
			t[13] &^= flagPSH | flagFIN
		}
		fillChecksums(f)
		out = append(out, f)
	}
	return out, nil
}

// damage flips one bit of the last octet of p's payload.
func (p *packet) damage() {
	l, _ := layoutOf(p.data)
	p.data = append([]byte{}, p.data...)
	p.data[l.end-1] ^= 0x10
	p.bad = true
}

// ofNeighbours reports whether a frame asks or answers for a MAC address.
func ofNeighbours(frame []byte) bool {
	const icmpv6, solicitation, advertisement = 58, 135, 136 // RFC 4861 §4.3
	if binary.BigEndian.Uint16(frame[12:]) == unix.ETH_P_ARP {
		return true
	}
	l, ok := layoutOf(frame)
	return ok && l.protocol == icmpv6 && (frame[l.transport] == solicitation || frame[l.transport] == advertisement)
}

// hop makes f what a router would pass on: TTL less one, other MAC addresses.
func hop(frame []byte) []byte {
	f := append([]byte{}, frame...)
	f[5], f[11] = f[5]^0x40, f[11]^0x40
	l, ok := layoutOf(f)
	if !ok {
		return f
	}
	if l.v6 {
		f[l.network+7]--
		return f
	}
	f[l.network+8]--
	ip := f[l.network:l.transport]
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], fold(sum(ip, 0)))
	return f
}
