//go:build linux

package main

import "time"

// families are the kinds of trouble, in the order of the report.
var families = []family{
	{"clean", "Nothing is lost.", several, func(*draft) {}},
	{"random-1", "Single packets are lost at random in the first half.", bulk, func(d *draft) {
		d.link(link{from: d.data, where: firstHalf, random: d.between(0.004, 0.03), spare: notData})
	}},
	{"random-2", "Single packets are lost at random in the second half.", several, func(d *draft) {
		d.link(link{from: d.data, where: secondHalf, random: d.between(0.004, 0.03), spare: notData})
	}},
	{"random-12", "Single packets are lost at random in both halves, of data and of ACKs.", bulk, func(d *draft) {
		for _, from := range []side{client, server} {
			d.link(link{from: from, where: firstHalf, random: d.between(0.003, 0.02)})
			d.link(link{from: from, where: secondHalf, random: d.between(0.003, 0.02)})
		}
	}},
	{"bursts-1", "The first half loses packets in bursts.", bulk, func(d *draft) {
		d.link(link{from: d.data, where: firstHalf, gilbert: d.gilbert(), spare: notData})
	}},
	{"bursts-2", "The second half loses packets in bursts.", bulk, func(d *draft) {
		d.link(link{from: d.data, where: secondHalf, gilbert: d.gilbert(), spare: notData})
	}},
	{"queue", "A drop-tail queue overflows.", bulk, func(d *draft) { d.narrow(d.where()) }},
	{"queue-several", "Several transfers share a drop-tail queue that overflows.", several, func(d *draft) { d.narrow(d.where()) }},
	{"policer", "A policer drops what exceeds its bucket.", bulk, func(d *draft) { d.policed(d.where()) }},
	{"policer-several", "Several transfers share a policer.", several, func(d *draft) { d.policed(d.where()) }},
	{"outage", "Nothing gets through for a while.", bulk, func(d *draft) {
		half, from := d.where(), time.Duration(d.between(300, 900))*time.Millisecond
		gone := darkness{from, from + time.Duration(d.between(300, 1500))*time.Millisecond}
		d.pace(6e6)
		d.link(link{from: client, where: half, dark: []darkness{gone}})
		d.link(link{from: server, where: 3 - half, dark: []darkness{gone}})
	}},
	{"mtu", "Long packets vanish in the first half, and no ICMP says so; the sender probes for a shorter length.", bulk, func(d *draft) {
		d.sysctls = append(d.sysctls, "tcp_mtu_probing=1")
		d.amount = 120_000
		d.link(link{from: d.data, where: firstHalf, mtu: int(d.between(1100, 1450))})
	}},
	{"reorder", "Some packets take longer than those behind them. Nothing is lost.", bulk, func(d *draft) { d.overtaken(d.where()) }},
	{"reorder-loss", "Some packets are overtaken, and some are lost.", bulk, func(d *draft) {
		d.overtaken(d.where())
		d.link(link{from: d.data, where: d.where(), random: 0.01, spare: notData})
	}},
	{"copies", "The network delivers some packets twice.", bulk, func(d *draft) {
		d.fault(fault{from: d.data, where: d.where(), match: anyData, chance: d.between(0.01, 0.05), do: double})
	}},
	{"corrupt", "Bits flip on the way.", bulk, func(d *draft) {
		d.snap = whole
		d.fault(fault{from: d.data, where: d.where(), match: anyData, chance: d.between(0.005, 0.02), do: damage})
	}},
	{"acks", "Every fourth ACK is lost or so; all data arrives.", bulk, func(d *draft) {
		d.link(link{from: d.data.peer(), where: d.where(), random: d.between(0.1, 0.35), spare: notACK})
	}},
	{"tails", "Short exchanges, 2 to 6 % of all packets lost in one half of one direction.", chat, func(d *draft) {
		d.link(link{from: server, where: d.where(), random: d.between(0.02, 0.06)})
	}},
	{"tails-all", "Short exchanges, 1 to 3 % of all packets lost in each half and direction.", chat, func(d *draft) {
		for _, from := range []side{client, server} {
			d.link(link{from: from, where: firstHalf, random: d.between(0.01, 0.03)})
			d.link(link{from: from, where: secondHalf, random: d.between(0.01, 0.03)})
		}
	}},
	{"both-ways", "A transfer in each direction, and losses in both.", bothWays, func(d *draft) {
		d.link(link{from: client, where: d.where(), random: d.between(0.005, 0.02)})
		d.link(link{from: server, where: d.where(), random: d.between(0.005, 0.02)})
	}},
	{"jitter", "Delays vary by as much again as they are. Nothing is lost.", bulk, func(d *draft) {
		d.link(link{from: d.data, where: d.where(), jitter: d.rtt / 2})
		d.link(link{from: d.data.peer(), where: d.where(), jitter: d.rtt / 2})
	}},
	{"heavy", "4 to 8 % of the data is lost, half of it in each half of the path.", several, func(d *draft) {
		d.link(link{from: d.data, where: firstHalf, random: d.between(0.02, 0.04), spare: notData})
		d.link(link{from: d.data, where: secondHalf, random: d.between(0.02, 0.04), spare: notData})
	}},
	{"kernel-policer", "The kernel of a bridge on the path polices (nftables).", bulk, func(d *draft) {
		d.boxed(limit{rate: d.between(1e6, 7e6), depth: int(d.between(8_000, 200_000)), police: true})
	}},
	{"kernel-queue", "The kernel of a bridge on the path queues what exceeds a rate (tbf), and drops what exceeds the queue.", bulk, func(d *draft) {
		rate := d.between(3e6, 14e6)
		d.boxed(limit{rate: rate, room: max(15_000, int(d.between(0.3, 1.5)*rate/8*d.rtt.Seconds()))})
	}},
	{"merged", "Single packets are lost, and the receiver's card merges what arrives: its capture holds super-frames.", bulk, func(d *draft) {
		d.merge = only(d.data.peer())
		d.offload = true
		d.link(link{from: d.data, where: d.where(), random: d.between(0.004, 0.02), spare: notData})
	}},
	{"merged-clean", "Nothing is lost, and the receiver's card merges what arrives.", several, func(d *draft) {
		d.merge = only(d.data.peer())
		d.offload = true
	}},
}

