package report

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// where says a locus on the first screen.
var where = [cause.NumLoci]string{
	cause.LocusUnknown: "somewhere on the path",
	cause.SenderHost:   "in the sender host",
	cause.Upstream:     "upstream of this capture",
	cause.InCapture:    "at this capture",
	cause.Downstream:   "downstream of this capture",
	cause.ReceiverHost: "in the receiver host",
}

// whereBetween says where a packet was lost with respect to two capture points.
var whereBetween = map[flow.Between]string{
	flow.BetweenPoints: "between the two capture points",
	flow.BeyondPoints:  "downstream of both capture points",
}

// shortWhere says a locus in a table.
var shortWhere = [cause.NumLoci]string{
	cause.LocusUnknown: "somewhere",
	cause.SenderHost:   "sender",
	cause.Upstream:     "up",
	cause.InCapture:    "only here",
	cause.Downstream:   "down",
	cause.ReceiverHost: "receiver",
}

// why says a cause in a few words, behind "downstream of this capture: ".
var why = map[cause.ID]string{
	cause.TCPChecksum:            "bad TCP checksum",
	cause.UDPChecksum:            "bad UDP checksum",
	cause.IPChecksum:             "bad IP header checksum",
	cause.ICMPChecksum:           "bad ICMP checksum",
	cause.ChecksumOffload:        "checksums not filled in yet",
	cause.CaptureDropped:         "the capture dropped them",
	cause.CaptureTruncated:       "the file is cut",
	cause.CaptureDuplicates:      "captured twice",
	cause.OneWayCapture:          "one direction was not captured",
	cause.ReceiverNotReading:     "the receiver does not read",
	cause.SpuriousRetransmission: "sent again without need",
	cause.Reordering:             "out of order",
	cause.AckLost:                "ACKs lost, the data arrived",
	cause.TailLoss:               "the last segments of a flight",
	cause.LostRetransmission:     "repairs that were lost themselves",
	cause.WindowUpdateLost:       "word that a closed window is open",
	cause.PeerGone:               "the receiver is gone",
	cause.SpuriousRTO:            "timeouts without a loss",
	cause.PAWSReject:             "too old a timestamp (PAWS)",
	cause.FragmentLost:           "a fragment is missing",
	cause.HostUnreachable:        "host unreachable, says ICMP",
	cause.NoRoute:                "no route, says ICMP",
	cause.PortClosed:             "port closed, says ICMP",
	cause.FirewallReject:         "rejected by a filter, says ICMP",
	cause.MTUExceeded:            "too big for the path, says ICMP",
	cause.TTLExpired:             "TTL expired, says ICMP",
	cause.ConnectionRefused:      "connection refused",
	cause.ConnectionUnanswered:   "SYN without any answer",
	cause.ReceiverHostDrop:       "dropped after it passed here",
	cause.FirewallSilent:         "silent filter",
	cause.RoutingLoop:            "a routing loop",
	cause.DNSUnanswered:          "DNS requests without an answer",
	cause.RequestUnanswered:      "requests without an answer",
	cause.PortScan:               "a scan",
	cause.SYNFlood:               "a flood of SYNs",
	cause.MiddleboxMangled:       "something on the way rewrites packets",
	cause.AddressConflict:        "two hosts with one address",
	cause.NeighbourUnresolved:    "nobody answers ARP for the receiver",
	cause.ListenQueue:            "queue of new connections full",
	cause.QueueOverflow:          "a full queue",
	cause.Policer:                "a policer",
	cause.RandomLoss:             "random losses",
	cause.LinkOutage:             "an outage of the link",
	cause.MTUBlackHole:           "a hole for long packets",
	cause.FirewallDrop:           "the firewall",
	cause.ConntrackFull:          "connection tracking table full",
	cause.ConntrackInvalid:       "dropped as conntrack invalid",
	cause.RPFilter:               "the reverse path filter",
	cause.UDPReceiveBuffer:       "a UDP receive buffer was full",
	cause.TCPReceiveBuffer:       "no room in a TCP receive buffer",
	cause.SlowApplication:        "a program that does not keep up",
	cause.ListenOverflow:         "queue of new connections full",
	cause.NICRing:                "a ring of the interface was full",
	cause.NICErrors:              "damaged frames, refused by the NIC",
	cause.SoftnetBacklog:         "the backlog of a CPU was full",
	cause.SoftnetImbalance:       "one CPU has all the work",
	cause.QdiscDrop:              "the queue of the interface was full",
	cause.TCPolicer:              "a tc filter or policer",
	cause.XDPDrop:                "an XDP program",
	cause.SocketFilter:           "a BPF program on the socket",
	cause.NoSocket:               "nobody listens on the port",
	cause.IPNoRoute:              "no route",
	cause.FragmentTimeout:        "incomplete datagrams given up",
	cause.MemoryPressure:         "no memory for packets",
	cause.XfrmPolicy:             "the IPsec policy",
	cause.BridgeFilter:           "no way through a bridge or tunnel",
	cause.KernelOther:            "the kernel",
	cause.Unknown:                "cause unknown",
}

