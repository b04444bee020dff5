//go:build linux

package main

import "time"

// everything is what a host without a listener does to what arrives.
var everything = &firewall{match: func(*packet) bool { return true }, hits: func(int) bool { return true }}

// oddCases lose nothing, or lose it in ways that look like something else.
var oddCases = []labCase{
	{
		name: "reorder", seed: 21, half: wide, traffic: upload(500_000),
		story: "4 % of the data segments take 5 ms more and arrive late. Nothing is lost.",
		faults: []fault{
			{from: client, where: firstHalf, match: newData, chance: 0.04, do: delay, late: 5 * time.Millisecond},
		},
		captures: []capture{
			{file: "reorder-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "nothing-lost", notCauses: noFault},
			{file: "reorder-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, state: "nothing-lost", notCauses: noFault},
			{file: "reorder-receiver.ns.pcap.gz", at: atServer, tap: "receiver", snap: short, state: "nothing-lost", notCauses: noFault},
		},
	},
	{
		name: "stall", seed: 30, half: wide, traffic: upload(400_000),
		story: "The path stands still for 400 ms and goes on: a timeout, and nothing is lost.",
		faults: []fault{
			{from: client, where: firstHalf, match: newData, nth: []int{200}, do: hold, late: 400 * time.Millisecond},
		},
		captures: []capture{
			{file: "stall-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "nothing-lost", causes: []string{"spurious-retransmission"}, notCauses: noFault},
			{file: "stall-receiver.pcap.gz", at: atServer, tap: "receiver", snap: short, state: "nothing-lost", notCauses: noFault, noKinds: true},
		},
	},
	{
		name: "copies", seed: 22, half: wide, traffic: upload(400_000),
		story: "The network delivers 3 % of the data segments twice. Nothing is lost.",
		faults: []fault{
			{from: client, where: firstHalf, match: anyData, chance: 0.03, do: double},
		},
		captures: []capture{
			{file: "copies-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, state: "nothing-lost", notCauses: noFault},
			{file: "copies-receiver.pcapng.gz", at: atServer, tap: "receiver", snap: short, state: "nothing-lost", notCauses: noFault},
		},
	},
	{
		name: "slow-reader", seed: 23, half: wide, traffic: slowReader(150_000, 8192, 900*time.Millisecond),
		story: "The receiving program sleeps twice: its window closes, the sender probes. Nothing is lost.",
		captures: []capture{
			{file: "slow-reader-sender.pcapng.gz", at: atClient, tap: "sender", snap: short, state: "nothing-lost", notCauses: noFault},
			{file: "slow-reader-receiver.pcap.gz", at: atServer, tap: "receiver", snap: short, state: "nothing-lost", notCauses: noFault},
		},
	},
	{
		name: "capture-loss", seed: 24, half: wide, traffic: download(500_000),
		story: "Nothing is lost, but 4 % of the packets are missing from the file.",
		// No state is demanded: nothing tells whether the ACKs that are missing, too, were lost.
		captures: []capture{
			{file: "capture-loss-receiver.pcapng.gz", at: atClient, tap: "receiver", snap: short, missing: 0.04,
				causes: []string{"capture-dropped"}, notCauses: anyLoss, atMost: []string{"ack capture", "syn capture", "fin capture"}},
			{file: "capture-loss-sender.pcap.gz", at: atServer, tap: "sender", snap: short, missing: 0.04,
				causes: []string{"capture-dropped"}, notCauses: anyLoss, atMost: []string{"ack capture", "syn capture", "fin capture"}},
		},
	},
	{
		name: "span", seed: 25, half: wide, traffic: upload(400_000),
		story: "A mirror port shows every packet twice, before and behind a router; 3 % are lost behind it.",
		faults: []fault{
			{from: client, where: secondHalf, match: newData, chance: 0.03, do: drop},
		},
		captures: []capture{
			{file: "span-middle.pcap.gz", at: atMiddle, tap: "middle", snap: short, span: true, state: "lost", causes: []string{"capture-duplicates"}},
		},
	},
	{
		name: "one-way", seed: 26, half: wide, traffic: upload(300_000),
		story: "An upload with 3 % loss of which only one direction was captured.",
		faults: []fault{
			{from: client, where: secondHalf, match: newData, chance: 0.03, do: drop},
		},
		captures: []capture{
			{file: "one-way-data.pcap.gz", at: atClient, tap: "sender", snap: short, only: only(client), noKinds: true, state: "cannot-tell", cannot: []string{"data downstream"}},
		},
	},
	{
		name: "refused", seed: 27, half: wide, traffic: refused, firewall: everything,
		story: "A connection to a port where nobody listens: the host answers with RST.",
		captures: []capture{
			{file: "refused-client.pcap", at: atClient, tap: "sender", snap: whole, state: "nothing-lost", causes: []string{"connection-refused"}},
		},
	},
	{
		name: "unanswered", seed: 28, half: wide, traffic: unanswered(3500 * time.Millisecond),
		story: "A connection to a host whose firewall drops SYNs without a word.",
		firewall: &firewall{
			rules: dropRule(""),
			match: func(*packet) bool { return true }, hits: func(int) bool { return true },
		},
		captures: []capture{
			{file: "unanswered-client.pcap", at: atClient, tap: "sender", snap: whole, causes: []string{"connection-unanswered"}, atMost: []string{"syn downstream"}},
		},
	},
	{
		name: "closed-port", seed: 29, half: wide, traffic: datagrams(4, 100, 60*time.Millisecond, false), firewall: everything,
		story: "Datagrams to a port where nobody listens: the host answers with ICMP.",
		captures: []capture{
			{file: "closed-port-client.pcapng", at: atClient, tap: "sender", snap: whole, state: "lost", causes: []string{"port-closed"}},
		},
	},
}
