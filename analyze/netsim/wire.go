package netsim

import (
	"encoding/binary"
	"net/netip"
)

// TCP flags, RFC 9293 §3.1.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// A segment is a packet on its way. Positions are 64 bits from the SYN at 0;
// only the frame has sequence numbers that wrap.
type segment struct {
	flow   int
	dir    uint8
	truth  int // index in Trace.Packets
	flags  uint8
	octets int
	lo     uint64 // sequence position of the first octet, or of the SYN
	ack    uint64
	window uint16
	wide   uint64 // the window in octets, as its sender means it

	isn, peerISN uint32
	id           uint16
	v6           bool
	mss          uint16 // in a SYN; 0 = no SYN
	scale        uint8
	sackOK       bool
	stamps       bool
	tsval, tsecr uint32
	sacks        [4][2]uint64
	numSACKs     int

	probe, keepAlive bool
	update           bool // opens a window that was too small for a segment

	udp    bool
	rtp    bool   // the datagram begins with an RTP header
	number uint64 // of the datagram, from 0

	quoted *segment // an ICMP error: the packet that it speaks of
	mtu    int      // and the longest that would have passed

	tail    bool // reaches the end of what its program has written
	again   bool // sent before
	damaged bool
	flip    uint32 // which bit
}

const (
	etherHeader = 14
	etherMin    = 60 // without the FCS
	maxFrame    = 1<<16 + 64
)

func (g *segment) kind() Kinds {
	switch {
	case g.quoted != nil:
		return ICMP
	case g.udp:
		return Datagram
	case g.flags&flagSYN != 0:
		return SYN
	case g.octets > 0:
		return Data
	case g.flags&flagFIN != 0:
		return FIN
	}
	return ACK
}

// hi is the position behind g.
func (g *segment) hi() uint64 {
	n := g.lo + uint64(g.octets)
	if g.flags&(flagSYN|flagFIN) != 0 {
		n++
	}
	return n
}

func (g *segment) optionLength() int {
	n := 0
	if g.flags&flagSYN != 0 {
		n = 8 // MSS, window scale and a NOP
	}
	if g.stamps {
		n += 12
	}
	switch {
	case g.sackOK && g.flags&flagSYN != 0 && !g.stamps:
		n += 4
	case g.numSACKs > 0:
		n += 4 + 8*g.numSACKs
	}
	return n
}

// transportLength is that of the IP payload.
func (g *segment) transportLength() int {
	switch {
	case g.quoted != nil:
		return icmpHeader + min(g.quoted.ipLength(), quoteMost)
	case g.udp:
		return udpHeader + g.octets
	}
	return 20 + g.optionLength() + g.octets
}

func (g *segment) ipLength() int {
	if g.v6 {
		return 40 + g.transportLength()
	}
	return 20 + g.transportLength()
}

func (g *segment) wireLength() int { return max(etherHeader+g.ipLength(), etherMin) }

// addresses gives flow i its ends. Neighbouring flows share hosts now and then,
// as they do in life.
func addresses(i int, f *Flow, mirror bool) Endpoints {
	host := i % 200
	a, b := netip.AddrFrom4([4]byte{10, 1, byte(host / 4), 10}), netip.AddrFrom4([4]byte{10, 2, byte(host % 4), 20})
	if f.IPv6 {
		a = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 1, byte(host / 4), 15: 0x10})
		b = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 2, byte(host % 4), 15: 0x20})
	}
	ends := Endpoints{netip.AddrPortFrom(a, uint16(32768+i%20000)), netip.AddrPortFrom(b, 5001)}
	if mirror {
		ends[0], ends[1] = ends[1], ends[0]
	}
	return ends
}

// appendFrame writes g as an Ethernet frame. A frame that came over a wire is
// padded to the Ethernet minimum, and its TTL shows that routers passed it on.
// One that its NIC has yet to finish (pending) has a sum over the pseudo header
// only.
func (g *segment) appendFrame(b []byte, ends *Endpoints, onHost, pending bool) []byte {
	start := len(b)
	src, dst := ends[g.dir].Addr(), ends[1-g.dir].Addr()
	b = append(b, 2, 0, 0, 0, 0, 2-g.dir, 2, 0, 0, 0, 0, 1+g.dir, 8, 0)
	if g.v6 {
		binary.BigEndian.PutUint16(b[start+12:], 0x86dd)
	}
	ttl := byte(64)
	if !onHost {
		ttl = 64 - 7
	}
	if g.quoted != nil {
		src = router(g.v6)
	}
	b = g.appendIP(b, src, dst, ttl)
	pseudo := sum(uint64(g.protocol())+uint64(g.transportLength()), src.AsSlice())
	pseudo = sum(pseudo, dst.AsSlice())

	transport := len(b)
	at := transport + 16 // where the checksum is
	switch {
	case g.quoted != nil:
		b, at = g.appendICMP(b, ends), transport+2
		if !g.v6 {
			pseudo = 0
		}
	case g.udp:
		b, at = g.appendUDP(b, ends), transport+6
	default:
		b = g.appendTCP(b, ends[g.dir].Port(), ends[1-g.dir].Port())
	}
	total := ^fold(sum(pseudo, b[transport:]))
	if pending {
		total = fold(pseudo)
	}
	binary.BigEndian.PutUint16(b[at:], total)
	if g.damaged {
		// Anywhere behind the ports and numbers: a path that damages those
		// makes another flow, which is a story of its own.
		bit := g.flip % uint32((len(b)-at)*8)
		b[at+int(bit/8)] ^= 1 << (bit % 8)
	}
	for !onHost && len(b)-start < etherMin {
		b = append(b, 0)
	}
	return b
}

