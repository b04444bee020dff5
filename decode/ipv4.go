package decode

import (
	"encoding/binary"

	"whydrop/capture"
	"whydrop/decode/checksum"
)

const (
	ipv4Len       = 20
	maxIPPacket   = 65535
	fragmentUnit  = 8
	mappedPrefix4 = 0xffff << 32 // octets 8 to 11 of an IPv4-mapped address
)

// enter makes the IP packet read so far an outer one, if a tunnel was entered.
// It reports whether there is room for another.
func (w *walk) enter() bool {
	if w.tunnel == TunnelNone {
		return true
	}
	if w.tunnels == maxTunnels {
		w.tooDeep, w.next = true, stop
		return false
	}
	p := w.p
	if p.Outer < 0 {
		p.Outer = int32(len(w.d.Outers))
	}
	w.d.Outers = append(w.d.Outers, Outer{
		Src: p.Src, Dst: p.Dst, ID: p.ID, TTL: p.TTL, TOS: p.TOS, IPVersion: p.IPVersion,
		Tunnel: w.tunnel, SrcPort: p.SrcPort, DstPort: p.DstPort, Key: w.key,
		IPChecksum: p.IPChecksum, TransportSum: p.TransportSum,
	})
	w.tunnels++
	p.NumOuter = w.tunnels
	flags := Tunnelled | p.IPFlags&OuterBad
	if p.IPChecksum == ChecksumBad || p.TransportSum == ChecksumBad {
		flags |= OuterBad
	}
	p.Kind, p.IPFlags = KindOther, flags
	p.IPVersion, p.Protocol = 0, 0
	p.ID, p.FlowLabel, p.FragOffset = 0, 0, 0
	p.SrcPort, p.DstPort, p.HeaderSum, p.RightSum = 0, 0, 0, 0
	p.IPSum, p.IPRight = 0, 0
	p.PayloadLen, p.PayloadCap, p.PayloadHash = 0, 0, 0
	p.IPChecksum, p.TransportSum = ChecksumUnread, ChecksumUnread
	p.Head = [16]byte{}
	w.tunnel, w.key = TunnelNone, 0
	w.hashed, w.ipZero, w.body = false, false, nil
	w.segments, w.home = nil, nil
	return true
}

// ipv4 reads an IPv4 header, RFC 791 §3.1.
func (w *walk) ipv4() {
	if w.short(ipv4Len, IPv4Short) {
		return
	}
	h := (*[ipv4Len]byte)(w.b)
	n := int(h[0]&0x0f) * 4
	switch {
	case h[0]>>4 != 4:
		w.fail(IPv4BadVersion)
		return
	case n < ipv4Len || n > w.wire:
		w.fail(IPv4BadHeaderLength)
		return
	}
	if !w.enter() {
		return
	}
	p := w.p
	p.Kind = KindIP
	p.IPVersion, p.TOS, p.TTL, p.Protocol = 4, h[1], h[8], h[9]
	p.ID = uint32(be16(h[4:6]))
	p.IPFlags |= HasID
	binary.BigEndian.PutUint64(p.Src[8:], mappedPrefix4|uint64(be32(h[12:16])))
	binary.BigEndian.PutUint64(p.Dst[8:], mappedPrefix4|uint64(be32(h[16:20])))
	w.pseudo = checksum.Sum(binary.LittleEndian.Uint64(h[12:20]))

	total := w.length4(int(be16(h[2:4])), n)
	w.judgeIPv4(n)
	if w.short(n, IPv4Short) || w.next == stop {
		return
	}
	w.b = w.b[n:min(total, len(w.b))]
	w.wire = total - n
	w.fragment4(be16(h[6:8]))
	w.next = stop
	if p.FragOffset != 0 {
		w.other()
		return
	}
	protocol := p.Protocol
	if protocol == protoAH {
		var ok bool
		if protocol, ok = w.extensions(protocol); !ok {
			return
		}
	}
	w.transport(protocol)
}

// length4 judges the total length and returns what to go by.
func (w *walk) length4(total, header int) int {
	p := w.p
	w.whole = true
	switch {
	case total == 0:
		// Linux sets it to zero where it does not fit: BIG TCP. NICs and other
		// systems do so for packets that are yet to be segmented.
		p.IPFlags |= LengthZero
		total = w.wire
	case total < header:
		w.fail(IPv4BadTotalLength)
		w.whole = false
	case total > w.wire:
		w.blame(IPv4BadTotalLength)
		w.whole = false
		// Two headers disagree. The frame itself may be cut; the inside of a
		// header that counts its octets is not: what follows is padding.
		if w.bounded && w.wire >= header {
			total = w.wire
		}
	case total < w.wire:
		p.IPFlags |= Padded
	}
	p.IPLength = uint32(total)
	return total
}

// judgeIPv4 verifies the header checksum of n octets.
//
// A zero that is wrong is pending, not bad, where it can be nothing else than
// a header that the NIC will complete: on a frame that this host sends, or on
// one that is yet to be segmented (total length 0). A header that was damaged
// on its way into just this zero is one in 65536 of the damaged ones, and
// could only come in.
func (w *walk) judgeIPv4(n int) {
	p := w.p
	v := ChecksumPartial
	if len(w.b) >= n {
		field := be16(w.b[10:12])
		switch {
		case sumIPv4(w.b, n).Valid():
			v = ChecksumGood
		case w.f.Offload == capture.OffloadPending && field == 0,
			field == 0 && (p.Direction == capture.Outbound || p.IPFlags&LengthZero != 0):
			v = ChecksumPending
		default:
			v = ChecksumBad
			p.IPFlags |= BadIPHeader
			p.IPSum, p.IPRight = field, right(sumIPv4(w.b, n), field)
			w.ipZero = field == 0
		}
	}
	p.IPChecksum = v
	w.dec.Counts.Checksums[LayerIPv4][v]++
}

// sumIPv4 sums a header of n octets, nearly always 20.
func sumIPv4(b []byte, n int) checksum.Sum {
	h := (*[ipv4Len]byte)(b)
	s := checksum.Sum(binary.LittleEndian.Uint64(h[0:8])).
		Plus(checksum.Sum(binary.LittleEndian.Uint64(h[8:16]))).
		Plus(checksum.Sum(binary.LittleEndian.Uint32(h[16:20])))
	if n > ipv4Len {
		s = s.Add(b[ipv4Len:n])
	}
	return s
}

// fragment4 reads flags and fragment offset.
func (w *walk) fragment4(field uint16) {
	const dontFragment, moreFragments, offsetMask = 0x4000, 0x2000, 0x1fff
	p := w.p
	if field&dontFragment != 0 {
		p.IPFlags |= DontFragment
	}
	if field&(moreFragments|offsetMask) == 0 {
		return
	}
	w.isFragment(field&offsetMask, field&moreFragments != 0)
}

// isFragment marks the packet as a fragment at offset units of eight octets.
func (w *walk) isFragment(offset uint16, more bool) {
	p := w.p
	w.whole = false
	p.FragOffset = offset
	p.IPFlags |= Fragment
	if more {
		p.IPFlags |= MoreFragments
	}
	if offset == 0 {
		p.IPFlags |= FirstFragment
	}
	// RFC 791 §3.2 and RFC 8200 §4.5: a datagram ends at 65535 octets.
	if int(offset)*fragmentUnit+w.wire > maxIPPacket {
		w.blame(FragmentBadOffset)
	}
}
