package flow

import "whydrop/decode"

// Findings are all that one shard learned. Shards' Findings are merged in a
// fixed order, so that the report does not depend on their number.
type Findings struct {
	Flows    []*Facts
	Symptoms []Symptom
	Losses   []Lost
	Loners   []Loner // packets that passed one of two capture points
	Signs    []Sign
	Stalls   []Stall // the longest of each flow
	Waits    []Waits // of the flows that stood still
	Trails   []Trail
	GaveUp   GaveUp
}

// Renumber gives every flow that f speaks of, but NoFlow, the number that place
// has for it. Flows itself stays as it is.
func (f *Findings) Renumber(place func(flow uint32) uint32) {
	for i := range f.Symptoms {
		f.Symptoms[i].Flow = place(f.Symptoms[i].Flow)
	}
	for i := range f.Losses {
		f.Losses[i].Flow = place(f.Losses[i].Flow)
	}
	for i := range f.Loners {
		f.Loners[i].Flow = place(f.Loners[i].Flow)
	}
	for i := range f.Signs {
		if g := &f.Signs[i]; g.Flow != NoFlow {
			g.Flow = place(g.Flow)
		}
	}
	for i := range f.Stalls {
		f.Stalls[i].Flow = place(f.Stalls[i].Flow)
	}
	for i := range f.Waits {
		f.Waits[i].Flow = place(f.Waits[i].Flow)
	}
	for i := range f.Trails {
		f.Trails[i].Flow = place(f.Trails[i].Flow)
	}
}

// NoFlow is the flow of what belongs to no single conversation.
const NoFlow = ^uint32(0)

// GaveUp counts what limits cost. A loss analyser that loses silently is a joke.
type GaveUp struct {
	Flows    uint64 // flows that ended early, since there was no room for another
	Summed   uint64 // flows of which only the sums are kept; what they lost is in Losses, too
	Symptoms uint64 // symptoms counted but not kept
	Gaps     uint64 // holes, copies or IDs that were forgotten early
	Losses   uint64 // lost packets counted but without their frames
	Stalls   uint64 // stalls summed up, of which more was to be told
	Trails   uint64 // directions that lost packets, whose causes were not looked for in the course of time
}

// Add adds o to g.
func (g *GaveUp) Add(o GaveUp) {
	g.Flows += o.Flows
	g.Summed += o.Summed
	g.Symptoms += o.Symptoms
	g.Gaps += o.Gaps
	g.Losses += o.Losses
	g.Stalls += o.Stalls
	g.Trails += o.Trails
}

// Place is where a packet went missing as seen from this tap. The attribution
// turns it into a locus when it knows where the tap is.
type Place uint8

// Places.
const (
	PlaceUnknown Place = iota
	BeforeTap          // upstream: never passed here
	AfterTap           // downstream: passed here, did not arrive
	OnlyCapture        // the other end has it: only this capture lacks it
	InReceiver         // arrived at the receiving host and was dropped there
	Unaccounted        // missing or repeated, and this capture cannot tell whether it was lost
	NumPlaces
)

var placeNames = [NumPlaces]string{"unknown", "before-tap", "after-tap", "only-capture", "in-receiver", "unaccounted"}

func (p Place) String() string {
	if p >= NumPlaces {
		return "invalid"
	}
	return placeNames[p]
}

// What says what kind of packet was lost; the names are those of the JSON contract.
type What uint8

// Kinds of lost packets.
const (
	OtherPacket What = iota
	DataPacket
	ACKPacket
	SYNPacket
	FINPacket
	RSTPacket
	Datagram
	FragmentPacket
	ICMPPacket
	NumWhats
)

var whatNames = [NumWhats]string{"other", "data", "ack", "syn", "fin", "rst", "datagram", "fragment", "icmp"}

func (w What) String() string {
	if w >= NumWhats {
		return "invalid"
	}
	return whatNames[w]
}

// Reason is why a packet was lost, as far as its own frames say.
type Reason uint8

