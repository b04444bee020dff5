package decode

const (
	tcpLen = 20

	// The options of nearly every segment: NOP, NOP, timestamps. RFC 7323 appendix A.
	alignedTimestamps    = 0x0101080a
	alignedTimestampsLen = 12
)

// tcp reads a TCP header, RFC 9293 §3.1.
func (w *walk) tcp() {
	p := w.p
	if w.headerShort(tcpLen, TCPShort) {
		return
	}
	h := (*[tcpLen]byte)(w.b)
	p.SrcPort, p.DstPort = be16(h[0:2]), be16(h[2:4])
	p.HeaderSum = be16(h[16:18])
	n := int(h[12]>>4) * 4
	if n < tcpLen || n > w.wire {
		w.blame(TCPBadDataOffset)
		w.other()
		return
	}
	p.Kind = KindTCP
	p.Seq, p.Ack = be32(h[4:8]), be32(h[8:12])
	p.Flags = be16(h[12:14]) & 0x01ff
	p.Window = be16(h[14:16])
	p.OptionLen = uint8(n - tcpLen)
	claimed := w.wire - n
	if n > len(w.b) {
		p.Options |= OptCut
		n = len(w.b)
	}
	if n > tcpLen {
		w.tcpOptions(w.b[tcpLen:n])
	}
	w.payload(w.b[n:], claimed)
	w.verdict(LayerTCP, w.judge(w.b[:n], w.body, p.HeaderSum, w.wire, w.whole && len(w.b) >= w.wire))
}

// Kinds of TCP options, IANA.
const (
	optEnd        = 0
	optNop        = 1
	optMSS        = 2
	optScale      = 3
	optSACKOK     = 4
	optSACK       = 5
	optTimestamps = 8
	optMPTCP      = 30
)

// maxScale is the largest shift count. RFC 7323 §2.3: a greater one is used as 14.
const maxScale = 14

// tcpOptions reads options as far as they were captured. At most 40 octets.
func (w *walk) tcpOptions(o []byte) {
	p := w.p
	if len(o) == alignedTimestampsLen && be32(o[0:4]) == alignedTimestamps {
		p.TSVal, p.TSEcr = be32(o[4:8]), be32(o[8:12])
		p.Options |= OptTimestamps
		return
	}
	for len(o) > 0 {
		switch o[0] {
		case optEnd:
			// What follows is padding.
			p.Options &^= OptCut
			return
		case optNop:
			o = o[1:]
			continue
		}
		if len(o) < 2 || int(o[1]) > len(o) {
			if p.Options&OptCut == 0 {
				p.Options |= OptMalformed
			}
			return
		}
		n := int(o[1])
		if n < 2 || !p.tcpOption(o[0], o[2:n]) {
			p.Options |= OptMalformed
			return
		}
		o = o[n:]
	}
}

// tcpOption reads one option; ok is false if its length is impossible.
func (p *Packet) tcpOption(kind uint8, v []byte) (ok bool) {
	switch kind {
	case optMSS:
		if len(v) != 2 {
			return false
		}
		p.MSS = be16(v)
		p.Options |= OptMSS
	case optScale:
		if len(v) != 1 {
			return false
		}
		p.Scale = min(v[0], maxScale)
		p.Options |= OptScale
	case optSACKOK:
		if len(v) != 0 {
			return false
		}
		p.Options |= OptSACKOK
	case optSACK:
		if len(v) == 0 || len(v)%8 != 0 {
			return false
		}
		p.Options |= OptSACK
		for len(v) >= 8 && int(p.NumSACK) < len(p.SACK) {
			p.SACK[p.NumSACK] = [2]uint32{be32(v[0:4]), be32(v[4:8])}
			p.NumSACK++
			v = v[8:]
		}
	case optTimestamps:
		if len(v) != 8 {
			return false
		}
		p.TSVal, p.TSEcr = be32(v[0:4]), be32(v[4:8])
		p.Options |= OptTimestamps
	case optMPTCP:
		p.Options |= OptMPTCP
	default:
		p.Options |= OptUnknown
	}
	return true
}
