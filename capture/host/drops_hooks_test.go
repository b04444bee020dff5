//go:build linux

package host

import (
	"fmt"
	"net"
	"strings"
	"testing"
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
