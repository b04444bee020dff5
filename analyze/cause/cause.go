// Package cause is the catalogue of what whydrop can conclude: stable IDs, one
// Markdown card each, and the words for where and how sure.
package cause

// An ID names a cause. IDs are stable: reports, policies and scripts use them.
type ID string

// Causes that can be concluded today. Every ID has a card in cards/.
const (
	TCPChecksum            ID = "tcp-checksum"            // damaged in transit
	UDPChecksum            ID = "udp-checksum"            // damaged in transit
	IPChecksum             ID = "ip-checksum"             // damaged in transit
	ICMPChecksum           ID = "icmp-checksum"           // damaged in transit
	ChecksumOffload        ID = "checksum-offload"        // innocent
	CaptureDropped         ID = "capture-dropped"         // only the capture lacks it
	CaptureTruncated       ID = "capture-truncated"       // the file or its frames are cut
	CaptureDuplicates      ID = "capture-duplicates"      // innocent
	OneWayCapture          ID = "one-way-capture"         // the answers are missing
	ReceiverNotReading     ID = "receiver-not-reading"    // zero window; nothing was lost
	SpuriousRetransmission ID = "spurious-retransmission" // innocent
	Reordering             ID = "reordering"              // innocent
	AckLost                ID = "ack-lost"
	TailLoss               ID = "tail-loss"
	PAWSReject             ID = "paws-reject"
	FragmentLost           ID = "fragment-lost"
	HostUnreachable        ID = "host-unreachable" // ICMP said so
	NoRoute                ID = "no-route"         // ICMP said so
	PortClosed             ID = "port-closed"      // ICMP said so
	FirewallReject         ID = "firewall-reject"  // ICMP said so
	MTUExceeded            ID = "mtu-exceeded"     // ICMP said so: too big, the sender was told
	TTLExpired             ID = "ttl-expired"      // ICMP said so
	ConnectionRefused      ID = "connection-refused"
	ConnectionUnanswered   ID = "connection-unanswered" // SYNs without any answer
	ReceiverHostDrop       ID = "receiver-host-drop"    // after a tap on the receiver, before its socket
	FirewallSilent         ID = "firewall-silent"       // a port that never answers, of a host that does
	ListenQueue            ID = "listen-queue"          // the listener's queue of new connections is full
	RoutingLoop            ID = "routing-loop"          // routers send the packet to each other until its TTL runs out
	AddressConflict        ID = "address-conflict"      // two hosts claim one address
	NeighbourUnresolved    ID = "neighbour-unresolved"  // nobody answers ARP or neighbour discovery
	QueueOverflow          ID = "queue-overflow"        // by the course of losses and delays
	Policer                ID = "policer"               // likewise
	RandomLoss             ID = "random-loss"           // likewise
	LinkOutage             ID = "link-outage"           // likewise
	MTUBlackHole           ID = "mtu-black-hole"        // likewise
	LostRetransmission     ID = "lost-retransmission"   // what was lost was itself a repair
	WindowUpdateLost       ID = "window-update-lost"    // the word that a closed window is open
	PeerGone               ID = "peer-gone"             // a closed window, and nobody answers the probes
	SpuriousRTO            ID = "spurious-rto"          // innocent: a timeout, because the path was late
	DNSUnanswered          ID = "dns-unanswered"        // DNS requests without an answer
	RequestUnanswered      ID = "request-unanswered"    // NTP, RADIUS, SIP, the handshake of QUIC, echo
	PortScan               ID = "port-scan"             // questions of who wants no connection: innocent
	SYNFlood               ID = "syn-flood"             // likewise, of many to one
	MiddleboxMangled       ID = "middlebox-mangled"     // something on the way rewrites, strips or injects
	FirewallDrop           ID = "firewall-drop"         // the host said so, as all below
	ConntrackFull          ID = "conntrack-full"        //
	ConntrackInvalid       ID = "conntrack-invalid"     //
	RPFilter               ID = "rp-filter"             //
	UDPReceiveBuffer       ID = "udp-receive-buffer"    // a burst that the buffer could not hold
	TCPReceiveBuffer       ID = "tcp-receive-buffer"    //
	SlowApplication        ID = "slow-application"      // a program that does not keep up
	ListenOverflow         ID = "listen-overflow"       //
	NICRing                ID = "nic-ring"              // a ring of the card or its driver was full
	NICErrors              ID = "nic-errors"            // damaged on the wire: CRC, alignment, length
	SoftnetBacklog         ID = "softnet-backlog"       // a CPU's queue of packets was full
	SoftnetImbalance       ID = "softnet-imbalance"     // one CPU or queue has all the work
	QdiscDrop              ID = "qdisc-drop"            //
	TCPolicer              ID = "tc-policer"            // a filter or action of tc
	XDPDrop                ID = "xdp-drop"              //
	SocketFilter           ID = "socket-filter"         // a BPF program on a socket or a cgroup
	NoSocket               ID = "no-socket"             // nobody listens
	IPNoRoute              ID = "ip-no-route"           //
	FragmentTimeout        ID = "fragment-timeout"      //
	MemoryPressure         ID = "memory-pressure"       //
	XfrmPolicy             ID = "xfrm-policy"           // IPsec
	BridgeFilter           ID = "bridge-filter"         // a bridge, VLAN or VXLAN has no way for it
	KernelOther            ID = "kernel-other"          // the reason is shown as the kernel gave it
	Unknown                ID = "unknown"               // lost for certain, cause not known
)

// A Locus says where a packet was lost.
type Locus uint8

// Loci, in the order of the path.
const (
	LocusUnknown Locus = iota
	SenderHost
	Upstream
	InCapture // never lost: only the capture lacks it
	Downstream
	ReceiverHost
	NumLoci
)

var locusNames = [NumLoci]string{"unknown", "sender-host", "upstream", "capture", "downstream", "receiver-host"}

func (l Locus) String() string {
	if l >= NumLoci {
		return "invalid"
	}
	return locusNames[l]
}

// MarshalText writes the name of l.
func (l Locus) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Confidence says how sure a conclusion is. It is never a number.
type Confidence uint8

// Confidences.
const (
	Possible Confidence = iota // fits, rivals stand
	Likely                     // one witness, the rivals excluded
	Certain                    // a second witness saw it: DSACK, ICMP quote, timestamp proof, acknowledgement
	numConfidences
)

var confidenceNames = [numConfidences]string{"possible", "likely", "certain"}

func (c Confidence) String() string {
	if c >= numConfidences {
		return "invalid"
	}
	return confidenceNames[c]
}

// MarshalText writes the name of c.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