// Reasons.
const (
	ReasonUnknown        Reason = iota
	ReasonChecksumIP            // it passed with a bad IPv4 header checksum
	ReasonChecksumTCP           // it passed with a bad TCP checksum
	ReasonChecksumUDP           // likewise, UDP
	ReasonChecksumICMP          // likewise, ICMP or ICMPv6
	ReasonPAWS                  // too old a timestamp for the receiver, RFC 7323 §5
	ReasonTail                  // the last packet of what its sender had to say
	ReasonCaptureDrop           // the receiver acknowledged what this capture lacks
	ReasonICMP                  // an ICMP error quoted it: ICMPType, ICMPCode say what
	ReasonFragment              // one fragment of a datagram is missing
	ReasonUnanswered            // a SYN that nobody answered
	ReasonOneWay                // the other direction is not in the capture
	ReasonAmbiguous             // the packet or its acknowledgement: either fits
	ReasonLoop                  // it went round in a loop
	ReasonLaterFragments        // of a datagram only the first fragment passed
	ReasonWindowUpdate          // it said that a closed window is open
	ReasonRepair                // it was a retransmission itself
	ReasonTailRepair            // likewise, of the last packet of what its sender had to say
	ReasonEnd                   // the capture ended before it could come late, or be sent again
	NumReasons
)

var reasonNames = [NumReasons]string{
	"unknown", "checksum-ip", "checksum-tcp", "checksum-udp", "checksum-icmp", "paws", "tail", "capture-drop", "icmp", "fragment",
	"unanswered", "one-way", "ambiguous", "loop", "later-fragments", "window-update", "repair", "tail-repair", "end",
}

func (r Reason) String() string {
	if r >= NumReasons {
		return "invalid"
	}
	return reasonNames[r]
}

// Proof says how strongly a Lost is known; see cause.Confidence.
type Proof uint8

// Proofs.
const (
	Fits   Proof = iota // fits, rivals stand
	Single              // one witness, the rivals excluded
	Second              // a second witness: DSACK, timestamp, acknowledgement, ICMP quote
)

// A Rule is the row of the decision table (wire-evidence.md c-1, or a section
// of tcp-rules.md) that decided.
type Rule uint8

// Rules. The names are printed.
const (
	NoRule              Rule = iota
	RuleSACKHole             // c-1 row 1: seen here, reported missing by SACK, sent again
	RuleAckLost              // c-1 row 3, 4: the data had arrived, its ACK was lost
	RuleEchoed               // c-1 row 5: seen here, only the repair was acknowledged
	RuleAmbiguous            // c-1 row 6: seen here, sent again, the packet or its ACK was lost
	RuleGapRepaired          // c-1 row 7: a gap here, repaired by a retransmission
	RuleReordered            // c-1 row 8
	RuleAckedUnseen          // c-1 row 9: acknowledged, never seen here
	RuleNeverRepaired        // c-1 row 10: never acknowledged, never repaired
	RuleIDGap                // c-1 row 11, b-22: missing IP IDs
	RuleDroppedAfterTap      // c-1 row 12: passed a tap on the receiver, never acknowledged
	RuleBadChecksum          // c-1 row 13
	RuleNotReading           // c-1 row 14
	RuleTailRepair           // c-11: a repair of a last segment that never passed here
	RuleSYN                  // b-8.7: SYN and SYN-ACK repairs
	RuleICMPQuote            // an ICMP error quotes the packet
	RuleFragments            // b-23
	RuleOneWay               // only one direction was captured
	RuleFileCounter          // drop counters of the file
	RuleDatagramID           // b-22 for UDP: numbered by a connected socket
	RuleRTP                  // b-24
	RuleReceiverReport       // b-24: the receiver of an RTP source reports what it lacks
	RuleSACKAlone            // tcp-rules.md §5: a lasting hole in the SACKs, of a direction that is not captured
	RuleTwoPoints            // c-2: it passed the first of two capture points in one file, not the second
	RuleSilentPort           // c-1 row 19, b-13: the host answers on other ports, and never on this one
	RuleListenQueue          // b-13: of one port, SYNs and what answers SYN-ACKs are dropped, and nothing else
	RuleLoop                 // c-1 row 17: it passed again and again with ever lower TTLs, down to the last
	RuleNeighbour            // b-28: nobody answers ARP or neighbour discovery for its receiver
	RuleLaterFragments       // b-23: of several datagrams nothing but the first fragment passed
	RuleWindowUpdate         // b-11: the word that the window is open was lost: only a question brought it
	RuleSilentICMP           // b-13: errors about others of the same conversation say that the port is closed
	RuleKernelDrop           // the kernel of the capturing host said that it dropped the packet
	RuleHostCounter          // a counter of the capturing host says so
	RuleHostPath             // its routes know by ICMP that the path takes no such packets
	NumRules
)

// A Witness is a frame and what it shows.
type Witness struct {
	Frame FrameRef
	Time  int64
	Says  Says
	A, B  uint64 // arguments of Says: sequence numbers, IDs …
}

// Says is what a Witness shows.
type Says uint8