// boxed puts a kernel that limits the rate on one half of the path.
func (d *draft) boxed(l limit) {
	l.from, l.where = d.data, d.where()
	d.amount = int(l.rate / 8 * 3.5)
	d.limit = &l
}

func notData(p *packet) bool { return p.what() != "data" }
func notACK(p *packet) bool  { return !pureACK(p) }

// gilbert draws a line that loses bursts of some packets.
func (d *draft) gilbert() *gilbert {
	return &gilbert{enter: d.between(0.002, 0.006), leave: d.between(0.2, 0.5), loss: d.between(0.6, 0.95)}
}

// pace makes a half of the path so narrow that packets take time, with room for all.
func (d *draft) pace(rate float64) {
	d.link(link{from: d.data, where: firstHalf, queue: &queue{rate: rate, room: 8 << 20}})
}

// narrow puts a drop-tail queue of 0.3 to 1.5 times the path's capacity, and at
// least ten packets, in front of half.
func (d *draft) narrow(half place) {
	rate := d.between(3e6, 14e6)
	room := max(15_000, int(d.between(0.3, 1.5)*rate/8*d.rtt.Seconds()))
	d.amount = int(rate / 8 * 3.5)
	d.link(link{from: d.data, where: half, queue: &queue{rate: rate, room: room}})
}

// policed puts a token bucket in front of half.
func (d *draft) policed(half place) {
	rate := d.between(1e6, 7e6)
	d.amount = int(rate / 8 * 4)
	d.link(link{from: d.data, where: half, police: &bucket{rate: rate, depth: int(d.between(8_000, 200_000))}})
}

// overtaken delays some data so that what follows passes it.
func (d *draft) overtaken(half place) {
	late := time.Duration(d.between(0.2, 6) * float64(time.Millisecond))
	d.fault(fault{from: d.data, where: half, match: newData, chance: d.between(0.005, 0.05), do: delay, late: late / 3, most: late})
}
