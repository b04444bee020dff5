//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is the longest that any case may take.
const patience = 6 * time.Second

// Ports of the cases. The client's is fixed so that stories can name it.
const (
	serverPort = 5001
	clientPort = 40001
)

// A traffic is what the programs on the hosts do.
type traffic func(r *run) error

// A run is a case while it runs.
type run struct {
	*lab
	ctx  context.Context
	of   *labCase
	pair uint16 // added to the ports: programs that run at once need their own
}

// address is the address of a host in c.
func (c *labCase) address(s side) netip.Addr {
	if c.v6 {
		return netip.MustParseAddr(addr6[s])
	}
	return netip.MustParseAddr(addr4[s])
}

func (r *run) endpoint(s side) string {
	return netip.AddrPortFrom(r.of.address(s), serverPort+r.pair).String()
}

// listen opens the server's socket.
func (r *run) listen(buffer int) (net.Listener, error) {
	var l net.Listener
	err := r.hosts[server].do(func() error {
		lc := net.ListenConfig{Control: r.of.socket(buffer)}
		lc.SetMultipathTCP(false)
		var err error
		l, err = lc.Listen(r.ctx, "tcp", r.endpoint(server))
		return err
	})
	return l, err
}

// dial connects the client.
func (r *run) dial(network string, buffer int) (net.Conn, error) {
	var c net.Conn
	err := r.hosts[client].do(func() error {
		local := netip.AddrPortFrom(r.of.address(client), clientPort+r.pair)
		d := net.Dialer{Control: r.of.socket(buffer), Timeout: r.of.time(), LocalAddr: net.TCPAddrFromAddrPort(local)}
		if network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(local)
		}
		d.SetMultipathTCP(false)
		var err error
		c, err = d.DialContext(r.ctx, network, r.endpoint(server))
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(r.of.time()))
}

// socket sets a socket up: its receive buffer, and how it reacts to congestion.
func (c *labCase) socket(buffer int) func(string, string, syscall.RawConn) error {
	return func(network, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) {
			if buffer > 0 {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer)
			}
			if err == nil && c.congestion != "" && strings.HasPrefix(network, "tcp") {
				err = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, unix.TCP_CONGESTION, c.congestion)
			}
		}); e != nil {
			return e
		}
		return err
	}
}

// talk connects both ends and runs their programs.
func (r *run) talk(serverBuffer, clientBuffer int, serve, use func(c net.Conn) error) error {
	l, err := r.listen(serverBuffer)
	if err != nil {
		return err
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(r.of.time())); err != nil {
			served <- err
			return
		}
		served <- r.end(c, serve(c))
	}()
	c, err := r.dial("tcp", clientBuffer)
	if err != nil {
		return err
	}
	err = r.end(c, use(c))
	return errors.Join(err, c.Close(), <-served)
}

// end makes a program that ran out of time end at once, where that is fine: its
// connection is reset, so that nothing of it goes on when the wire is gone.
func (r *run) end(c net.Conn, err error) error {
	if !r.of.lenient || err == nil {
		return err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.SetLinger(0))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// text is what the programs send: it can be read, and it packs well.
func text(n int) []byte {
	const line = "The quick brown fox jumps over the lazy dog, and every packet of it is counted.\n"
	b := make([]byte, n)
	for at := 0; at < n; at += copy(b[at:], line) {
	}
	return b
}

// download has the server send n octets and close.
func download(n int) traffic {
	return func(r *run) error {
		return r.talk(0, 0, func(c net.Conn) error {
			_, err := c.Write(text(n))
			return err
		}, func(c net.Conn) error {
			_, err := io.Copy(io.Discard, c)
			return err
		})
	}
}

// upload has the client send n octets and close.
func upload(n int) traffic {
	return func(r *run) error {
		return r.talk(0, 0, func(c net.Conn) error {
			_, err := io.Copy(io.Discard, c)
			return err
		}, func(c net.Conn) error {
			_, err := c.Write(text(n))
			return err
		})
	}
}

// responses has the client ask count times for size octets, with a pause between.
func responses(count, size int, pause time.Duration) traffic {
	const question = 200
	return func(r *run) error {
		return r.talk(0, 0, func(c net.Conn) error {
			ask, answer := make([]byte, question), text(size)
			for range count {
				if _, err := io.ReadFull(c, ask); err != nil {
					return err
				}
				if _, err := c.Write(answer); err != nil {
					return err
				}
			}
			return nil
		}, func(c net.Conn) error {
			got := make([]byte, size)
			for range count {
				if _, err := c.Write(text(question)); err != nil {
					return err
				}
				if _, err := io.ReadFull(c, got); err != nil {
					return err
				}
				time.Sleep(pause)
			}
			return nil
		})
	}
}

// slowReader has the client send to a server that reads nothing for a while, twice.
func slowReader(n, buffer int, nap time.Duration) traffic {
	return func(r *run) error {
		return r.talk(buffer, 0, func(c net.Conn) error {
			time.Sleep(nap)
			if _, err := io.CopyN(io.Discard, c, int64(n/2)); err != nil {
				return err
			}
			time.Sleep(nap)
			_, err := io.Copy(io.Discard, c)
			return err
		}, func(c net.Conn) error {
			_, err := c.Write(text(n))
			return err
		})
	}
}

// together runs several programs at once.
func together(all ...traffic) traffic {
	return func(r *run) error {
		done := make(chan error)
		for i, one := range all {
			own := *r
			own.pair = r.pair + uint16(i)
			go func() { done <- one(&own) }()
		}
		var err error
		for range all {
			err = errors.Join(err, <-done)
		}
		return err
	}
}

// refused connects to a port where nobody listens; any outcome but a connection is fine.
func refused(r *run) error {
	c, err := r.dial("tcp", 0)
	if err == nil {
		c.Close()
		return errors.New("somebody listens")
	}
	return nil
}

// unanswered connects for at most wait.
func unanswered(wait time.Duration) traffic {
	return func(r *run) error {
		ctx, stop := context.WithTimeout(r.ctx, wait)
		defer stop()
		quick := *r
		quick.ctx = ctx
		return refused(&quick)
	}
}

// datagrams has a connected socket send count datagrams. With heard, somebody
// receives them.
func datagrams(count, size int, pause time.Duration, heard bool) traffic {
	return func(r *run) error {
		if heard {
			var sink net.PacketConn
			err := r.hosts[server].do(func() (err error) {
				sink, err = net.ListenPacket("udp", r.endpoint(server))
				return err
			})
			if err != nil {
				return err
			}
			defer sink.Close()
		}
		c, err := r.dial("udp", 0)
		if err != nil {
			return err
		}
		defer c.Close()
		payload := text(size)
		for sent := 0; sent < count; {
			_, err := c.Write(payload)
			if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
				return err
			}
			if err == nil { // an error is that of the datagram before
				sent++
				time.Sleep(pause)
			}
		}
		time.Sleep(settle) // the receiver stays until the last one has come
		return nil
	}
}
