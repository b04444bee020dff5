//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"whydrop/cmd/lab/truth"
)

// A labCase is one experiment: traffic over a wire that does something to it,
// and the captures to keep of it.
type labCase struct {
	name     string
	story    string
	seed     uint64
	half     [2]time.Duration // delay of each half of the wire, seen from the client
	v6       bool
	offload  bool // leave segmentation and checksums to the card
	faults   []fault
	links    []*link
	sysctls  []string // net.ipv4 switches to turn off on both hosts, or key=value
	firewall *firewall
	traffic  traffic
	captures []capture

	// For runs that are captured at three points.
	options    []string      // what the stacks do, in words
	congestion string        // the sender's congestion control; "" = the system's
	lenient    bool          // traffic that has not ended in time is fine
	patience   time.Duration // how long it may take; 0 = patience
	stage      *staging      // what the hosts are made to do; nil = nothing
	limit      *limit        // a kernel on the path that polices or queues
	merge      *side         // the host whose card merges on arrival
	base       uint16        // added to the ports
	amount     int           // octets to carry
	snap       int           // of all captures

	counters map[string]uint64
}

// time is how long c's traffic may take.
func (c *labCase) time() time.Duration {
	if c.patience > 0 {
		return c.patience
	}
	return patience
}

// A firewall is nftables on the server's host.
type firewall struct {
	rules string
	// hits reports whether the rule drops the n-th packet (from 0) that match accepts.
	match func(p *packet) bool
	hits  func(n int) bool
}

// settle is how long the hosts are given to say what they still have to say.
const settle = 250 * time.Millisecond

// runCase runs c and writes its captures with their truth. It returns a line on each.
func runCase(ctx context.Context, c labCase, folder string) ([]string, error) {
	if err := oneCPU(); err != nil {
		return nil, err
	}
	l, err := newLab(&c)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if c.firewall != nil && c.firewall.rules != "" {
		err := l.hosts[server].do(func() error { return command(c.firewall.rules, "nft", "-f", "-") })
		if err != nil {
			return nil, err
		}
	}
	var taps []*tap
	for i := range c.captures {
		taps = append(taps, newTap(&c.captures[i], c.seed))
	}
	w := newPath(l, &c, taps)
	if err := play(ctx, l, &c, w); err != nil {
		return nil, err
	}
	if c.counters, err = l.counters(); err != nil {
		return nil, err
	}
	if err := c.firewall.mark(l, w.log[client]); err != nil {
		return nil, err
	}
	if err := check(&c, w); err != nil {
		return nil, err
	}
	var lines []string
	for _, t := range taps {
		facts := t.account(&c, w.log)
		if err := t.save(folder); err != nil {
			return nil, err
		}
		if err := facts.Write(filepath.Join(folder, truthName(t.file))); err != nil {
			return nil, err
		}
		lines = append(lines, summary(facts))
	}
	return lines, nil
}

// play runs the traffic while the path carries its packets.
func play(ctx context.Context, l *lab, c *labCase, w *path) error {
	ctx, stop := context.WithTimeout(ctx, c.time()+2*settle)
	defer stop()
	road, stopRoad := context.WithCancel(ctx)
	carried := make(chan error, 1)
	go func() { carried <- w.carry(road) }()
	err := c.traffic(&run{lab: l, ctx: ctx, of: c, pair: c.base})
	time.Sleep(settle + 4*(c.half[0]+c.half[1]))
	stopRoad()
	return errors.Join(err, <-carried)
}

// mark notes which packets the firewall of the server's host dropped, and
// compares their number with the firewall's own count.
func (f *firewall) mark(l *lab, log []*packet) error {
	if f == nil {
		return nil
	}
	matched, dropped := 0, 0
	for _, p := range log { // no case with a firewall reorders: sent order is arrival order
		if p.lost == nowhere && f.match(p) {
			if f.hits(matched) {
				p.lost = inReceiver
				dropped++
			}
			matched++
		}
	}
	if f.rules == "" {
		return nil
	}
	return l.hosts[server].do(func() error {
		rules, err := exec.Command("nft", "list", "ruleset").Output()
		if err != nil {
			return fmt.Errorf("nft list ruleset: %w", err)
		}
		if want := fmt.Sprintf("counter packets %d bytes", dropped); !strings.Contains(string(rules), want) {
			return fmt.Errorf("the firewall should have dropped %d packets, its rules say otherwise: %s", dropped, rules)
		}
		return nil
	})
}

// errWitness is a run whose two witnesses do not tell the same: it proves nothing.
var errWitness = errors.New("the hosts and the wire disagree")

