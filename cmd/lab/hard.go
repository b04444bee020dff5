//go:build linux

package main

import "time"

// near is a wire so short that times say little.
var near = [2]time.Duration{500 * time.Microsecond, 700 * time.Microsecond}

// rough loses, delays and repeats in both directions at once.
func rough(chance float64) []fault {
	return []fault{
		{from: client, where: firstHalf, match: newData, chance: chance, do: drop},
		{from: client, where: secondHalf, match: newData, chance: chance, do: drop},
		{from: server, where: firstHalf, match: pureACK, chance: chance, do: drop},
		{from: server, where: secondHalf, match: pureACK, chance: chance, do: drop},
	}
}

// three are the taps of an upload; some of the lost ACKs cannot be told.
func three(name string) []capture {
	var all []capture
	for _, c := range []capture{{at: atClient, tap: "sender"}, {at: atMiddle, tap: "middle"}, {at: atServer, tap: "receiver"}} {
		c.file, c.snap, c.state = name+"-"+c.tap+".pcapng.gz", short, "lost"
		c.atMost = []string{"ack upstream", "ack downstream"}
		all = append(all, c)
	}
	return all
}

// uncut keeps whole frames, so that checksums can be verified.
func uncut(all []capture) []capture {
	for i := range all {
		all[i].snap = whole
	}
	return all
}

// turned are the taps of a download.
func turned(name string) []capture {
	all := three(name)
	all[0].at, all[2].at = atServer, atClient
	return all
}

// hardCases are not shipped: go run ./cmd/lab -hard looks with them for what
// the analysis gets wrong.
var hardCases = []labCase{
	{
		name: "heavy", seed: 41, half: wide, traffic: upload(600_000), faults: rough(0.05), captures: three("heavy"),
		story: "5 % of all packets are lost in each half and direction.",
	},
	{
		name: "near", seed: 43, half: near, traffic: upload(900_000), faults: rough(0.02), captures: three("near"),
		story: "2 % of all packets are lost in each half and direction of a path of 2.4 ms.",
	},
	{
		name: "old", seed: 44, half: wide, traffic: upload(600_000), faults: rough(0.03), captures: three("old"),
		sysctls: []string{"tcp_sack", "tcp_timestamps"},
		story:   "3 % of all packets are lost in each half and direction, without SACK and timestamps.",
	},
	{
		name: "chat", seed: 45, half: wide, traffic: responses(40, 5000, 5*time.Millisecond), captures: turned("chat"),
		faults: append(rough(0.03), fault{from: server, where: firstHalf, match: newData, chance: 0.05, do: drop}),
		story:  "Questions and answers of a few segments; 3 to 5 % of all packets are lost.",
	},
	{
		name: "mixed", seed: 46, half: wide, traffic: upload(600_000), captures: uncut(three("mixed")),
		faults: append(rough(0.01), fault{from: client, where: firstHalf, match: newData, chance: 0.02, do: delay, late: 3 * time.Millisecond},
			fault{from: client, where: secondHalf, match: anyData, chance: 0.02, do: double},
			fault{from: client, where: firstHalf, match: newData, chance: 0.01, do: damage}),
		story: "Loss, damage, delay and repetition at once.",
	},
	{
		name: "offload", seed: 47, half: wide, offload: true, traffic: upload(800_000), faults: rough(0.02), captures: three("offload"),
		story: "Segmentation by the card, and 2 % of all packets are lost in each half and direction.",
	},
}
