//go:build linux

package main

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// datagrams sends n of size octets from a namespace. Errors of single ones, such as
// those that ICMP tells of, are no failure: how many were not sent is returned.
func (w *world) datagrams(ns, to string, n, size int) (refused uint64, err error) {
	c, err := w.udp(ns, to)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	payload := make([]byte, size)
	for range n {
		for tries := 0; ; tries++ {
			_, err := c.Write(payload)
			if err == nil {
				break
			}
			// What an earlier one met is told once, and this one was not sent.
			if told(err) && tries == 0 {
				continue
			}
			refused++
			break
		}
	}
	return refused, nil
}

// told reports whether err is an ICMP error about an earlier datagram.
func told(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sinkBuffer is more than any fault sends.
const sinkBuffer = 4 << 20

// sink has a port of a namespace read, until the world ends, and returns how much came.
func (w *world) sink(ns, at string) error {
	var s *net.UDPConn
	err := w.in(ns, func() (err error) {
		s, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
		return err
	})
	if err != nil {
		return err
	}
	w.defers(func() { _ = s.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for {
			if _, _, err := s.ReadFromUDPAddrPort(b); errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}()
	return s.SetReadBuffer(sinkBuffer)
}

// echo answers each datagram to a port with itself.
func (w *world) echo(ns, at string) error { return w.answer(ns, at, func([]byte) {}) }

// answer answers each datagram to a port with what turn makes of it.
func (w *world) answer(ns, at string, turn func([]byte)) error {
	var s *net.UDPConn
	err := w.in(ns, func() (err error) {
		s, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
		return err
	})
	if err != nil {
		return err
	}
	w.defers(func() { _ = s.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := s.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				turn(b[:n])
				_, _ = s.WriteToUDPAddrPort(b[:n], from)
			}
		}
	}()
	return s.SetReadBuffer(sinkBuffer)
}

// serve has each connection to a port given to handle, in a goroutine of its own.
func (w *world) serve(ns, at string, handle func(net.Conn)) error {
	var l net.Listener
	err := w.in(ns, func() (err error) {
		l, err = net.Listen("tcp4", at)
		return err
	})
	if err != nil {
		return err
	}
	w.defers(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return nil
}

// dial connects from a namespace within a time.
func (w *world) dial(ns, to string, within time.Duration) (c net.Conn, err error) {
	err = w.in(ns, func() (err error) {
		c, err = net.DialTimeout("tcp4", to, within)
		return err
	})
	return c, err
}

// udp is a connected socket of a namespace.
func (w *world) udp(ns, to string) (c net.Conn, err error) {
	err = w.in(ns, func() (err error) {
		c, err = net.Dial("udp4", to)
		return err
	})
	return c, err
}

// exchange sends b and waits for an answer.
func exchange(c net.Conn, b []byte) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err := c.Read(b)
	return err
}
