//go:build linux

package host

import (
	"context"
	"net"
	"testing"
	"time"

	"whydrop/capture"
)

// watched opens a witness, does something, and returns what was testified.
func watched(t *testing.T, o Options, do func(w *Witness)) *capture.Testimony {
	t.Helper()
	if o.Interval == 0 {
		o.Interval = 100 * time.Millisecond
	}
	w, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	do(w)
	got, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// by is what a counter moved by.
func by(t *capture.Testimony, group, of, name string) uint64 {
	for _, m := range t.Moved {
		if m.Group == group && m.Of == of && m.Name == name {
			return m.By
		}
	}
	return 0
}

func TestNobodyListens(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{Interfaces: []string{"lo"}}, func(w *Witness) {
			c, err := net.Dial("udp", "127.0.0.1:9999")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for range 20 {
				_, _ = c.Write([]byte("x")) // every other one is told of the ICMP error
			}
			until(t, "a look that noticed", func() bool { return len(w.Now().Lost) > 0 })
		})
		if n := by(got, "snmp", "", "Udp.NoPorts"); n < 10 || n > 20 {
			t.Errorf("Udp.NoPorts moved by %d, sent at most 20 to a closed port", n)
		}
		if n := by(got, "link", "lo", "rx_packets"); n == 0 {
			t.Errorf("the counters of lo did not move: %+v", got.Moved)
		}
		if len(got.Links) != 1 || got.Links[0].Name != "lo" {
			t.Errorf("links %+v, want lo of the namespace alone", got.Links)
		}
	})
}
