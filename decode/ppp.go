package decode

import "whydrop/capture"

// pppoe reads the header of a PPPoE session packet, RFC 2516 §4.
func (w *walk) pppoe() {
	if w.short(pppoeLen, PPPoEShort) {
		return
	}
	const versionAndType, sessionData = 0x11, 0
	if w.b[0] != versionAndType || w.b[1] != sessionData {
		w.dec.countEther(etherPPPoE)
		w.next = stop
		return
	}
	n := int(be16(w.b[4:6]))
	w.skip(pppoeLen)
	w.limit(n)
	w.next = atPPP
}

// hdlc reads what may stand in front of PPP on a serial link: address and
// control field (RFC 1662 §3.1), or Cisco's header with an EtherType.
func (w *walk) hdlc() {
	if w.short(2, LinkShort) {
		return
	}
	const unicast, broadcast = 0x0f, 0x8f
	if a := w.b[0]; (a == unicast || a == broadcast) && w.b[1] == 0 {
		if w.short(4, LinkShort) {
			return
		}
		t := be16(w.b[2:4])
		w.skip(4)
		w.etherType(t)
		return
	}
	w.next = atPPP
}

// pppDirection reads the octet in front of LINKTYPE_PPP_WITH_DIR: 0 received, else sent.
func (w *walk) pppDirection() {
	if w.short(1, LinkShort) {
		return
	}
	if w.p.Direction == capture.DirectionUnknown {
		w.p.Direction = capture.Inbound
		if w.b[0] != 0 {
			w.p.Direction = capture.Outbound
		}
	}
	w.skip(1)
	w.hdlc()
}

// ppp reads a protocol field of one or two octets (RFC 1661 §6.5: the last
// octet of a protocol number is odd, all others are even), and in front of it
// address and control if they were not compressed away.
func (w *walk) ppp() {
	if len(w.b) >= 2 && w.b[0] == 0xff && w.b[1] == 0x03 {
		w.skip(2)
	}
	if w.short(1, LinkShort) {
		return
	}
	protocol := uint16(w.b[0])
	n := 1
	if protocol&1 == 0 {
		if w.short(2, LinkShort) {
			return
		}
		protocol = be16(w.b[0:2])
		n = 2
	}
	w.skip(n)
	switch protocol {
	case pppIPv4:
		w.next = atIPv4
	case pppIPv6:
		w.next = atIPv6
	case pppMPLS, pppMPLSMc:
		w.next = atMPLS
	default:
		w.dec.countEther(etherPPP)
		w.next = stop
	}
}
