package scenario

import (
	"net/netip"

	"whydrop/capture"
)

const (
	rtpNone = -1
	rtpNext = -2 // one more than the one before
)

// An endpoint is an address, a port and the habits of the host that owns it.
type endpoint struct {
	name string
	addr netip.AddrPort
	ttl  uint8
	ids  idHabit
	id   uint16 // first IP ID, with idCounter
	ts   bool   // timestamps, RFC 7323, from a clock of 1 ms
	base uint32 // of that clock at time 0
	isn  uint32
	has  struct{ isn, id bool }
	here bool // the tap is on this host
}

// An idHabit is how a host fills in the IPv4 identification.
type idHabit uint8

const (
	idCounter idHabit = iota // one counter for each connected socket, as Linux has it
	idNone                   // always 0
	idRandom                 // as OpenBSD and unconnected sockets have it
)

// A step is one line that does something.
type step struct {
	line int
	what stepKind
	when when
	pkt  packet   // stepPacket
	src  string   // stepCopy: label of the packet
	frag [2]int   // stepCopy: octets of the IP payload, if frag[1] > 0
	mods mods     // stepPacket, stepCopy
	drop dropSpec // stepDrops
	wait int64    // stepClock: ns that the clock of the tap steps
}

type stepKind uint8

const (
	stepPacket stepKind = iota
	stepCopy            // a labelled packet passes (again)
	stepDrops           // the capture's own counters
	stepClock           // the clock of the tap steps
)

// when is a time: since the start of the capture, or since the line before.
type when struct {
	ns       int64
	relative bool
}

type dropSpec struct {
	kind     string // "ring", "interface", "os"
	n        uint64
	from, to int64
	spanned  bool
}

// A packet is what a line says of one packet, before numbers are filled in.
type packet struct {
	proto    uint8 // protoTCP, protoUDP, protoICMP (also for ICMPv6), protoARP
	src, dst int   // endpoints

	// TCP
	flags  uint8
	next   bool   // seq was +N: N octets behind everything sent so far
	lo     uint64 // relative
	octets int    // of payload
	ackAll bool   // ack was a*
	ack    uint64 // relative
	window uint16
	mss    uint16
	scale  int // -1 = no option
	sackOK bool
	sack   [][2]uint64
	ts     tsSpec
	newISN bool // isn begins a new connection
	isn    uint32

	// UDP
	rtp  int    // sequence number of RTP, rtpNext or rtpNone
	head []byte // first octets of the payload

	op neighbourOp // ARP, and neighbour discovery

	// RTCP
	report    bool   // a receiver report about what the other side sends
	highest   uint64 // sequence number
	lostSoFar uint64

	// ICMP
	icmpType, icmpCode uint8
	mtu                uint32
	quotes             string
	quoted             int // octets of the quoted packet; 0 = the usual
}

// tsSpec says what timestamps a segment has.
type tsSpec struct {
	none, hasVal, hasEcho bool
	val, echo             uint32
}

// mods are facts about a frame that do not change what its sender meant.
type mods struct {
	label    string
	unseen   bool // sent, but this capture does not hold it
	ttl      int  // -1 = the habit of the host
	id       int  // -1 = the habit of the host
	df       bool
	vlans    []uint16
	tunnel   tunnelSpec
	cut      int // captured octets; 0 = all
	badIP    bool
	badSum   bool // the transport checksum
	flip     int  // octet of the IP packet of which a bit is flipped; -1 = none
	sum      int  // value of the transport checksum; -1 = the right one
	pending  bool
	blank    bool // the capture overwrote the payload with zeros
	offload  bool // the capture says that the checksum is pending
	dir      capture.Direction
	unpadded bool
	mac      []byte // of the source; nil = that of the endpoint
}

type tunnelSpec struct {
	kind     string // "", "vxlan", "gre"
	key      uint32
	src, dst int
}
