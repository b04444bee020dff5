package host

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// Without BPF, the kernel still writes its drop events as text, to root: with the
// name of the reason and of the function, but without addresses or namespace.

// tracefs is where instances of the tracing are made: each has its own events, so
// that nobody else's tracing is disturbed.
var tracefs = []string{"/sys/kernel/tracing/instances", "/sys/kernel/debug/tracing/instances"}

// A tracedDrops counts drop events from a private tracefs instance.
type tracedDrops struct {
	dir    string
	pipe   *os.File
	over   sync.WaitGroup
	offset int64

	counts map[tracedKey]*capture.Drop
}

type tracedKey struct{ reason, function string }

// tracedName begins the name of an instance. The rest names its maker: the namespace
// of processes, the process, and its start.
const tracedName = "whydrop-"

// traceDrops removes what killed runs left, makes an instance and reads its events.
func traceDrops() (*tracedDrops, error) {
	maker, err := makerName(os.Getpid(), "-")
	if err != nil {
		return nil, err
	}
	for _, at := range tracefs {
		removeStaleInstances(at)
		dir := filepath.Join(at, tracedName+maker)
		if os.Mkdir(dir, 0o700) != nil {
			continue
		}
		t := &tracedDrops{dir: dir, counts: map[tracedKey]*capture.Drop{}}
		if err := t.start(); err != nil {
			t.remove()
			return nil, err
		}
		return t, nil
	}
	return nil, errors.New("no tracefs that this process may write to")
}

// removeStaleInstances removes the instances of dead runs. One that somebody else
// reads stays: the kernel refuses to remove it.
func removeStaleInstances(at string) {
	all, err := os.ReadDir(at)
	if err != nil {
		return
	}
	for _, entry := range all {
		if rest, ours := strings.CutPrefix(entry.Name(), tracedName); ours && makerIsDead(rest, "-") {
			_ = os.Remove(filepath.Join(at, entry.Name())) // which ends its events, too
		}
	}
}

func (t *tracedDrops) start() error {
	// Events are stamped as BPF's are; by default, the clock is that of one CPU.
	if err := os.WriteFile(filepath.Join(t.dir, "trace_clock"), []byte("mono"), 0); err != nil {
		return err
	}
	t.offset = clockOffset()
	var err error
	if t.pipe, err = os.OpenFile(filepath.Join(t.dir, "trace_pipe"), os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		return err
	}
	t.over.Go(t.read)
	return os.WriteFile(filepath.Join(t.dir, "events/skb/kfree_skb/enable"), []byte("1"), 0)
}

// read counts the lines of the pipe until it is closed.
func (t *tracedDrops) read() {
	for scan := bufio.NewScanner(t.pipe); scan.Scan(); {
		t.line(scan.Text())
	}
}

// line counts one event:
//
//	x-1 [0] ..s1. 12.345678: kfree_skb: skbaddr=… protocol=2048 location=f+0x1/0x2 reason: NO_SOCKET
func (t *tracedDrops) line(s string) {
	before, event, ok := strings.Cut(s, ": kfree_skb: ")
	if !ok {
		return
	}
	var protocol uint16
	var function, reason string
	for field := range strings.FieldsSeq(event) {
		switch {
		case strings.HasPrefix(field, "protocol="):
			_, _ = fmt.Sscanf(field, "protocol=%d", &protocol)
		case strings.HasPrefix(field, "location="):
			function, _, _ = strings.Cut(strings.TrimPrefix(field, "location="), "+")
			function = string(plain([]byte(function)))
		}
	}
	if _, reason, ok = strings.Cut(event, "reason: "); !ok {
		reason = "NOT_SPECIFIED" // before 5.17
	}
	reason = strings.TrimSpace(reason)
	if protocol != etherIPv4 && protocol != etherIPv6 && protocol != etherARP || isNoise(reason, function, 0) {
		return
	}
	var stamp float64
	words := strings.Fields(before)
	if len(words) > 0 {
		_, _ = fmt.Sscanf(words[len(words)-1], "%g", &stamp)
	}
	at := int64(stamp*float64(time.Second)) + t.offset
	d := t.counts[tracedKey{reason, function}]
	if d == nil {
		d = &capture.Drop{Reason: reason, Function: function, EtherType: protocol, First: at}
		t.counts[tracedKey{reason, function}] = d
	}
	d.Events++
	d.Packets++
	d.Last = at
}

// disable ends the events.
func (t *tracedDrops) disable() {
	_ = os.WriteFile(filepath.Join(t.dir, "events/skb/kfree_skb/enable"), []byte("0"), 0)
}

// finish ends the tracing, removes the instance and returns what was counted.
func (t *tracedDrops) finish() []capture.Drop {
	t.disable()
	t.remove()
	t.over.Wait()
	var drops []capture.Drop
	for _, d := range t.counts {
		drops = append(drops, *d)
	}
	return drops
}

// remove closes the pipe and removes the instance.
func (t *tracedDrops) remove() {
	if t.pipe != nil {
		_ = t.pipe.Close()
	}
	t.over.Wait()
	_ = os.Remove(t.dir)
}
