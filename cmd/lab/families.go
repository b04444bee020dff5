//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A family is a kind of trouble; a seed makes a case of it: which path, which
// stacks, which traffic, how much of the trouble.
type family struct {
	name  string
	story string
	plan  plan
	do    func(d *draft)
}

// A plan is what the traffic of a family is.
type plan int

// Plans.
const (
	bulk     plan = iota // one transfer, of some hundred to some thousand segments
	several              // two or three at once
	chat                 // short exchanges: most losses are at a tail
	bothWays             // a transfer in each direction
)

// A draft is a case in the making. Data flows from data to its peer.
type draft struct {
	*labCase
	random *rand.Rand
	data   side
	rtt    time.Duration
}

// between draws from a range.
func (d *draft) between(lo, hi float64) float64 { return lo + (hi-lo)*d.random.Float64() }

// where draws a half of the path.
func (d *draft) where() place { return place(1 + d.random.IntN(2)) }

func (d *draft) fault(f fault) { d.faults = append(d.faults, f) }
func (d *draft) link(l link)   { d.links = append(d.links, &l) }

// draw makes the case of a family that a seed stands for.
func draw(f *family, seed uint64) *labCase {
	d := &draft{labCase: &labCase{
		name: fmt.Sprintf("%s-%d", f.name, seed), story: f.story, seed: seed, lenient: true, patience: 7 * time.Second,
	}}
	for _, r := range f.name {
		seed = seed*131 + uint64(r)
	}
	d.random = rand.New(rand.NewPCG(seed, 1))
	d.data = side(d.random.IntN(2))
	d.rtt = []time.Duration{time.Millisecond, 4 * time.Millisecond, 12 * time.Millisecond, 30 * time.Millisecond,
		60 * time.Millisecond, 100 * time.Millisecond, 160 * time.Millisecond}[d.random.IntN(7)]
	first := time.Duration(d.between(0.2, 0.8) * float64(d.rtt/2))
	d.half = [2]time.Duration{first, d.rtt/2 - first}
	d.stacks()
	f.do(d)
	if !d.v6 {
		d.options = slices.DeleteFunc(d.options, func(word string) bool { return word == "ipv6" })
	}
	if d.traffic == nil {
		d.traffic = d.work(f.plan)
	}
	for i, name := range []string{"a", "m", "b"} {
		d.captures = append(d.captures, capture{file: d.name + "." + name + ".pcap.gz", at: point3(i), snap: d.snap})
	}
	return d.labCase
}

// point3 is the i-th of the three points.
func point3(i int) point { return [3]point{atClient, atMiddle, atServer}[i] }

// stacks draws what the hosts' stacks do.
func (d *draft) stacks() {
	set := func(chance float64, word string, sysctls ...string) {
		if d.random.Float64() < chance {
			d.options = append(d.options, word)
			d.sysctls = append(d.sysctls, sysctls...)
		}
	}
	set(0.12, "no-sack", "tcp_sack")
	set(0.15, "no-timestamps", "tcp_timestamps")
	d.congestion = []string{"cubic", "cubic", "cubic", "reno", "bbr"}[d.random.IntN(5)]
	d.options = append(d.options, d.congestion)
	if d.random.Float64() < 0.25 {
		d.v6 = true
		d.options = append(d.options, "ipv6")
	}
	if d.random.Float64() < 0.25 {
		d.offload = true
		d.options = append(d.options, "offload")
	}
	d.snap = 96
}

// work draws the traffic. A transfer stops at d.amount octets, or in time.
func (d *draft) work(p plan) traffic {
	one := func(from side, n int) traffic {
		if from == client {
			return upload(n)
		}
		return download(n)
	}
	if d.amount == 0 {
		d.amount = int(d.between(400_000, 1_500_000))
	}
	switch p {
	case several:
		all := []traffic{one(d.data, d.amount/2), one(d.data, d.amount/3)}
		if d.random.IntN(2) == 0 {
			all = append(all, one(d.data, d.amount/3))
		}
		return together(all...)
	case chat:
		var all []traffic
		for range 3 {
			all = append(all, responses(14, int(d.between(800, 14_000)), time.Duration(d.between(5, 90))*time.Millisecond))
		}
		d.data = server
		return together(all...)
	case bothWays:
		return together(upload(d.amount/2), download(d.amount/2))
	}
	return one(d.data, d.amount)
}
