//go:build linux

package host

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// The hook of netfilter in which a packet died is told from the stack, of both
// families; and who sent it, where it died on the way out.
func TestDropsNameTheHook(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		hooks := []string{"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"}
		rules := "table inet t {\n"
		for i, h := range hooks {
			rules += fmt.Sprintf("chain c%d { type filter hook %s priority 0; udp dport %d drop; }\n", i, strings.ToLower(h), 9000+i)
		}
		feed(t, "nft -f -", rules+"}")
		got := watched(t, Options{}, func(w *Witness) {
			for _, to := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} {
				for i := range hooks {
					c, err := net.ListenUDP("udp", nil)
					sure(t, err)
					_, _ = c.WriteTo([]byte("x"), &net.UDPAddr{IP: to, Port: 9000 + i}) // EPERM on the way out
					_ = c.Close()
				}
			}
		})
		needEvents(t, got)
		drops, _ := dropsOf(got, "NETFILTER_DROP")
		if len(drops) != 2*len(hooks) {
			t.Fatalf("%d drops, want %d: %+v", len(drops), 2*len(hooks), got.Drops)
		}
		for _, d := range drops {
			want := hooks[d.Dst.Port()-9000]
			if d.Hook != want {
				t.Errorf("%v to %v: hook %q, want %q", d.Function, d.Dst, d.Hook, want)
			}
			if out := want == "OUTPUT" || want == "POSTROUTING"; out != (d.Process != nil) || out != (d.Inbound == "") {
				t.Errorf("%s of %v: process %+v, inbound %q", want, d.Dst, d.Process, d.Inbound)
			}
		}
	})
}

// The same where a router refuses to forward, and at the hooks of an interface.
func TestDropsNameTheHookOfARouter(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		on := newWire(t)
		for _, line := range []string{
			"sysctl -qw net.ipv4.ip_forward=1", "ip route add 10.88.0.0/24 dev va",
			"sysctl -qw net.ipv6.conf.va.disable_ipv6=0", "sysctl -qw net.ipv6.conf.vb.disable_ipv6=0",
			"sysctl -qw net.ipv6.conf.all.forwarding=1", "ip -6 addr add fd00:77::2/64 dev vb nodad",
			"ip -6 route add fd00:88::/64 dev va",
		} {
			run(t, line)
		}
		feed(t, "nft -f -", `
table inet t { chain f { type filter hook forward priority 0; udp dport 9100 drop; }; }
table netdev n {
	chain i { type filter hook ingress device vb priority 0; udp dport 9101 drop; }
	chain o { type filter hook egress device vb priority 0; udp dport 9102 drop; }
}
table inet u { chain i { type filter hook ingress device vb priority 0; udp dport 9103 drop; }; }`)
		got := watched(t, Options{}, func(*Witness) {
			on.udp(t, 1, "payload", func(ip *layers.IPv4, udp *layers.UDP) { ip.DstIP, udp.DstPort = net.IP{10, 88, 0, 1}, 9100 }, false)
			for _, port := range []layers.UDPPort{9101, 9103} {
				on.udp(t, 2, "payload", func(_ *layers.IPv4, udp *layers.UDP) { udp.DstPort = port }, false)
			}
			_, err := unix.Write(on.in, on.datagram6(t, "fd00:88::1", 9100))
			sure(t, err)
			c, err := net.Dial("udp4", "10.77.0.1:9102")
			sure(t, err)
			defer c.Close()
			_, _ = c.Write([]byte("x"))
		})
		needEvents(t, got)
		drops, _ := dropsOf(got, "NETFILTER_DROP")
		found := map[string]int{}
		for _, d := range drops {
			found[fmt.Sprintf("%s %s", d.Hook, d.Dst)]++
		}
		for _, want := range []string{"FORWARD 10.88.0.1:9100", "FORWARD [fd00:88::1]:9100",
			"INGRESS 10.77.0.2:9101", "INGRESS 10.77.0.2:9103", "EGRESS 10.77.0.1:9102"} {
			if found[want] != 1 {
				t.Errorf("no drop %q in %v", want, found)
			}
		}
		if len(drops) != 5 {
			t.Errorf("%d drops, want 5: %+v", len(drops), drops)
		}
	})
}

// datagram6 makes a datagram of IPv6 in its frame.
func (w *wire) datagram6(t *testing.T, to string, port layers.UDPPort) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: w.from, DstMAC: w.to, EthernetType: layers.EthernetTypeIPv6}
	ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("fd00:77::1"), DstIP: net.ParseIP(to)}
	udp := &layers.UDP{SrcPort: 5555, DstPort: port}
	sure(t, udp.SetNetworkLayerForChecksum(ip))
	b := gopacket.NewSerializeBuffer()
	sure(t, gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, udp, gopacket.Payload("payload")))
	return b.Bytes()
}
