package flow

import "whydrop/decode"

// An Endpoint is an address and a port; Port is 0 where the protocol has none.
type Endpoint struct {
	Addr decode.Addr
	Port uint16
}

// A FrameRef names a frame: the index of its file and its 1-based number there.
// The zero FrameRef is no frame.
type FrameRef struct {
	Number uint64
	File   uint16
}

// A Symptom is what was seen on one frame. It never says why.
type Symptom struct {
	Time     int64
	Frame    FrameRef
	Flow     uint32 // index into Findings.Flows
	For      int64  // how long, ns: episodes of window 0; how long after the first, copies
	Octets   uint32 // of the segment or gap, where that means something
	Packets  uint32 // wire packets: 1, or what a gap or super-frame stands for
	Seq      uint64 // relative to the first sequence number of the direction, where that means something
	Kind     Kind
	Detail   Detail
	Need     Need  // of retransmissions
	Twin     bool  // of copies: captured at a second point
	Dir      uint8 // direction of the packets in question: 0 originator to responder, 1 back
	Protocol uint8
}

// Kind is the kind of a symptom; the names are those of the JSON contract.
type Kind uint8

// Kinds of symptoms, in report order.
const (
	Retransmission Kind = iota
	Reordered
	Duplicate
	Gap
	GapFilled
	AckUnseen
	DuplicateAck
	KeepAlive
	ZeroWindow
	WindowProbe
	WindowFull
	ChecksumBad
	FragmentMissing
	ICMPError
	RTPGap
	Reset
	SYNUnanswered
	NumKinds
)

var kindNames = [NumKinds]string{
	"retransmission", "reordered", "duplicate", "gap", "gap-filled", "ack-unseen", "duplicate-ack",
	"keep-alive", "zero-window", "window-probe", "window-full", "checksum-bad", "fragment-missing",
	"icmp-error", "rtp-gap", "reset", "syn-unanswered",
}

func (k Kind) String() string {
	if k >= NumKinds {
		return "invalid"
	}
	return kindNames[k]
}

// Detail refines a Kind.
type Detail uint8

// Details. The first group is of retransmissions.
const (
	NoDetail Detail = iota
	Fast
	RTO
	TLP
	Loss // in loss recovery: by the ACK clock after an RTO, or told that packets are too long
	SYN
	SYNACK
	Other
	NetworkCopy // of duplicates
	CaptureCopy
	InIPv4 // of bad checksums: the layer
	InTCP
	InUDP
	InICMP
	InICMPv6
	NumDetails
)

var detailNames = [NumDetails]string{
	"", "fast", "rto", "tlp", "loss", "syn", "synack", "other", "network", "capture",
	"ipv4", "tcp", "udp", "icmp", "icmpv6",
}

func (d Detail) String() string {
	if d >= NumDetails {
		return "invalid"
	}
	return detailNames[d]
}

// Need says whether a retransmission was needed.
type Need uint8

// Needs.
const (
	Undecided Need = iota
	Needed
	Unneeded
)

var needNames = [...]string{"undecided", "needed", "unneeded"}

func (n Need) String() string {
	if int(n) >= len(needNames) {
		return "invalid"
	}
	return needNames[n]
}
