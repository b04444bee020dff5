package decode

import (
	"net/netip"

	"whydrop/capture"
)

// An Addr is an IPv4 address in its IPv4-mapped form (RFC 4291 §2.5.5.2) or an
// IPv6 address. It is an array so that a Packet holds no pointer and an Addr
// can be hashed and compared fast.
type Addr [16]byte

// Is4 reports whether a is an IPv4 address.
func (a Addr) Is4() bool {
	return a[0]|a[1]|a[2]|a[3]|a[4]|a[5]|a[6]|a[7]|a[8]|a[9] == 0 && a[10] == 0xff && a[11] == 0xff
}

// Netip converts a; IPv4-mapped addresses become IPv4.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

func (a Addr) String() string { return a.Netip().String() }

// IANA protocol numbers that whydrop tells apart.
const (
	ProtoICMP    = 1
	ProtoIGMP    = 2
	ProtoIPIP    = 4
	ProtoTCP     = 6
	ProtoUDP     = 17
	ProtoIPv6    = 41
	ProtoGRE     = 47
	ProtoESP     = 50
	ProtoICMPv6  = 58
	ProtoSCTP    = 132
	ProtoUDPLite = 136
)

// TCP flags, RFC 9293 §3.1, and the old NS bit, RFC 8311 §3.3.
const (
	FIN uint16 = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// Kind says how far a frame could be decoded.
type Kind uint8

// Kinds of packets.
const (
	KindOther   Kind = iota // not IP, or an IP protocol that whydrop only counts
	KindTCP                 // TCP fields are valid
	KindUDP                 // UDP or UDP-Lite: ports and lengths are valid
	KindICMP                // ICMP or ICMPv6: ICMPType, ICMPCode; Control may hold the quote
	KindARP                 // Control holds it
	KindIP                  // IP with another protocol: addresses, ID and lengths are valid
	KindUnknown             // unknown link type, or nothing readable
	numKinds
)

// TCPOptions says which options were present and readable. RFC 9293 §3.2.
type TCPOptions uint16

// TCP options.
const (
	OptMSS        TCPOptions = 1 << iota // MSS is valid
	OptScale                             // Scale is valid, RFC 7323 §2
	OptSACKOK                            // SACK permitted, RFC 2018 §2
	OptSACK                              // SACK[:NumSACK] are valid
	OptTimestamps                        // TSVal and TSEcr are valid, RFC 7323 §3
	OptMPTCP                             // RFC 8684
	OptUnknown                           // at least one option that whydrop skips
	OptCut                               // options go on behind the captured octets
	OptMalformed                         // an option with an impossible length; the rest was not read
)

// IPFlags are facts about the innermost IP header.
type IPFlags uint16

// IP facts.
const (
	DontFragment  IPFlags = 1 << iota
	Fragment              // part of a fragmented datagram, first or not
	FirstFragment         // offset 0 of a fragmented datagram
	MoreFragments         //
	HasID                 // ID is valid: IPv4, or the IPv6 fragment header
	LengthZero            // total length 0: captured before segmentation offload, or BIG TCP
	BadIPHeader           // the IPv4 header checksum is wrong: trust no field of it
	Tunnelled             // there were outer IP headers: Outer holds them
	Padded                // octets follow the IP packet in the frame (Ethernet padding)
	OuterBad              // an outer checksum is bad
	HeaderCut             // the snap length cuts the headers: transport fields are missing
)

// A Checksum is a verdict on one checksum.
type Checksum uint8

// Verdicts, in the order of the report.
const (
	ChecksumUnread    Checksum = iota // nobody looked, or there is none in this packet
	ChecksumGood                      // it was there and right
	ChecksumBad                       // it was there and wrong
	ChecksumAbsent                    // UDP over IPv4, zero: the sender computed none, RFC 768
	ChecksumForbidden                 // UDP over IPv6, zero, no tunnel that may: RFC 8200 §8.1, RFC 6936 §5
	ChecksumPending                   // not filled in yet: offload (pseudo-header sum only, or said by the capture)
	ChecksumPartial                   // cut by the snap length, or a fragment: cannot be verified
	NumChecksums
)

var checksumNames = [NumChecksums]string{"unread", "good", "bad", "absent", "forbidden", "pending", "partial"}

func (c Checksum) String() string {
	if c >= NumChecksums {
		return "invalid"
	}
	return checksumNames[c]
}

// A Packet is what one frame says, flat, without pointers. The IP fields are
// those of the innermost IP header that could be reached; Outer holds those
// around it. It is valid until its Decoded is released.
type Packet struct {
	Time       int64
	Number     uint64 // frame number in its file
	WireLength uint32 // of the frame
	CapLength  uint32
	File       uint16
	Link       capture.LinkType
	Direction  capture.Direction
	Offload    capture.Offload
	LinkErrors capture.LinkErrors

	Kind      Kind
	Malformed Malformed

	// IP, innermost.
	IPVersion   uint8 // 4, 6, or 0
	Protocol    uint8 // transport protocol, behind IPv6 extension headers
	TTL         uint8 // or hop limit
	TOS         uint8 // DSCP and ECN
	IPFlags     IPFlags
	FragOffset  uint16 // octets / 8
	ID          uint32 // IPv4 identification, or that of the IPv6 fragment header
	FlowLabel   uint32 // IPv6
	IPLength    uint32 // octets of the whole IP packet, as claimed (as captured if LengthZero)
	PayloadLen  uint32 // octets behind the transport header, as claimed; for other protocols behind the IP header
	PayloadCap  uint32 // of those, captured
	PayloadHash uint32 // hash of the captured payload; equal payloads hash equal; for all IP kinds
	Src, Dst    Addr
	SrcPort     uint16 // TCP, UDP, UDP-Lite, SCTP; not for non-first fragments
	DstPort     uint16

	// ICMP and ICMPv6.
	ICMPType, ICMPCode uint8
	EchoID, EchoSeq    uint16 // echo request and reply

	// TCP.
	NumSACK          uint8
	Scale            uint8
	Flags            uint16
	Window           uint16
	MSS              uint16
	Options          TCPOptions
	Seq, Ack         uint32
	TSVal, TSEcr     uint32
	SACK             [4][2]uint32 // left edge, right edge (behind the last octet)
	HeaderSum        uint16       // the transport checksum field as captured; tells bad copies apart
	RightSum         uint16       // what it should have been; only if TransportSum is ChecksumBad
	IPSum, IPRight   uint16       // the same of the innermost IPv4 header; only if IPChecksum is ChecksumBad
	IPChecksum       Checksum     // innermost IPv4 header
	TransportSum     Checksum     // TCP, UDP, ICMP, ICMPv6, innermost
	NumVLAN, NumMPLS uint8
	VLAN             [2]uint16 // VIDs, outermost first; further ones only counted
	MACHash          uint32    // hash of both MAC addresses and the VLANs, 0 if none
	Head             [16]byte  // UDP: first octets of the payload (RTP, DNS); PayloadCap says how many

	// Control is the index of this packet in Decoded.Controls, or -1.
	Control int32
	// Outer is the index of its outermost header in Decoded.Outers, NumOuter their number.
	Outer    int32
	NumOuter uint8

	// OptionLen is the octets of TCP options by the data offset, captured or not.
	OptionLen uint8

	// PairHash depends on the two innermost IP addresses only, and is the same
	// for both directions. An ICMP error has the hash of the packet it quotes,
	// so that it meets the flow it speaks about.
	PairHash uint32
}
