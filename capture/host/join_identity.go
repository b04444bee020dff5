package host

import (
	"encoding/binary"
	"math/bits"

	"whydrop/capture"
)

// An identity is what a packet keeps from its capture to its end in the kernel,
// as far as it tells packets apart. A router changes the TTL and the checksum of
// the IP header, a firewall may change the DSCP: they are left out.
type identity struct {
	loose    uint64 // what a NAT leaves alone, too: IP-ID, lengths, sequence numbers
	src, dst uint32 // address and port, hashed
	more     uint32 // hash of options or first payload; 0 = not known
	sum      uint16 // transport checksum
}

// Sizes of headers, and how much of the payload goes into an identity.
const (
	ipv4Header    = 20
	ipv6Header    = 40
	tcpHeader     = 20
	udpHeader     = 8
	moreOctets    = 16
	headerOctets  = 80 // of a dropped packet that the kernel shows: bpf/drop.bpf.c
	leastOfL4     = 8  // what an ICMP error quotes, too: RFC 792
	maxVLANTags   = 2
	etherHeader   = 14
	sllHeader     = 16
	sll2Header    = 20
	nullHeader    = 4
	protocolICMP  = 1
	protocolTCP   = 6
	protocolUDP   = 17
	protocolICMP6 = 58
	etherIPv4     = 0x0800
	etherARP      = 0x0806
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100
	etherQinQ     = 0x88a8
)

// network returns the octets of a frame from its IP header on, or nil.
func network(link capture.LinkType, b []byte) []byte {
	ether, at := uint16(0), 0
	switch link {
	case capture.LinkEthernet:
		if len(b) < etherHeader {
			return nil
		}
		ether, at = binary.BigEndian.Uint16(b[12:]), etherHeader
	case capture.LinkLinuxSLL:
		if len(b) < sllHeader {
			return nil
		}
		ether, at = binary.BigEndian.Uint16(b[14:]), sllHeader
	case capture.LinkLinuxSLL2:
		if len(b) < sll2Header {
			return nil
		}
		ether, at = binary.BigEndian.Uint16(b), sll2Header
	case capture.LinkRaw, capture.LinkIPv4, capture.LinkIPv6:
		return b
	case capture.LinkNull, capture.LinkLoop:
		if len(b) < nullHeader {
			return nil
		}
		return b[nullHeader:]
	}
	for range maxVLANTags {
		if ether != etherVLAN && ether != etherQinQ || len(b) < at+4 {
			break
		}
		ether, at = binary.BigEndian.Uint16(b[at+2:]), at+4
	}
	if ether != etherIPv4 && ether != etherIPv6 {
		return nil
	}
	return b[at:]
}

// identify reads the octets of a packet from its IP header on, as many as there
// are; false if they do not suffice to tell it from others.
func identify(b []byte) (identity, bool) {
	var id identity
	if len(b) < ipv4Header {
		return id, false
	}
	if b[0]>>4 == 4 {
		at := int(b[0]&0xf) * 4
		total := int(binary.BigEndian.Uint16(b[2:]))
		if total == 0 { // longer than 64 KiB (BIG TCP)
			total = 1 << 20
		}
		if at < ipv4Header || total < at {
			return id, false
		}
		const ttl = 0xff << 8
		w := binary.BigEndian.Uint64(b[2:]) &^ ttl // length, ID, fragment, protocol
		id.src = binary.BigEndian.Uint32(b[12:])
		id.dst = binary.BigEndian.Uint32(b[16:])
		protocol := b[9]
		if w>>16&0x1fff != 0 {
			protocol = 0 // a later fragment
		}
		return id, id.transport(b, at, total, protocol, w)
	}
	if b[0]>>4 != 6 || len(b) < ipv6Header {
		return id, false
	}
	total := ipv6Header + int(binary.BigEndian.Uint16(b[4:]))
	if total == ipv6Header { // a jumbogram, RFC 2675
		total = 1 << 20
	}
	id.src = fold(mix(binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])))
	id.dst = fold(mix(binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])))
	w := uint64(binary.BigEndian.Uint32(b[4:])) &^ 0xff // length and next header
	return id, id.transport(b, ipv6Header, total, b[6], w)
}

// transport adds what lies behind the IP header: at is where that is, total is
// where the packet ends, and w what the IP header said.
func (id *identity) transport(b []byte, at, total int, protocol uint8, w uint64) bool {
	if len(b) > total {
		b = b[:total] // padding of the frame
	}
	if len(b) < at+leastOfL4 && len(b) < total {
		return false
	}
	var short [tcpHeader]byte
	l4 := b[at:]
	if len(l4) < tcpHeader {
		if protocol == protocolTCP && len(b) < total {
			return false
		}
		copy(short[:], l4)
		l4 = short[:]
	}
	ports, known := uint32(0), 0
	switch protocol {
	case protocolTCP:
		ports = binary.BigEndian.Uint32(l4)
		id.loose = mix(mix(w, binary.BigEndian.Uint64(l4[4:])), uint64(binary.BigEndian.Uint32(l4[12:])))
		id.sum = binary.BigEndian.Uint16(l4[16:])
		known = at + tcpHeader
		total = min(total, at+int(l4[12]>>4)*4)
	case protocolUDP:
		ports = binary.BigEndian.Uint32(l4)
		id.loose = mix(w, uint64(binary.BigEndian.Uint16(l4[4:])))
		id.sum = binary.BigEndian.Uint16(l4[6:])
		known = at + udpHeader
	case protocolICMP, protocolICMP6:
		id.loose = mix(w, uint64(binary.BigEndian.Uint16(l4))<<16|uint64(binary.BigEndian.Uint16(l4[6:])))
		id.sum = binary.BigEndian.Uint16(l4[2:])
		known = at + leastOfL4
	default:
		id.loose = mix(w, binary.BigEndian.Uint64(l4))
		known = at + leastOfL4
	}
	id.src = fold(mix(uint64(id.src)<<16|uint64(ports>>16), w))
	id.dst = fold(mix(uint64(id.dst)<<16|uint64(ports&0xffff), w))
	id.more = more(b, known, min(total, known+moreOctets))
	return true
}

// more hashes the octets from known to end; 0 if they are not all there.
func more(b []byte, known, end int) uint32 {
	if end > len(b) {
		return 0
	}
	if end-known == moreOctets {
		return fold(mix(binary.LittleEndian.Uint64(b[known:]), binary.LittleEndian.Uint64(b[known+8:]))) | 1
	}
	var h uint64
	for known < end {
		h = mix(h, uint64(b[known]))
		known++
	}
	return fold(h) | 1
}

// mix is a hash of two words: the folded product of them, each blinded by an
// odd constant (as in wyhash).
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

func fold(h uint64) uint32 { return uint32(h>>32) ^ uint32(h) }
