//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// flung is how many datagrams a fault sends.
const flung = 50

// firewallFaults are those of netfilter and connection tracking.
var firewallFaults = []fault{
	{
		name:    "nft input, counter",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle ", "udp dport 9001 counter"}},
		build:   dropsAt("b", "type filter hook input priority 0; udp dport 9001 counter drop"),
		provoke: fling,
	},
	{
		name:    "nft input, no counter",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("b", "type filter hook input priority 0; udp dport 9001 drop"),
		provoke: fling,
	},
	{
		name:    "nft input, traced",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle 3", "meta length"}},
		build:   dropsAt("b", "type filter hook input priority 0; udp dport 9001 meta length > 900 drop; udp dport 9001 meta length > 90 drop"),
		provoke: fling,
		args:    []string{"--trace-rules"},
	},
	{
		name:    "nft policy",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, its policy"}},
		build:   dropsAt("b", "type filter hook input priority 0; policy drop; tcp dport 22 accept"),
		provoke: fling,
	},
	{
		name:    "nft prerouting",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("b", "type filter hook prerouting priority -300; udp dport 9001 counter drop"),
		provoke: fling,
	},
	{
		name:    "nft forward",
		want:    verdict{cause: "firewall-drop", locus: "downstream", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("r", "type filter hook forward priority 0; udp dport 9001 counter drop"),
		provoke: fling,
		tap:     at("r", "ra"),
	},
	{
		name:    "nft forward, tap on the way out",
		want:    verdict{cause: "firewall-drop", locus: "upstream", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("r", "type filter hook forward priority 0; udp dport 9001 numgen inc mod 5 0 counter drop"),
		provoke: flingFifth,
		tap:     at("r", "rb"),
	},
	{
		name:    "nft forward, tap on the way out, none passes",
		want:    verdict{cause: "firewall-drop", locus: "upstream", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("r", "type filter hook forward priority 0; udp dport 9001 counter drop"),
		provoke: fling,
		tap:     at("r", "rb"),
	},
	{
		name:    "nft output",
		want:    verdict{cause: "firewall-drop", locus: "sender-host", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("a", "type filter hook output priority 0; udp dport 9001 counter drop"),
		provoke: fling,
		tap:     at("a", "va"),
	},
	{
		name: "nft input, TCP",
		want: verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle "}},
		build: func(w *world) error {
			return errors.Join(w.swallow("b", addrB+":5001"), w.nft("b", inTable("type filter hook input priority 0; tcp dport 5001 meta length > 1000 numgen inc mod 100 == 50 counter drop")))
		},
		provoke: func(w *world) (uint64, error) {
			if err := w.upload("a", addrB+":5001", 1<<20); err != nil {
				return 0, err
			}
			return w.counted("b")
		},
	},
	{
		name:    "iptables-nft input",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"filter INPUT", "9001"}},
		build:   words("b", "iptables-nft -A INPUT -p udp --dport 9001 -j DROP"),
		provoke: fling,
		needs:   []string{"iptables-nft"},
	},
	{
		name:    "iptables-nft policy",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"filter INPUT, its policy"}},
		build:   words("b", "iptables-nft -P INPUT DROP"),
		provoke: fling,
		needs:   []string{"iptables-nft"},
	},
	{
		name:    "iptables-legacy input",
		want:    verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"iptables filter INPUT, rule 1"}},
		build:   words("b", "iptables-legacy -A INPUT -p udp --dport 9001 -j DROP"),
		provoke: fling,
		needs:   []string{"iptables-legacy"},
	},
	{
		name:    "reject, ICMP",
		want:    verdict{cause: "firewall-reject", locus: "receiver-host", named: []string{"nft inet f in, handle "}},
		build:   dropsAt("b", "type filter hook input priority 0; udp dport 9001 counter reject"),
		provoke: fling,
	},
	{
		name:  "reject, RST",
		want:  verdict{cause: "firewall-reject", locus: "receiver-host", named: []string{"nft inet f in, handle "}, beside: []string{"connection-refused"}},
		build: dropsAt("b", "type filter hook input priority 0; tcp dport 9003 counter reject with tcp reset"),
		provoke: func(w *world) (uint64, error) {
			for range 5 {
				if c, err := w.dial("a", addrB+":9003", patience); err == nil {
					c.Close()
					return 0, errors.New("a rejected connection was made")
				}
			}
			return w.counted("b")
		},
	},
	{
		name:  "conntrack, invalid",
		want:  verdict{cause: "conntrack-invalid", locus: "receiver-host", named: []string{"nft inet f in, handle "}},
		build: dropsAt("b", "type filter hook input priority 0; ct state invalid counter drop"),
		provoke: func(w *world) (uint64, error) {
			const n = 20
			p := packet{srcMAC: macRB, dstMAC: macB, src: addrA, dst: addrB, sport: 4000, dport: 9998, protocol: unix.IPPROTO_TCP, flags: 3}
			for i := range n {
				p.id, p.sport = uint16(i), uint16(4000+i)
				if err := w.inject("r", "rb", p.frame()); err != nil {
					return 0, err
				}
			}
			return n, nil
		},
	},
	{
		name:    "conntrack, full",
		want:    verdict{cause: "conntrack-full", locus: "downstream", named: []string{"262144 of 262144", "sysctl -w net.netfilter.nf_conntrack_max=524288"}},
		build:   fillConntrack,
		provoke: flingEach,
		tap:     at("r", "ra"),
		needs:   []string{"conntrack"},
		heavy:   true,
	},
}

