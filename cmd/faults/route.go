//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// few is how many datagrams a fault of routes sends.
const few = 20

// routeFaults are those of routes, neighbours, sizes and hops.
var routeFaults = []fault{
	{
		name:  "rp_filter, strict",
		want:  verdict{cause: "rp-filter", locus: "receiver-host", named: []string{"sysctl -w net.ipv4.conf.vb.rp_filter=2", "now 1", "ip route get 10.78.0.1"}},
		build: buildAsymmetry,
		provoke: func(w *world) (uint64, error) {
			p := packet{srcMAC: macRB, dstMAC: macB, src: "10.78.0.1", dst: addrB, sport: 4000, dport: 9001, protocol: unix.IPPROTO_UDP, payload: 100}
			for i := range few {
				p.id = uint16(i)
				if err := w.inject("r", "rb", p.frame()); err != nil {
					return 0, err
				}
			}
			return few, nil
		},
	},
	{
		name:    "no route, router",
		want:    verdict{cause: "ip-no-route", locus: "downstream", named: []string{"192.0.2.1"}},
		provoke: sendTo("192.0.2.1:9001"),
		tap:     at("r", "ra"),
	},
	{
		name:    "no route, local",
		want:    verdict{cause: "ip-no-route", locus: "sender-host", less: "likely", named: []string{"ip route show table all"}},
		build:   func(w *world) error { return w.sh("a", "ip route del default") },
		provoke: func(w *world) (uint64, error) { return few, w.unroutable("a", "192.0.2.1:9001", few) },
		tap:     at("a", "va"),
	},
	{
		name:    "blackhole route",
		want:    verdict{cause: "ip-no-route", locus: "downstream", named: []string{"192.0.2.1"}},
		build:   func(w *world) error { return w.sh("r", "ip route add blackhole 192.0.2.0/24") },
		provoke: sendTo("192.0.2.1:9001"),
		tap:     at("r", "ra"),
	},
	{
		name:    "prohibit route",
		want:    verdict{cause: "ip-no-route", locus: "downstream", named: []string{"192.0.2.1"}},
		build:   func(w *world) error { return w.sh("r", "ip route add prohibit 192.0.2.0/24") },
		provoke: sendTo("192.0.2.1:9001"),
		tap:     at("r", "ra"),
	},
	{
		name:    "forwarding off",
		want:    verdict{cause: "ip-no-route", locus: "downstream", named: []string{"sysctl -w net.ipv4.ip_forward=1", "now 0"}},
		build:   func(w *world) error { return w.set("r", "net.ipv4.ip_forward", "0") },
		provoke: sendTo(addrB + ":9001"),
		tap:     at("r", "ra"),
	},
	{
		name:    "neighbour, local",
		want:    verdict{cause: "neighbour-unresolved", locus: "sender-host", named: []string{"10.77.1.99"}},
		build:   quickNeighbours("a", "va"),
		provoke: sendToNobody("a", "10.77.1.99"),
		tap:     at("a", "va"),
	},
	{
		name:    "neighbour, router, tap on the way in",
		want:    verdict{cause: "neighbour-unresolved", locus: "downstream", named: []string{"10.77.2.99"}},
		build:   quickNeighbours("r", "rb"),
		provoke: sendToNobody("r", "10.77.2.99"),
		tap:     at("r", "ra"),
	},
	{
		name:    "neighbour, router, tap on the way out",
		want:    verdict{cause: "neighbour-unresolved", locus: "upstream", named: []string{"10.77.2.99"}},
		build:   quickNeighbours("r", "rb"),
		provoke: sendToNobody("r", "10.77.2.99"),
		tap:     at("r", "rb"),
	},
	{
		name: "TTL",
		want: verdict{cause: "ttl-expired", locus: "downstream"},
		provoke: func(w *world) (uint64, error) {
			p := packet{srcMAC: macA, dstMAC: macRA, src: addrA, dst: addrB, sport: 4000, dport: 9001, protocol: unix.IPPROTO_UDP, payload: 100, ttl: 1}
			for i := range few {
				p.id = uint16(i)
				if err := w.inject("a", "va", p.frame()); err != nil {
					return 0, err
				}
			}
			return few, nil
		},
		tap: at("r", "ra"),
	},
	{
		name:    "MTU, ICMP",
		want:    verdict{cause: "mtu-exceeded", locus: "downstream", named: []string{"ip link set dev rb mtu 1500", "takes 1200 octets"}},
		build:   narrow,
		provoke: func(w *world) (uint64, error) { return few, w.unfragmented("a", addrB+":9001", few, 1400) },
		tap:     at("r", "ra"),
	},
	{
		name: "MTU, black hole, at the sender",
		want: verdict{cause: "mtu-black-hole", locus: "downstream", less: "possible"},
		build: func(w *world) error {
			return errors.Join(narrow(w), w.swallow("b", addrB+":5001"),
				w.nft("r", inTable("type filter hook output priority 0; icmp type destination-unreachable icmp code frag-needed drop")))
		},
		provoke: func(w *world) (uint64, error) { return w.blackHole("a", addrB+":5001", "r") },
		tap:     at("a", "va"),
	},
	{
		name: "MTU, the sender's firewall drops ICMP",
		want: verdict{cause: "mtu-exceeded", locus: "downstream", and: "firewall-drop", named: []string{"nft inet f in, handle "}},
		build: func(w *world) error {
			return errors.Join(narrow(w), w.swallow("b", addrB+":5001"),
				w.nft("a", inTable("type filter hook input priority 0; icmp type destination-unreachable icmp code frag-needed drop")))
		},
		provoke: func(w *world) (uint64, error) { return w.blackHole("a", addrB+":5001", "r") },
		tap:     at("a", "va"),
	},
	{
		name: "MTU, black hole, on the router",
		want: verdict{cause: "mtu-exceeded", locus: "downstream", and: "firewall-drop", named: []string{"nft inet f in, handle "}},
		build: func(w *world) error {
			return errors.Join(narrow(w), w.swallow("b", addrB+":5001"),
				w.nft("r", inTable("type filter hook output priority 0; icmp type destination-unreachable icmp code frag-needed drop")))
		},
		provoke: func(w *world) (uint64, error) { return w.blackHole("a", addrB+":5001", "r") },
		tap:     at("r", "ra"),
	},
	{
		name:  "duplicate address",
		want:  verdict{tells: []string{"address-conflict"}, named: []string{"10.79.0.2", "02:00:00:00:01:0b", "02:00:00:00:01:0c"}},
		build: buildTwins,
		provoke: func(w *world) (uint64, error) {
			return 0, w.ask("a", "10.79.0.2:9400", 20, 50)
		},
		tap: at("a", "ta"),
	},
}

