//go:build linux

package host

import (
	"encoding/binary"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// A wire is a veth pair in one namespace: what is put on va arrives at vb, whose
// address is 10.77.0.2, from a neighbour who is not there: 10.77.0.1.
type wire struct {
	in   int // packet socket on va
	to   net.HardwareAddr
	from net.HardwareAddr
}

func newWire(t *testing.T) *wire {
	t.Helper()
	stampPackets(t)
	run(t, "ip link set lo up")
	run(t, "ip link add va type veth peer name vb")
	for _, name := range []string{"va", "vb"} {
		run(t, "sysctl -qw net.ipv6.conf."+name+".disable_ipv6=1")
		run(t, "ip link set "+name+" up")
	}
	run(t, "ip addr add 10.77.0.2/24 dev vb")
	run(t, "ip neigh add 10.77.0.1 lladdr 02:00:00:00:00:01 dev vb")
	w := &wire{from: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	va, err := net.InterfaceByName("va")
	sure(t, err)
	vb, err := net.InterfaceByName("vb")
	sure(t, err)
	w.to = vb.HardwareAddr
	w.in, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	sure(t, err)
	t.Cleanup(func() { _ = unix.Close(w.in) })
	sure(t, unix.Bind(w.in, &unix.SockaddrLinklayer{Ifindex: va.Index, Protocol: 0}))
	return w
}

// stampPackets makes the kernel stamp packets as they come in, and waits until it
// does. It starts to do so a while after the first socket wants it; until then, a
// packet bears the time at which it was read, and may seem to have been captured
// after its drop.
func stampPackets(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	sure(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	sure(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	sure(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	sure(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}))
	own, err := unix.Getsockname(fd)
	sure(t, err)
	run(t, "ip link set lo up")
	b, oob := make([]byte, 1), make([]byte, 256)
	until(t, "a packet stamped as it came in", func() bool {
		sure(t, unix.Sendto(fd, b, 0, own))
		time.Sleep(time.Millisecond)
		read := time.Now()
		_, on, _, _, err := unix.Recvmsg(fd, b, oob, 0)
		sure(t, err)
		messages, err := unix.ParseSocketControlMessage(oob[:on])
		return err == nil && len(messages) == 1 && stampOf(&messages[0]) < read.UnixNano()
	})
}

// stampOf is the time of SCM_TIMESTAMPNS.
func stampOf(m *unix.SocketControlMessage) int64 {
	return int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:]))
}

// udp puts a datagram on the wire, changed by change before its checksums are made.
func (w *wire) udp(t *testing.T, id uint16, payload string, change func(ip *layers.IPv4, udp *layers.UDP), spoil bool) {
	t.Helper()
	frame := w.datagram(t, id, payload, change)
	if spoil {
		frame[etherHeader+ipv4Header+6] ^= 0x12
	}
	_, err := unix.Write(w.in, frame)
	sure(t, err)
}

// datagram makes a datagram in its frame.
func (w *wire) datagram(t *testing.T, id uint16, payload string, change func(ip *layers.IPv4, udp *layers.UDP)) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: w.from, DstMAC: w.to, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: id, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 77, 0, 1}, DstIP: net.IP{10, 77, 0, 2}}
	udp := &layers.UDP{SrcPort: 5555, DstPort: 9999}
	if change != nil {
		change(ip, udp)
	}
	sure(t, udp.SetNetworkLayerForChecksum(ip))
	b := gopacket.NewSerializeBuffer()
	sure(t, gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, udp, gopacket.Payload(payload)))
	return b.Bytes()
}

// listen captures on an interface, into the witness, until the returned function
// is called, which says how many frames there were and their IP-IDs by number.
func listen(t *testing.T, name string, w *Witness) func() map[uint64]uint16 {
	t.Helper()
	iface, err := net.InterfaceByName(name)
	sure(t, err)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	sure(t, err)
	sure(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	sure(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20))
	sure(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000}))
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	sure(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: iface.Index, Protocol: all}))
	ids, stop := map[uint64]uint16{}, make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		b, oob := make([]byte, 1<<16), make([]byte, 256)
		for number := uint64(1); ; {
			n, on, _, _, err := unix.Recvmsg(fd, b, oob, 0)
			if err != nil {
				select {
				case <-stop:
					return
				default:
					continue
				}
			}
			messages, _ := unix.ParseSocketControlMessage(oob[:on])
			at := int64(0)
			for _, m := range messages {
				at = stampOf(&m)
			}
			w.Frame(number, at, b[:n], capture.LinkEthernet, name)
			if n >= etherHeader+ipv4Header {
				ids[number] = binary.BigEndian.Uint16(b[etherHeader+4:])
			}
			number++
		}
	})
	return func() map[uint64]uint16 {
		time.Sleep(50 * time.Millisecond)
		close(stop)
		over.Wait()
		_ = unix.Close(fd)
		return ids
	}
}