// What a Witness can show. A and B as named.
const (
	SaysNothing      Says = iota
	SaysPassed            // A–B: these octets passed here; this frame is the lost packet
	SaysGapOpened         // A–B: octets beyond a gap passed; the gap is A–B
	SaysSACK              // A–B: the receiver reported what lies above the gap
	SaysDupAck            // A: the receiver still waits for octet A
	SaysRepair            // A–B: sent again
	SaysAcked             // A: everything below A has arrived
	SaysDSACK             // A–B: arrived twice
	SaysEcho              // A: the acknowledgement echoes timestamp A
	SaysIDBefore          // A: the last IP ID before missing ones
	SaysIDAfter           // A: the first IP ID behind missing ones
	SaysBadChecksum       // A: checksum found; B: checksum that would be right
	SaysUnseenAck         // A–B: acknowledged, and not in this capture
	SaysICMP              // A: type, B: code
	SaysSYN               // connection request
	SaysReset             // reset
	SaysFragment          // A: ID, B: offset
	SaysZeroWindow        // the receiver closed its window
	SaysOldTimestamp      // A: timestamp of the packet, B: newest that the receiver had echoed
	SaysNothingSince      // no answer after it
	SaysRTPBefore         // A: the last RTP sequence number before missing ones
	SaysRTPAfter          // A: the first RTP sequence number behind missing ones
	SaysReport            // A: the highest RTP number received; B: packets that the receiver lacks so far
	SaysFirstPoint        // A–B: these octets passed the first of two capture points, and not the second
	SaysSYNACKAgain       // SYN-ACK again, though its answer had passed
	SaysLowerTTL          // A: the TTL with which the packet passes again
	SaysClaims            // A: MAC address that claims the address
	SaysProbes            // A: MAC address that asks whether the address is free
	SaysAsked             // a request for a link-layer address
	SaysProbe             // asks whether the window is open
	SaysOpened            // the window is open
	SaysSent              // A–B: these octets passed here for the first time
	SaysArrived           // A–B: these octets passed here and arrived; their acknowledgement is what was lost
	SaysFirstEcho         // A: it echoes a timestamp older than B, that of the copy: it answers the first one
	SaysRepairOf          // A–B: it repeats these octets, of this frame
	SaysRequest           // a request
	SaysRequestAgain      // the same request again
	SaysForeignTTL        // A: its TTL, B: that of the host's other packets
	SaysNoStamp           // data without the timestamps that were agreed on
	SaysAbsurdSACK        // A–B: sequence numbers reported that are none of this connection
	SaysMSS               // A: the MSS with which the SYN passes again, B: that before
	SaysStripped          // A: the options that the SYN lacks when it passes again: Stripped…
	SaysStray             // a segment without SYN, ACK and RST
	SaysKernelDrop        // A: the kernel dropped it so many ns after it passed
	NumSays
)

// Lost is one lost (or missing) packet, or a run of them that nothing tells apart.
type Lost struct {
	Flow       uint32
	Dir        uint8 // direction the packets travelled: 0 originator to responder
	Place      Place
	What       What
	Reason     Reason
	Proof      Proof
	Rule       Rule
	Protocol   uint8
	ICMPType   uint8
	ICMPCode   uint8
	Piece      uint8  // of a fragment: which one of its datagram, from 1; of several that are missing, the first
	Pieces     uint8  // and how many fragments it had at least
	Packets    uint32 // wire packets
	Octets     uint32 // of payload; 0 if not known
	First      int64  // when the packet passed, or the earliest time it can have been sent
	Last       int64
	Frame      FrameRef   // the lost packet itself, where this capture holds it (AfterTap, InReceiver)
	Repair     FrameRef   // what repaired it
	RepairTime int64      // 0 if never repaired
	Witnesses  [5]Witness // up to five; the rest are zero
	Router     decode.Addr
	Between    Between
	TTL        uint8 // of a datagram that an ICMP error quotes, as it passed; 0 = not kept

	// MaybeBefore says that the packet may have been lost before the capture began,
	// unless its conversation began in it.
	MaybeBefore bool
}

// Between says where a packet was lost with respect to two capture points in one file.
type Between uint8

// Answers.
const (
	OnePoint      Between = iota // the file holds one point, or nothing tells
	BetweenPoints                // it passed the first and not the second
	BeyondPoints                 // it passed both
)

