package decode

import (
	"encoding/binary"
	"math/bits"

	"whydrop/capture"
)

const (
	sllLen  = 16
	sll2Len = 20

	arphrdNetlink = 824 // if_arp.h: the protocol field is a netlink family, no EtherType
	packetOut     = 4   // if_packet.h PACKET_OUTGOING
	packetOther   = 3   // PACKET_OTHERHOST: neither from nor to this host
)

// cooked reads a Linux cooked capture header, LINKTYPE_LINUX_SLL.
func (w *walk) cooked() {
	if w.short(sllLen, LinkShort) {
		return
	}
	b := w.b
	w.cookedCommon(be16(b[0:2]), be16(b[2:4]), be16(b[4:6]), b[6:14], be16(b[14:16]), sllLen)
}

// cooked2 reads LINKTYPE_LINUX_SLL2.
func (w *walk) cooked2() {
	if w.short(sll2Len, LinkShort) {
		return
	}
	b := w.b
	w.cookedCommon(uint16(b[10]), be16(b[8:10]), uint16(b[11]), b[12:20], be16(b[0:2]), sll2Len)
}

func (w *walk) cookedCommon(packetType, arphrd, addrLen uint16, addr []byte, protocol uint16, n int) {
	if w.p.Direction == capture.DirectionUnknown {
		switch {
		case packetType == packetOut:
			w.p.Direction = capture.Outbound
		case packetType < packetOther:
			w.p.Direction = capture.Inbound
		}
	}
	if addrLen != 0 {
		w.p.MACHash = uint32(mix(binary.LittleEndian.Uint64(addr), 0) >> 32)
	}
	w.skip(n)
	switch {
	case arphrd == arphrdNetlink:
		w.next = stop
	case protocol == etherLLC:
		w.next = atLLC
	default:
		w.etherType(protocol)
	}
}

// family reads the four octets of a BSD loopback: an address family in the
// byte order of the capturing host (LINKTYPE_NULL) or of the network (LOOP).
func (w *walk) family() {
	if w.short(4, LinkShort) {
		return
	}
	family := be32(w.b[0:4])
	if family > 0xffff {
		family = bits.ReverseBytes32(family)
	}
	w.skip(4)
	switch family {
	case 2: // AF_INET everywhere
		w.next = atIPv4
	case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin
		w.next = atIPv6
	default:
		w.next = stop
	}
}
