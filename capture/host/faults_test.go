//go:build linux

package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// pair makes two ends of a cable in the namespace; the first one has 10.9.0.1/24.
func pair(t *testing.T) {
	t.Helper()
	run(t, "ip link add wda type veth peer name wdb")
	sure(t, os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0))
	run(t, "ip addr add 10.9.0.1/24 dev wda")
	run(t, "ip link set wda up")
	run(t, "ip link set wdb up")
}

// inject puts datagrams on the cable at wdb, as if another host had sent them to
// port 9999 of 10.9.0.1.
func inject(t *testing.T, from string, n int) {
	t.Helper()
	a, err := net.InterfaceByName("wda")
	if err != nil {
		t.Error(err)
		return
	}
	b, err := net.InterfaceByName("wdb")
	if err != nil {
		t.Error(err)
		return
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	ip := []byte{0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0, 0}
	src, dst := netip.MustParseAddr(from).As4(), netip.MustParseAddr("10.9.0.1").As4()
	ip = append(append(ip, src[:]...), dst[:]...)
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	udp := []byte{0x30, 0x39, 0x27, 0x0f, 0, 9, 0, 0, 'x'} // without a checksum
	frame := slices.Concat(a.HardwareAddr, b.HardwareAddr, []byte{8, 0}, ip, udp, bytes.Repeat([]byte{0}, 31))
	for range n {
		sure(t, unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: b.Index, Halen: 6}))
	}
}

func setting(got *capture.Testimony, name string) string {
	for _, s := range got.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

func TestReversePathFilter(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		sure(t, os.WriteFile("/proc/sys/net/ipv4/conf/wda/rp_filter", []byte("1"), 0))
		got := watched(t, Options{Interfaces: []string{"wda"}}, func(*Witness) { inject(t, "192.0.2.77", 20) })
		if n := by(got, "netstat", "", "TcpExt.IPReversePathFilter"); n != 20 {
			t.Errorf("TcpExt.IPReversePathFilter moved by %d, want 20", n)
		}
		if v := setting(got, "net.ipv4.conf.wda.rp_filter"); v != "1" {
			t.Errorf("rp_filter of wda is %q, want 1", v)
		}
		if v := setting(got, "net.ipv4.conf.all.rp_filter"); v == "" {
			t.Error("rp_filter of all is not told")
		}
		if v := setting(got, "wda mtu"); v != "1500" {
			t.Errorf("the MTU of wda is %q, want 1500", v)
		}
	})
}

func TestNeighbourFails(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		sure(t, os.WriteFile("/proc/sys/net/ipv4/neigh/wda/retrans_time_ms", []byte("50"), 0))
		run(t, "ip neigh add 10.9.0.20 lladdr 02:00:00:00:00:20 dev wda nud reachable")
		got := watched(t, Options{}, func(w *Witness) {
			c, err := net.Dial("udp4", "10.9.0.9:9")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, err = c.Write([]byte("x"))
			sure(t, err)
			run(t, "ip neigh replace 10.9.0.20 lladdr 02:00:00:00:00:21 dev wda nud reachable")
			time.Sleep(400 * time.Millisecond)
		})
		want := []capture.Neighbour{
			{Addr: netip.MustParseAddr("10.9.0.9"), Interface: "wda", State: "FAILED"},
			{Addr: netip.MustParseAddr("10.9.0.20"), Interface: "wda", State: "REACHABLE",
				MACs: []string{"02:00:00:00:00:20", "02:00:00:00:00:21"}},
		}
		if g, w := fmt.Sprint(got.Neighbours), fmt.Sprint(want); g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	})
}

func TestQueueDrops(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		run(t, "ip neigh add 10.9.0.20 lladdr 02:00:00:00:00:20 dev wda nud permanent")
		run(t, "tc qdisc add dev wda root handle 5: tbf rate 80kbit burst 3000 limit 5000")
		got := watched(t, Options{}, func(w *Witness) {
			c, err := net.Dial("udp4", "10.9.0.20:9")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for range 100 {
				_, _ = c.Write(make([]byte, 1000)) // some are told of it
			}
		})
		dropped := by(got, "qdisc", "wda tbf 5:0", "drops")
		if dropped < 80 || dropped > 98 || dropped != by(got, "snmp", "", "Ip.OutDiscards") {
			t.Errorf("the queue dropped %d, Ip.OutDiscards %d; want the same, 80 to 98: %+v", dropped, by(got, "snmp", "", "Ip.OutDiscards"), got.Moved)
		}
		if v := setting(got, "wda qdisc 5:0"); !strings.Contains(v, "tbf rate 80000bit") {
			t.Errorf("the queue is said to be %q", v)
		}
	})
}

