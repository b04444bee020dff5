//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A staging is what a run needs of its hosts besides a path: a firewall, a full
// queue, a neighbour too many. It is for causes that are not of the wire.
type staging struct {
	// build is called before the traffic, after says afterwards which packets
	// were lost in the host, by its own counters.
	build func(s *stage) error
	after func(s *stage, w *path) error
	arp   bool     // the hosts have to ask for each other
	shows []string // causes that every capture of the run shows; "a|b": either
	blind [3]bool  // but those of these points
	never []string // causes that none may name
	spoil bool     // the host itself drops packets, and nobody knows which

	took map[uint32]bool // numbers of the datagrams that the program read
}

// asks reports whether the hosts of c have to ask for each other's MAC address.
func (c *labCase) asks() bool { return c.stage != nil && c.stage.arp }

// A stage is a run with staging.
type stage struct {
	*lab
	of    *labCase
	extra []*space // more hosts
}

func (s *stage) close() {
	for _, e := range s.extra {
		e.close()
	}
}

func (s *stage) port(n int) int { return serverPort + int(s.of.base) + n }

// kernel is a counter of the server's host.
func (s *stage) kernel(name string) int { return int(s.of.counters["server."+name]) }

// closedDoor is the second port of a run, which a firewall guards.
const closedDoor = 1

// causeFamilies are causes that a host makes.
var causeFamilies = []family{
	{"firewall-silent", "A firewall on the server drops what comes for one port; another one answers.", bulk, func(d *draft) {
		d.amount = 40_000
		d.stage = guarded("counter drop", "firewall")
		d.stage.shows = []string{"firewall-silent|connection-unanswered"}
		d.traffic = together(upload(d.amount), unanswered(3500*time.Millisecond))
	}},
	{"firewall-reject", "A firewall on the server rejects what comes for one port, and says so by ICMP; another one answers.", bulk, func(d *draft) {
		d.amount = 40_000
		d.stage = guarded("counter reject with icmpx admin-prohibited", "rejected")
		d.stage.shows = []string{"firewall-reject"}
		d.traffic = together(upload(d.amount), refused)
	}},
	{"closed", "Nobody listens: the server answers with RST, and with ICMP.", bulk, func(d *draft) {
		d.traffic = together(refused, datagrams(3+d.random.IntN(5), 100, 60*time.Millisecond, false))
		d.stage = &staging{shows: []string{"connection-refused", "port-closed"}, after: func(_ *stage, w *path) error {
			for _, p := range w.log[client] {
				if p.what() == "datagram" && p.lost == nowhere {
					p.lost, p.why = inReceiver, "closed"
				}
			}
			return nil
		}}
	}},
	{"host-down", "Nobody has the address: requests for its neighbour are not answered.", bulk, func(d *draft) {
		d.traffic = func(r *run) error { // one question more than the first attempt asks: the last must have had its time
			return errors.Join(unanswered(3200*time.Millisecond)(r), unanswered(2*time.Second)(r))
		}
		d.stage = &staging{arp: true, shows: []string{"neighbour-unresolved"}, build: func(s *stage) error {
			return s.hosts[server].do(func() error { return command("", "ip", "addr", "flush", "dev", "eth0") })
		}}
	}},
	{"address-conflict", "Two hosts have one address, and both answer for it.", bulk, func(d *draft) {
		d.v6 = false
		d.traffic = datagrams(4, 100, 60*time.Millisecond, true)
		d.stage = &staging{arp: true, shows: []string{"address-conflict"}, build: twin, after: func(_ *stage, w *path) error {
			for _, p := range w.log[client] {
				if string(p.data[:6]) != string(mac(server)) && p.lost == nowhere {
					p.lost, p.why = inReceiver, "conflict"
				}
			}
			return nil
		}}
	}},
	{"listen-queue", "The server's queue of new connections is full: it drops SYNs, and counts them.", bulk, func(d *draft) {
		d.traffic = crowd(5, 3500*time.Millisecond)
		d.stage = &staging{shows: []string{"listen-queue|connection-unanswered"}, after: refusedSYNs}
	}},
	{"mtu-told", "Long packets are dropped at a router, which says so by ICMP.", bulk, func(d *draft) {
		d.v6, d.amount = false, 60_000
		d.stage = &staging{shows: []string{"mtu-exceeded"}}
		half := d.where()
		d.stage.blind[1] = half == firstHalf // the router is nearer to the sender
		d.stage.blind[point(d.data.peer())*atServer] = true
		d.link(link{from: d.data, where: half, mtu: int(d.between(1100, 1450)), tells: true})
	}},
	{"datagram-overflow", "The receiving program is slow: its socket's buffer overflows, and the host counts what it drops.", bulk, func(d *draft) {
		d.traffic = flood(60+d.random.IntN(100), 800)
		d.stage = &staging{after: unread, never: []string{"queue-overflow", "policer", "random-loss", "link-outage"}}
	}},
	{"slow-reader", "The receiving program sleeps twice: its window closes. Nothing is lost.", bulk, func(d *draft) {
		d.traffic = slowReader(150_000, 8192, time.Duration(d.between(700, 1200))*time.Millisecond)
		d.stage = &staging{shows: []string{"receiver-not-reading"}, never: []string{"receiver-host-drop", "random-loss", "queue-overflow", "policer"}}
	}},
	{"shrunk-buffer", "The receiving host takes memory from a socket whose window it has given away: it drops data that comes, and counts it.", bulk, func(d *draft) {
		d.traffic = shrunk(400_000)
		d.stage = &staging{spoil: true, never: []string{"policer", "link-outage", "mtu-black-hole"}}
	}},
}