// inTable is a table with one chain.
func inTable(rules string) string {
	return "table inet f {\n chain in {\n  " + strings.ReplaceAll(rules, "; ", "\n  ") + "\n }\n}\n"
}

// dropsAt gives a namespace rules, and b a program that reads.
func dropsAt(ns, rules string) func(*world) error {
	return func(w *world) error {
		return errors.Join(w.sink("b", addrB+":9001"), w.nft(ns, inTable(rules)))
	}
}

// words runs a line in a namespace, and b has a program that reads.
func words(ns, line string) func(*world) error {
	return func(w *world) error { return errors.Join(w.sink("b", addrB+":9001"), w.sh(ns, line)) }
}

// fling sends datagrams to the program on b.
func fling(w *world) (uint64, error) {
	_, err := w.datagrams("a", addrB+":9001", flung, 100)
	return flung, err
}

// flingFifth sends them where every fifth is dropped.
func flingFifth(w *world) (uint64, error) {
	n, err := fling(w)
	return n / 5, err
}

// flingEach sends them from a socket each: connection tracking knows none of them.
func flingEach(w *world) (uint64, error) {
	for range flung {
		if _, err := w.datagrams("a", addrB+":9001", 1, 100); err != nil {
			return 0, err
		}
	}
	return flung, nil
}

// counted is what the one counter of the rules of a namespace says.
func (w *world) counted(ns string) (n uint64, err error) {
	out, err := w.output(ns, "nft list ruleset")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(out, "counter packets ")
	_, err = fmt.Sscan(rest, &n)
	return n, err
}

// fillConntrack fills the table of the router with connections that are not given up:
// assured ones (nf_conntrack_core.c:early_drop).
func fillConntrack(w *world) error {
	most, err := w.output("r", "cat /proc/sys/net/netfilter/nf_conntrack_max")
	if err != nil {
		return err
	}
	if strings.TrimSpace(most) != "262144" {
		return fmt.Errorf("nf_conntrack_max is %s, not 262144", strings.TrimSpace(most))
	}
	var entries strings.Builder
	for i := range 262144 {
		fmt.Fprintf(&entries, "-I -p udp -s 10.1.%d.%d -d 10.2.0.%d --sport %d --dport 9 --timeout 600 --status ASSURED,SEEN_REPLY\n",
			i>>16, i>>8&255, i&255, 1000+i%50000)
	}
	folder, err := os.MkdirTemp("", "whydrop-conntrack-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "entries")
	if err := os.WriteFile(path, []byte(entries.String()), 0o600); err != nil {
		return err
	}
	if err := w.nft("r", inTable("type filter hook forward priority 0; ct state new counter accept")); err != nil {
		return err
	}
	if err := w.sh("r", "conntrack -R "+path); err != nil {
		return err
	}
	return errors.Join(w.sink("b", addrB+":9001"), until("a full table", func() (bool, error) {
		in, err := w.output("r", "cat /proc/sys/net/netfilter/nf_conntrack_count")
		return strings.TrimSpace(in) == "262144", err
	}))
}
