package host

import (
	"net"
	"testing"
	"time"

	"whydrop/capture"
)

// dropsOf returns the drops for a reason, and their sum.
func dropsOf(t *capture.Testimony, reason string) (drops []capture.Drop, events uint64) {
	for _, d := range t.Drops {
		if d.Reason == reason {
			drops, events = append(drops, d), events+d.Events
		}
	}
	return drops, events
}

// needEvents skips a test where the kernel gives no drop events.
func needEvents(t *testing.T, got *capture.Testimony) {
	t.Helper()
	for _, a := range got.Absent {
		switch a.What {
		case "kernel drop events", "addresses of kernel drop events", "names of kernel functions":
			t.Skipf("%s: %s", a.What, a.Why)
		}
	}
}

func TestDropsNoSocket(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{Interfaces: []string{"lo"}}, func(w *Witness) {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for range 20 {
				_, _ = c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9999})
			}
			time.Sleep(50 * time.Millisecond)
		})
		needEvents(t, got)
		drops, events := dropsOf(got, "NO_SOCKET")
		if len(drops) != 1 || events != 20 {
			t.Fatalf("%d drops with %d events, want 1 with 20: %+v", len(drops), events, got.Drops)
		}
		if d := drops[0]; d.Function != "__udp4_lib_rcv" || d.Interface != "lo" || d.Inbound != "lo" || d.Dst.Port() != 9999 ||
			d.Protocol != 17 || len(d.Samples) != 20 || d.Octets != 20*29 {
			t.Errorf("%+v", d)
		}
		if got.DropsLost != 0 {
			t.Errorf("%d lost", got.DropsLost)
		}
	})
}
