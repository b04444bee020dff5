package decode

// EtherTypes, from the IEEE 802 numbers registry of IANA.
const (
	etherIPv4     = 0x0800
	etherARP      = 0x0806
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100 // 802.1Q
	etherQinQ     = 0x88a8 // 802.1ad
	etherQinQ1    = 0x9100 // before 802.1ad there were three habits
	etherQinQ2    = 0x9200
	etherQinQ3    = 0x9300
	etherMPLS     = 0x8847 // RFC 3032
	etherMPLSMc   = 0x8848 // RFC 5332
	etherPPPoE    = 0x8864 // RFC 2516, session stage
	etherPPP      = 0x880b
	etherTEB      = 0x6558 // transparent Ethernet bridging, RFC 7637
	etherERSPAN   = 0x88be // types I and II
	etherERSPAN3  = 0x22eb
	etherMin      = 0x0600 // below it the field is an 802.3 length
	etherLLC      = 0x0004 // ETH_P_802_2 of linux/if_ether.h: frames with an LLC header
	maxLength8023 = 1500
)

// IP protocols and IPv6 extension headers beside those of packet.go.
const (
	protoHopByHop = 0
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoNoNext   = 59
	protoDestOpts = 60
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
)

// PPP protocol numbers.
const (
	pppIPv4   = 0x0021
	pppIPv6   = 0x0057
	pppMPLS   = 0x0281
	pppMPLSMc = 0x0283
)

// UDP ports of tunnels.
const (
	portGTPU       = 2152 // 3GPP TS 29.281
	portAMT        = 2268 // RFC 7450
	portLISP       = 4341 // RFC 9300
	portGREinUDP   = 4754 // RFC 8086
	portVXLAN      = 4789 // RFC 7348
	portVXLANGPE   = 4790
	portGeneve     = 6081 // RFC 8926
	portMPLSinUDP  = 6635 // RFC 7510
	portVXLANLinux = 8472 // what Linux used before 4789 was assigned
)

// mayBeUnsummed reports whether UDP over IPv6 may carry a zero checksum on
// port: the tunnels that RFC 6935 §5 and RFC 6936 §5 made room for.
func mayBeUnsummed(port uint16) bool {
	switch port {
	case portGTPU, portAMT, portLISP, portGREinUDP, portVXLAN, portVXLANGPE, portGeneve,
		portMPLSinUDP, portVXLANLinux:
		return true
	}
	return false
}
