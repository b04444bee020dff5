//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// healthyRuns lose nothing: nobody may be blamed.
var healthyRuns = []fault{
	{
		name:    "healthy: UDP, answered",
		build:   func(w *world) error { return w.echo("b", addrB+":9001") },
		provoke: func(w *world) (uint64, error) { return 0, w.ask("a", addrB+":9001", 200, 200) },
	},
	{
		name:    "healthy: UDP, one way",
		build:   func(w *world) error { return w.sink("b", addrB+":9001") },
		provoke: func(w *world) (uint64, error) { _, err := w.datagrams("a", addrB+":9001", 300, 200); return 0, err },
	},
	{
		name:    "healthy: DNS",
		build:   func(w *world) error { return w.answer("b", addrB+":53", func(b []byte) { b[2] |= 0x80 }) },
		provoke: func(w *world) (uint64, error) { return 0, w.lookups("a", addrB+":53", 60) },
	},
	{
		name:    "healthy: TCP bulk",
		build:   func(w *world) error { return w.swallow("b", addrB+":5001") },
		provoke: func(w *world) (uint64, error) { return 0, w.upload("a", addrB+":5001", 6<<20) },
	},
	{
		name: "healthy: TCP bulk, offloads",
		build: func(w *world) error {
			for _, of := range [][2]string{{"a", "va"}, {"r", "ra"}, {"r", "rb"}, {"b", "vb"}} {
				if err := w.run(of[0], "ethtool", "-K", of[1], "tso", "on", "gso", "on", "gro", "on", "tx", "on"); err != nil {
					return err
				}
			}
			return w.swallow("b", addrB+":5001")
		},
		provoke: func(w *world) (uint64, error) { return 0, w.upload("a", addrB+":5001", 32<<20) },
	},
	{
		name:    "healthy: TCP bulk, at the sender",
		build:   func(w *world) error { return w.swallow("b", addrB+":5001") },
		provoke: func(w *world) (uint64, error) { return 0, w.upload("a", addrB+":5001", 6<<20) },
		tap:     at("a", "va"),
	},
	{
		name:    "healthy: requests, client closes",
		build:   func(w *world) error { return w.serve("b", addrB+":8080", respond) },
		provoke: func(w *world) (uint64, error) { return 0, w.requests("a", addrB+":8080", 40, true) },
	},
	{
		name:    "healthy: requests, server closes",
		build:   func(w *world) error { return w.serve("b", addrB+":8080", respond) },
		provoke: func(w *world) (uint64, error) { return 0, w.requests("a", addrB+":8080", 40, false) },
	},
	{
		name:    "healthy: all of it, on a router",
		build:   buildAll,
		provoke: provokeAll,
		tap:     at("r", "ra"),
	},
	{
		name: "healthy: all of it, behind a firewall, any interface",
		build: func(w *world) error {
			return errors.Join(buildAll(w), w.nft("b", `table inet f { chain in {
  type filter hook input priority 0; policy drop
  ct state established,related accept
  ct state new accept
  ct state invalid counter drop
}
}
`))
		},
		provoke: provokeAll,
		tap:     at("b", "any"),
	},
}

// at is the place of a tap.
func at(ns, iface string) func(*world) (string, string) {
	return func(*world) (string, string) { return ns, iface }
}

func buildAll(w *world) error {
	return errors.Join(w.echo("b", addrB+":9001"), w.swallow("b", addrB+":5001"), w.serve("b", addrB+":8080", respond))
}

func provokeAll(w *world) (uint64, error) {
	return 0, errors.Join(w.ask("a", addrB+":9001", 100, 200), w.upload("a", addrB+":5001", 2<<20), w.requests("a", addrB+":8080", 20, true))
}

// ask sends n datagrams of size octets, and waits for the answer of each.
func (w *world) ask(ns, to string, n, size int) error {
	c, err := w.udp(ns, to)
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, size)
	for i := range n {
		if err := exchange(c, b); err != nil {
			return fmt.Errorf("datagram %d: %w", i, err)
		}
	}
	return nil
}

// lookups asks n times for a name (RFC 1035 §4.1), each time from a socket of its own.
func (w *world) lookups(ns, to string, n int) error {
	for i := range n {
		c, err := w.udp(ns, to)
		if err != nil {
			return err
		}
		question := "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04name\x00\x00\x01\x00\x01"
		if err := errors.Join(exchange(c, append([]byte{0x12, byte(i)}, question...)), c.Close()); err != nil {
			return fmt.Errorf("question %d: %w", i, err)
		}
	}
	return nil
}

// swallow reads what connections to a port bring, and answers with an octet at their end.
func (w *world) swallow(ns, at string) error {
	return w.serve(ns, at, func(c net.Conn) {
		if err := roomy(c); err != nil {
			return // the connection is closed, and its sender fails
		}
		if _, err := io.Copy(io.Discard, c); err == nil {
			_, _ = c.Write([]byte{1})
		}
	})
}

// roomy gives a connection so much room that its window does not close while its reader
// waits for a CPU that others have.
func roomy(c net.Conn) error {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	trouble := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4*sinkBuffer)
	})
	return errors.Join(err, trouble)
}

// upload sends n octets, and waits until they have all been read.
func (w *world) upload(ns, to string, n int) error {
	c, err := w.dial(ns, to, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 1<<16)
	for left := n; left > 0; left -= len(b) {
		if _, err := c.Write(b[:min(left, len(b))]); err != nil {
			return err
		}
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.ReadFull(c, b[:1])
	return err
}

// requestSize and responseSize are those of the short connections.
const (
	requestSize  = 200
	responseSize = 9000
)

// respond answers one request, and closes when the client has, or at once where it asks for that.
func respond(c net.Conn) {
	b := make([]byte, responseSize)
	if _, err := io.ReadFull(c, b[:requestSize]); err != nil {
		return
	}
	stays := b[0] == 1
	if _, err := c.Write(b); err == nil && stays {
		_, _ = c.Read(b) // until the client closes
	}
}

// requests makes n short connections.
func (w *world) requests(ns, to string, n int, clientCloses bool) error {
	for range n {
		c, err := w.dial(ns, to, patience)
		if err != nil {
			return err
		}
		b := make([]byte, responseSize)
		if clientCloses {
			b[0] = 1
		}
		_, err = c.Write(b[:requestSize])
		if err == nil {
			_, err = io.ReadFull(c, b)
		}
		if err == nil && !clientCloses {
			_, _ = c.Read(b)
		}
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
	return nil
}
