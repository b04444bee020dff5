//go:build linux

package main

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

// A fault is something the wire does to packets of one direction.
type fault struct {
	from  side
	where place // firstHalf or secondHalf, in the direction of travel
	match func(p *packet) bool
	// Which of the matching packets: those numbers, from 1, or each with this chance.
	nth    []int
	chance float64
	do     action
	late   time.Duration // for delay, hold and outage
	most   time.Duration // for delay: the delay is any between late and this
}

// An action is what a fault does.
type action int

// Actions.
const (
	drop   action = iota
	delay         // by late: those behind it overtake
	double        // a second copy follows
	damage        // one bit flips
	hold          // for late, nothing gets on; then all goes on in order
	outage        // for late, all is lost
)

// copyGap is how far the second copy of a packet is behind the first.
const copyGap = 300 * time.Microsecond

// A path is the wire: what is on it, what passed the captures, and the log.
type path struct {
	lab        *lab
	half       [2]time.Duration // delay of each half, seen from the client
	faults     []fault
	hits       []int       // matches so far, by fault
	held       []time.Time // until when a hold or outage lasts, by fault
	links      []*link
	start      time.Time // when the first packet was sent
	random     *rand.Rand
	taps       []*tap
	neighbours bool    // carry ARP and neighbour discovery, too
	box        *box    // a kernel that limits the rate; nil = none
	merged     *merged // the host that merges on arrival; nil = none
	log        [2][]*packet
	second     []*packet         // the copies that faults made
	top        map[string]uint32 // per flow: the highest sequence number sent
	events     events
	serial     int
	buffer     []byte
	oob        []byte // control messages: when the kernel saw the frame
}

// An event is a packet that comes to a point of the road.
type event struct {
	at     time.Time
	serial int // equal times: first come, first served
	p      *packet
	done   place // the part of the road that lies behind it
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].serial < e[j].serial
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func newPath(l *lab, c *labCase, taps []*tap) *path {
	return &path{
		lab: l, half: c.half, faults: c.faults, hits: make([]int, len(c.faults)), held: make([]time.Time, len(c.faults)), links: c.links, taps: taps, neighbours: c.asks(),
		random: rand.New(rand.NewPCG(c.seed, c.seed)), top: map[string]uint32{}, buffer: make([]byte, 1<<17), oob: make([]byte, 256),
	}
}

// idle is how often the path looks whether it may stop.
const idle = 20 * time.Millisecond

// carry carries packets until ctx is done and nothing is on the road.
func (w *path) carry(ctx context.Context) error {
	fds := []unix.PollFd{{Fd: int32(w.lab.ports[client]), Events: unix.POLLIN}, {Fd: int32(w.lab.ports[server]), Events: unix.POLLIN}}
	if w.box != nil {
		fds = append(fds, unix.PollFd{Fd: int32(w.box.out), Events: unix.POLLIN})
	}
	for ctx.Err() == nil || len(w.events) > 0 || w.box.busy() {
		wait := idle
		if len(w.events) > 0 {
			wait = max(0, min(wait, time.Until(w.events[0].at)))
		}
		ts := unix.NsecToTimespec(wait.Nanoseconds())
		if _, err := unix.Ppoll(fds, &ts, nil); err != nil && err != unix.EINTR {
			return fmt.Errorf("poll: %w", err)
		}
		for _, from := range []side{client, server} {
			if err := w.read(from); err != nil {
				return err
			}
		}
		if err := errors.Join(w.leave(), w.gather()); err != nil {
			return err
		}
		for now := time.Now(); len(w.events) > 0 && !w.events[0].at.After(now); {
			if err := w.arrive(heap.Pop(&w.events).(event)); err != nil {
				return err
			}
		}
	}
	time.Sleep(idle) // what was merged on arrival is seen last
	return errors.Join(w.gather(), w.drops())
}

// drops fails if a packet socket lost anything: then the log is not complete.
func (w *path) drops() error {
	for _, fd := range w.lab.ports {
		stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return fmt.Errorf("packet statistics: %w", err)
		}
		if stats.Drops > 0 {
			return fmt.Errorf("the wire lost %d frames by itself; run it again on a quieter machine", stats.Drops)
		}
	}
	return nil
}