// settings of nft and of the kernel in the namespace of the test.
const dropThirty = `table inet t {
	chain in { type filter hook input priority 0
		udp dport 9999 numgen random mod 100 < 30 counter drop
	}
}`

// Every drop is one frame, no frame is two drops, and the rule counted the same.
func TestDropsAreCapturedFrames(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		on := newWire(t)
		feed(t, "nft -f -", dropThirty)
		sink, err := net.ListenPacket("udp4", "10.77.0.2:9999")
		sure(t, err)
		defer sink.Close()
		var ids map[uint64]uint16
		got := watched(t, Options{Interfaces: []string{"vb"}, EveryDrop: true}, func(w *Witness) {
			frames := listen(t, "vb", w)
			for i := range 5000 {
				on.udp(t, uint16(i), "payload", nil, false)
			}
			ids = frames()
		})
		needEvents(t, got)
		drops, events := dropsOf(got, "NETFILTER_DROP")
		counted := regexp.MustCompile(`packets (\d+)`).FindStringSubmatch(run(t, "nft list ruleset"))
		if counted == nil || counted[1] != strconv.FormatUint(events, 10) || got.DropsLost != 0 {
			t.Fatalf("%d events, %d lost, but the rule counted %v", events, got.DropsLost, counted)
		}
		if len(drops) != 1 || drops[0].Hook != "INPUT" || drops[0].Inbound != "vb" || drops[0].Dst.String() != "10.77.0.2:9999" {
			t.Fatalf("%d drops: %+v", len(drops), drops)
		}
		used := map[uint64]bool{}
		var latest int64
		for _, s := range drops[0].Samples {
			if s.Frame == 0 || used[s.Frame] || ids[s.Frame] != s.ID {
				t.Fatalf("drop of IP-ID %d is frame %d, of IP-ID %d; used before: %t", s.ID, s.Frame, ids[s.Frame], used[s.Frame])
			}
			used[s.Frame] = true
			latest = max(latest, s.After)
		}
		if len(used) != int(events) || len(ids) < 5000 {
			t.Errorf("%d of %d drops joined to %d frames", len(used), events, len(ids))
		}
		t.Logf("%d frames, %d drops joined, the latest %v after its capture", len(ids), len(used), time.Duration(latest))
	})
}

// What the kernel says of packets that it refuses on the way in.
func TestDropsByCause(t *testing.T) {
	for _, c := range []struct {
		name, reason, function string
		prepare                []string
		change                 func(ip *layers.IPv4, udp *layers.UDP)
		spoil                  bool
	}{
		{name: "udp checksum", reason: "UDP_CSUM", function: "__udp4_lib_rcv", spoil: true},
		{name: "ttl", reason: "IP_INHDR", function: "ip_forward",
			prepare: []string{"sysctl -qw net.ipv4.ip_forward=1", "ip route add 10.88.0.0/24 dev va"},
			change:  func(ip *layers.IPv4, _ *layers.UDP) { ip.TTL, ip.DstIP = 1, net.IP{10, 88, 0, 1} }},
		{name: "reverse path", reason: "IP_RPFILTER", function: "ip_rcv_finish_core",
			prepare: []string{"sysctl -qw net.ipv4.conf.all.rp_filter=1", "ip route add 10.99.0.0/24 dev va"},
			change:  func(ip *layers.IPv4, _ *layers.UDP) { ip.SrcIP = net.IP{10, 99, 0, 1} }},
		{name: "blackhole", reason: "NOT_SPECIFIED", function: "ip_error",
			prepare: []string{"sysctl -qw net.ipv4.ip_forward=1", "ip route add blackhole 10.88.0.0/24"},
			change:  func(ip *layers.IPv4, _ *layers.UDP) { ip.DstIP = net.IP{10, 88, 0, 1} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inSpace(t, func(t *testing.T) {
				on := newWire(t)
				for _, line := range c.prepare {
					run(t, line)
				}
				got := watched(t, Options{Interfaces: []string{"vb"}}, func(w *Witness) {
					frames := listen(t, "vb", w)
					for i := range 20 {
						on.udp(t, uint16(i), "payload", c.change, c.spoil)
					}
					frames()
				})
				needEvents(t, got)
				drops, events := dropsOf(got, c.reason)
				if len(drops) != 1 || events != 20 || drops[0].Function != c.function || drops[0].Inbound != "vb" {
					t.Fatalf("%d events in %d drops, want 20 in one, of %s: %+v", events, len(drops), c.function, got.Drops)
				}
				for _, s := range drops[0].Samples {
					if s.Frame == 0 {
						t.Errorf("the drop of IP-ID %d was not joined", s.ID)
					}
				}
			})
		})
	}
}

