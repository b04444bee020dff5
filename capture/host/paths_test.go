//go:build linux

package host

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// What an ICMP error says of the MTU of a path is told, with the time at which it came.
func TestPaths(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		run(t, "ip neigh add 10.9.0.20 lladdr 02:00:00:00:00:20 dev wda nud permanent")
		began := time.Now().UnixNano()
		got := watched(t, Options{}, func(*Witness) {
			c, err := net.Dial("udp4", "10.9.0.20:9")
			sure(t, err)
			defer c.Close()
			_, err = c.Write([]byte("x"))
			sure(t, err)
			tooBig(t, uint16(c.LocalAddr().(*net.UDPAddr).Port), 1200)
		})
		want := capture.PathMTU{MTU: 1200, Interface: "wda"}
		if len(got.Paths) != 1 || got.Paths[0].MTU != want.MTU || got.Paths[0].Interface != want.Interface || got.Paths[0].To.String() != "10.9.0.20" {
			t.Fatalf("paths: %+v", got.Paths)
		}
		const slack = int64(100 * time.Millisecond)
		if at := got.Paths[0].Learnt; at < began-slack || at > got.End+slack {
			t.Errorf("learnt %d ns after the start", at-began)
		}
		if n := by(got, "snmp", "", "IcmpMsg.InType3"); n != 1 {
			t.Errorf("%d ICMP errors were counted, want 1", n)
		}
	})
}

// tooBig puts the ICMP error on the cable that a router sends for a datagram to 10.9.0.20.
func tooBig(t *testing.T, port uint16, mtu uint16) {
	t.Helper()
	a, err := net.InterfaceByName("wda")
	sure(t, err)
	b, err := net.InterfaceByName("wdb")
	sure(t, err)
	quoted := []byte{0x45, 0, 5, 0, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 20, byte(port >> 8), byte(port), 0, 9, 4, 236, 0, 0}
	icmp := append([]byte{3, 4, 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}, quoted...)
	binary.BigEndian.PutUint16(icmp[2:], onesSum(icmp))
	ip := []byte{0x45, 0, 0, byte(20 + len(icmp)), 0, 2, 0, 0, 64, 1, 0, 0, 10, 9, 0, 77, 10, 9, 0, 1}
	binary.BigEndian.PutUint16(ip[10:], onesSum(ip))
	frame := append(append([]byte{}, a.HardwareAddr...), b.HardwareAddr...)
	frame = append(append(append(frame, 8, 0), ip...), icmp...)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	sure(t, err)
	defer unix.Close(fd)
	sure(t, unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: b.Index, Halen: 6}))
	time.Sleep(50 * time.Millisecond)
}

// onesSum is the checksum of RFC 1071 over an even number of octets.
func onesSum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum&0xffff + sum>>16
	return ^uint16(sum + sum>>16)
}