func TestLinkEvents(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		got := watched(t, Options{}, func(w *Witness) {
			looks := func() {
				n := w.Now().Looks
				until(t, "two looks", func() bool { return w.Now().Looks >= n+2 })
			}
			carrier := func(want bool) { // the kernel tells of it once a second
				until(t, "the change of carrier", func() bool { return strings.Contains(run(t, "ip -o link show wda"), "LOWER_UP") == want })
				looks()
			}
			carrier(true)
			run(t, "ip link set wdb down")
			carrier(false)
			run(t, "ip link set wdb up")
			carrier(true)
			run(t, "ip link del wda")
			looks()
		})
		var what []string
		for _, e := range got.Events {
			if e.Of == "wda" {
				what = append(what, e.What)
			}
			if e.Time < got.Start || e.Time > got.End {
				t.Errorf("%+v is not between %d and %d", e, got.Start, got.End)
			}
		}
		if s := strings.Join(what, " "); !strings.HasPrefix(s, "link-down link-up") || !strings.HasSuffix(s, "interface-gone") {
			t.Errorf("events of wda %q, want down, up, and gone", what)
		}
	})
}

func TestConntrack(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		pair(t)
		feed(t, "nft -f -", "table ip wd {\n chain in {\n type filter hook input priority 0;\n ct state invalid counter drop\n ct state new counter accept\n }\n}\n")
		got := watched(t, Options{}, func(*Witness) {
			inject(t, "10.9.0.2", 20)
			time.Sleep(150 * time.Millisecond)
		})
		if v := setting(got, "conntrack entries in use"); v == "" || v == "0" {
			t.Errorf("entries in use: %q, want some", v)
		}
		if v := setting(got, "net.netfilter.nf_conntrack_max"); v == "" || v == "0" {
			t.Errorf("nf_conntrack_max is %q", v)
		}
	})
}

// TestConntrackFull fills the table of a namespace: 100 MB of the kernel, for
// seconds. So it runs only if that is asked for.
func TestConntrackFull(t *testing.T) {
	if os.Getenv("WHYDROP_HEAVY") == "" {
		t.Skip("fills the connection table, 100 MB of the kernel: set WHYDROP_HEAVY=1")
	}
	inSpace(t, func(t *testing.T) {
		pair(t)
		most, ok := sysctl("net.netfilter.nf_conntrack_max")
		if !ok || most != "262144" {
			t.Skipf("nf_conntrack_max is %q: too many to fill", most)
		}
		feed(t, "nft -f -", "table ip wd {\n chain in {\n type filter hook input priority 0;\n ct state new counter accept\n }\n}\n")
		var entries strings.Builder
		for i := range 262144 {
			fmt.Fprintf(&entries, "-I -p udp -s 10.1.%d.%d -d 10.2.0.%d --sport %d --dport 9 --timeout 600 --status ASSURED,SEEN_REPLY\n",
				i>>16, i>>8&255, i&255, 1000+i%50000)
		}
		path := t.TempDir() + "/entries"
		sure(t, os.WriteFile(path, []byte(entries.String()), 0o600))
		run(t, "conntrack -R "+path)
		got := watched(t, Options{}, func(*Witness) { inject(t, "10.9.0.2", 50) })
		if n := by(got, "conntrack", "", "drop"); n != 50 {
			t.Errorf("conntrack dropped %d, want 50; %s of %s in use", n, setting(got, "conntrack entries in use"), most)
		}
	})
}

