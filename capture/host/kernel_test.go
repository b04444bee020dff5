//go:build linux

package host

import (
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

// until waits for something, for two seconds at most.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s did not happen within twenty seconds", what)
}

// sure is a call that must not fail; its test goes on where that is said.
func sure(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func socketAt(got *capture.Testimony, protocol uint8, local string) *capture.Socket {
	i := slices.IndexFunc(got.Sockets, func(s capture.Socket) bool {
		return s.Protocol == protocol && s.Local == netip.MustParseAddrPort(local)
	})
	if i < 0 {
		return nil
	}
	return &got.Sockets[i]
}

func TestSlowReaderIsNamed(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		got := watched(t, Options{}, func(w *Witness) {
			s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9100})
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { s.Close() }) // beyond the last look
			sure(t, s.SetReadBuffer(8192))
			looks := w.Now().Looks
			until(t, "a look at it while nothing is lost", func() bool { return w.Now().Looks > looks+1 })
			c, err := net.Dial("udp4", "127.0.0.1:9100")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for range 500 {
				_, err := c.Write(make([]byte, 1000))
				sure(t, err)
			}
			looks = w.Now().Looks
			until(t, "a look at it while it is full", func() bool { return w.Now().Looks > looks+1 })
		})
		lost := by(got, "snmp", "", "Udp.RcvbufErrors")
		if lost < 400 || lost > 500 {
			t.Fatalf("Udp.RcvbufErrors moved by %d, want most of 500", lost)
		}
		s := socketAt(got, unix.IPPROTO_UDP, "127.0.0.1:9100")
		if s == nil {
			t.Fatalf("the socket is not there: %+v", got.Sockets)
		}
		if s.Drops != lost {
			t.Errorf("the socket dropped %d, the counter says %d", s.Drops, lost)
		}
		if s.Full == 0 || s.Buffer != 16384 || s.MostQ == 0 {
			t.Errorf("full at %d looks, buffer %d, most %d; want full, and 16384", s.Full, s.Buffer, s.MostQ)
		}
		if s.Process == nil || s.Process.PID != os.Getpid() || s.Process.Command == "" {
			t.Errorf("process %+v, want this one, %d", s.Process, os.Getpid())
		}
	})
}

func TestFullAcceptQueue(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		sure(t, err)
		defer unix.Close(fd)
		sure(t, unix.Bind(fd, &unix.SockaddrInet4{Port: 9200, Addr: [4]byte{127, 0, 0, 1}}))
		sure(t, unix.Listen(fd, 2))
		var open []int
		got := watched(t, Options{}, func(w *Witness) {
			for range 8 {
				c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
				sure(t, err)
				open = append(open, c)
				_ = unix.Connect(c, &unix.SockaddrInet4{Port: 9200, Addr: [4]byte{127, 0, 0, 1}})
			}
			time.Sleep(300 * time.Millisecond)
		})
		for _, c := range open {
			unix.Close(c)
		}
		if n := by(got, "netstat", "", "TcpExt.ListenOverflows"); n == 0 {
			t.Errorf("TcpExt.ListenOverflows did not move: %+v", got.Moved)
		}
		s := socketAt(got, unix.IPPROTO_TCP, "127.0.0.1:9200")
		if s == nil || s.State != "LISTEN" {
			t.Fatalf("the listener is not there: %+v", got.Sockets)
		}
		if s.Buffer != 2 || s.MostQ != 3 || s.Full == 0 {
			t.Errorf("backlog %d, most %d, full at %d looks; want 2, 3, some", s.Buffer, s.MostQ, s.Full)
		}
		if s.Process == nil || s.Process.PID != os.Getpid() {
			t.Errorf("process %+v, want %d", s.Process, os.Getpid())
		}
	})
}

const ruleset = `table inet wd {
 chain in {
  type filter hook input priority 0; policy accept;
  udp dport 9001 counter drop
  udp dport 9002 drop
  udp dport { 9003, 9004 } counter accept
  udp dport vmap { 9007 : drop }
 }
}
`

