//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// myself is how the programs of this host are called that the faults need: all are
// this one.
func myself() string {
	const most = 15 // octets that the kernel keeps of a name
	name := filepath.Base(os.Args[0])
	return fmt.Sprintf("%s, pid %d", name[:min(len(name), most)], os.Getpid())
}

// counter is one of /proc/net/snmp or netstat of a namespace: "TcpExt", "ListenOverflows".
func (w *world) counter(ns, file, group, name string) (n uint64, err error) {
	err = w.in(ns, func() error {
		b, err := os.ReadFile("/proc/thread-self/net/" + file)
		if err != nil {
			return err
		}
		var heads []string
		for _, line := range strings.Split(string(b), "\n") {
			words := strings.Fields(line)
			switch {
			case len(words) == 0 || words[0] != group+":":
			case heads == nil:
				heads = words
			default:
				for i := range min(len(heads), len(words)) {
					if heads[i] == name {
						n, err = strconv.ParseUint(words[i], 10, 64)
						return err
					}
				}
			}
		}
		return fmt.Errorf("no counter %s.%s", group, name)
	})
	return n, err
}

// hits is the value of the counter "hits" in the table "inet f" of the firewall.
func (w *world) hits(ns string) (uint64, error) {
	out, err := w.output(ns, "nft list counter inet f hits")
	if err != nil {
		return 0, err
	}
	words := strings.Fields(out)
	for i := range words {
		if words[i] == "packets" && i+1 < len(words) {
			return strconv.ParseUint(words[i+1], 10, 64)
		}
	}
	return 0, fmt.Errorf("no counter: %s", out)
}

// queueDrops is what the queueing disciplines of an interface say that they dropped:
// the most of them, for those that are inside of others are counted twice.
func (w *world) queueDrops(ns, iface string) (n uint64, err error) {
	out, err := w.output(ns, "tc -s -j qdisc show dev "+iface)
	if err != nil {
		return 0, err
	}
	var list []struct {
		Drops uint64 `json:"drops"`
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return 0, err
	}
	for i := range list {
		n = max(n, list[i].Drops)
	}
	return n, nil
}

// linkCounts are the counters of one direction of an interface.
type linkCounts struct {
	Packets uint64 `json:"packets"`
	Dropped uint64 `json:"dropped"`
}

func (w *world) link(ns, iface string) (in, out linkCounts, err error) {
	text, err := w.output(ns, "ip -s -j link show dev "+iface)
	if err != nil {
		return in, out, err
	}
	var list []struct {
		Stats struct{ RX, TX linkCounts } `json:"stats64"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) == 0 {
		return in, out, fmt.Errorf("ip -s link: %w: %s", err, text)
	}
	return list[0].Stats.RX, list[0].Stats.TX, nil
}

// linkDrops is how many packets an interface says that it dropped.
func (w *world) linkDrops(ns, iface string) (in, out uint64, err error) {
	rx, tx, err := w.link(ns, iface)
	return rx.Dropped, tx.Dropped, err
}

// linkReceived is how many packets came in by an interface.
func (w *world) linkReceived(ns, iface string) (uint64, error) {
	rx, _, err := w.link(ns, iface)
	return rx.Packets, err
}

// settle gives the kernel the time in which what was sent arrives.
func settle() { time.Sleep(100 * time.Millisecond) }
