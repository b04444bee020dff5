package decode

import "encoding/binary"

const arpLen = 28

// arp reads an ARP packet for IPv4 over Ethernet, RFC 826. Others are counted
// under their EtherType.
func (w *walk) arp() {
	w.next = stop
	if len(w.b) >= 8 {
		if ethernet4 := uint64(0x0001_0800_0604_0000); binary.BigEndian.Uint64(w.b)&^0xffff != ethernet4 {
			w.dec.countEther(etherARP)
			return
		}
	}
	if w.short(arpLen, ARPShort) || !w.enter() {
		return
	}
	b := w.b
	c := Control{
		Kind: ControlARP, Op: be16(b[6:8]),
		SenderMAC: [6]byte(b[8:14]), TargetMAC: [6]byte(b[18:24]),
	}
	binary.BigEndian.PutUint64(c.SenderAddr[8:], mappedPrefix4|uint64(be32(b[14:18])))
	binary.BigEndian.PutUint64(c.TargetAddr[8:], mappedPrefix4|uint64(be32(b[24:28])))
	w.p.Kind = KindARP
	w.p.PairHash = PairHash(c.SenderAddr, c.TargetAddr)
	w.paired = true
	w.control(c)
}
