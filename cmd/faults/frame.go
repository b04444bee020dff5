//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// A packet is one that is built by hand, with what no socket would send.
type packet struct {
	srcMAC, dstMAC string
	src, dst       string
	sport, dport   uint16
	protocol       uint8 // of IP
	ttl            uint8 // 0 = 64
	flags          uint8 // of TCP
	id             uint16
	payload        int // octets
}

// frame is p as it goes over the wire. The checksum of UDP is left out, that of TCP is right.
func (p *packet) frame() []byte {
	var l4 []byte
	src, dst := netip.MustParseAddr(p.src).As4(), netip.MustParseAddr(p.dst).As4()
	ports := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, p.sport), p.dport)
	switch p.protocol {
	case unix.IPPROTO_TCP:
		const window = 64240
		l4 = append(ports, 0, 0, byte(p.id>>8), byte(p.id), 0, 0, 0, 0, 5<<4, p.flags, window>>8, window&0xff, 0, 0, 0, 0)
		l4 = append(l4, make([]byte, p.payload)...)
		pseudo := slices.Concat(src[:], dst[:], []byte{0, p.protocol, byte(len(l4) >> 8), byte(len(l4))})
		binary.BigEndian.PutUint16(l4[16:], checksum(append(pseudo, l4...)))
	default:
		l4 = append(ports, byte((8+p.payload)>>8), byte(8+p.payload), 0, 0)
		l4 = append(l4, make([]byte, p.payload)...)
	}
	ttl := p.ttl
	if ttl == 0 {
		ttl = 64
	}
	n := 20 + len(l4)
	ip := slices.Concat([]byte{0x45, 0, byte(n >> 8), byte(n), byte(p.id >> 8), byte(p.id), 0, 0, ttl, p.protocol, 0, 0}, src[:], dst[:])
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	from, _ := net.ParseMAC(p.srcMAC)
	to, _ := net.ParseMAC(p.dstMAC)
	return slices.Concat(to, from, []byte{8, 0}, ip, l4)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// inject puts frames on an interface, as they are.
func (w *world) inject(ns, iface string, frames ...[]byte) error {
	return w.in(ns, func() error {
		i, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("packet socket: %w", err)
		}
		defer unix.Close(fd)
		for _, f := range frames {
			if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: i.Index, Halen: 6}); err != nil {
				return fmt.Errorf("send: %w", err)
			}
		}
		return nil
	})
}
