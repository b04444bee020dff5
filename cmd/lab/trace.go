//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A tracer records what the kernel's own tracepoints say of retransmissions:
// tcp:tcp_retransmit_skb with the stack that called it, tcp:tcp_retransmit_synack
// and tcp:tcp_cong_state_set. It works in an instance of tracefs of its own,
// mounted where nobody else sees it.
type tracer struct {
	thread *space
	folder string
}

const tracefs = "/sys/kernel/tracing"

// newTracer starts recording, or says why it cannot.
func newTracer() (*tracer, error) {
	thread, err := newThread(unix.CLONE_FS | unix.CLONE_NEWNS)
	if err != nil {
		return nil, err
	}
	var processes unix.Stat_t // their namespace
	if err := unix.Stat("/proc/self/ns/pid", &processes); err != nil {
		thread.close()
		return nil, err
	}
	own := fmt.Sprintf("lab-%d-", processes.Ino)
	t := &tracer{thread: thread, folder: filepath.Join(tracefs, "instances", own+strconv.Itoa(os.Getpid()))}
	err = thread.do(func() error {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("private mounts: %w", err)
		}
		if err := unix.Mount("tracefs", tracefs, "tracefs", 0, ""); err != nil && err != unix.EBUSY { // it may be there
			return fmt.Errorf("mount tracefs: %w", err)
		}
		removeStale(filepath.Dir(t.folder), own)
		if err := os.Mkdir(t.folder, 0o700); err != nil {
			return err
		}
		for _, setting := range [][2]string{
			{"trace_clock", "mono"},
			{"events/tcp/tcp_cong_state_set/enable", "1"},
			{"events/tcp/tcp_retransmit_synack/enable", "1"},
			{"events/tcp/tcp_retransmit_skb/trigger", "stacktrace"},
			{"events/tcp/tcp_retransmit_skb/enable", "1"},
		} {
			if err := os.WriteFile(filepath.Join(t.folder, setting[0]), []byte(setting[1]), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// removeStale removes the instances that killed runs of this namespace of processes left.
func removeStale(folder, own string) {
	all, err := filepath.Glob(filepath.Join(folder, own+"*"))
	if err != nil {
		return
	}
	for _, name := range all {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(name), own))
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = os.Remove(name) // which ends its events, too
		}
	}
}

// close removes the instance, and with the thread its mount.
func (t *tracer) close() error {
	defer t.thread.close()
	return t.thread.do(func() error {
		// Both fail where the instance was never made; its removal tells.
		_ = os.WriteFile(filepath.Join(t.folder, "events/enable"), []byte("0"), 0)
		_ = os.WriteFile(filepath.Join(t.folder, "events/tcp/tcp_retransmit_skb/trigger"), []byte("!stacktrace"), 0)
		if err := os.Remove(t.folder); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	})
}

// events reads what was recorded so far.
func (t *tracer) events() ([]traced, error) {
	var text []byte
	err := t.thread.do(func() (err error) {
		text, err = os.ReadFile(filepath.Join(t.folder, "trace"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return parseTrace(string(text), clockOffset())
}

// clockOffset is what CLOCK_REALTIME is ahead of CLOCK_MONOTONIC.
func clockOffset() time.Duration {
	var mono, real unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil || unix.ClockGettime(unix.CLOCK_REALTIME, &real) != nil {
		return 0
	}
	return time.Duration(real.Nano() - mono.Nano())
}

// A traced is one event of a socket.
type traced struct {
	at    time.Time
	cpu   string
	name  string
	sport string
	dport string
	state string // of the connection, for a retransmission
	phase int    // congestion state, for a change of it
	stack []string
	kind  string
}

var (
	traceLine  = regexp.MustCompile(`^.*\[(\d+)\] \S+ +(\d+)\.(\d+): (\w+): (.*)$`)
	stackStart = regexp.MustCompile(`^.*\[(\d+)\] \S+ +\d+\.\d+: <stack trace>$`)
	traceField = regexp.MustCompile(`(\w+)=(\S+)`)
)

// parseTrace reads the text of a trace and says of each retransmission what set it off.
func parseTrace(text string, offset time.Duration) ([]traced, error) {
	var all []traced
	stack := -1 // the event that the functions belong to
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if function, found := strings.CutPrefix(line, " => "); found {
			if stack >= 0 {
				all[stack].stack = append(all[stack].stack, function)
			}
			continue
		}
		if m := stackStart.FindStringSubmatch(line); m != nil {
			for stack = len(all) - 1; stack >= 0 && (all[stack].cpu != m[1] || all[stack].name != "tcp_retransmit_skb"); {
				stack--
			}
			continue
		}
		m := traceLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seconds, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		micros, err := strconv.ParseInt(m[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		e := traced{cpu: m[1], name: m[4], at: time.Unix(seconds, micros*1000).Add(offset)}
		for _, f := range traceField.FindAllStringSubmatch(m[5], -1) {
			switch f[1] {
			case "sport":
				e.sport = f[2]
			case "dport":
				e.dport = f[2]
			case "state":
				e.state = f[2]
			case "cong_state":
				e.phase, _ = strconv.Atoi(f[2]) // a word of another kernel is no state of loss
			}
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b traced) int { return a.at.Compare(b.at) })
	nameKinds(all)
	return all, nil
}

// stateLoss is TCP_CA_Loss of include/net/tcp.h.
const stateLoss = 4

// nameKinds says what set off each retransmission.
func nameKinds(all []traced) {
	phase := map[string]int{}
	for i := range all {
		e := &all[i]
		key := e.sport + ">" + e.dport
		from := func(function string) bool {
			return slices.ContainsFunc(e.stack, func(f string) bool { return strings.HasPrefix(f, function) })
		}
		switch {
		case e.name == "tcp_cong_state_set":
			phase[key] = e.phase
		case e.name == "tcp_retransmit_synack":
			e.kind = "synack"
		case e.state == "TCP_SYN_SENT":
			e.kind = "syn"
		case from("tcp_send_loss_probe"):
			e.kind = "tlp"
		case from("tcp_retransmit_timer"):
			e.kind = "rto"
		case from("tcp_simple_retransmit"):
			e.kind = "other"
		case phase[key] == stateLoss:
			e.kind = "loss"
		default:
			e.kind = "fast"
		}
	}
}

// traceSlack is how far apart a packet's stamp and its event may be: the
// tracepoint fires when the packet has left (net/ipv4/tcp_output.c:__tcp_retransmit_skb),
// the stamp is put on where the wire receives it.
const traceSlack = 5 * time.Millisecond

// explain puts the kind of the nearest event of its flow to each retransmission
// of log: one event stands for all packets of one buffer, and those that the
// kernel sends at once have one kind. It fails if there is none.
func explain(log []*packet, events []traced) error {
	byFlow := map[string][]*traced{}
	for i := range events {
		if e := &events[i]; e.kind != "" {
			byFlow[e.sport+">"+e.dport] = append(byFlow[e.sport+">"+e.dport], e)
		}
	}
	for _, p := range log {
		if !p.retx {
			continue
		}
		flow := byFlow[strconv.Itoa(int(p.src.Port()))+">"+strconv.Itoa(int(p.dst.Port()))]
		if len(flow) > 0 {
			nearest := slices.MinFunc(flow, func(a, b *traced) int { return cmp.Compare(a.at.Sub(p.at).Abs(), b.at.Sub(p.at).Abs()) })
			if nearest.at.Sub(p.at).Abs() < traceSlack {
				p.kind = nearest.kind
			}
		}
		if p.kind == "" {
			return fmt.Errorf("%w: no tracepoint tells of the retransmission of %d octets from %d", errWitness, p.payload, p.seq)
		}
	}
	return nil
}