// whyDropped says by what a packet is known to be missing only from the capture.
var whyDropped = map[flow.Rule]string{
	flow.RuleAckedUnseen: "the receiver acknowledged what the file lacks",
	flow.RuleIDGap:       "ACKs are missing right beside their sender",
	flow.RuleFileCounter: "its own counters say that it dropped them",
	flow.RuleDatagramID:  "its own counters say that it dropped them",
	flow.RuleRTP:         "its own counters say that it dropped them",
}

// do says the next step for a cause that was concluded. Text between back
// quotes is to be typed.
var do = map[cause.ID][]string{
	cause.TCPChecksum:          {"Look for the link or NIC that damages packets:", "`ethtool -S eth0`"},
	cause.UDPChecksum:          {"Look for the link or NIC that damages packets:", "`ethtool -S eth0`"},
	cause.IPChecksum:           {"Look for the router or NIC that damages headers:", "`ethtool -S eth0`"},
	cause.ICMPChecksum:         {"Look for the link or NIC that damages packets:", "`ethtool -S eth0`"},
	cause.CaptureDropped:       {"Capture again with a larger ring or shorter packets:", "`tcpdump -i eth0 -B 65536 -s 128 -w again.pcap`"},
	cause.CaptureTruncated:     {"Capture again, and let the capture end before the file is copied."},
	cause.AckLost:              {"Look at the path of the answers: it is not the path of the data."},
	cause.PAWSReject:           {"Find what delays or reorders packets; the receiver is right to refuse them."},
	cause.FragmentLost:         {"Send datagrams that fit the path's MTU."},
	cause.HostUnreachable:      {"See whether the host is up, and answers ARP or neighbour discovery."},
	cause.NoRoute:              {"See the routes of the router that answered:", "`ip route get ADDRESS`"},
	cause.PortClosed:           {"See whether the service runs, and where it listens:", "`ss -lntu`"},
	cause.FirewallReject:       {"See the filter of the host that answered:", "`nft list ruleset`"},
	cause.MTUExceeded:          {"See whether the sender obeys; else lower its MTU or clamp the MSS."},
	cause.WindowUpdateLost:     {"Look at the path of the answers: it is not the path of the data."},
	cause.TTLExpired:           {"Look for a routing loop:", "`tracepath -n ADDRESS`"},
	cause.ConnectionRefused:    {"See whether the service runs, and where it listens:", "`ss -lnt`"},
	cause.ConnectionUnanswered: {"See whether the host is up and whether a filter drops the SYN."},
	cause.QueueOverflow:        {"Find the interface that queues, and see its drops:", "`tc -s qdisc show dev eth0`"},
	cause.Policer:              {"Have the policer shape, or give it a larger burst. Until then, shape at the sender below its rate."},
	cause.RandomLoss:           {"Look for errors of the links, not for load:", "`ethtool -S eth0`"},
	cause.LinkOutage:           {"See what happened to the links and routes at that time:", "`journalctl -k`"},
	cause.MTUBlackHole:         {"Find the hop that drops long packets in silence, or clamp the MSS:", "`tracepath -n ADDRESS`"},
	cause.NeighbourUnresolved:  {"See whether the host is up, and in this network:", "`ip neigh show nud failed`"},
	cause.AddressConflict:      {"Find the second host by its MAC address, and give it another address."},
	cause.RoutingLoop:          {"Compare the routes of the routers that take turns:", "`traceroute -n ADDRESS`"},
	cause.FirewallSilent:       {"See the filter of the host, and of what stands before it:", "`nft list ruleset`"},
	cause.FirewallDrop:         {"See the rules of this host and their counters:", "`sudo nft -a list ruleset`"},
	cause.ConntrackFull:        {"Give the table room, or let dead entries go sooner:", "`sysctl net.netfilter.nf_conntrack_max`"},
	cause.ConntrackInvalid:     {"See whether both directions pass this host:", "`sudo conntrack -S`"},
	cause.RPFilter:             {"Compare the route back with where the packets come in:", "`ip route get ADDRESS`"},
	cause.UDPReceiveBuffer:     {"Give the socket a larger buffer, or read faster:", "`sysctl net.core.rmem_max`"},
	cause.TCPReceiveBuffer:     {"Give connections more room, or read faster:", "`sysctl net.ipv4.tcp_rmem`"},
	cause.SlowApplication:      {"See what the program waits for:", "`cat /proc/PID/stack`"},
	cause.ListenOverflow:       {"Let the program accept faster, or give it a longer queue:", "`ss -lntp`"},
	cause.NICRing:              {"See the rings, and make them larger:", "`ethtool -g DEV`"},
	cause.NICErrors:            {"Change cable, transceiver and port, one at a time:", "`ethtool -S DEV`"},
	cause.SoftnetBacklog:       {"Spread the packets over more CPUs, or let more of them wait:", "`sysctl net.core.netdev_max_backlog`"},
	cause.QdiscDrop:            {"Send more slowly, or raise the rate of the shaper:", "`tc -s qdisc show dev DEV`"},
	cause.TCPolicer:            {"See the filters of the interface:", "`tc -s filter show dev DEV ingress`"},
	cause.XDPDrop:              {"See which program is on the interface:", "`sudo bpftool net show`"},
	cause.SocketFilter:         {"See which programs filter:", "`sudo ss -nap --bpf`"},
	cause.NoSocket:             {"See who listens, and on which address:", "`ss -lnup`"},
	cause.IPNoRoute:            {"See what the kernel does with it:", "`ip route get ADDRESS`"},
	cause.FragmentTimeout:      {"Send datagrams that fit the path's MTU."},
	cause.MemoryPressure:       {"See how much memory protocols use:", "`cat /proc/net/sockstat`"},
	cause.XfrmPolicy:           {"Compare the policies of both ends:", "`sudo ip xfrm policy`"},
	cause.BridgeFilter:         {"See the ports of the bridge and their VLANs:", "`bridge -d link show`"},
	cause.KernelOther:          {"See what the function of the kernel says; what it counted:", "`nstat -az`"},
	cause.ListenQueue:          {"See the listener's queue, and make it accept faster:", "`ss -lnt`", "`nstat -az TcpExtListenOverflows`"},
}