// check compares the log with the hosts' own counters: two witnesses of one truth.
func check(c *labCase, w *path) error {
	for _, h := range []side{client, server} {
		resent, damaged := 0, 0
		for _, p := range w.log[h] {
			if p.retx {
				resent++
			}
			if p.bad {
				damaged++
			}
		}
		if n := c.counters[hostName(h)+".Tcp.RetransSegs"]; n != uint64(resent) {
			return fmt.Errorf("%w: the %s resent %d segments, the wire saw %d", errWitness, hostName(h), n, resent)
		}
		peer := hostName(h.peer())
		if n := c.counters[peer+".Tcp.InCsumErrors"] + c.counters[peer+".Udp.InCsumErrors"]; n != uint64(damaged) {
			return fmt.Errorf("%w: the %s found %d bad checksums, the wire damaged %d", errWitness, peer, n, damaged)
		}
		// A second copy may have an old timestamp: it is dropped, and nothing with it.
		if n := c.counters[hostName(h)+".TcpExt.PAWSEstab"]; n > uint64(len(w.second)) {
			return fmt.Errorf("%w: the %s dropped %d segments with old timestamps", errWitness, hostName(h), n)
		}
	}
	return nil
}

func hostName(s side) string {
	if s == client {
		return "client"
	}
	return "server"
}

// counted are the kernel counters that go into the truth.
var counted = []string{
	"Udp.RcvbufErrors", "Udp6.RcvbufErrors", "TcpExt.ListenOverflows", "TcpExt.ListenDrops", "TcpExt.BeyondWindow",
	"Tcp.RetransSegs", "Tcp.InCsumErrors", "Tcp.OutRsts", "Udp.NoPorts", "Udp.InDatagrams", "Udp.InCsumErrors",
	"TcpExt.TCPFastRetrans", "TcpExt.TCPSlowStartRetrans", "TcpExt.TCPTimeouts", "TcpExt.TCPLossProbes", "TcpExt.TCPSynRetrans",
	"TcpExt.TCPDSACKRecv", "TcpExt.TCPDSACKOldSent", "TcpExt.TCPDSACKOfoSent", "TcpExt.PAWSEstab", "TcpExt.TCPToZeroWindowAdv", "TcpExt.TCPWinProbe",
	"TcpExt.TCPOFODrop", "TcpExt.TCPZeroWindowDrop", "TcpExt.TCPBacklogDrop", "TcpExt.TCPRcvQDrop", "TcpExt.OfoPruned", "TcpExt.RcvPruned", "TcpExt.PFMemallocDrop",
}

// counters reads the hosts' counters; those that are 0 are left out.
func (l *lab) counters() (map[string]uint64, error) {
	all := map[string]uint64{}
	for _, h := range []side{client, server} {
		err := l.hosts[h].do(func() error {
			if text, err := os.ReadFile("/proc/thread-self/net/snmp6"); err == nil { // only where IPv6 is
				collect6(all, hostName(h), text)
			}
			for _, file := range []string{"snmp", "netstat"} {
				text, err := os.ReadFile("/proc/thread-self/net/" + file)
				if err != nil {
					return err
				}
				collect(all, hostName(h), text)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// collect parses pairs of lines, "Tcp: NAME NAME" and "Tcp: 1 2".
func collect(all map[string]uint64, host string, text []byte) {
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j := 1; j < len(names) && j < len(values); j++ {
			key := strings.TrimSuffix(names[0], ":") + "." + names[j]
			n, err := strconv.ParseUint(values[j], 10, 64)
			if err != nil || n == 0 {
				continue // some are signed; none of ours
			}
			for _, want := range counted {
				if key == want {
					all[host+"."+key] = n
				}
			}
		}
	}
}

// collect6 parses lines of "Udp6RcvbufErrors 3".
func collect6(all map[string]uint64, host string, text []byte) {
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		key := strings.Replace(fields[0], "Udp6", "Udp6.", 1)
		if n, err := strconv.ParseUint(fields[1], 10, 64); err == nil && n > 0 && slices.Contains(counted, key) {
			all[host+"."+key] = n
		}
	}
}

// truthName is the name of the truth beside a capture.
func truthName(file string) string {
	base, _, _ := strings.Cut(file, ".")
	return base + ".truth.json"
}

// writeSources writes how the folder's captures came to be.
func writeSources(folder string) error {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Captures of real Linux stacks, made by cmd/lab (make lab) on Linux %s, %s.\n", bytes.TrimSpace(release), time.Now().UTC().Format(time.DateOnly))
	b.WriteString("# They are ours, under the licence of this repository. Two hosts in network namespaces, a wire that\n")
	b.WriteString("# keeps the fate of every packet. NAME.truth.json beside each says what happened, packet by packet.\n#\n")
	for _, c := range cases {
		for _, made := range c.captures {
			facts, err := truth.Read(filepath.Join(folder, truthName(made.file)))
			if errors.Is(err, os.ErrNotExist) {
				continue // not made yet
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s\n%s\n", summary(facts), truthName(made.file))
		}
	}
	return os.WriteFile(filepath.Join(folder, "SOURCES"), []byte(b.String()), 0o644)
}