// sendTo has a send datagrams somewhere.
func sendTo(to string) func(*world) (uint64, error) {
	return func(w *world) (uint64, error) {
		_, err := w.datagrams("a", to, few, 100)
		return few, err
	}
}

// unroutable sends datagrams that the kernel refuses.
func (w *world) unroutable(ns, to string, n int) error {
	return w.in(ns, func() error {
		s, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		addr, err := net.ResolveUDPAddr("udp4", to)
		if err != nil {
			return err
		}
		for range n {
			if _, err := s.WriteToUDP([]byte("x"), addr); !errors.Is(err, unix.ENETUNREACH) {
				return fmt.Errorf("sendto: %w, not %w", err, unix.ENETUNREACH)
			}
		}
		return nil
	})
}

// buildAsymmetry gives b a second way to 10.78.0.0/24, and has it insist on the way back.
func buildAsymmetry(w *world) error {
	return errors.Join(w.sink("b", addrB+":9001"),
		w.cable("a", "va2", "02:00:00:00:02:0a", "b", "vb2", "02:00:00:00:02:0b"),
		w.feed("b", "link set vb2 up\naddr add 10.78.0.2/24 dev vb2\n", "ip", "-batch", "-"),
		w.set("b", "net.ipv4.conf.all.rp_filter", "0"), w.set("b", "net.ipv4.conf.vb.rp_filter", "1"), w.sh("a", "ip link set va2 up"))
}