// A ruleText is a decision rule in JSON and in prose.
type ruleText struct{ id, sentence string }

// rules has the rows of the decision table in wire-evidence.md c-1 by their numbers.
var rules = [flow.NumRules]ruleText{
	flow.NoRule:              {"none", "No rule decided."},
	flow.RuleSACKHole:        {"sack-hole", "Rule 1: seen here, reported missing by SACK, sent again, no DSACK."},
	flow.RuleAckLost:         {"ack-lost", "Rules 3 and 4: the data had arrived, so its acknowledgement was lost."},
	flow.RuleEchoed:          {"echoed", "Rule 5: seen here, and only its repair was acknowledged."},
	flow.RuleAmbiguous:       {"ambiguous", "Rule 6: seen here and sent again: the packet or its acknowledgement was lost."},
	flow.RuleGapRepaired:     {"gap-repaired", "Rule 7: never seen here, and sent again into the gap."},
	flow.RuleReordered:       {"reordered", "Rule 8: late, not lost: it had been sent earlier."},
	flow.RuleAckedUnseen:     {"acked-unseen", "Rule 9: acknowledged by its receiver, never seen here."},
	flow.RuleNeverRepaired:   {"never-repaired", "Rule 10: never acknowledged and never sent again."},
	flow.RuleIDGap:           {"id-gap", "Rule 11: the sender's IP IDs count it, and it never passed here."},
	flow.RuleDroppedAfterTap: {"dropped-after-tap", "Rule 12: whole when it passed here, at the receiver, and never acknowledged."},
	flow.RuleBadChecksum:     {"bad-checksum", "Rule 13: its checksum was wrong when it passed here."},
	flow.RuleNotReading:      {"not-reading", "Rule 14: the receiver closed its window; nothing was lost."},
	flow.RuleTailRepair:      {"tail-repair", "A last segment was sent again; its first copy never passed here."},
	flow.RuleSYN:             {"syn", "A SYN or SYN-ACK was sent again. Its answer, if one came, shows which was lost."},
	flow.RuleICMPQuote:       {"icmp-quote", "An ICMP error quotes it."},
	flow.RuleSilentICMP:      {"icmp-limited", "An ICMP error about a datagram less than a second older says that the port is closed; hosts limit how often they say so."},
	flow.RuleFragments:       {"fragments", "Other fragments of the same datagram passed; this one did not."},
	flow.RuleOneWay:          {"one-way", "Only one direction is in this capture."},
	flow.RuleFileCounter:     {"file-counter", "The capture itself counted its drops."},
	flow.RuleDatagramID:      {"datagram-id", "The IP IDs of the socket count its datagrams, and some are missing here."},
	flow.RuleReceiverReport:  {"receiver-report", "The receiver's RTCP reports count it as missing, and here it is not."},
	flow.RuleSACKAlone:       {"sack-alone", "Its receiver lacked it for longer than reordering lasts; only the ACKs are here."},
	flow.RuleTwoPoints:       {"two-points", "It passed the first of the two capture points of this file, and never the second."},
	flow.RuleWindowUpdate:    {"window-update", "A closed window had opened, and what told its sender so was lost."},
	flow.RuleRTP:             {"rtp", "RTP sequence numbers are missing here."},
	flow.RuleLoop:            {"loop", "Rule 17: it passed again and again, with a lower TTL each time, down to its last."},
	flow.RuleNeighbour:       {"neighbour", "Nobody answers ARP or neighbour discovery for its receiver."},
	flow.RuleLaterFragments:  {"later-fragments", "The first fragments of several datagrams passed, and never another of this direction."},
	flow.RuleSilentPort:      {"silent-port", "Rule 19: the host answers on other ports, and never on this one."},
	flow.RuleListenQueue:     {"listen-queue", "Only what would begin a connection to this port is dropped; the rest arrives."},
	flow.RuleKernelDrop:      {"kernel-drop", "The kernel of this host said that it dropped it, and why."},
	flow.RuleHostPath:        {"host-path", "This host was told by ICMP, beside this capture, that its way takes no packets so long."},
	flow.RuleHostCounter:     {"host-counter", "A counter of this host moved; no event names the packets."},
}

