//go:build linux

package main

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// A cable is where a frame is put: an interface, and the MAC addresses of its ends.
type cable struct{ ns, iface, from, to string }

// Cables of a world, in the direction from a to b, and in the other one.
var (
	outOfA = cable{"a", "va", macA, macRA}
	intoB  = cable{"r", "rb", macRB, macB}
)

// frame is one of Ethernet and IPv4 with right lengths and checksums.
func (c cable) frame(id uint16, from, to string, transport gopacket.SerializableLayer, payload []byte) ([]byte, error) {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: id, SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice()}
	switch l := transport.(type) {
	case *layers.UDP:
		ip.Protocol, l.SrcPort, l.DstPort = layers.IPProtocolUDP, layers.UDPPort(src.Port()), layers.UDPPort(dst.Port())
		_ = l.SetNetworkLayerForChecksum(ip)
	case *layers.TCP:
		ip.Protocol, l.SrcPort, l.DstPort = layers.IPProtocolTCP, layers.TCPPort(src.Port()), layers.TCPPort(dst.Port())
		_ = l.SetNetworkLayerForChecksum(ip)
	case *layers.ICMPv4:
		ip.Protocol = layers.IPProtocolICMPv4
	}
	fromMAC, err := net.ParseMAC(c.from)
	if err != nil {
		return nil, err
	}
	toMAC, err := net.ParseMAC(c.to)
	if err != nil {
		return nil, err
	}
	ether := &layers.Ethernet{SrcMAC: fromMAC, DstMAC: toMAC, EthernetType: layers.EthernetTypeIPv4}
	b := gopacket.NewSerializeBuffer()
	err = gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ether, ip, transport, gopacket.Payload(payload))
	return b.Bytes(), err
}

// Where checksums are in a frame of IPv4 without options.
const (
	etherHeader = 14
	ipSumAt     = etherHeader + 10
	udpSumAt    = etherHeader + 20 + 6
	tcpSumAt    = etherHeader + 20 + 16
	icmpSumAt   = etherHeader + 20 + 2
)

// put sends n frames by the cable, as it was made by the i-th call of each.
func (w *world) put(c cable, n int, each func(i int) ([]byte, error)) error {
	return w.in(c.ns, func() error {
		s, err := openPacket(c.iface)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		for i := range n {
			b, err := each(i)
			if err == nil {
				err = unix.Send(s, b, 0)
			}
			if err != nil {
				return fmt.Errorf("frame %d: %w", i, err)
			}
		}
		return nil
	})
}

// openPacket is a socket that sends and receives whole frames of IPv4.
func openPacket(iface string) (int, error) {
	const ipv4 = unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8
	device, err := net.InterfaceByName(iface)
	if err != nil {
		return -1, err
	}
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(s, &unix.SockaddrLinklayer{Protocol: ipv4, Ifindex: device.Index}); err != nil {
		unix.Close(s)
		return -1, err
	}
	return s, nil
}

// damaged sends n frames of size octets of payload with a checksum that is wrong: the
// one at an octet.
func (w *world) damaged(c cable, n, size, at int, from, to string, transport func(i int) gopacket.SerializableLayer) (uint64, error) {
	err := w.put(c, n, func(i int) ([]byte, error) {
		b, err := c.frame(uint16(i+1), from, to, transport(i), make([]byte, size))
		if err == nil {
			b[at] ^= 0x55
		}
		return b, err
	})
	return uint64(n), err
}