// Layout of struct virtio_net_hdr.
const (
	vnetHeader    = 10
	vnetNeedsSum  = 1
	vnetGSONone   = 0
	vnetGSOOffset = 4 // gso_size
)

// read takes everything that a host has sent since.
func (w *path) read(from side) error {
	return w.frames(w.lab.ports[from], func(header, frame []byte, now time.Time) error {
		return w.send(from, header, frame, now)
	})
}

// frames tells of everything that has come to a packet socket since.
func (w *path) frames(port int, tell func(header, frame []byte, now time.Time) error) error {
	for {
		n, oobn, _, _, err := unix.Recvmsg(port, w.buffer, w.oob, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n < vnetHeader+etherLen {
			continue
		}
		frame := append([]byte{}, w.buffer[vnetHeader:n]...)
		if err := tell(w.buffer[:vnetHeader], frame, stamp(w.oob[:oobn])); err != nil {
			return err
		}
	}
}

// stamp is when the kernel saw the frame that oob belongs to.
func stamp(oob []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

// send puts a host's frame on the road, as the wire packets it stands for.
func (w *path) send(from side, header, frame []byte, now time.Time) error {
	wires := [][]byte{frame}
	switch {
	case header[1] != vnetGSONone:
		var err error
		if wires, err = segments(frame, int(binary.NativeEndian.Uint16(header[vnetGSOOffset:]))); err != nil {
			return err
		}
	case header[0]&vnetNeedsSum != 0:
		wires[0] = append([]byte{}, frame...)
		fillChecksums(wires[0])
	}
	if w.start.IsZero() {
		w.start = now
	}
	var packets []*packet
	for _, data := range wires {
		p := &packet{number: len(w.log[from]), from: from, data: data, at: now}
		if w.neighbours && ofNeighbours(data) {
			p.other = true
			w.see(from, nowhere, sighting{data: data, at: now, from: from})
			w.push(event{at: now.Add(w.delayOf(from, firstHalf)), p: p, done: firstHalf})
			continue
		}
		if !p.describe() || p.dst.Addr().IsMulticast() {
			continue // ARP, neighbours, group membership: nothing of the case
		}
		w.judge(p)
		w.log[from] = append(w.log[from], p)
		packets = append(packets, p)
	}
	if len(packets) == 0 {
		return nil
	}
	w.see(from, nowhere, sighting{data: frame, at: now, packets: packets, from: from})
	for _, p := range packets {
		if err := w.enter(p, firstHalf, now); err != nil {
			return err
		}
	}
	return nil
}

// judge marks p as a retransmission if its host had sent its octets, or higher ones.
func (w *path) judge(p *packet) {
	lo, hi := p.span()
	if p.protocol != unix.IPPROTO_TCP || lo == hi {
		return
	}
	flow := p.src.String() + p.dst.String()
	top, known := w.top[flow]
	if known && int32(lo-top) < 0 && p.flags&flagRST == 0 {
		p.retx = true
	}
	if !known || int32(hi-top) > 0 {
		w.top[flow] = hi
	}
}

// enter applies the faults of a half to p and puts what remains on it.
func (w *path) enter(p *packet, half place, now time.Time) error {
	wait, twice := w.delayOf(p.from, half), false
	for i, f := range w.faults {
		if f.from != p.from || f.where != half {
			continue
		}
		if f.do == outage && now.Before(w.held[i]) {
			p.lost, p.why = half, "outage"
			return nil
		}
		wait = max(wait, w.held[i].Sub(now))
		if p.copyOf != nil || !f.match(p) {
			continue
		}
		w.hits[i]++
		if !f.hits(w.hits[i], w.random) {
			continue
		}
		switch f.do {
		case outage:
			w.held[i] = now.Add(f.late)
			p.lost, p.why = half, "outage"
			return nil
		case hold:
			w.held[i] = now.Add(wait + f.late)
			wait += f.late
		case drop:
			p.lost, p.why = half, "random"
			return nil
		case delay:
			wait += f.late + time.Duration(w.random.Float64()*float64(max(0, f.most-f.late)))
		case damage:
			p.damage()
			p.badAt = half
		case double:
			twice = true
		}
	}
	for _, l := range w.links {
		if l.from != p.from || l.where != half {
			continue
		}
		more, why := l.pass(p, now, w.start, w.random)
		if why != "" {
			p.lost, p.why = half, why
			if l.tells && why == "mtu" {
				p.why = "mtu-told"
				w.tell(p, half, l.mtu, now)
			}
			return nil
		}
		wait += more
	}
	if w.box.on(p.from, half) {
		return w.box.take(p, wait)
	}
	w.push(event{at: now.Add(wait), p: p, done: half})
	if twice {
		again := *p
		again.copyOf = p
		w.second = append(w.second, &again)
		w.push(event{at: now.Add(wait + copyGap), p: &again, done: half})
	}
	return nil
}

func (f *fault) hits(n int, random *rand.Rand) bool {
	if f.nth == nil {
		return random.Float64() < f.chance
	}
	for _, k := range f.nth {
		if k == n {
			return true
		}
	}
	return false
}

func (w *path) delayOf(from side, half place) time.Duration {
	if (from == client) == (half == firstHalf) {
		return w.half[0]
	}
	return w.half[1]
}

func (w *path) push(e event) {
	e.serial = w.serial
	w.serial++
	heap.Push(&w.events, e)
}

// arrive takes a packet past the end of a half: the middle, or its receiver.
func (w *path) arrive(e event) error {
	now, to := time.Now(), e.p.from.peer()
	seen := sighting{data: e.p.data, at: now, packets: []*packet{e.p}, from: e.p.from}
	if e.p.other {
		seen.packets = nil
	}
	if e.done == firstHalf {
		w.see(e.p.from, e.done, seen)
		if e.p.other {
			w.push(event{at: now.Add(w.delayOf(e.p.from, secondHalf)), p: e.p, done: secondHalf})
			return nil
		}
		return w.enter(e.p, secondHalf, now)
	}
	if w.merged != nil && w.merged.host == to {
		w.merged.expect(e.p)
	} else {
		w.see(e.p.from, e.done, seen)
	}
	e.p.given = now
	if e.p.bad {
		e.p.lost, e.p.why = inReceiver, "corrupt" // its stack will find the checksum wrong
	}
	out := append(make([]byte, vnetHeader), e.p.data...)
	if _, err := unix.Write(w.lab.ports[to], out); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// see shows a frame to the taps at a point of the road: nowhere is the sending
// host, firstHalf the middle, secondHalf the receiving host.
func (w *path) see(from side, behind place, s sighting) {
	at := atMiddle
	switch {
	case behind == nowhere && from == client, behind == secondHalf && from == server:
		at = atClient
	case behind == nowhere && from == server, behind == secondHalf && from == client:
		at = atServer
	}
	for _, t := range w.taps {
		if t.at == at {
			t.see(s)
		}
	}
}

// tell has a router at the begin of half say that p is too long: ICMP
// "fragmentation needed" (RFC 1191 §4), with p's header and the first octets
// behind it. It goes back by the way that p came.
func (w *path) tell(p *packet, half place, mtu int, now time.Time) {
	l, _ := layoutOf(p.data)
	quote := p.data[l.network:min(l.end, l.transport+8)]
	f := make([]byte, etherLen+20+8, etherLen+20+8+len(quote))
	copy(f, p.data[6:12])
	copy(f[6:], p.data[:6])
	binary.BigEndian.PutUint16(f[12:], etherIPv4)
	ip := f[etherLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_ICMP
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(quote)))
	copy(ip[12:], []byte{10, 9, 0, 254})
	copy(ip[16:], p.data[l.network+12:l.network+16])
	ip[20], ip[21] = 3, 4
	binary.BigEndian.PutUint16(ip[26:], uint16(mtu))
	f = append(f, quote...)
	binary.BigEndian.PutUint16(f[etherLen+10:], fold(sum(f[etherLen:etherLen+20], 0)))
	binary.BigEndian.PutUint16(f[etherLen+22:], fold(sum(f[etherLen+20:], 0)))
	back := &packet{from: p.from.peer(), data: f, other: true, at: now}
	w.push(event{at: now.Add(w.delayOf(p.from, half)), p: back, done: 3 - half})
}
