//go:build linux

package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"whydrop/capture"
)

// With these arguments this program is no test, but a clerk, or a witness that
// drops its privileges.
const (
	asClerk   = "be-a-clerk"
	asWitness = "be-a-witness"
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == asClerk:
		err = Serve(os.Stdin, os.Stdout)
	case len(os.Args) == 2 && os.Args[1] == asWitness:
		err = beWitness()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beWitness is what the live command does: it opens everything, drops every
// capability of the whole process, and writes the testimony when its input ends.
func beWitness() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w, err := Open(context.Background(), Options{Interval: 50 * time.Millisecond, Clerk: []string{self, asClerk}, TraceRules: true})
	if err != nil {
		return err
	}
	if err := cap.NewSet().SetProc(); err != nil {
		return err
	}
	fmt.Println("watching")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	got, err := w.Close()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

// TestWholeProcessDropsItsPrivileges has another process lose packets after the
// witness has no privilege any more.
func TestWholeProcessDropsItsPrivileges(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		feed(t, "nft -f -", ruleset)
		c := exec.Command(clerkCommand(t)[0], asWitness)
		in, err := c.StdinPipe()
		sure(t, err)
		out, err := c.StdoutPipe()
		sure(t, err)
		c.Stderr = os.Stderr
		sure(t, c.Start())
		answers := bufio.NewReader(out)
		if line, err := answers.ReadString('\n'); err != nil || line != "watching\n" {
			t.Fatalf("%q, %v", line, err)
		}
		s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9100})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sure(t, s.SetReadBuffer(4096))
		fling(t, 9100, 100)
		fling(t, 9001, 40)
		fling(t, 9002, 10)
		time.Sleep(300 * time.Millisecond)
		sure(t, in.Close())
		got := new(capture.Testimony)
		sure(t, json.NewDecoder(answers).Decode(got))
		sure(t, c.Wait())
		if r := ruleWith(got, "udp dport 9001"); r == nil || r.Packets != 40 {
			t.Errorf("%+v in %+v, absent %+v: want 40 packets", r, got.Rules, got.Absent)
		}
		if r := ruleWith(got, "udp dport 9002"); r == nil || r.Traced != 10 {
			t.Errorf("%+v: want 10 traced", r)
		}
		k := socketAt(got, unix.IPPROTO_UDP, "127.0.0.1:9100")
		if k == nil || k.Drops == 0 || k.Process == nil || k.Process.PID != os.Getpid() {
			t.Errorf("%+v in %+v: want a socket of %d that dropped", k, got.Sockets, os.Getpid())
		}
		if text := run(t, "nft list tables"); strings.Contains(text, traceTable) {
			t.Errorf("tables %q: the trace table stayed", text)
		}
	})
}

// clerkCommand is this program as a clerk.
func clerkCommand(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, asClerk}
}

// dropAll takes every capability from the threads of the process that this one can
// reach: here, from this thread and that of a witness, which inherits them.
func dropAll(t *testing.T) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	sure(t, unix.Capset(&header, &none[0]))
}

func TestClerkKeepsItsPrivileges(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		feed(t, "nft -f -", ruleset)
		e := openEye(t.Context(), Options{Clerk: clerkCommand(t), TraceRules: true})
		e.first()
		dropAll(t)
		if _, err := new(firewall).nft(); err == nil {
			t.Error("this thread still sees the firewall: the test proves nothing")
		}
		fling(t, 9001, 40)
		fling(t, 9002, 10)
		time.Sleep(50 * time.Millisecond)
		got := e.testimony()
		e.close()
		if r := ruleWith(got, "udp dport 9001"); r == nil || r.Packets != 40 {
			t.Errorf("%+v in %+v, absent %+v: want 40 packets", r, got.Rules, got.Absent)
		}
		if r := ruleWith(got, "udp dport 9002"); r == nil || r.Traced != 10 {
			t.Errorf("%+v: want 10 traced", r)
		}
	})
}

func TestWithoutPrivileges(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		dropAll(t)
		e := openEye(t.Context(), Options{TraceRules: true})
		e.first()
		fling(t, 9009, 5)
		got := e.testimony()
		e.close()
		if by(got, "snmp", "", "Udp.NoPorts") == 0 || by(got, "link", "lo", "rx_packets") == 0 {
			t.Errorf("counters need no privilege, and did not move: %+v", got.Moved)
		}
		if len(got.Settings) == 0 {
			t.Error("there are no settings")
		}
		var lacks []string
		for _, a := range got.Absent {
			if a.Why == "" || a.Costs == "" {
				t.Errorf("%+v does not say why, or what that costs", a)
			}
			lacks = append(lacks, a.What)
		}
		for _, want := range []string{"firewall rules", "trace of firewall rules"} {
			if !slices.Contains(lacks, want) {
				t.Errorf("absent %q; want %q among it", lacks, want)
			}
		}
	})
}

// TestTraceOutlivesNobody kills the caller's side of a clerk without a word: the
// table must go.
func TestTraceOutlivesNobody(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		run(t, "nft list tables")
		o, err := hire(clerkCommand(t))
		if err != nil {
			t.Fatal(err)
		}
		if a := o.ask(question{Trace: &tracing{}}); len(a.Absent) > 0 {
			t.Fatalf("%+v", a.Absent)
		}
		if text := run(t, "nft list tables"); !strings.Contains(text, traceTable) {
			t.Errorf("tables %q: want an own one", text)
		}
		sure(t, o.out.Close())
		sure(t, o.in.Close())
		sure(t, o.command.Wait())
		if text := run(t, "nft list tables"); strings.Contains(text, traceTable) {
			t.Errorf("tables %q: the trace table stayed", text)
		}
	})
}

func TestTestimonyIsSmall(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e := openEye(t.Context(), Options{Clerk: clerkCommand(t)})
	e.first()
	got := e.testimony()
	e.close()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Moved == nil || got.Events == nil || got.Rules == nil || got.Sockets == nil || got.Absent == nil || got.Captured == nil {
		t.Errorf("%s: a list is null", text)
	}
	const most = 1 << 20
	if len(text) > most {
		t.Errorf("a testimony of this host takes %d octets, want at most %d", len(text), most)
	}
	if os.Getenv("WHYDROP_SHOW") != "" {
		t.Log(string(text))
	}
}
