//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// flood sends n numbered datagrams, faster than their reader reads.
func flood(n, size int) traffic {
	return func(r *run) error {
		var sink net.PacketConn
		err := r.hosts[server].do(func() (err error) {
			lc := net.ListenConfig{Control: r.of.socket(8192)}
			sink, err = lc.ListenPacket(r.ctx, "udp", r.endpoint(server))
			return err
		})
		if err != nil {
			return err
		}
		defer sink.Close()
		c, err := r.dial("udp", 0)
		if err != nil {
			return err
		}
		defer c.Close()
		read := make(chan error, 1)
		go func() { read <- r.of.stage.read(sink) }()
		for i := range n {
			b := text(size)
			binary.BigEndian.PutUint32(b, uint32(i))
			if _, err := c.Write(b); err != nil {
				return err
			}
			time.Sleep(2 * time.Millisecond)
		}
		return <-read
	}
}

// read is a program that reads a datagram now and then, until none is left.
func (s *staging) read(sink net.PacketConn) error {
	s.took = map[uint32]bool{}
	b := make([]byte, 2048)
	for {
		if err := sink.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		n, _, err := sink.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		if n >= 4 {
			s.took[binary.BigEndian.Uint32(b)] = true
		}
		time.Sleep(6 * time.Millisecond)
	}
}

// unread marks the datagrams that the program never got, which the host's
// counter must confirm.
func unread(s *stage, w *path) error {
	n := 0
	for _, p := range w.log[client] {
		if p.what() != "datagram" || p.lost != nowhere {
			continue
		}
		l, _ := layoutOf(p.data)
		if !s.of.stage.took[binary.BigEndian.Uint32(p.data[l.transport+8:])] {
			p.lost, p.why = inReceiver, "socket-buffer"
			n++
		}
	}
	if got := s.kernel("Udp.RcvbufErrors") + s.kernel("Udp6.RcvbufErrors"); got != n || n == 0 {
		return fmt.Errorf("%w: %d datagrams were not read, the host dropped %d", errWitness, n, got)
	}
	return nil
}

// shrunk has the server take back most of the receive buffer of a connection
// that it does not read for a while.
func shrunk(n int) traffic {
	return func(r *run) error {
		return r.talk(0, 0, func(c net.Conn) error {
			time.Sleep(4 * (r.of.half[0] + r.of.half[1]))
			raw, err := c.(*net.TCPConn).SyscallConn()
			if err != nil {
				return err
			}
			if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 2304) }); e != nil || err != nil {
				return errors.Join(e, err)
			}
			time.Sleep(time.Second)
			_, err = io.Copy(io.Discard, c)
			return err
		}, func(c net.Conn) error {
			_, err := c.Write(text(n))
			return err
		})
	}
}
