//go:build linux

package main

import "time"

// Matchers of faults.

func anyData(p *packet) bool  { return p.what() == "data" }
func newData(p *packet) bool  { return p.what() == "data" && !p.retx }
func pureACK(p *packet) bool  { return p.what() == "ack" && p.number > 2 }
func firstSYN(p *packet) bool { return p.what() == "syn" && !p.retx }

// someDatagrams is how many datagrams a case sends. The first and the last are
// never lost: what lies outside of all numbers seen leaves no gap.
const someDatagrams = 300

func datagram(p *packet) bool {
	return p.what() == "datagram" && p.number > 0 && p.number < someDatagrams-1
}

// uploaded matches new data of the first of several programs.
func uploaded(p *packet) bool { return newData(p) && p.dst.Port() == serverPort }

// oneSegment is what a full segment holds: 1500 octets less IPv4, TCP and timestamps.
const oneSegment = 1448

// lastOf matches the last segment of each response of size octets.
func lastOf(size uint32) func(p *packet) bool {
	first, known := uint32(0), false
	return func(p *packet) bool {
		if p.retx || p.payload == 0 {
			return false
		}
		if !known {
			first, known = p.seq, true
		}
		return (p.seq+uint32(p.payload)-first)%size == 0
	}
}

// wide is the wire of most cases: 40 ms there and back, the middle at two fifths.
var wide = [2]time.Duration{8 * time.Millisecond, 12 * time.Millisecond}

const (
	short = 128 // headers and some payload
	whole = 0
)

func only(s side) *side { return &s }

// cases are all experiments, in the order of SOURCES.
var cases = append(lossCases, oddCases...)

// Causes that a lossless capture must not name, and their innocent look-alikes.
var (
	anyLoss = []string{"unknown", "ack-lost", "tail-loss", "lost-retransmission", "tcp-checksum", "receiver-host-drop"}
	noFault = append([]string{"capture-dropped"}, anyLoss...)
)

