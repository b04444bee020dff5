//go:build linux

package main

import (
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// port is that of all services.
const port = "9001"

var (
	serviceB = addrB + ":" + port
	clientA  = addrA + ":41000"
)

// socketFaults are those of checksums and sockets.
var socketFaults = []fault{
	{
		name:  "UDP checksum",
		want:  verdict{cause: "udp-checksum", locus: "receiver-host"},
		build: func(w *world) error { return w.sink("b", serviceB) },
		provoke: func(w *world) (uint64, error) {
			return w.damaged(outOfA, 20, 20, udpSumAt, clientA, serviceB, func(int) gopacket.SerializableLayer { return &layers.UDP{} })
		},
	},
	{
		name:  "TCP checksum, SYN",
		want:  verdict{cause: "tcp-checksum", locus: "receiver-host"},
		build: func(w *world) error { return w.serve("b", serviceB, func(net.Conn) {}) },
		provoke: func(w *world) (uint64, error) {
			return w.damaged(outOfA, 20, 0, tcpSumAt, clientA, serviceB, func(int) gopacket.SerializableLayer {
				return &layers.TCP{SYN: true, Seq: 1000, Window: 64240}
			})
		},
	},
	{
		name: "TCP checksum, data",
		want: verdict{cause: "tcp-checksum", locus: "receiver-host"},
		build: func(w *world) error {
			if err := w.serve("b", serviceB, drainConn); err != nil {
				return err
			}
			return w.nft("r", "table inet f { counter hits {}\n chain out { type filter hook postrouting priority 0; "+
				"tcp dport 9001 meta length > 500 numgen inc mod 40 == 30 tcp checksum set 0x1234 counter name hits; }\n}\n")
		},
		provoke: func(w *world) (uint64, error) { return w.transfer(w.hitsOf("r")) },
	},
	{
		name:  "IP header checksum",
		want:  verdict{cause: "ip-checksum", locus: "receiver-host"},
		build: func(w *world) error { return w.sink("b", serviceB) },
		provoke: func(w *world) (uint64, error) {
			return w.damaged(intoB, 20, 100, ipSumAt, clientA, serviceB, func(int) gopacket.SerializableLayer { return &layers.UDP{} })
		},
	},
	{
		name: "ICMP checksum",
		want: verdict{cause: "icmp-checksum", locus: "receiver-host"},
		provoke: func(w *world) (uint64, error) {
			return w.damaged(outOfA, 20, 100, icmpSumAt, clientA, serviceB, func(i int) gopacket.SerializableLayer {
				return &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: 7, Seq: uint16(i)}
			})
		},
	},
	{
		name: "UDP, nobody listens",
		want: verdict{cause: "no-socket", locus: "receiver-host"},
		provoke: func(w *world) (uint64, error) {
			refused, err := w.datagrams("a", serviceB, 20, 100)
			return 20 - refused, err
		},
	},
	{
		name: "TCP, refused",
		want: verdict{beside: []string{"connection-refused"}},
		provoke: func(w *world) (uint64, error) {
			for range 5 {
				if c, err := w.dial("a", serviceB, patience); err == nil {
					c.Close()
				}
			}
			return 0, nil
		},
	},
	{
		name: "UDP receive buffer, nobody reads",
		want: verdict{cause: "slow-application", locus: "receiver-host", named: []string{myself()}},
		build: func(w *world) error {
			_, err := w.smallSocket("b", serviceB, 4096)
			return err
		},
		provoke: func(w *world) (uint64, error) {
			for range 10 {
				if _, err := w.datagrams("a", serviceB, 50, 1000); err != nil {
					return 0, err
				}
				time.Sleep(300 * time.Millisecond)
			}
			return w.counter("b", "snmp", "Udp", "RcvbufErrors")
		},
	},
	{
		name: "UDP receive buffer, bursts",
		want: verdict{cause: "udp-receive-buffer", locus: "receiver-host", named: []string{myself()}},
		build: func(w *world) error {
			s, err := w.smallSocket("b", serviceB, 16384)
			if err != nil {
				return err
			}
			go func() {
				b := make([]byte, 2000)
				for {
					time.Sleep(500 * time.Microsecond)
					if _, err := s.Read(b); err != nil {
						return
					}
				}
			}()
			return nil
		},
		provoke: func(w *world) (uint64, error) {
			for range 4 {
				if _, err := w.datagrams("a", serviceB, 200, 1000); err != nil {
					return 0, err
				}
				time.Sleep(900 * time.Millisecond)
			}
			return w.counter("b", "snmp", "Udp", "RcvbufErrors")
		},
	},
	{
		name: "socket filter",
		want: verdict{cause: "socket-filter", locus: "receiver-host", named: []string{myself()}},
		build: func(w *world) error {
			s, err := w.smallSocket("b", serviceB, 1<<20)
			if err != nil {
				return err
			}
			return refuseAll(s)
		},
		provoke: func(w *world) (uint64, error) {
			_, err := w.datagrams("a", serviceB, 20, 100)
			return 20, err
		},
	},
	{
		name: "TCP zero window",
		want: verdict{
			named:  []string{myself()},
			beside: []string{"receiver-not-reading", "slow-application", "spurious-retransmission"},
		},
		build: func(w *world) error {
			return w.serve("b", serviceB, func(net.Conn) { time.Sleep(patience) })
		},
		provoke: func(w *world) (uint64, error) {
			c, err := w.dial("a", serviceB, patience)
			if err != nil {
				return 0, err
			}
			defer c.Close()
			if err := c.SetWriteDeadline(time.Now().Add(4 * time.Second)); err != nil {
				return 0, err
			}
			_, _ = c.Write(make([]byte, 64<<20)) // until the time is over
			return 0, nil
		},
	},
	{
		name:  "accept queue full, SYN",
		want:  verdict{cause: "listen-overflow", locus: "receiver-host", named: []string{myself()}, less: "likely"},
		build: func(w *world) error { return w.neverAccept("b", serviceB, 2) },
		provoke: func(w *world) (uint64, error) {
			if err := w.connects("a", serviceB, 12); err != nil {
				return 0, err
			}
			time.Sleep(3500 * time.Millisecond) // a SYN a second
			return w.counter("b", "netstat", "TcpExt", "ListenOverflows")
		},
	},
	{
		name: "accept queue full, third ACK",
		want: verdict{
			cause: "listen-overflow", locus: "receiver-host", named: []string{myself()},
			beside: []string{"spurious-retransmission"},
		},
		build: func(w *world) error {
			if err := w.set("b", "net.ipv4.tcp_syncookies", "0"); err != nil {
				return err
			}
			return w.neverAccept("b", serviceB, 4)
		},
		provoke: func(w *world) (uint64, error) {
			if err := w.handshakes(3, 42000); err != nil {
				return 0, err
			}
			if err := w.handshakes(5, 43000); err != nil {
				return 0, err
			}
			settle()
			return w.counter("b", "netstat", "TcpExt", "ListenOverflows")
		},
	},
	{
		name: "TCP through a rule at input, one packet of ten",
		want: verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in"}},
		build: func(w *world) error {
			if err := w.serve("b", serviceB, drainConn); err != nil {
				return err
			}
			return w.nft("b", oneOfTen("in", "input"))
		},
		provoke: func(w *world) (uint64, error) { return w.transfer(w.hitsOf("b")) },
	},
	{
		name: "TCP through a rule at forward, one packet of ten",
		want: verdict{cause: "firewall-drop", locus: "downstream", named: []string{"nft inet f fw"}},
		tap:  func(*world) (string, string) { return "r", "ra" },
		build: func(w *world) error {
			if err := w.serve("b", serviceB, drainConn); err != nil {
				return err
			}
			return w.nft("r", oneOfTen("fw", "forward"))
		},
		provoke: func(w *world) (uint64, error) { return w.transfer(w.hitsOf("r")) },
	},
}

