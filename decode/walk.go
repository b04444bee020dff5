package decode

import (
	"encoding/binary"

	"whydrop/capture"
	"whydrop/decode/checksum"
)

// Limits on what one frame can make us do.
const (
	maxTunnels    = 4  // IP headers around the innermost one
	maxLayers     = 32 // headers of any kind below the transport, between two tunnels or not
	maxWire       = 1 << 28
	maxExtensions = 16 // IPv6 extension headers of one packet
)

// A step names the header that comes next.
type step uint8

const (
	stop step = iota
	atEthernet
	atEtherType // w.ether says what
	atLLC
	atPPP
	atMPLS
	atIP // the version is in the first nibble
	atIPv4
	atIPv6
)

// A walk is one frame being read. It lives on the stack of Decoder.frame.
type walk struct {
	b    []byte // captured octets not read yet, without those behind the IP packet
	wire int    // how many there were on the link, or are claimed; never less than len(b)

	p   *Packet
	d   *Decoded
	f   *capture.Frame
	dec *Decoder

	next  step
	ether uint16

	// A tunnel whose inner IP header was not reached yet. Only when it is, the
	// packet read so far becomes an Outer: until then it is the innermost.
	tunnel  Tunnel
	key     uint32
	tunnels uint8

	bounded  bool // a length field of an outer header ends the packet before the frame ends
	whole    bool // the IP packet is no fragment, and its length is believed
	cut      bool // a header ended behind the captured octets
	tooDeep  bool
	hashed   bool
	paired   bool         // PairHash is set already
	pseudo   checksum.Sum // both addresses of the innermost IP header
	ipZero   bool         // the IPv4 checksum field is zero and wrong
	segments []byte       // IPv6: the final destination in a routing header, or nil
	home     []byte       // IPv6: the home address option, or nil
	body     []byte       // captured payload
}

// be16 and be32 read network byte order; the caller has checked the length.
func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// short reports whether fewer than n octets were captured. If so the walk
// ends: malformed when there were never more, cut when the capture lacks them.
func (w *walk) short(n int, why Malformed) bool {
	if len(w.b) >= n {
		return false
	}
	if w.wire >= n {
		w.cut, w.next = true, stop
	} else {
		w.fail(why)
	}
	return true
}

// fail ends the walk at a header that says impossible things.
func (w *walk) fail(why Malformed) {
	w.blame(why)
	w.next = stop
}

// blame notes what is wrong and goes on. The first finding stands.
func (w *walk) blame(why Malformed) {
	if w.p.Malformed == WellFormed {
		w.p.Malformed = why
	}
}

// skip moves on by n octets, which were captured.
func (w *walk) skip(n int) {
	w.b = w.b[n:]
	w.wire -= n
}

// limit cuts what follows a packet of n octets: padding, or a frame check sequence.
func (w *walk) limit(n int) {
	if n < w.wire {
		w.bounded = true
		w.wire = n
		w.b = w.b[:min(n, len(w.b))]
	}
}

// go on with what an EtherType says.
func (w *walk) etherType(t uint16) {
	w.ether, w.next = t, atEtherType
}

// run reads header after header until one ends the walk.
func (w *walk) run() {
	for range maxLayers {
		switch w.next {
		case stop:
			return
		case atEthernet:
			w.ethernet()
		case atEtherType:
			w.byEtherType()
		case atLLC:
			w.llc()
		case atPPP:
			w.ppp()
		case atMPLS:
			w.mpls()
		case atIP:
			w.byVersion()
		case atIPv4:
			w.ipv4()
		case atIPv6:
			w.ipv6()
		}
	}
	if w.next != stop {
		w.tooDeep = true
	}
}

// byVersion tells IPv4 from IPv6 by the first nibble.
func (w *walk) byVersion() {
	if w.short(1, LinkShort) {
		return
	}
	switch w.b[0] >> 4 {
	case 4:
		w.next = atIPv4
	case 6:
		w.next = atIPv6
	default:
		w.fail(IPv4BadVersion)
	}
}

// other ends the walk with an IP packet whose transport is only counted.
func (w *walk) other() {
	w.p.Kind = KindIP
	w.payload(w.b, w.wire)
	w.next = stop
}

// payload notes what lies behind the transport header.
func (w *walk) payload(b []byte, claimed int) {
	w.body = b
	w.p.PayloadLen, w.p.PayloadCap = uint32(claimed), uint32(len(b))
}