func TestClosedWindow(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{}, func(w *Witness) {
			l, err := net.Listen("tcp4", "127.0.0.1:9300")
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { l.Close() }) // beyond the last look, all three
			c, err := net.Dial("tcp4", "127.0.0.1:9300")
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { c.Close() })
			s, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { s.Close() })
			sure(t, s.(*net.TCPConn).SetReadBuffer(16384))
			sure(t, c.SetWriteDeadline(time.Now().Add(500*time.Millisecond)))
			_, _ = c.Write(make([]byte, 8<<20)) // nobody reads: it cannot all go
		})
		i := slices.IndexFunc(got.Sockets, func(s capture.Socket) bool { return s.Local.Port() == 9300 && s.State == "ESTAB" })
		if i < 0 {
			t.Fatalf("the reader is not there: %+v", got.Sockets)
		}
		if s := got.Sockets[i]; s.Full == 0 || s.MostQ == 0 || s.Process == nil || s.Process.PID != os.Getpid() {
			t.Errorf("reader %+v of %+v: want one of this process whose window closed", s, s.Process)
		}
		i = slices.IndexFunc(got.Sockets, func(s capture.Socket) bool { return s.Remote.Port() == 9300 })
		if i < 0 || got.Sockets[i].PeerFull < int64(100*time.Millisecond) {
			t.Errorf("the writer was not held up: %+v", got.Sockets)
		}
	})
}

func TestRawSocketDrops(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{}, func(w *Witness) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { unix.Close(fd) }) // beyond the last look
			sure(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
			fling(t, 9008, 200)
		})
		i := slices.IndexFunc(got.Sockets, func(s capture.Socket) bool { return s.Protocol == unix.IPPROTO_UDP && s.Local.Port() == 0 })
		if i < 0 || got.Sockets[i].Drops < 50 {
			t.Errorf("%+v: want a raw socket that dropped most of 200", got.Sockets)
		}
	})
}

// TestQueuesOfACard has the queues below mq, all without a handle: none may be
// taken for another.
func TestQueuesOfACard(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link add wda numtxqueues 4 type veth peer name wdb numrxqueues 4")
		run(t, "ip link set wda txqueuelen 100 up")
		run(t, "ip link set wdb up")
		run(t, "tc qdisc replace dev wda root handle 7: mq")
		run(t, "ip addr add 10.9.0.1/24 dev wda")
		run(t, "ip neigh add 10.9.0.20 lladdr 02:00:00:00:00:20 dev wda nud permanent")
		got := watched(t, Options{}, func(w *Witness) {
			for range 5 {
				c, err := net.Dial("udp4", "10.9.0.20:9")
				if err != nil {
					t.Error(err)
					return
				}
				for range 10 {
					_, err = c.Write([]byte("x"))
					sure(t, err)
				}
				sure(t, c.Close())
				time.Sleep(110 * time.Millisecond)
			}
		})
		sent, sum := by(got, "link", "wda", "tx_packets"), uint64(0)
		for _, m := range got.Moved {
			if m.Group == "qdisc" && m.Name == "packets" && strings.Contains(m.Of, " parent ") {
				sum += m.By
			}
		}
		if sum < 50 || sum > sent {
			t.Errorf("the queues sent %d, the card %d, and 50 were given: %+v", sum, sent, got.Moved)
		}
	})
}

func TestSocketsOfBothFamilies(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{}, func(w *Witness) {
			for _, at := range []string{"127.0.0.1:9400", "[::1]:9400"} {
				l, err := net.Listen("tcp", at)
				if err != nil {
					t.Skipf("no such family here: %v", err)
				}
				t.Cleanup(func() { l.Close() })
				u, err := net.ListenPacket("udp", at)
				if err != nil {
					t.Skipf("no such family here: %v", err)
				}
				t.Cleanup(func() { u.Close() })
			}
		})
		for _, at := range []string{"127.0.0.1:9400", "[::1]:9400"} {
			if s := socketAt(got, unix.IPPROTO_TCP, at); s == nil || s.State != "LISTEN" {
				t.Errorf("TCP at %s: %+v", at, s)
			}
			if s := socketAt(got, unix.IPPROTO_UDP, at); s == nil || s.State != "UNCONN" {
				t.Errorf("UDP at %s: %+v", at, s)
			}
		}
	})
}
