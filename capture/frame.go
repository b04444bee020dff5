// Package capture is the vocabulary of everything that hands us frames: files,
// live rings, captures written as text. It knows no protocols and opens
// nothing; the packages below it do.
//
// Ownership: exactly one goroutine owns a [Batch]; passing it on gives it away;
// the owner calls Release once.
package capture

// A LinkType is a LINKTYPE_ value of the tcpdump.org registry.
type LinkType uint16

// Link types that whydrop decodes. Others are counted and named, never guessed.
const (
	LinkNull       LinkType = 0   // BSD loopback, host byte order family
	LinkEthernet   LinkType = 1   // Ethernet II, 802.3
	LinkPPP        LinkType = 9   // PPP, with or without HDLC framing
	LinkRawOpenBSD LinkType = 14  // raw IP, OpenBSD
	LinkRawBSD     LinkType = 12  // raw IP, most BSDs
	LinkPPPHDLC    LinkType = 50  // PPP in HDLC-like framing, RFC 1662
	LinkPPPoE      LinkType = 51  // PPPoE session, RFC 2516
	LinkRaw        LinkType = 101 // raw IP, version from the first nibble
	LinkIEEE80211  LinkType = 105 // IEEE 802.11
	LinkLoop       LinkType = 108 // OpenBSD loopback, network byte order family
	LinkLinuxSLL   LinkType = 113 // Linux cooked capture v1
	LinkRadiotap   LinkType = 127 // 802.11 behind a radiotap header
	LinkPPPDir     LinkType = 204 // PPP with a direction octet
	LinkIPv4       LinkType = 228 // raw IPv4
	LinkIPv6       LinkType = 229 // raw IPv6
	LinkLinuxSLL2  LinkType = 276 // Linux cooked capture v2
)

// A Direction says which way a frame crossed the capturing interface.
type Direction uint8

// Directions.
const (
	DirectionUnknown Direction = iota
	Inbound
	Outbound
	numDirections
)

var directionNames = [numDirections]string{"unknown", "inbound", "outbound"}

func (d Direction) String() string { return name(directionNames[:], int(d)) }

// An Offload says what the capture knows of the transport checksum.
type Offload uint8

// Offload states.
const (
	OffloadUnknown  Offload = iota // nobody said
	OffloadPending                 // captured before the NIC filled the checksum in
	OffloadVerified                // the NIC found the checksum right
	numOffloads
)

var offloadNames = [numOffloads]string{"unknown", "pending", "verified"}

func (o Offload) String() string { return name(offloadNames[:], int(o)) }

// LinkErrors are the link-layer error bits of the pcapng epb_flags option
// (bits 16-31, shifted down): draft-ietf-opsawg-pcapng §4.3.1.
type LinkErrors uint16

// Link-layer errors that a capture can record.
const (
	LinkErrorCRC        LinkErrors = 1 << 8
	LinkErrorTooLong    LinkErrors = 1 << 9
	LinkErrorTooShort   LinkErrors = 1 << 10
	LinkErrorGap        LinkErrors = 1 << 11
	LinkErrorUnaligned  LinkErrors = 1 << 12
	LinkErrorStartFrame LinkErrors = 1 << 13
	LinkErrorPreamble   LinkErrors = 1 << 14
	LinkErrorSymbol     LinkErrors = 1 << 15
)

// A Frame is one captured link-layer frame.
type Frame struct {
	Data       []byte // captured octets; valid until the Batch is released
	Time       int64  // nanoseconds since the Unix epoch; if !HasTime, that of the frame before it, or 0
	Number     uint64 // 1-based number in its file, counting every packet record
	WireLength uint32 // octets there were on the link, >= len(Data)
	Interface  uint32 // index of the interface in its file, over all sections
	File       uint16 // index into Inputs
	Link       LinkType
	LinkErrors LinkErrors
	Direction  Direction
	Offload    Offload
	HasTime    bool // pcapng simple packets have none
}

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "invalid"
	}
	return names[i]
}
