package host

import (
	"math"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"whydrop/capture"
)

// packet serialises layers below an Ethernet header.
func packet(t testing.TB, ether layers.EthernetType, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: ether}
	all := append([]gopacket.SerializableLayer{eth}, parts...)
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ip4(id uint16, protocol layers.IPProtocol, last byte) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: id, Protocol: protocol, SrcIP: net.IP{10, 0, 0, last}, DstIP: net.IP{10, 0, 0, 2}}
}

func udpPacket(t testing.TB, id uint16, source byte, payload string) []byte {
	t.Helper()
	ip, udp := ip4(id, layers.IPProtocolUDP, source), &layers.UDP{SrcPort: 5000, DstPort: 53}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return packet(t, layers.EthernetTypeIPv4, ip, udp, gopacket.Payload(payload))
}

func tcpPacket(t testing.TB, seq uint32, six bool) []byte {
	t.Helper()
	tcp := &layers.TCP{SrcPort: 5000, DstPort: 80, Seq: seq, ACK: true, Window: 500}
	var err error
	if six {
		ip := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolTCP, HopLimit: 64, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
		err = tcp.SetNetworkLayerForChecksum(ip)
		if err == nil {
			return packet(t, layers.EthernetTypeIPv6, ip, tcp, gopacket.Payload("data"))
		}
	}
	ip := ip4(uint16(seq), layers.IPProtocolTCP, 1)
	if err == nil {
		err = tcp.SetNetworkLayerForChecksum(ip)
	}
	if err != nil {
		t.Fatal(err)
	}
	return packet(t, layers.EthernetTypeIPv4, ip, tcp, gopacket.Payload("data"))
}

// lost is the drop of a frame at a time, as the kernel shows it: its first 80
// octets from the IP header on, as changed by the way there.
func lost(frame []byte, time int64, changes ...func(ip []byte)) *waiter {
	ip := append([]byte(nil), frame[etherHeader:]...)
	for _, change := range changes {
		change(ip)
	}
	w := &waiter{time: time}
	w.identity, w.known = identify(ip[:min(len(ip), headerOctets)])
	return w
}

func routed(ip []byte) { // TTL, and so the checksum; DSCP
	ip[8]--
	ip[10] ^= 1
	ip[1] = 0x20
}

func translated(ip []byte) { // to another destination and port, and so both checksums
	ip[10], ip[19] = ip[10]^7, ip[19]+9
	ip[ipv4Header+2] ^= 0x21
	ip[ipv4Header+6] ^= 0x55
}

// A join is checked by feeding frames, 1 ms apart from the second 10 on, and one drop.
func TestJoin(t *testing.T) {
	at := func(ms int64) int64 { return 10*second + ms*1e6 }
	a, b := udpPacket(t, 1, 1, "query a, long enough"), udpPacket(t, 2, 1, "query b, long enough")
	zero := udpPacket(t, 0, 1, "the same again, with no IP-ID")
	six, sixLater := tcpPacket(t, 100, true), tcpPacket(t, 1560, true)
	fragment := packet(t, layers.EthernetTypeIPv4, &layers.IPv4{Version: 4, IHL: 5, TTL: 9, Id: 7, FragOffset: 185,
		Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}, gopacket.Payload("the second fragment of it"))
	for _, c := range []struct {
		name   string
		frames [][]byte
		drop   *waiter
		want   uint64
	}{
		{"the one", [][]byte{a, b}, lost(b, at(2)), 2},
		{"another one", [][]byte{a}, lost(b, at(2)), 0},
		{"forwarded", [][]byte{a, b}, lost(a, at(2), routed), 1},
		{"translated", [][]byte{a, b}, lost(a, at(2), translated), 1},
		{"translated, and two might be it", [][]byte{a, a}, lost(a, at(2), translated), 0},
		{"translated long ago", [][]byte{a}, lost(a, at(2000), translated), 0},
		{"captured a little after by the clock", [][]byte{a}, lost(a, at(0)-1000), 1},
		{"captured after its drop", [][]byte{a, b, a}, lost(a, at(0)+1000), 1},
		{"the same bytes: the last before", [][]byte{zero, zero, zero}, lost(zero, at(1)+2000), 2},
		{"the same bytes: nobody can tell", [][]byte{zero, zero, zero}, lost(zero, at(500)), 0},
		{"alone, and late: fragments wait", [][]byte{fragment, a}, lost(fragment, at(30_000)), 1},
		{"TCP over IPv6", [][]byte{six, sixLater}, lost(six, at(2)), 1},
		{"seen on both sides of a router", [][]byte{a, a}, lost(a, at(1)+2000, routed), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJoiner(1 << 10)
			j.wait(c.drop) // before its frame is delivered
			for i, f := range c.frames {
				j.frame(uint64(i+1), at(int64(i)), network(capture.LinkEthernet, f))
			}
			j.settle(math.MaxInt64)
			if c.drop.frame != c.want {
				t.Errorf("joined to frame %d, want %d", c.drop.frame, c.want)
			}
		})
	}
}

