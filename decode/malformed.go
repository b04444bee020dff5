package decode

// Malformed says what is wrong with a packet. A malformed packet is a finding
// about the network or the capture, not a Go error: it costs no allocation and
// stops nothing.
type Malformed uint8

// Malformations.
const (
	WellFormed Malformed = iota
	EthernetShort
	VLANShort
	MPLSShort
	PPPoEShort
	ARPShort
	IPv4Short
	IPv4BadVersion
	IPv4BadHeaderLength
	IPv4BadTotalLength
	IPv6Short
	IPv6BadVersion
	IPv6BadLength
	IPv6BadExtension
	FragmentBadOffset
	TCPShort
	TCPBadDataOffset
	UDPShort
	UDPBadLength
	ICMPShort
	GREShort
	TunnelShort
	LinkShort
	NumMalformed
)

var malformedNames = [NumMalformed]string{
	"well-formed", "ethernet-short", "vlan-short", "mpls-short", "pppoe-short", "arp-short",
	"ipv4-short", "ipv4-bad-version", "ipv4-bad-header-length", "ipv4-bad-total-length",
	"ipv6-short", "ipv6-bad-version", "ipv6-bad-length", "ipv6-bad-extension",
	"fragment-bad-offset", "tcp-short", "tcp-bad-data-offset", "udp-short", "udp-bad-length",
	"icmp-short", "gre-short", "tunnel-short", "link-short",
}

func (m Malformed) String() string {
	if m >= NumMalformed {
		return "invalid"
	}
	return malformedNames[m]
}
