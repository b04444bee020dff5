package decode

// A Tunnel names an encapsulation.
type Tunnel uint8

// Encapsulations.
const (
	TunnelNone   Tunnel = iota
	TunnelIPIP          // RFC 2003, RFC 2473
	Tunnel6in4          // RFC 4213
	TunnelGRE           // RFC 2784, RFC 2890
	TunnelVXLAN         // RFC 7348
	TunnelGeneve        // RFC 8926
	TunnelGTPU          // 3GPP TS 29.281
	TunnelERSPAN        // draft-foschiano-erspan
	numTunnels
)

var tunnelNames = [numTunnels]string{"none", "ip-in-ip", "6in4", "gre", "vxlan", "geneve", "gtp-u", "erspan"}

func (t Tunnel) String() string {
	if t >= numTunnels {
		return "invalid"
	}
	return tunnelNames[t]
}

// An Outer is an IP header around another, with the tunnel that starts behind it.
type Outer struct {
	Src, Dst         Addr
	ID               uint32
	TTL, TOS         uint8
	IPVersion        uint8
	Tunnel           Tunnel
	SrcPort, DstPort uint16 // UDP tunnels
	Key              uint32 // VNI, GRE key, TEID
	IPChecksum       Checksum
	TransportSum     Checksum
}

// A Control is what whydrop needs of a packet that speaks about other packets:
// an ICMP error with its quote, ARP, neighbour discovery.
type Control struct {
	Kind ControlKind

	// ICMP errors (ControlQuote): the quoted packet, as far as it was quoted.
	Router    Addr   // who sent the error
	MTU       uint32 // next-hop MTU of "fragmentation needed" / "packet too big"; 0 = none
	Protocol  uint8
	TTL       uint8
	IPVersion uint8
	HasPorts  bool // ports (and for TCP Seq) were quoted; for ICMP the echo fields
	Src, Dst  Addr
	SrcPort   uint16
	DstPort   uint16
	ID        uint32
	Seq       uint32 // TCP: the sequence number; UDP: length << 16 | checksum
	EchoID    uint16 // quoted ICMP echo
	EchoSeq   uint16
	Length    uint32 // IP length of the quoted packet, as claimed

	// ARP and neighbour discovery (ControlARP, ControlND).
	Op         uint16 // ARP operation; for ND the ICMPv6 type
	SenderMAC  [6]byte
	TargetMAC  [6]byte
	SenderAddr Addr
	TargetAddr Addr

	// RTCP (ControlReport).
	Report Report
	More   bool // it belongs to the packet of the Control in front of it
}

// ControlKind tells Controls apart.
type ControlKind uint8

// Kinds of controls.
const (
	ControlNone ControlKind = iota
	ControlQuote
	ControlARP
	ControlND
	ControlReport
)

// Decoded is a batch of packets in file order, with what belongs to some of
// them. It is owned like a capture.Batch; whoever counts Packets down to the
// last returns it to its pool.
type Decoded struct {
	Packets  []Packet
	Controls []Control
	Outers   []Outer
}

// Reset empties d and keeps its memory.
func (d *Decoded) Reset() {
	d.Packets, d.Controls, d.Outers = d.Packets[:0], d.Controls[:0], d.Outers[:0]
}
