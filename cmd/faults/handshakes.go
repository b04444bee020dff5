//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// ghost is an address of the net of b that no host has: who answers for it is the
// handshaker.
const ghost = "10.77.2.77"

// handshakes completes n handshakes with the service at once: first all SYNs, then,
// when every SYN-ACK has come, all ACKs.
func (w *world) handshakes(n int, first uint16) error {
	if err := w.sh("b", "ip neigh replace "+ghost+" lladdr "+macRB+" dev vb nud permanent"); err != nil {
		return err
	}
	// The router must not answer for it: its SYN-ACKs are no packets of a connection of its.
	if err := w.sh("r", "ip neigh replace "+ghost+" lladdr 02:00:00:00:00:77 dev rb nud permanent"); err != nil {
		return err
	}
	return w.in(intoB.ns, func() error {
		s, err := openPacket(intoB.iface)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		send := func(id, port uint16, l *layers.TCP) error {
			b, err := intoB.frame(id, fmt.Sprintf("%s:%d", ghost, port), serviceB, l, nil)
			if err != nil {
				return err
			}
			return unix.Send(s, b, 0)
		}
		for i := range uint16(n) {
			if err := send(1, first+i, &layers.TCP{SYN: true, Seq: 1000, Window: 64240}); err != nil {
				return err
			}
		}
		answers, err := synAcks(s, n)
		if err != nil {
			return err
		}
		for i := range uint16(n) {
			seq, ok := answers[first+i]
			if !ok {
				return fmt.Errorf("port %d: no SYN-ACK", first+i)
			}
			if err := send(2, first+i, &layers.TCP{ACK: true, Seq: 1001, Ack: seq + 1, Window: 64240}); err != nil {
				return err
			}
		}
		return nil
	})
}

// synAcks waits for n, and returns their sequence numbers by the port they go to.
func synAcks(s, n int) (map[uint16]uint32, error) {
	wait := unix.NsecToTimeval(int64(100 * time.Millisecond))
	if err := unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return nil, err
	}
	const (
		ip     = etherHeader
		tcp    = ip + 20
		synAck = 0x12
	)
	to := netip.MustParseAddr(ghost)
	got := map[uint16]uint32{}
	b := make([]byte, 2048)
	err := until("a SYN-ACK for each", func() (bool, error) {
		k, _, err := unix.Recvfrom(s, b, 0)
		if err != nil || k < tcp+20 || netip.AddrFrom4([4]byte(b[ip+16:ip+20])) != to || b[tcp+13] != synAck {
			return false, nil
		}
		got[binary.BigEndian.Uint16(b[tcp+2:])] = binary.BigEndian.Uint32(b[tcp+4:])
		return len(got) == n, nil
	})
	return got, err
}
