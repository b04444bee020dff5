//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A limit is what a box holds the packets of one direction to, before half of
// the wire: where it has a depth it is a policer (nftables' limit), else a
// queue (tc's token bucket filter).
type limit struct {
	from   side
	where  place
	rate   float64 // bits per second
	depth  int     // octets of the bucket
	room   int     // octets of the queue
	police bool
}

// octets is how much may come at once. The bucket of nftables holds what one
// second brings besides its burst (net/netfilter/nft_limit.c:nft_limit_init).
func (b *limit) octets() int {
	if b.police {
		return b.depth + int(b.rate/8)
	}
	return b.room
}

func (b *limit) why() string {
	if b.police {
		return "policer"
	}
	return "queue"
}

// A box is a bridge on the wire, in a namespace of its own, whose kernel really
// polices or queues. What went in and never came out is what it dropped; the
// kernel's own counter is the second witness.
type box struct {
	*limit
	space   *space
	in, out int                  // the wire's packet sockets before and behind it
	inside  map[string][]waiting // by frame: what went in and has not come out
	held    int
	last    time.Time // when something went in or came out
}

// A waiting packet has so much of the road before it when it has come out.
type waiting struct {
	p    *packet
	wait time.Duration
}

// boxRoom is the bucket of the token bucket filter: two frames.
const boxRoom = 3200

// newBox builds the box in a namespace beside the wire's.
func newBox(l *lab, of *limit) (*box, error) {
	s, err := newSpace()
	if err != nil {
		return nil, err
	}
	b := &box{limit: of, space: s, in: -1, out: -1, inside: map[string][]waiting{}}
	err = l.wire.do(func() error {
		for _, end := range []struct {
			near, far string
			port      *int
		}{{"boxin", "in", &b.in}, {"boxout", "out", &b.out}} {
			if err := command("", "ip", "link", "add", end.near, "type", "veth", "peer", "name", end.far); err != nil {
				return err
			}
			if err := command("", "ip", "link", "set", end.far, "netns", strconv.Itoa(s.thread)); err != nil {
				return err
			}
			if err := command("", "ip", "link", "set", end.near, "up"); err != nil {
				return err
			}
			if *end.port, err = openPort(end.near); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.do(b.build)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// build makes the bridge and what limits it.
func (b *box) build() error {
	for _, step := range [][]string{
		{"link", "add", "bridge", "type", "bridge"},
		{"link", "set", "in", "master", "bridge"},
		{"link", "set", "out", "master", "bridge"},
		{"link", "set", "in", "up"}, {"link", "set", "out", "up"}, {"link", "set", "bridge", "up"},
	} {
		if err := command("", "ip", step...); err != nil {
			return err
		}
	}
	if b.police {
		rules := fmt.Sprintf("table netdev box { chain in { type filter hook ingress device \"in\" priority 0;\n"+
			"limit rate over %d bytes/second burst %d bytes counter drop\n}\n}\n", int(b.rate/8), b.depth)
		return command(rules, "nft", "-f", "-")
	}
	return command("", "tc", "qdisc", "add", "dev", "out", "root", "tbf",
		"rate", strconv.Itoa(int(b.rate))+"bit", "burst", strconv.Itoa(boxRoom), "limit", strconv.Itoa(b.room))
}

// hit finds the counter in what nft and tc print.
var hit = regexp.MustCompile(`counter packets (\d+)|dropped (\d+)`)

// dropped is the kernel's own count.
func (b *box) dropped() (n int, err error) {
	err = b.space.do(func() error {
		args := []string{"tc", "-s", "qdisc", "show", "dev", "out"}
		if b.police {
			args = []string{"nft", "list", "ruleset"}
		}
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		found := hit.FindSubmatch(out)
		if found == nil {
			return fmt.Errorf("%s tells no counter: %s", args[0], out)
		}
		n, err = strconv.Atoi(string(bytes.Join(found[1:], nil)))
		return err
	})
	return n, err
}

func (b *box) close() {
	if b == nil {
		return
	}
	for _, fd := range []int{b.in, b.out} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	b.space.close()
}

// on reports whether packets of a side pass b before a half.
func (b *box) on(from side, half place) bool { return b != nil && b.from == from && b.where == half }

// take sends p through b; wait is the road behind it.
func (b *box) take(p *packet, wait time.Duration) error {
	b.inside[string(p.data)] = append(b.inside[string(p.data)], waiting{p, wait})
	b.held++
	b.last = time.Now()
	if _, err := unix.Write(b.in, append(make([]byte, vnetHeader), p.data...)); err != nil {
		return fmt.Errorf("write to the box: %w", err)
	}
	return nil
}

// give is what came out as frame. Equal frames come out in order.
func (b *box) give(frame []byte) (waiting, bool) {
	all := b.inside[string(frame)]
	if len(all) == 0 {
		return waiting{}, false // nothing of the case
	}
	b.inside[string(frame)] = all[1:]
	b.held--
	b.last = time.Now()
	return all[0], true
}

// boxPatience is more than the longest queue of any case takes to be empty.
const boxPatience = 600 * time.Millisecond

// busy reports whether something may yet come out.
func (b *box) busy() bool { return b != nil && b.held > 0 && time.Since(b.last) < boxPatience }

// settle says of what never came out that b dropped it.
func (b *box) settle() error {
	if b == nil {
		return nil
	}
	n, err := b.dropped()
	if err != nil {
		return err
	}
	if n != b.held {
		return fmt.Errorf("%w: the box dropped %d packets, %d did not come out", errWitness, n, b.held)
	}
	for _, all := range b.inside {
		for _, w := range all {
			w.p.lost, w.p.why = b.where, b.why()
		}
	}
	return nil
}

// leave reads everything that has come out of the box since.
func (w *path) leave() error {
	if w.box == nil {
		return nil
	}
	return w.frames(w.box.out, func(_, frame []byte, now time.Time) error {
		if gone, ours := w.box.give(frame); ours {
			w.push(event{at: now.Add(gone.wait), p: gone.p, done: w.box.where})
		}
		return nil
	})
}
