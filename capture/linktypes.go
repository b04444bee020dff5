package capture

import "strconv"

// linkNames are well known values of the tcpdump.org registry: those that
// whydrop decodes, and those that it meets and counts.
var linkNames = map[LinkType]string{
	LinkNull: "BSD loopback", LinkEthernet: "Ethernet", 3: "AX.25", 6: "IEEE 802.5 token ring",
	7: "ARCNET", 8: "SLIP", LinkPPP: "PPP", 10: "FDDI", LinkRawBSD: "raw IP (BSD)",
	LinkRawOpenBSD: "raw IP (OpenBSD)", LinkPPPHDLC: "PPP in HDLC framing", LinkPPPoE: "PPPoE",
	100: "ATM RFC 1483", LinkRaw: "raw IP", 104: "Cisco HDLC", LinkIEEE80211: "IEEE 802.11",
	107: "frame relay", LinkLoop: "OpenBSD loopback", 109: "OpenBSD IPsec", 113: "Linux cooked",
	117: "OpenBSD pf log", 119: "IEEE 802.11 with Prism header", 122: "IP over Fibre Channel",
	LinkRadiotap: "IEEE 802.11 with radiotap header", 129: "ARCNET (Linux)", 138: "IP over FireWire",
	140: "SS7 MTP2", 141: "SS7 MTP3", 142: "SS7 SCCP", 143: "DOCSIS", 144: "Linux IrDA",
	147: "user 0", 148: "user 1", 162: "user 15", 163: "IEEE 802.11 with AVS header",
	165: "BACnet MS/TP", 166: "PPP of pppd", 169: "GPRS LLC", 177: "Linux LAPD",
	187: "Bluetooth HCI H4", 189: "USB (Linux, short)", 192: "per-packet information",
	195: "IEEE 802.15.4", 197: "ERF", 201: "Bluetooth HCI H4 with direction",
	LinkPPPDir: "PPP with direction", 205: "Cisco HDLC with direction", 206: "frame relay with direction",
	209: "IPMB", 215: "IEEE 802.15.4 without preamble", 220: "USB (Linux)", 224: "Fibre Channel FC-2",
	LinkIPv4: "raw IPv4", LinkIPv6: "raw IPv6", 230: "IEEE 802.15.4 without FCS", 231: "D-Bus",
	239: "netfilter log", 240: "netANALYZER", 242: "IP over InfiniBand", 245: "NFC LLCP",
	247: "InfiniBand", 248: "SCTP", 249: "USBPcap", 251: "Bluetooth LE", 253: "netlink",
	254: "Bluetooth monitor", 257: "PROFIBUS", 258: "PKTAP", 266: "DisplayPort AUX", 270: "nRF sniffer",
	272: "Ethernet with preamble", 274: "Ethernet (MPacket)", LinkLinuxSLL2: "Linux cooked v2",
	283: "IEEE 802.15.4 TAP", 289: "ELEE", 290: "Z-Wave",
}

// String names t, with its number where no name is known.
func (t LinkType) String() string {
	if n, ok := linkNames[t]; ok {
		return n
	}
	return "link type " + strconv.Itoa(int(t))
}