// oneOfTen is a rule that drops each tenth packet to the service.
func oneOfTen(chain, hook string) string {
	return "table inet f { counter hits {}\n chain " + chain + " { type filter hook " + hook + " priority 0; " +
		"tcp dport 9001 numgen inc mod 10 == 9 counter name hits drop; }\n}\n"
}

func (w *world) hitsOf(ns string) func() (uint64, error) {
	return func() (uint64, error) { return w.hits(ns) }
}

// drainConn reads all and answers with one octet.
func drainConn(c net.Conn) {
	_, _ = io.Copy(io.Discard, c)
	_, _ = c.Write([]byte{1})
}

// transfer sends 300 kB to the service, and returns what was lost of them by a count.
func (w *world) transfer(count func() (uint64, error)) (uint64, error) {
	const octets = 300_000
	c, err := w.dial("a", serviceB, patience)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		return 0, err
	}
	if _, err := c.Write(make([]byte, octets)); err != nil {
		return 0, err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return 0, err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return 0, err
	}
	c.Close()
	settle()
	return count()
}

// smallSocket is a UDP socket with a receive buffer of so many octets, that nobody reads.
func (w *world) smallSocket(ns, at string, buffer int) (s *net.UDPConn, err error) {
	err = w.in(ns, func() (err error) {
		s, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
		return err
	})
	if err != nil {
		return nil, err
	}
	w.defers(func() { _ = s.Close() })
	return s, s.SetReadBuffer(buffer)
}

// refuseAll gives a socket a filter that lets nothing pass.
func refuseAll(s *net.UDPConn) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &program[0]})
	})
	if err != nil {
		return err
	}
	return failed
}

// neverAccept listens with a queue of so many connections, and takes none.
func (w *world) neverAccept(ns, at string, queue int) error {
	to := netip.MustParseAddrPort(at)
	return w.in(ns, func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		w.defers(func() { unix.Close(s) })
		if err := unix.Bind(s, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
			return err
		}
		return unix.Listen(s, queue)
	})
}

// connects begins n connections at once, and waits for none.
func (w *world) connects(ns, at string, n int) error {
	to := netip.MustParseAddrPort(at)
	return w.in(ns, func() error {
		for range n {
			s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			w.defers(func() { unix.Close(s) })
			if err := unix.Connect(s, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil && err != unix.EINPROGRESS {
				return err
			}
		}
		return nil
	})
}
