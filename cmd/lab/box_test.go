//go:build linux

package main

import (
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestBox sends a burst through a kernel that polices, and through one that
// queues: what its own counter says was dropped is what did not come out.
func TestBox(t *testing.T) {
	needLab(t)
	for _, program := range []string{"nft", "tc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the box needs %s: apt-get install nftables iproute2", program)
		}
	}
	before := devices(t)
	const sent, size = 20, 1000
	for _, of := range []limit{
		{from: client, where: firstHalf, rate: 8e3, depth: 5 * (size + 40), police: true},
		{from: client, where: secondHalf, rate: 8e6, room: 10 * size},
	} {
		l, err := newLab(&labCase{})
		if err != nil {
			t.Fatal(err)
		}
		w := newPath(l, &labCase{limit: &of}, nil)
		if w.box, err = newBox(l, &of); err != nil {
			t.Fatal(err)
		}
		var all []*packet
		for n := range sent {
			frame := aFrame(size)
			frame[0], frame[6], frame[11], frame[etherLen+5] = 2, 2, 1, byte(n) // local MAC addresses, and an ID
			fillChecksums(frame)
			p := &packet{number: n, data: frame}
			if err := w.box.take(p, 0); err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		for w.box.busy() {
			time.Sleep(idle)
			if err := w.leave(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.box.settle(); err != nil {
			t.Error(err)
		}
		lost := 0
		for _, p := range all {
			if p.lost == of.where && p.why == of.why() {
				lost++
			}
		}
		if lost == 0 || lost > sent-4 || lost+w.events.Len() != sent {
			t.Errorf("%s: %d of %d lost, %d came out", of.why(), lost, sent, w.events.Len())
		}
		w.box.close()
		l.close()
	}
	if after := devices(t); after != before {
		t.Errorf("%d network devices before, %d after: something was left behind", before, after)
	}
}

// TestClaim finds the packets of a super-frame among those that arrived.
func TestClaim(t *testing.T) {
	arrived := []*packet{
		{number: 0, seq: 100, payload: 100, id: 1, tsval: 7},
		{number: 1, seq: 200, payload: 100, id: 2, tsval: 7},
		{number: 2, seq: 100, payload: 100, id: 3, tsval: 9}, // sent again
		{number: 3, seq: 300, payload: 50, id: 4, tsval: 7},
		{number: 4, seq: 350, id: 5, tsval: 7},
	}
	for _, c := range []struct {
		whole packet
		want  []int
	}{
		{packet{seq: 100, payload: 250, id: 1, tsval: 7}, []int{0, 1, 3}},
		{packet{seq: 100, payload: 100, id: 3, tsval: 9}, []int{2}},
		{packet{seq: 350, id: 5, tsval: 7}, []int{4}},
		{packet{seq: 100, payload: 300, id: 1, tsval: 7}, nil},
	} {
		held, rest := claim(arrived, &c.whole)
		var got []int
		for _, p := range held {
			got = append(got, p.number)
		}
		if !slices.Equal(got, c.want) || len(held)+len(rest) != len(arrived) {
			t.Errorf("%d octets from %d: packets %v and %d others, want %v", c.whole.payload, c.whole.seq, got, len(rest), c.want)
		}
	}
}
