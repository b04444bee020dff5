package netsim

import (
	"encoding/binary"
	"net/netip"
)

const (
	icmpHeader = 8
	quoteMost  = 548 // RFC 1812 §4.3.2.3: the error shall not exceed 576 octets
)

// router is who sends ICMP errors.
func router(v6 bool) netip.Addr {
	if v6 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 9, 15: 1})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, 1})
}

// appendICMP writes "fragmentation needed" (RFC 1191 §4) or "packet too big"
// (RFC 4443 §3.2), with what it quotes.
func (g *segment) appendICMP(b []byte, ends *Endpoints) []byte {
	be := binary.BigEndian
	if g.v6 {
		b = append(b, 2, 0, 0, 0)
		b = be.AppendUint32(b, uint32(g.mtu))
	} else {
		b = append(b, 3, 4, 0, 0, 0, 0)
		b = be.AppendUint16(b, uint16(g.mtu))
	}
	whole := g.quoted.appendFrame(nil, ends, false, false)[etherHeader:]
	return append(b, whole[:min(g.quoted.ipLength(), quoteMost)]...)
}
