package decode

import "math/bits"

const (
	ethernetLen = 14
	vlanLen     = 4
	mplsLen     = 4
	pppoeLen    = 6
	snapLen     = 8
)

// ethernet reads an Ethernet II or 802.3 header.
func (w *walk) ethernet() {
	if w.short(ethernetLen, EthernetShort) {
		return
	}
	if w.tunnel == TunnelNone && w.p.MACHash == 0 {
		w.p.MACHash = hashMACs(w.b)
	}
	t := be16(w.b[12:14])
	w.skip(ethernetLen)
	w.typeOrLength(t)
}

// typeOrLength goes on behind a field that is an EtherType, or below 0x600 an
// 802.3 length with an LLC header behind it (IEEE 802.3 §3.2.6).
func (w *walk) typeOrLength(t uint16) {
	switch {
	case t == etherIPv4:
		w.next = atIPv4
		return
	case t == etherIPv6:
		w.next = atIPv6
		return
	case t > maxLength8023:
		w.etherType(t)
		return
	}
	w.limit(int(t))
	w.next = atLLC
}

// byEtherType reads the header that an EtherType announced.
func (w *walk) byEtherType() {
	switch w.ether {
	case etherIPv4:
		w.next = atIPv4
	case etherIPv6:
		w.next = atIPv6
	case etherVLAN, etherQinQ, etherQinQ1, etherQinQ2, etherQinQ3:
		w.vlan()
	case etherARP:
		w.arp()
	case etherMPLS, etherMPLSMc:
		w.next = atMPLS
	case etherPPPoE:
		w.pppoe()
	case etherPPP:
		w.next = atPPP
	case etherTEB:
		w.next = atEthernet
	default:
		w.dec.countEther(w.ether)
		w.next = stop
	}
}

// vlan reads one 802.1Q or 802.1ad tag. Stacks are as deep as the walk allows.
func (w *walk) vlan() {
	if w.short(vlanLen, VLANShort) {
		return
	}
	p := w.p
	vid := be16(w.b[0:2]) & 0x0fff
	t := be16(w.b[2:4])
	if w.tunnel == TunnelNone && w.tunnels == 0 {
		if int(p.NumVLAN) < len(p.VLAN) {
			p.VLAN[p.NumVLAN] = vid
		}
		p.NumVLAN++
		p.MACHash = bits.RotateLeft32(p.MACHash, 5) ^ (uint32(vid)+1)*uint32(mixGolden&0xffffffff)
	}
	w.skip(vlanLen)
	w.typeOrLength(t)
}

// llc reads an IEEE 802.2 header: SNAP with an EtherType, or IP's own SAP.
func (w *walk) llc() {
	if w.short(3, EthernetShort) {
		return
	}
	dsap, ssap, control := w.b[0], w.b[1], w.b[2]
	switch {
	case dsap == 0xaa && ssap == 0xaa && control == 0x03:
		if w.short(snapLen, EthernetShort) {
			return
		}
		oui, t := be32(w.b[2:6])&0xffffff, be16(w.b[6:8])
		// RFC 1042 encapsulation, or the bridge-tunnel form of IEEE 802.1H.
		if oui != 0 && oui != 0x0000f8 || t < etherMin {
			w.dec.countEther(etherLLC)
			w.next = stop
			return
		}
		w.skip(snapLen)
		w.etherType(t)
	case dsap == 0x06 && ssap == 0x06 && control == 0x03:
		w.skip(3)
		w.next = atIPv4
	default:
		w.dec.countEther(etherLLC)
		w.next = stop
	}
}

// mpls reads a label stack, RFC 3032 §2.1. What follows the last label is not
// named anywhere: RFC 4928 §3 leaves the first nibble to tell.
func (w *walk) mpls() {
	if w.short(mplsLen, MPLSShort) {
		return
	}
	if w.p.NumMPLS < 255 {
		w.p.NumMPLS++
	}
	last := w.b[2]&1 != 0
	w.skip(mplsLen)
	if !last {
		return // the walk comes here again
	}
	if w.short(1, MPLSShort) {
		return
	}
	switch w.b[0] >> 4 {
	case 4:
		w.next = atIPv4
	case 6:
		w.next = atIPv6
	case 0:
		w.pseudowire()
	default:
		w.dec.countEther(etherMPLS)
		w.next = stop
	}
}

// pseudowire recognises Ethernet behind the control word of RFC 4448 §4.6,
// whose first nibble and flags are zero.
func (w *walk) pseudowire() {
	const word = 4
	if w.b[0] == 0 && len(w.b) >= word+ethernetLen && knownEther(be16(w.b[word+12:word+14])) {
		w.skip(word)
		w.next = atEthernet
		return
	}
	w.dec.countEther(etherMPLS)
	w.next = stop
}

// knownEther reports whether t is an EtherType that we read: a sign that the
// octets in front of it are an Ethernet header.
func knownEther(t uint16) bool {
	switch t {
	case etherIPv4, etherIPv6, etherARP, etherVLAN, etherQinQ, etherMPLS, etherPPPoE:
		return true
	}
	return false
}