func ruleOf(r flow.Rule) ruleText {
	if r >= flow.NumRules {
		return rules[flow.NoRule]
	}
	return rules[r]
}

// nouns are the lost packets in prose.
var nouns = [flow.NumWhats]string{
	flow.OtherPacket: "packet", flow.DataPacket: "data packet", flow.ACKPacket: "ACK", flow.SYNPacket: "SYN",
	flow.FINPacket: "FIN", flow.RSTPacket: "RST", flow.Datagram: "datagram", flow.FragmentPacket: "fragment",
	flow.ICMPPacket: "ICMP packet",
}

// nounOf is the noun for what a charge calls it.
func nounOf(what string) string {
	for w, noun := range nouns {
		if flow.What(w).String() == what {
			return noun
		}
	}
	return nouns[flow.OtherPacket]
}

// protocolName is the name of an IP protocol in JSON and tables.
func protocolName(p uint8) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return string(appendCount([]byte("ip-"), uint64(p)))
}

var protocolNames = map[uint8]string{
	decode.ProtoICMP: "icmp", decode.ProtoIGMP: "igmp", decode.ProtoIPIP: "ipip", decode.ProtoTCP: "tcp",
	decode.ProtoUDP: "udp", decode.ProtoIPv6: "ipv6", decode.ProtoGRE: "gre", decode.ProtoESP: "esp",
	decode.ProtoICMPv6: "icmpv6", decode.ProtoSCTP: "sctp", decode.ProtoUDPLite: "udplite",
}

// linkName is the LINKTYPE_ name of the tcpdump.org registry, in lower case.
var linkNames = map[uint16]string{
	6: "ieee802-5", 10: "fddi", 104: "c-hdlc", 107: "frelay", 119: "ieee802-11-prism", 147: "user0", 187: "bluetooth-hci-h4",
	189: "usb-linux", 192: "ppi", 195: "ieee802-15-4", 220: "usb-linux-mmapped", 239: "nflog", 249: "usbpcap",
	252: "wireshark-upper-pdu", 253: "netlink",
	0: "null", 1: "ethernet", 9: "ppp", 12: "raw", 14: "raw", 50: "ppp-hdlc", 51: "ppp-ether", 101: "raw", 105: "ieee802-11",
	108: "loop", 113: "linux-sll", 127: "ieee802-11-radiotap", 204: "ppp-with-dir", 228: "ipv4", 229: "ipv6", 276: "linux-sll2",
}