var lossCases = []labCase{
	{
		name: "clean", seed: 1, half: wide, offload: true, traffic: download(400_000),
		story: "A download without any loss. The sender leaves segmentation and checksums to its card.",
		captures: []capture{
			{file: "clean-sender.pcapng.gz", at: atServer, tap: "sender", snap: short, state: "nothing-lost", notCauses: noFault},
			{file: "clean-receiver.pcap.gz", at: atClient, tap: "receiver", snap: whole, state: "nothing-lost", notCauses: noFault},
		},
	},
	{
		name: "demo", seed: 31, half: wide, traffic: together(upload(900_000), responses(10, 12_000, 20*time.Millisecond)),
		story: "An upload beside questions and answers, seen in the middle: losses on both sides of the tap, and some reordering.",
		faults: []fault{
			{from: client, where: firstHalf, match: uploaded, chance: 0.01, do: drop},
			{from: client, where: firstHalf, match: uploaded, chance: 0.01, do: delay, late: 4 * time.Millisecond},
			{from: client, where: secondHalf, match: uploaded, chance: 0.03, do: drop},
			{from: server, where: firstHalf, match: newData, chance: 0.04, do: drop},
		},
		captures: []capture{
			{file: "demo.pcapng.gz", at: atMiddle, tap: "middle", snap: short, state: "lost"},
		},
	},
	{
		name: "loss", seed: 2, half: wide, traffic: upload(700_000),
		story: "An upload that loses data segments at random, 2 % in each half of the path.",
		faults: []fault{
			{from: client, where: firstHalf, match: anyData, chance: 0.02, do: drop},
			{from: client, where: secondHalf, match: anyData, chance: 0.02, do: drop},
		},
		captures: []capture{
			{file: "loss-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "lost"},
			{file: "loss-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, state: "lost"},
			{file: "loss-receiver.ns.pcap.gz", at: atServer, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "loss6", seed: 3, half: wide, v6: true, traffic: upload(500_000),
		story: "The same over IPv6, where packets have no numbers.",
		faults: []fault{
			{from: client, where: firstHalf, match: newData, chance: 0.02, do: drop},
			{from: client, where: secondHalf, match: newData, chance: 0.02, do: drop},
		},
		captures: []capture{
			{file: "loss6-middle.pcapng.gz", at: atMiddle, tap: "middle", snap: short, state: "lost"},
			{file: "loss6-receiver.pcap.gz", at: atServer, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "heavy6", seed: 42, half: wide, v6: true, traffic: upload(600_000), faults: rough(0.03), captures: three("heavy6"),
		story: "3 % of all packets are lost in each half and direction, over IPv6.",
	},
	{
		name: "old-stack", seed: 12, half: wide, traffic: upload(300_000), sysctls: []string{"tcp_sack", "tcp_timestamps"},
		story: "Loss between hosts without SACK and timestamps, 1.5 % in each half.",
		faults: []fault{
			{from: client, where: firstHalf, match: newData, chance: 0.015, do: drop},
			{from: client, where: secondHalf, match: newData, chance: 0.015, do: drop},
		},
		captures: []capture{
			{file: "old-stack-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "lost"},
			{file: "old-stack-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, state: "lost"},
		},
	},
	{
		name: "burst", seed: 4, half: wide, traffic: download(500_000),
		story: "The path behind the sender swallows 40 segments in a row; SACK repairs them.",
		faults: []fault{
			{from: server, where: firstHalf, match: newData, nth: sequence(150, 40), do: drop},
		},
		captures: []capture{
			{file: "burst-sender.pcapng.gz", at: atServer, tap: "sender", snap: short, state: "lost"},
			{file: "burst-receiver.pcap.gz", at: atClient, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "outage", seed: 13, half: wide, traffic: download(500_000),
		story: "Nothing of the sender gets through for 450 ms: probe and timeouts, then recovery by the ACK clock.",
		faults: []fault{
			{from: server, where: firstHalf, match: newData, nth: []int{150}, do: outage, late: 450 * time.Millisecond},
		},
		captures: []capture{
			{file: "outage-sender.pcapng.gz", at: atServer, tap: "sender", snap: short, state: "lost"},
			{file: "outage-receiver.pcap.gz", at: atClient, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "tail", seed: 5, half: wide, traffic: responses(12, 5*oneSegment, 30*time.Millisecond),
		story: "The last segment of the third, sixth and ninth response is lost: tail loss probes repair it.",
		faults: []fault{
			{from: server, where: firstHalf, match: lastOf(5 * oneSegment), nth: []int{3, 6, 9}, do: drop},
		},
		captures: []capture{
			{file: "tail-sender.pcapng.gz", at: atServer, tap: "sender", snap: short, state: "lost"},
			{file: "tail-receiver.pcap.gz", at: atClient, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "acks", seed: 6, half: wide, traffic: upload(500_000),
		story: "A third of the pure ACKs is lost on the way back; every data segment arrives.",
		faults: []fault{
			{from: server, where: secondHalf, match: pureACK, chance: 0.33, do: drop},
		},
		captures: []capture{
			{file: "acks-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, atMost: []string{"ack upstream"}},
			{file: "acks-receiver.pcap.gz", at: atServer, tap: "receiver", snap: short, cannot: []string{"ack downstream"}},
		},
	},
	{
		name: "syn", seed: 7, half: wide, traffic: upload(50_000),
		story: "The first SYN is lost; the second, a second later, is answered.",
		faults: []fault{
			{from: client, where: secondHalf, match: firstSYN, nth: []int{1}, do: drop},
		},
		captures: []capture{
			{file: "syn-sender.pcap", at: atClient, tap: "sender", snap: short, state: "lost"},
			{file: "syn-receiver.pcap", at: atServer, tap: "receiver", snap: short, cannot: []string{"syn upstream"}},
		},
	},
	{
		name: "synack", seed: 8, half: wide, traffic: upload(50_000),
		story: "The first SYN-ACK is lost; the SYN that follows was not needed.",
		faults: []fault{
			{from: server, where: firstHalf, match: firstSYN, nth: []int{1}, do: drop},
		},
		captures: []capture{
			{file: "synack-sender.pcap", at: atClient, tap: "sender", snap: short, state: "lost"},
			{file: "synack-receiver.pcap", at: atServer, tap: "receiver", snap: short, state: "lost"},
		},
	},
	{
		name: "damage", seed: 9, half: wide, traffic: upload(400_000),
		story: "One bit in 2 % of the data segments flips on the way; the receiver's stack discards them.",
		faults: []fault{
			{from: client, where: firstHalf, match: newData, chance: 0.02, do: damage},
		},
		captures: []capture{
			{file: "damage-sender.pcapng.gz", at: atClient, tap: "sender", snap: whole, state: "lost", notCauses: []string{"tcp-checksum"}},
			{file: "damage-receiver.pcapng.gz", at: atServer, tap: "receiver", snap: whole, state: "lost", causes: []string{"tcp-checksum"}},
		},
	},
	{
		name: "firewall", seed: 10, half: wide, traffic: upload(400_000),
		story: "The receiver's own firewall drops each 40th full segment, behind the tap on that host.",
		firewall: &firewall{
			rules: dropRule("meta length > 1000 numgen inc mod 40 == 7"),
			match: func(p *packet) bool { return p.payload > 1000 },
			hits:  func(n int) bool { return n%40 == 7 },
		},
		captures: []capture{
			{file: "firewall-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "lost"},
			{file: "firewall-receiver.pcapng.gz", at: atServer, tap: "receiver", snap: short, state: "lost", causes: []string{"receiver-host-drop"}},
		},
	},
	{
		name: "datagrams", seed: 11, half: wide, traffic: datagrams(someDatagrams, 400, time.Millisecond, true),
		story: "A connected UDP socket sends 300 datagrams; 5 % are lost in each half of the path.",
		faults: []fault{
			{from: client, where: firstHalf, match: datagram, chance: 0.05, do: drop},
			{from: client, where: secondHalf, match: datagram, chance: 0.05, do: drop},
		},
		captures: []capture{
			{file: "datagrams-sender.pcap.gz", at: atClient, tap: "sender", snap: short, cannot: []string{"datagram downstream"}},
			{file: "datagrams-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, cannot: []string{"datagram downstream"}},
			{file: "datagrams-receiver.pcapng.gz", at: atServer, tap: "receiver", snap: short, state: "lost"},
		},
	},
}

// dropRule is an nftables rule set that drops what arrives at the server's port.
func dropRule(which string) string {
	return "table inet lab {\n chain in {\n  type filter hook input priority 0\n  tcp dport 5001 " + which + " counter drop\n }\n}\n"
}

// sequence is n numbers from first.
func sequence(first, n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = first + i
	}
	return s
}