// quickNeighbours has neighbours given up soon.
func quickNeighbours(ns, iface string) func(*world) error {
	return func(w *world) error { return w.set(ns, "net.ipv4.neigh."+iface+".retrans_time_ms", "50") }
}

// sendToNobody sends to an address that no host has, until a namespace has given it up.
func sendToNobody(ns, to string) func(*world) (uint64, error) {
	return func(w *world) (uint64, error) {
		const n = 10
		if _, err := w.datagrams("a", to+":9001", n, 100); err != nil {
			return 0, err
		}
		return n, until("the end of the search for "+to, func() (bool, error) {
			out, err := w.output(ns, "ip neigh show "+to)
			return strings.Contains(out, "FAILED"), err
		})
	}
}

// narrow makes the second hop narrower than the first.
func narrow(w *world) error { return w.sh("r", "ip link set rb mtu 1200") }

// unfragmented sends datagrams that no router may cut, whatever ICMP says.
func (w *world) unfragmented(ns, to string, n, size int) error {
	c, err := w.udp(ns, to)
	if err != nil {
		return err
	}
	defer c.Close()
	raw, err := c.(*net.UDPConn).SyscallConn()
	if err != nil {
		return err
	}
	trouble := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	})
	if err := errors.Join(err, trouble); err != nil {
		return err
	}
	b := make([]byte, size)
	for range n {
		for {
			_, err := c.Write(b)
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EMSGSIZE) { // told of an earlier one
				return err
			}
		}
	}
	return nil
}

// blackHole sends what does not pass for as long as it takes to be sure, and returns
// how many packets the router says it dropped.
func (w *world) blackHole(ns, to, router string) (uint64, error) {
	const longEnough = 2500 * time.Millisecond // several timeouts of retransmission
	return w.blackHoleFor(ns, to, router, longEnough)
}

func (w *world) blackHoleFor(ns, to, router string, longEnough time.Duration) (uint64, error) {
	c, err := w.dial(ns, to, patience)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for _, n := range []int{500, 20000} { // the first passes
		if _, err := c.Write(make([]byte, n)); err != nil {
			return 0, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(longEnough)
	return w.snmp(router, "Ip", "FragFails")
}

// snmp is a counter of a namespace.
func (w *world) snmp(ns, group, name string) (n uint64, err error) {
	out, err := w.output(ns, "cat /proc/thread-self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if words[0] != group+":" {
			continue
		}
		if names == nil {
			names = words
			continue
		}
		for i := range names {
			if names[i] == name {
				_, err := fmt.Sscan(words[i], &n)
				return n, err
			}
		}
	}
	return 0, fmt.Errorf("no counter %s.%s", group, name)
}

// buildTwins puts two hosts with one address on a bridge with a.
func buildTwins(w *world) error {
	for _, ns := range []string{"bridge", "c"} {
		if err := w.space(ns); err != nil {
			return err
		}
	}
	if err := w.sh("bridge", "ip link add bridge type bridge"); err != nil {
		return err
	}
	for _, end := range []struct{ ns, name, mac, addr string }{
		{"a", "ta", "02:00:00:00:01:0a", "10.79.0.1/24"}, {"b", "tb", "02:00:00:00:01:0b", "10.79.0.2/24"}, {"c", "tc", "02:00:00:00:01:0c", "10.79.0.2/24"},
	} {
		port := "p" + end.ns
		err := errors.Join(w.cable(end.ns, end.name, end.mac, "bridge", port, "02:00:00:00:02:0"+end.ns),
			w.feed("bridge", "link set "+port+" master bridge\nlink set "+port+" up\n", "ip", "-batch", "-"),
			w.feed(end.ns, "link set "+end.name+" up\naddr add "+end.addr+" dev "+end.name+"\n", "ip", "-batch", "-"))
		if err != nil {
			return err
		}
	}
	return errors.Join(w.sh("bridge", "ip link set bridge up"), w.echo("b", "10.79.0.2:9400"), w.echo("c", "10.79.0.2:9400"))
}
