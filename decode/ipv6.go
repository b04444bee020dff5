package decode

import (
	"math/bits"

	"whydrop/decode/checksum"
)

const (
	ipv6Len     = 40
	extUnit     = 8
	fragmentLen = 8

	// An Ethernet frame is padded to 60 octets, so that a packet without
	// payload can be followed by 60−14−40 octets that mean nothing.
	maxPadding6 = 6
)

// ipv6 reads an IPv6 header, RFC 8200 §3.
func (w *walk) ipv6() {
	if w.short(ipv6Len, IPv6Short) {
		return
	}
	h := (*[ipv6Len]byte)(w.b)
	if h[0]>>4 != 6 {
		w.fail(IPv6BadVersion)
		return
	}
	if !w.enter() {
		return
	}
	p := w.p
	first := be32(h[0:4])
	p.Kind = KindIP
	p.IPVersion, p.TOS, p.FlowLabel = 6, uint8(first>>20), first&0xfffff
	p.Protocol, p.TTL = h[6], h[7]
	p.Src, p.Dst = Addr(h[8:24]), Addr(h[24:40])
	w.pseudo = checksum.Sum(0).Add(h[8:40])

	n := int(be16(h[4:6]))
	w.whole = true
	switch rest := w.wire - ipv6Len; {
	case n == 0 && p.Protocol == protoHopByHop:
		n = w.jumbo(rest)
	case n == 0 && p.Protocol != protoNoNext && rest > maxPadding6:
		// What does not fit is sent as 0 by Linux for BIG TCP (net/ipv6/ip6_output.c:
		// ip6_xmit), and by systems that leave segmentation to the NIC.
		p.IPFlags |= LengthZero
		n = rest
	case n > rest:
		w.blame(IPv6BadLength)
		w.whole = false
	case n < rest:
		p.IPFlags |= Padded
	}
	p.IPLength = uint32(ipv6Len + n)
	w.b = w.b[ipv6Len:min(ipv6Len+n, len(w.b))]
	w.wire = n
	w.next = stop
	protocol, ok := w.extensions(p.Protocol)
	if !ok {
		return
	}
	w.transport(protocol)
}

// jumbo finds the payload length in the option of RFC 2675 §2, which is the
// first of the hop-by-hop options wherever a stack writes it.
func (w *walk) jumbo(rest int) int {
	const option, optionLen = 0xc2, 4
	o := w.b[ipv6Len:]
	if len(o) < extUnit || o[2] != option || o[3] != optionLen {
		if rest > maxPadding6 {
			w.p.IPFlags |= LengthZero
			return rest
		}
		return 0
	}
	n := int(min(be32(o[4:8]), maxWire))
	w.p.IPFlags |= LengthZero
	switch {
	case n > rest:
		w.blame(IPv6BadLength)
		w.whole = false
	case n < rest:
		w.p.IPFlags |= Padded
	}
	return n
}

// extensions reads extension headers, RFC 8200 §4, until the transport. ok is
// false if the walk ended on the way: no next header, encrypted, a fragment
// that is not the first, malformed, or cut.
func (w *walk) extensions(next uint8) (protocol uint8, ok bool) {
	for range maxExtensions {
		w.p.Protocol = next
		n := 0
		switch next {
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6:
			if w.extensionShort(extUnit) {
				return 0, false
			}
			n = (int(w.b[1]) + 1) * extUnit
		case protoAH:
			// RFC 4302 §2.2: in words of four octets, minus two.
			if w.extensionShort(extUnit) {
				return 0, false
			}
			n = (int(w.b[1]) + 2) * 4
		case protoFragment:
			if w.extensionShort(fragmentLen) {
				return 0, false
			}
			n = fragmentLen
		case protoNoNext, ProtoESP:
			w.other()
			return 0, false
		default:
			return next, true
		}
		if w.extensionShort(n) {
			return 0, false
		}
		h := w.b[:n:n]
		w.skip(n)
		following := h[0]
		switch next {
		case protoRouting:
			w.routing(h)
		case protoDestOpts:
			w.destination(h)
		case protoFragment:
			if w.fragment6(h) {
				w.p.Protocol = following
				w.other()
				return 0, false
			}
		}
		next = following
	}
	w.tooDeep = true
	w.other()
	return 0, false
}

// extensionShort is short for a packet of which the IP header is valid.
func (w *walk) extensionShort(n int) bool {
	if !w.short(n, IPv6BadExtension) {
		return false
	}
	w.other()
	return true
}

// fragment6 reads a fragment header and reports whether it is a later fragment.
// An atomic fragment (RFC 6946) is no fragment.
func (w *walk) fragment6(h []byte) (later bool) {
	field := be16(h[2:4])
	offset, more := field>>3, field&1 != 0
	w.p.ID = be32(h[4:8])
	w.p.IPFlags |= HasID
	if offset != 0 || more {
		w.isFragment(offset, more)
	}
	return offset != 0
}

// routing remembers the final destination if it is not in the IPv6 header yet.
// RFC 8200 §8.1: "the Destination Address used in the pseudo-header is that of
// the final destination".
func (w *walk) routing(h []byte) {
	const (
		source, mobile, segment = 0, 2, 4 // RFC 5095, RFC 6275 §6.4, RFC 8754 §2
		addresses               = 8       // where they start in the header
		addrLen                 = 16
	)
	left := h[3]
	if left == 0 || len(h) < addresses+addrLen {
		return
	}
	switch h[2] {
	case source, mobile:
		w.segments = h[len(h)-addrLen:]
	case segment:
		// The list is in reverse order: its first entry is the last segment.
		w.segments = h[addresses : addresses+addrLen]
	}
}

// destination looks for the home address option of RFC 6275 §6.3, which takes
// the place of the source address in the pseudo-header.
func (w *walk) destination(h []byte) {
	const homeAddress, pad1, addrLen = 0xc9, 0, 16
	for o := h[2:]; len(o) >= 2; {
		if o[0] == pad1 {
			o = o[1:]
			continue
		}
		n := 2 + int(o[1])
		if n > len(o) {
			return
		}
		if o[0] == homeAddress && n == 2+addrLen {
			w.home = o[2:n]
			return
		}
		o = o[n:]
	}
}

// pseudoHeader is the sum of the pseudo-header of RFC 9293 §3.1 or RFC 8200 §8.1.
func (w *walk) pseudoHeader(protocol uint8, length int) checksum.Sum {
	s := w.pseudo
	if w.segments != nil || w.home != nil {
		src, dst := w.p.Src, w.p.Dst
		if w.home != nil {
			src = Addr(w.home)
		}
		if w.segments != nil {
			dst = Addr(w.segments)
		}
		s = checksum.Sum(0).Add(src[:]).Add(dst[:])
	}
	// Length in four octets, three zeros, protocol: a word as Sum loads it.
	return s.Plus(checksum.Sum(uint64(bits.ReverseBytes32(uint32(length))) | uint64(protocol)<<56))
}
