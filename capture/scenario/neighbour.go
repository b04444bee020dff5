package scenario

import "encoding/binary"

// protoARP stands for ARP, which has no protocol number.
const protoARP = 255

// A neighbourOp is what a host does to learn or to tell a link-layer address.
type neighbourOp uint8

const (
	opNone  neighbourOp = iota
	opAsk               // ARP request, neighbour solicitation
	opTell              // ARP reply, neighbour advertisement; to itself: an announcement
	opProbe             // ARP probe, RFC 5227 §2.1.1
)

// macFor is the source MAC address of a packet of k.
func macFor(k *packet, m *mods) []byte {
	if m.mac != nil {
		return m.mac
	}
	return mac(k.src)
}

// arp writes an ARP packet, RFC 826.
func (b *builder) arp(k *packet, m *mods) []byte {
	op := uint16(1)
	if k.op == opTell {
		op = 2
	}
	from, to := b.s.endpoints[k.src].addr.Addr().As4(), b.s.endpoints[k.dst].addr.Addr().As4()
	if k.op == opProbe {
		from = [4]byte{}
	}
	p := []byte{0, 1, 8, 0, 6, 4}
	p = binary.BigEndian.AppendUint16(p, op)
	p = append(append(p, macFor(k, m)...), from[:]...)
	target := make([]byte, 6)
	if k.op == opTell {
		target = mac(k.dst)
	}
	return append(append(p, target...), to[:]...)
}

// neighbour writes a neighbour solicitation or advertisement, RFC 4861 §4.3 and §4.4.
func (b *builder) neighbour(k *packet, m *mods) []byte {
	typ, option, flags := byte(135), byte(1), byte(0)
	of := b.s.endpoints[k.dst].addr.Addr().As16()
	if k.op == opTell {
		typ, option, flags = 136, 2, 0x60 // solicited, override
		of = b.s.endpoints[k.src].addr.Addr().As16()
	}
	p := append([]byte{typ, 0, 0, 0, flags, 0, 0, 0}, of[:]...)
	return append(append(p, option, 1), macFor(k, m)...)
}