func TestDropsOfAFullReceiveBuffer(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9100})
		sure(t, err)
		defer s.Close()
		sure(t, s.SetReadBuffer(8192))
		got := watched(t, Options{}, func(w *Witness) {
			c, err := net.Dial("udp4", "127.0.0.1:9100")
			sure(t, err)
			defer c.Close()
			for range 500 {
				_, err := c.Write(make([]byte, 1000))
				sure(t, err)
			}
		})
		needEvents(t, got)
		drops, events := dropsOf(got, "SOCKET_RCVBUFF")
		if want := by(got, "snmp", "", "Udp.RcvbufErrors"); events != want || events < 400 || len(drops) != 1 {
			t.Fatalf("%d events in %d drops, but the counter says %d", events, len(drops), want)
		}
		if d := drops[0]; d.Inbound != "lo" || len(d.Samples) > 64*2 || d.Octets != events*1028 || d.Empty != 0 {
			t.Errorf("%d samples of %+v", len(d.Samples), d)
		}
	})
}

func TestDropsOfAQueueNameTheSender(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		newWire(t)
		run(t, "tc qdisc add dev vb root tbf rate 2mbit burst 4kb limit 6000")
		got := watched(t, Options{}, func(w *Witness) {
			c, err := net.Dial("udp4", "10.77.0.1:9000")
			sure(t, err)
			defer c.Close()
			for range 300 {
				_, _ = c.Write(make([]byte, 1000))
			}
		})
		needEvents(t, got)
		drops, events := dropsOf(got, "QDISC_DROP")
		if len(drops) != 1 || events < 200 || events != by(got, "qdisc", "vb tbf 8001:", "drops") && events != by(got, "snmp", "", "Ip.OutDiscards") {
			t.Fatalf("%d events in %d drops: %+v", events, len(drops), got.Moved)
		}
		d := drops[0]
		if d.Inbound != "" || d.Interface != "vb" || d.Process == nil || d.Process.PID != os.Getpid() {
			t.Errorf("interface %q, inbound %q, process %+v, want vb, none and %d", d.Interface, d.Inbound, d.Process, os.Getpid())
		}
	})
}

// A super-frame is one event, and as many packets as the wire would have carried.
func TestDropsOfASuperFrame(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		stampPackets(t)
		run(t, "ip link set lo up")
		feed(t, "nft -f -", `table inet t { chain in { type filter hook input priority 0; udp dport 9000 counter drop; }; }`)
		got := watched(t, Options{}, func(w *Witness) {
			frames := listen(t, "lo", w)
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			sure(t, err)
			defer unix.Close(fd)
			if err := unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, 100); err != nil {
				t.Skipf("no segmentation offload of UDP here: %v", err)
			}
			sure(t, unix.Sendto(fd, make([]byte, 1000), 0, &unix.SockaddrInet4{Port: 9000, Addr: [4]byte{127, 0, 0, 1}}))
			until(t, "the drop", func() bool { return strings.Contains(run(t, "nft list ruleset"), "packets 1 ") })
			frames()
		})
		needEvents(t, got)
		drops, events := dropsOf(got, "NETFILTER_DROP")
		if len(drops) != 1 || events != 1 || drops[0].Packets != 10 || drops[0].Samples[0].Frame == 0 || drops[0].Samples[0].Segs != 10 {
			t.Fatalf("%d events: %+v", events, drops)
		}
	})
}
