package decode

const (
	greLen    = 4
	vxlanLen  = 8
	geneveLen = 8
	gtpLen    = 8
	erspanLen = 8
)

// gre reads a GRE header: RFC 2784, RFC 2890, the routing field of RFC 1701
// that old senders use, and version 1 of RFC 2637 (PPTP).
func (w *walk) gre() {
	const (
		hasChecksum = 0x8000
		hasRouting  = 0x4000
		hasKey      = 0x2000
		hasSequence = 0x1000
		hasAck      = 0x0080 // version 1
		versionMask = 0x0007
	)
	if w.greShort(greLen) {
		return
	}
	flags, t := be16(w.b[0:2]), be16(w.b[2:4])
	n := greLen
	if flags&(hasChecksum|hasRouting) != 0 {
		n += 4
	}
	key := uint32(0)
	if flags&hasKey != 0 {
		if w.greShort(n + 4) {
			return
		}
		key = be32(w.b[n : n+4])
		n += 4
	}
	if flags&hasSequence != 0 {
		n += 4
	}
	switch version := flags & versionMask; {
	case version == 1 && flags&hasAck != 0:
		n += 4
	case version > 1:
		return
	}
	if w.greShort(n) {
		return
	}
	if flags&hasRouting != 0 && flags&versionMask == 0 {
		var ok bool
		if n, ok = w.greRoutes(n); !ok {
			return
		}
	}
	w.inside(TunnelGRE, key, n, stop)
	if w.tunnel == TunnelNone {
		return
	}
	switch t {
	case etherERSPAN:
		w.erspan(flags&hasSequence != 0)
	case etherERSPAN3:
		w.erspan3()
	default:
		w.etherType(t)
	}
}

// greShort is short for a tunnel header: the packet around it stays as it is.
func (w *walk) greShort(n int) bool {
	if len(w.b) >= n {
		return false
	}
	if w.wire < n {
		w.blame(GREShort)
	} else {
		w.cut = true
	}
	return true
}

// greRoutes skips the source route entries of RFC 1701, the last of which is empty.
func (w *walk) greRoutes(n int) (end int, ok bool) {
	const entry = 4
	for range maxExtensions {
		if w.greShort(n + entry) {
			return n, false
		}
		family, length := be16(w.b[n:n+2]), int(w.b[n+3])
		n += entry
		if family == 0 && length == 0 {
			return n, true
		}
		if w.greShort(n + length) {
			return n, false
		}
		n += length
	}
	w.tooDeep = true
	return n, false
}

// erspan reads what follows GRE type 0x88be: type II has a header and a GRE
// sequence number, type I has neither (draft-foschiano-erspan §4.1, §4.2).
func (w *walk) erspan(numbered bool) {
	w.tunnel = TunnelERSPAN
	if numbered {
		if w.greShort(erspanLen) {
			w.tunnel = TunnelNone
			return
		}
		if w.b[0]>>4 != 1 {
			w.tunnel = TunnelNone
			w.dec.countEther(etherERSPAN)
			return
		}
		w.key = uint32(be16(w.b[2:4]) & 0x03ff)
		w.skip(erspanLen)
	}
	w.next = atEthernet
}

// erspan3 reads a type III header (draft-foschiano-erspan §4.3) of 12 octets,
// or 20 with the platform subheader.
func (w *walk) erspan3() {
	const frameEthernet, frameIP = 0, 2
	n := 12
	if w.greShort(n) {
		w.tunnel = TunnelNone
		return
	}
	if w.b[11]&1 != 0 {
		n += 8
	}
	if w.greShort(n) {
		w.tunnel = TunnelNone
		return
	}
	kind := w.b[10] >> 2 & 0x1f
	w.tunnel, w.key = TunnelERSPAN, uint32(be16(w.b[2:4])&0x03ff)
	w.skip(n)
	switch kind {
	case frameEthernet:
		w.next = atEthernet
	case frameIP:
		w.next = atIP
	default:
		w.tunnel = TunnelNone
		w.dec.countEther(etherERSPAN3)
	}
}

// udpTunnel looks for a tunnel behind a UDP header. The destination port names
// a suspect, the header behind it decides; if that does not fit, this is UDP.
func (w *walk) udpTunnel() {
	switch w.p.DstPort {
	case portVXLAN:
		w.vxlan(false)
	case portVXLANLinux:
		w.vxlan(true)
	case portGeneve:
		w.geneve()
	case portGTPU:
		w.gtp()
	}
}

// vxlan recognises RFC 7348 §5: the I flag, the group policy bit beside it, and
// reserved octets that are zero. On the port that was never assigned to it, what
// follows must look like Ethernet, too.
func (w *walk) vxlan(strict bool) {
	const hasVNI, hasPolicy = 0x08, 0x80
	b := w.body
	if len(b) < vxlanLen+ethernetLen || b[0]&^hasPolicy != hasVNI || b[7] != 0 {
		return
	}
	if strict && (b[0] != hasVNI || b[1]|b[2]|b[3] != 0 || !knownEther(be16(b[20:22]))) {
		return
	}
	w.inside(TunnelVXLAN, be32(b[4:8])>>8, udpLen+vxlanLen, atEthernet)
}

// geneve recognises RFC 8926 §3.4: version 0, reserved bits zero.
func (w *walk) geneve() {
	b := w.body
	if len(b) < geneveLen || b[0]>>6 != 0 || b[1]&0x3f != 0 || b[7] != 0 {
		return
	}
	n := geneveLen + int(b[0]&0x3f)*4
	t := be16(b[2:4])
	if n > len(b) || t != etherTEB && !knownEther(t) {
		return
	}
	w.inside(TunnelGeneve, be32(b[4:8])>>8, udpLen+n, stop)
	w.etherType(t)
}

// gtp recognises a G-PDU of 3GPP TS 29.281 §5.1 with an IP packet inside.
func (w *walk) gtp() {
	const (
		versionMask = 0xf8 // version 1, protocol type 1, spare bit 0
		version     = 0x30
		optional    = 0x07 // extension header, sequence number, N-PDU number
		extension   = 0x04
		gpdu        = 255
	)
	b := w.body
	if len(b) <= gtpLen || b[0]&versionMask != version || b[1] != gpdu ||
		int(be16(b[2:4]))+gtpLen > int(w.p.PayloadLen) {
		return
	}
	n := gtpLen
	if b[0]&optional != 0 {
		n += 4
		if n > len(b) {
			return
		}
		more := b[0]&extension != 0 && b[n-1] != 0
		for range maxExtensions {
			if !more || n >= len(b) {
				break
			}
			length := int(b[n]) * 4
			if length == 0 || n+length > len(b) {
				return
			}
			n += length
			more = b[n-1] != 0
		}
		if more {
			return
		}
	}
	if n >= len(b) || b[n]>>4 != 4 && b[n]>>4 != 6 {
		return
	}
	w.inside(TunnelGTPU, be32(b[4:8]), udpLen+n, atIP)
}