// No frame is given away twice, and a drop is judged once the frames went past it.
func TestJoinOnce(t *testing.T) {
	j := newJoiner(1 << 10)
	f := udpPacket(t, 1, 1, "once")
	j.frame(1, second, network(capture.LinkEthernet, f))
	first, again := lost(f, second+1000), lost(f, second+2000)
	j.wait(first)
	j.wait(again)
	j.frame(2, second+joinSlack/2, network(capture.LinkEthernet, tcpPacket(t, 1, false)))
	if first.frame != 0 {
		t.Error("judged before all frames of its time can have come")
	}
	j.frame(3, second+2*joinSlack, network(capture.LinkEthernet, tcpPacket(t, 2, false)))
	if first.frame != 1 || first.after != 1000 || again.frame != 0 {
		t.Errorf("joined to %d after %d ns and %d, want 1 after 1000 and 0", first.frame, first.after, again.frame)
	}
}

// What is forgotten is not found, and nothing is taken for it.
func TestJoinForgets(t *testing.T) {
	j := newJoiner(16)
	var all [][]byte
	for i := range 40 {
		all = append(all, tcpPacket(t, uint32(i), i%2 == 0))
		j.frame(uint64(i+1), second+int64(i), network(capture.LinkEthernet, all[i]))
	}
	for i, f := range all {
		w := lost(f, second+100)
		j.wait(w)
		j.settle(math.MaxInt64)
		want := uint64(i + 1)
		if i < 40-16 {
			want = 0
		}
		if w.frame != want {
			t.Errorf("frame %d: joined to %d, want %d", i+1, w.frame, want)
		}
	}
}

// What lies beyond the linear part of the kernel's buffer is not known, and not needed.
func TestIdentityWithoutPayload(t *testing.T) {
	f := udpPacket(t, 1, 1, "twenty octets and more")
	whole, ok := identify(f[etherHeader:])
	short, also := identify(f[etherHeader : etherHeader+ipv4Header+udpHeader])
	if !ok || !also || whole.more == 0 || short.more != 0 {
		t.Fatalf("%v %v: %+v %+v", ok, also, whole, short)
	}
	whole.more = 0
	if whole != short {
		t.Errorf("%+v, want %+v", short, whole)
	}
	if _, ok := identify(f[etherHeader : etherHeader+ipv4Header+4]); ok {
		t.Error("four octets of UDP are no identity")
	}
}

func TestNetworkOfLinks(t *testing.T) {
	f := udpPacket(t, 1, 1, "x")
	ip := f[etherHeader:]
	tagged := append(append(append([]byte(nil), f[:12]...), 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2), f[12:]...)
	sll := append(append(make([]byte, 14), 8, 0), ip...)
	sll2 := append(append([]byte{8, 0}, make([]byte, 18)...), ip...)
	for _, c := range []struct {
		name string
		link capture.LinkType
		data []byte
		want int
	}{
		{"Ethernet", capture.LinkEthernet, f, len(ip)}, {"two tags", capture.LinkEthernet, tagged, len(ip)},
		{"cooked", capture.LinkLinuxSLL, sll, len(ip)}, {"cooked v2", capture.LinkLinuxSLL2, sll2, len(ip)},
		{"raw", capture.LinkRaw, ip, len(ip)}, {"cut tag", capture.LinkEthernet, tagged[:16], 0},
		{"ARP", capture.LinkEthernet, append(append([]byte(nil), f[:12]...), 8, 6, 0, 0), 0}, {"short", capture.LinkEthernet, f[:9], 0},
	} {
		if got := network(c.link, c.data); len(got) != c.want {
			t.Errorf("%s: %d octets, want %d", c.name, len(got), c.want)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(udpPacket(f, 1, 1, "payload")[etherHeader:])
	f.Add(tcpPacket(f, 1, true)[etherHeader:])
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, ok := identify(b)
		if again, too := identify(b); again != whole || too != ok {
			t.Errorf("%+v, then %+v", whole, again)
		}
		network(capture.LinkEthernet, b)
	})
}