// mac is a host's address.
func mac(h side) []byte {
	m, _ := net.ParseMAC(macs[h]) // of our own making
	return m
}

// guarded puts a rule on the server before the second port, and marks what it hit.
func guarded(rule, why string) *staging {
	return &staging{
		build: func(s *stage) error {
			rules := fmt.Sprintf("table inet f { chain i { type filter hook input priority 0;\ntcp dport %d %s\n}\n}\n", s.port(closedDoor), rule)
			return s.hosts[server].do(func() error { return command(rules, "nft", "-f", "-") })
		},
		after: func(s *stage, w *path) error {
			for _, p := range w.log[client] {
				if int(p.dst.Port()) == s.port(closedDoor) && p.lost == nowhere {
					p.lost, p.why = inReceiver, why
				}
			}
			return nil
		},
	}
}

// twin puts a second host with the server's address beside it. It takes no
// packets of IP.
func twin(s *stage) error {
	other, err := newSpace()
	if err != nil {
		return err
	}
	s.extra = append(s.extra, other)
	err = s.hosts[server].do(func() error {
		if err := command("", "ip", "link", "add", "link", "eth0", "name", "twin", "type", "macvlan", "mode", "bridge"); err != nil {
			return err
		}
		return command("", "ip", "link", "set", "twin", "netns", strconv.Itoa(other.thread))
	})
	if err != nil {
		return err
	}
	return other.do(func() error {
		if err := command("", "ip", "link", "set", "twin", "up"); err != nil {
			return err
		}
		if err := command("", "ip", "addr", "add", addr4[server]+"/24", "dev", "twin"); err != nil {
			return err
		}
		return command("table ip f { chain i { type filter hook input priority 0;\ndrop\n}\n}\n", "nft", "-f", "-")
	})
}

// crowd has n clients connect to a server that accepts nobody and has room for two.
func crowd(n int, wait time.Duration) traffic {
	return func(r *run) error {
		var fd int
		at := netip.MustParseAddrPort(r.endpoint(server))
		err := r.hosts[server].do(func() (err error) {
			fd, err = listenFew(at)
			return err
		})
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		ctx, stop := context.WithTimeout(r.ctx, wait)
		defer stop()
		done := make(chan error)
		for i := range n {
			go func() {
				time.Sleep(time.Duration(i) * 40 * time.Millisecond)
				done <- r.hosts[client].do(func() error { return r.knock(ctx, i, at) })
			}()
		}
		for range n {
			err = errors.Join(err, <-done)
		}
		<-ctx.Done()
		return err
	}
}

// listenFew opens a socket whose queue has room for two (a backlog of one).
func listenFew(at netip.AddrPort) (int, error) {
	family := unix.AF_INET
	var name unix.Sockaddr = &unix.SockaddrInet4{Port: int(at.Port())}
	if at.Addr().Is6() {
		family, name = unix.AF_INET6, &unix.SockaddrInet6{Port: int(at.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := errors.Join(unix.Bind(fd, name), unix.Listen(fd, 1)); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// knock begins to connect and leaves it at that: the socket lives until ctx ends.
func (r *run) knock(ctx context.Context, i int, at netip.AddrPort) error {
	local := netip.AddrPortFrom(r.of.address(client), clientPort+r.pair+uint16(i))
	family := unix.AF_INET
	var from, to unix.Sockaddr
	if at.Addr().Is6() {
		family = unix.AF_INET6
		from = &unix.SockaddrInet6{Port: int(local.Port()), Addr: local.Addr().As16()}
		to = &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}
	} else {
		from = &unix.SockaddrInet4{Port: int(local.Port()), Addr: local.Addr().As4()}
		to = &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { unix.Close(fd) })
	if err := unix.Bind(fd, from); err != nil {
		return err
	}
	if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
		return err
	}
	return nil
}

// refusedSYNs marks the SYNs that no SYN-ACK followed. The host's count is the
// second witness.
func refusedSYNs(s *stage, w *path) error {
	answered := map[string]time.Time{}
	for _, p := range w.log[server] {
		if p.flags&flagSYN != 0 {
			if _, known := answered[p.dst.String()]; !known {
				answered[p.dst.String()] = p.at
			}
		}
	}
	n := 0
	for _, p := range w.log[client] {
		at, known := answered[p.src.String()]
		if p.flags&flagSYN != 0 && p.lost == nowhere && !p.given.IsZero() && (!known || at.Sub(p.given) > 100*time.Millisecond) {
			p.lost, p.why = inReceiver, "listen-queue"
			n++
		}
	}
	if got := s.kernel("TcpExt.ListenDrops"); got < n || n == 0 {
		return fmt.Errorf("%w: %d SYNs had no answer, the server dropped %d", errWitness, n, got)
	}
	return nil
}
