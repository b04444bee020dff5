//go:build linux

package main

import (
	"errors"
	"strings"
	"time"
)

// pathFaults are those of the MTU of a path that only its sender can tell apart.
var pathFaults = []fault{
	{
		name:    "MTU, ICMP comes by another interface",
		want:    verdict{cause: "mtu-exceeded", locus: "downstream", named: []string{"the way to 10.77.2.2 takes 1200 octets", "ip route get 10.77.2.2"}},
		build:   buildDetour,
		provoke: func(w *world) (uint64, error) { return w.blackHole("a", addrB+":5001", "r") },
		tap:     at("a", "va"),
	},
	{
		name: "MTU, black hole, the sender probes",
		want: verdict{cause: "mtu-black-hole", locus: "downstream", less: "likely"},
		build: func(w *world) error {
			return errors.Join(narrow(w), w.swallow("b", addrB+":5001"), w.set("a", "net.ipv4.tcp_mtu_probing", "1"),
				w.nft("r", inTable("type filter hook output priority 0; icmp type destination-unreachable icmp code frag-needed drop")))
		},
		provoke: func(w *world) (uint64, error) {
			const untilShorter = 7500 * time.Millisecond // net/ipv4/tcp_timer.c:tcp_mtu_probing, after tcp_retries1 timeouts
			return w.blackHoleFor("a", addrB+":5001", "r", untilShorter)
		},
		tap: at("a", "va"),
	},
}

// buildDetour narrows the way, and has the router send what it says of that by a second
// cable: a has two ways to it, as a host with two uplinks.
func buildDetour(w *world) error {
	err := errors.Join(narrow(w), w.swallow("b", addrB+":5001"), w.cable("a", "va2", "02:00:00:00:00:2a", "r", "ra2", "02:00:00:00:00:2b"))
	if err != nil {
		return err
	}
	return errors.Join(
		w.feed("a", `link set va2 up
addr add 10.77.3.1/24 dev va2
neigh replace 10.77.3.254 lladdr 02:00:00:00:00:2b dev va2 nud permanent
`, "ip", "-batch", "-"),
		w.feed("r", `link set ra2 up
addr add 10.77.3.254/24 dev ra2
neigh replace 10.77.3.1 lladdr 02:00:00:00:00:2a dev ra2 nud permanent
rule add ipproto icmp lookup 100
route add 10.77.1.1/32 via 10.77.3.1 dev ra2 table 100
`, "ip", "-batch", "-"),
		until("the link of va2", func() (bool, error) { return w.carrier("a", "va2") }))
}

// carrier reports whether an interface has a link.
func (w *world) carrier(ns, iface string) (bool, error) {
	out, err := w.output(ns, "ip -o link show "+iface)
	return strings.Contains(out, "LOWER_UP"), err
}