// hop is what routers do to the frame of g: another pair of MAC addresses, one
// TTL less (RFC 1812 §5.3.1), and an IPv4 checksum to match.
func (g *segment) hop(frame []byte, hops uint8) {
	frame[5] += 0x10
	frame[11] += 0x10
	ip := frame[etherHeader:]
	if g.v6 {
		ip[7] -= hops
		return
	}
	ip[8] -= hops
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip[:20])))
}

// IP protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

func (g *segment) protocol() byte {
	switch {
	case g.quoted != nil && g.v6:
		return protoICMPv6
	case g.quoted != nil:
		return protoICMP
	case g.udp:
		return protoUDP
	}
	return protoTCP
}

// appendIP writes g's IP header. What is numbered by its socket may not be
// fragmented; routers give their errors no number here.
func (g *segment) appendIP(b []byte, src, dst netip.Addr, ttl byte) []byte {
	be := binary.BigEndian
	start := len(b)
	if g.v6 {
		b = append(b, 0x60, 0, 0, 0)
		b = be.AppendUint16(b, uint16(g.transportLength()))
		b = append(b, g.protocol(), ttl)
	} else {
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(g.ipLength()))
		b = be.AppendUint16(b, g.id)
		b = append(b, 0x40, 0, ttl, g.protocol(), 0, 0)
	}
	b = append(b, src.AsSlice()...)
	b = append(b, dst.AsSlice()...)
	if !g.v6 {
		be.PutUint16(b[start+10:], ^fold(sum(0, b[start:])))
	}
	return b
}

func (g *segment) appendTCP(b []byte, src, dst uint16) []byte {
	be := binary.BigEndian
	start := len(b)
	b = be.AppendUint16(b, src)
	b = be.AppendUint16(b, dst)
	b = be.AppendUint32(b, g.isn+uint32(g.lo))
	ack := uint32(0)
	if g.flags&flagACK != 0 {
		ack = g.peerISN + uint32(g.ack)
	}
	b = be.AppendUint32(b, ack)
	b = append(b, byte(20+g.optionLength())/4<<4, g.flags)
	b = be.AppendUint16(b, g.window)
	b = append(b, 0, 0, 0, 0)
	b = g.appendOptions(b)
	if got := len(b) - start; got != 20+g.optionLength() {
		panic("netsim: bug: option length")
	}
	return appendPayload(b, g.flow, g.dir, g.lo, g.octets)
}

func (g *segment) appendOptions(b []byte) []byte {
	be := binary.BigEndian
	if g.flags&flagSYN != 0 {
		b = append(b, 2, 4, byte(g.mss>>8), byte(g.mss))
	}
	if g.stamps {
		if g.flags&flagSYN != 0 && g.sackOK {
			b = append(b, 4, 2)
		} else {
			b = append(b, 1, 1)
		}
		b = append(b, 8, 10)
		b = be.AppendUint32(b, g.tsval)
		b = be.AppendUint32(b, g.tsecr)
	}
	if g.flags&flagSYN != 0 {
		b = append(b, 1, 3, 3, g.scale)
		if g.sackOK && !g.stamps {
			b = append(b, 1, 1, 4, 2)
		}
	}
	if g.numSACKs > 0 {
		b = append(b, 1, 1, 5, byte(2+8*g.numSACKs))
		for _, s := range g.sacks[:g.numSACKs] {
			b = be.AppendUint32(b, g.peerISN+uint32(s[0]))
			b = be.AppendUint32(b, g.peerISN+uint32(s[1]))
		}
	}
	return b
}

// appendPayload writes octets of a stream: the same position always has the
// same octet, and no two packets are alike.
func appendPayload(b []byte, flow int, dir uint8, at uint64, octets int) []byte {
	end := at + uint64(octets)
	seed := uint64(flow)<<40 + uint64(dir)<<39
	for ; at < end && at&7 != 0; at++ {
		b = append(b, byte(octetsAt(at, seed)>>(8*(at&7))))
	}
	for ; at+8 <= end; at += 8 {
		b = binary.LittleEndian.AppendUint64(b, octetsAt(at, seed))
	}
	for ; at < end; at++ {
		b = append(b, byte(octetsAt(at, seed)>>(8*(at&7))))
	}
	return b
}

// octetsAt are the eight octets around at.
func octetsAt(at, seed uint64) uint64 {
	word := (at>>3 + seed) * 0x9e37_79b9_7f4a_7c15
	return word ^ word>>29
}

// sum and fold are RFC 1071, on purpose not those of decode/checksum: two
// independent hands are the better test.
func sum(s uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
