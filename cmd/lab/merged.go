//go:build linux

package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A host whose card merges on arrival (GRO) shows its captures super-frames.
// merged reads them as a capture on the host does, from a packet socket behind
// the merging, and finds which packets each of them holds.
type merged struct {
	host    side
	port    int
	arrived map[string][]*packet // delivered, and not yet seen by the socket
	taps    []*tap
	err     error
}

// The card waits so long for more to merge: ethtool's and /sys/class/net's
// gro_flush_timeout, in nanoseconds, and how many polls that may defer.
const mergeSetting = "mount -t sysfs sysfs /sys && echo 300000 > /sys/class/net/eth0/gro_flush_timeout && echo 8 > /sys/class/net/eth0/napi_defer_hard_irqs"

// newMerged turns merging on at a host. veth merges only what comes from a
// device that does no segmentation itself (drivers/net/veth.c:
// veth_skb_is_eligible_for_gro).
func newMerged(l *lab, h side, taps []*tap) (*merged, error) {
	m := &merged{host: h, port: -1, arrived: map[string][]*packet{}}
	for _, t := range taps {
		if t.at == point(h)*atServer {
			m.taps = append(m.taps, t)
		}
	}
	far := fmt.Sprintf("to%d", h)
	if err := l.wire.do(func() error { return command("", "ethtool", "-K", far, "tso", "off", "gso", "off") }); err != nil {
		return nil, err
	}
	err := l.hosts[h].do(func() error {
		if err := command("", "ethtool", "-K", "eth0", "gro", "on"); err != nil {
			return err
		}
		if err := command("", "unshare", "-m", "sh", "-c", mergeSetting); err != nil {
			return err
		}
		var err error
		m.port, err = openPort("eth0")
		return err
	})
	return m, err
}

func (m *merged) close() {
	if m != nil && m.port >= 0 {
		unix.Close(m.port)
	}
}

// expect notes that p was handed to the host.
func (m *merged) expect(p *packet) {
	flow := p.src.String() + p.dst.String()
	m.arrived[flow] = append(m.arrived[flow], p)
}

// take shows a frame that the host saw to its captures.
func (m *merged) take(frame []byte, now time.Time) {
	whole := &packet{data: frame, from: m.host.peer()}
	if !whole.describe() {
		return
	}
	flow := whole.src.String() + whole.dst.String()
	held, rest := claim(m.arrived[flow], whole)
	if held == nil {
		m.err = fmt.Errorf("%w: a frame of %d octets at %s was never handed to it", errWitness, len(frame), hostName(m.host))
		return
	}
	m.arrived[flow] = rest
	for _, t := range m.taps {
		t.see(sighting{data: frame, at: now, packets: held, from: whole.from})
	}
}

// claim takes the packets that whole holds from those that arrived, in order.
func claim(arrived []*packet, whole *packet) (held, rest []*packet) {
	got := 0
	for i, p := range arrived {
		fits := p.payload == whole.payload && p.id == whole.id && p.flags == whole.flags && p.ack == whole.ack
		if whole.payload > 0 {
			fits = p.payload > 0 && got < whole.payload && (got > 0 || p.id == whole.id)
		}
		if (got == 0 && held != nil) || !fits || p.seq != whole.seq+uint32(got) || p.tsval != whole.tsval {
			rest = append(rest, arrived[i])
			continue
		}
		held = append(held, p)
		got += p.payload
	}
	if got != whole.payload {
		return nil, arrived
	}
	return held, rest
}

// settle fails if the host's socket missed anything.
func (m *merged) settle() error {
	if m == nil {
		return nil
	}
	left := 0
	for _, all := range m.arrived {
		left += len(all)
	}
	if m.err == nil && left > 0 {
		return fmt.Errorf("%w: %d packets were handed to the %s, and its socket did not see them", errWitness, left, hostName(m.host))
	}
	return m.err
}

// gather reads what the merging host has seen since.
func (w *path) gather() error {
	if w.merged == nil {
		return nil
	}
	return w.frames(w.merged.port, func(_, frame []byte, now time.Time) error {
		w.merged.take(frame, now)
		return nil
	})
}