// fling sends datagrams to a port of lo.
func fling(t *testing.T, port, n int) {
	t.Helper()
	c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for range n {
		_, _ = c.Write([]byte("x"))
	}
}

func ruleWith(got *capture.Testimony, text string) *capture.Rule {
	for i := range got.Rules {
		if strings.Contains(got.Rules[i].Text, text) {
			return &got.Rules[i]
		}
	}
	return nil
}

func TestRulesAreCounted(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		feed(t, "nft -f -", ruleset)
		fling(t, 9001, 5) // before the capture
		got := watched(t, Options{}, func(w *Witness) {
			fling(t, 9001, 50)
			fling(t, 9002, 20)
		})
		r := ruleWith(got, "udp dport 9001")
		if r == nil {
			t.Fatalf("the rule is not there: %+v", got.Rules)
		}
		if r.Packets != 50 || !r.Counted || r.Verdict != "drop" || r.Hook != "INPUT" || r.Number != 1 || r.Table != "wd" || r.Handle == 0 {
			t.Errorf("%+v: want 50 packets dropped by the first rule of INPUT", r)
		}
		if r := ruleWith(got, "udp dport 9002"); r == nil || r.Counted || r.Packets != 0 || r.Verdict != "drop" {
			t.Errorf("%+v: want a rule that drops without a counter", r)
		}
		if r := ruleWith(got, "9003"); r != nil {
			t.Errorf("%+v: accepts, and did not move", r)
		}
	})
}

func TestTracedRule(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		feed(t, "nft -f -", ruleset)
		stale := fmt.Sprintf("%s%s_%d_%d", traceTable, space(t), 1<<22+1, 1) // no such process
		run(t, "nft add table inet "+stale)
		got := watched(t, Options{TraceRules: true, Interfaces: []string{"lo"}}, func(w *Witness) {
			if text := run(t, "nft list tables"); !strings.Contains(text, traceTable) || strings.Contains(text, stale) {
				t.Errorf("tables %q: want an own one, and not that of a dead process", text)
			}
			fling(t, 9002, 20)
			fling(t, 9007, 7)
			time.Sleep(100 * time.Millisecond)
		})
		if r := ruleWith(got, "udp dport 9002"); r == nil || r.Traced != 20 {
			t.Errorf("%+v: want 20 traced", r)
		}
		if r := ruleWith(got, "udp dport vmap"); r == nil || r.Traced != 7 || r.Verdict != "drop" {
			t.Errorf("%+v: want 7 traced, by a map", r)
		}
		if text := run(t, "nft list tables"); strings.Contains(text, traceTable) {
			t.Errorf("tables %q: the trace table stayed", text)
		}
	})
}

func space(t *testing.T) string {
	t.Helper()
	n, err := pidSpace()
	sure(t, err)
	return fmt.Sprint(n)
}

func TestLegacyRules(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		run(t, "iptables-legacy -A INPUT -p udp --dport 9005 -j DROP")
		got := watched(t, Options{}, func(w *Witness) { fling(t, 9005, 30) })
		r := ruleWith(got, "--dport 9005")
		if r == nil || !r.Legacy || r.Packets != 30 || r.Verdict != "drop" || r.Hook != "INPUT" || r.Number != 1 {
			t.Errorf("%+v: want 30 packets dropped", r)
		}
	})
}

func TestCompatRules(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		run(t, "iptables-nft -A INPUT -p udp --dport 9006 -m comment --comment here -j REJECT")
		got := watched(t, Options{}, func(w *Witness) { fling(t, 9006, 30) })
		r := ruleWith(got, "--dport 9006")
		if r == nil || r.Legacy || r.Packets == 0 || r.Verdict != "reject" || r.Hook != "INPUT" {
			t.Errorf("%+v in %+v: want packets rejected", r, got.Rules)
		}
	})
}