// Facts are what is known of one conversation when it is over.
type Facts struct {
	Protocol   uint8
	Originator Endpoint
	Responder  Endpoint
	First      int64 // ns since the epoch
	Last       int64
	FirstFrame FrameRef // first frame of the flow: a stable identity
	Handshake  bool     // the first SYN is in the capture (TCP)
	Tunnelled  bool
	// Incarnation counts connections on the same five-tuple, from 0.
	Incarnation uint32
	Refused     bool    // the SYN was answered by a reset (TCP)
	Stray       bool    // it has segments without SYN, ACK and RST, as only probes are (TCP)
	SummedUp    uint64  // conversations that are only counted together here; 0 = it is one
	Via         Via     // how its first packet came here
	Rested      int64   // it goes on, in one direction, with a connection that both ways are here of, and that had rested for so long, ns
	QUIC        bool    // it began with packets of QUIC (UDP)
	Dir         [2]Half // 0: originator to responder
}

// Conversations is how many f tells of: more than one where there was no room for each.
func (f *Facts) Conversations() uint64 { return max(1, f.SummedUp) }

// Via is the way on which a packet came to the tap, as its link header tells.
type Via struct {
	MAC    uint32        // hash of both MAC addresses and the VLANs; 0 = there are none
	Key    uint32        // of the tunnel: VNI, GRE key, TEID; 0 = none
	VLAN   uint16        // the outermost; 0 = none
	Back   bool          // the packet was one of direction 1
	Tunnel decode.Tunnel // the outermost one with a key, else the outermost
}

// Known is a three-valued answer.
type Known uint8

// Answers.
const (
	NotKnown Known = iota
	No
	Yes
)

// Half is what is known of one direction. What every packet changes comes first,
// in one line of the cache. Counts of what is rare have 32 bits.
type Half struct {
	Packets     uint64 // frames, copies removed
	WirePackets uint64 // frames counted as the wire packets they stand for (b-17)
	Octets      uint64 // transport payload, copies removed
	Data        uint64 // wire packets that carried payload
	MaxFrame    uint32
	MaxSegment  uint32 // largest payload of one frame
	Super       uint32 // frames larger than one segment (TSO, GRO)
	TTL         uint8  // most recent
	Start, End  bool   // SYN seen, FIN or RST seen
	ISN         uint32 // sequence number of the SYN, if it was seen (TCP)
	Next, Heard uint32 // numbers of the octet that it would send next, and of the last acknowledgement (TCP)

	Missing         [NumPlaces]uint32 // wire packets, the sum over Losses
	Retransmissions [NumDetails]uint32
	Unneeded        uint32
	UndecidedNeed   uint32
	Reordered       uint32
	Duplicates      [2]uint32 // network, capture: filled in when the whole file is known
	Copies          [2]uint32 // copies by when they came: within CopyImmediate, later
	Twins           uint32    // of them, those with a TTL lower by TwinHops: seen at two points
	LateTwins       uint32    // of those, not within CopyImmediate
	BehindACK       uint32    // packets that were recorded behind the acknowledgement that they drew
	OtherTwins      uint32    // copies with another TTL that does not fit
	TwinHops        uint8     // 0 = no copy with another TTL
	ChecksumBad     uint32
	ChecksumPending uint32
	ChecksumBlanked uint32 // of ChecksumBad: over a payload that the capture blanked
	Malformed       uint32

	ZeroWindows  uint32 // episodes announced by the sender of this direction
	ZeroWindowNS int64
	KeepAlives   uint32
	Probes       uint32
	Resets       uint32
	Untold       uint32 // the last data: never acknowledged, and its sender did not ask again

	// Delays of the two halves of the path as seen by data of this direction:
	// Down is from a packet passing here to its acknowledgement passing back,
	// Up from an acknowledgement passing to the packet it released. ns; −1 = not known.
	MinDown, MinUp    int64
	RTTMin, RTTMed    int64 // of the whole path, ns; −1 = not known
	RTTMax            int64
	RTTSamples        uint32
	MSS               uint16 // from the SYN; 0 = not known
	SACK              Known
	Timestamps        Known
	WindowScale       int8      // −1 not known, else the shift (0 also when not used)
	IDClass           Known     // Yes: IPv4 IDs count this flow's packets
	RTPStats          *RTPStats // of the last source; nil = none
	RTP               bool      // its datagrams are RTP, whose sequence numbers count them
	InitialTTL        bool      // TTL was exactly 64, 128 or 255
	Inbound, Outbound uint32    // frames by direction flag
	PaddedShort       uint32    // frames padded to the Ethernet minimum
	UnpaddedShort     uint32    // frames below the Ethernet minimum, not padded: never was on a wire
	LastTime          int64     // of its last packet, ns; valid if Packets > 0
}
