//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"whydrop/cmd/lab/truth"
)

// runPoints runs c and writes what passed at a, m and b, and the fate of every
// packet. It returns a line on the run.
func runPoints(ctx context.Context, c *labCase, family string, folder string) (string, error) {
	if err := oneCPU(); err != nil {
		return "", err
	}
	l, err := newLab(c)
	if err != nil {
		return "", err
	}
	defer l.close()
	tracer, noTrace := newTracer()
	if noTrace == nil {
		defer func() { _ = tracer.close() }()
	}
	var taps []*tap
	for i := range c.captures {
		taps = append(taps, newTap(&c.captures[i], c.seed))
	}
	w := newPath(l, c, taps)
	s := &stage{lab: l, of: c}
	defer func() { s.close(); w.box.close(); w.merged.close() }()
	if err := w.equip(s); err != nil {
		return "", err
	}
	if err := play(ctx, l, c, w); err != nil {
		return "", err
	}
	if err := errors.Join(w.box.settle(), w.merged.settle()); err != nil {
		return "", err
	}
	if c.counters, err = l.counters(); err != nil {
		return "", err
	}
	if err := witness(c, w); err != nil {
		return "", err
	}
	if c.stage != nil && c.stage.after != nil {
		if err := c.stage.after(s, w); err != nil {
			return "", err
		}
	}
	if noTrace == nil {
		events, err := tracer.events()
		if err != nil {
			return "", err
		}
		for _, log := range w.log {
			if err := explain(log, events); err != nil {
				return "", err
			}
		}
	}
	f, err := fates(c, family, w, noTrace == nil)
	if err != nil {
		return "", err
	}
	for _, t := range taps {
		if err := t.save(folder); err != nil {
			return "", err
		}
	}
	if err := f.WriteFates(filepath.Join(folder, c.name+".fates.gz")); err != nil {
		return "", err
	}
	return outline(f), nil
}

// equip puts on the path, and on its hosts, what the case wants there.
func (w *path) equip(s *stage) (err error) {
	if s.of.limit != nil {
		if w.box, err = newBox(s.lab, s.of.limit); err != nil {
			return err
		}
	}
	if s.of.merge != nil {
		if w.merged, err = newMerged(s.lab, *s.of.merge, w.taps); err != nil {
			return err
		}
	}
	if s.of.stage != nil && s.of.stage.build != nil {
		return s.of.stage.build(s)
	}
	return nil
}

// silent are counters of the kernel that tell of packets dropped in the
// receiving host for want of memory or window: no such run is used, since
// nothing says which packets they were.
var silent = []string{"TCPOFODrop", "TCPZeroWindowDrop", "TCPBacklogDrop", "TCPRcvQDrop", "OfoPruned", "RcvPruned", "PFMemallocDrop"}

// witness compares the log with the hosts' own counters, and finds the packets
// that the receiving host dropped for their old timestamps.
func witness(c *labCase, w *path) error {
	for _, h := range []side{client, server} {
		count := func(name string) int { return int(c.counters[hostName(h)+"."+name]) }
		resent := 0
		for _, p := range w.log[h] {
			if p.retx {
				resent++
			}
		}
		if n := count("Tcp.RetransSegs"); n != resent {
			return fmt.Errorf("%w: the %s resent %d segments, the wire saw %d", errWitness, hostName(h), n, resent)
		}
		for _, name := range silent {
			if n := count("TcpExt." + name); n > 0 && (c.stage == nil || !c.stage.spoil) {
				return fmt.Errorf("%w: the %s dropped %d packets by itself (%s)", errWitness, hostName(h), n, name)
			}
		}
		if n, paws := rejected(w, h), count("TcpExt.PAWSEstab"); n != paws {
			return fmt.Errorf("%w: the %s dropped %d segments with old timestamps, by the log it should be %d", errWitness, hostName(h), paws, n)
		}
	}
	return nil
}

// rejected marks the data that h's stack drops for a timestamp older than the
// newest one it has taken (RFC 7323 §5; net/ipv4/tcp_input.c:tcp_paws_check,
// which lets one tick pass), and counts it. What had come before, by its own
// repair, is dropped as well; but it is a duplicate then, and nothing is lost.
func rejected(w *path, h side) int {
	type state struct {
		recent, acked uint32
		known         bool
		taken         map[uint32]int // octets that came, by where they begin
	}
	arrived := slices.Concat(w.log[h.peer()], ofSide(w.second, h.peer()))
	arrived = slices.DeleteFunc(arrived, func(p *packet) bool { return p.given.IsZero() || p.bad || p.tsval == 0 })
	all := slices.Concat(arrived, w.log[h])
	when := func(p *packet) int64 {
		if p.from == h {
			return p.at.UnixNano()
		}
		return p.given.UnixNano()
	}
	slices.SortStableFunc(all, func(a, b *packet) int { return int(when(a) - when(b)) })
	states, n := map[string]*state{}, 0
	for _, p := range all {
		flow := p.src.String() + p.dst.String()
		if p.from == h {
			flow = p.dst.String() + p.src.String()
		}
		s := states[flow]
		if s == nil {
			s = &state{taken: map[uint32]int{}}
			states[flow] = s
		}
		switch {
		case p.from == h && p.flags&flagACK != 0:
			s.acked, s.known = p.ack, true
		case p.from == h:
		case s.known && p.payload > 0 && int32(s.recent-p.tsval) > 1:
			n++
			if int32(p.seq+uint32(p.payload)-s.acked) > 0 && s.taken[p.seq] < p.payload {
				p.lost, p.why = inReceiver, "paws"
			}
		default:
			s.taken[p.seq] = max(s.taken[p.seq], p.payload)
			if !s.known || int32(p.seq-s.acked) <= 0 && int32(p.tsval-s.recent) >= 0 {
				s.recent = p.tsval
			}
		}
	}
	return n
}

func ofSide(all []*packet, from side) (some []*packet) {
	for _, p := range all {
		if p.from == from {
			some = append(some, p)
		}
	}
	return some
}

// letter names the hosts of a side in Fates.
func letter(s side) string { return [2]string{"a", "b"}[s] }

// fates is the truth of the run.
func fates(c *labCase, family string, w *path, traced bool) (*truth.Fates, error) {
	var release unix.Utsname
	if err := unix.Uname(&release); err != nil {
		return nil, err
	}
	f := &truth.Fates{Run: truth.Run{
		Name: c.name, Family: family, Story: c.story, Seed: c.seed, Options: c.options, Traced: traced,
		RTT:   (2 * (c.half[0] + c.half[1])).Seconds() * 1000,
		Linux: string(bytes.TrimRight(release.Release[:], "\x00")),
	}}
	if c.stage != nil {
		f.Run.Shows, f.Run.Blind, f.Run.Never = c.stage.shows, c.stage.blind, c.stage.never
		f.Run.Spoilt, f.Run.Kernel = c.stage.spoil, c.counters
	}
	for _, l := range c.links {
		limit := truth.Limit{From: letter(l.from), Half: int(l.where)}
		switch {
		case l.police != nil:
			limit.Kind, limit.Rate, limit.Depth = "policer", l.police.rate, l.police.depth
		case l.queue != nil:
			limit.Kind, limit.Rate, limit.Depth = "queue", l.queue.rate, l.queue.room
		default:
			continue
		}
		f.Run.Limits = append(f.Run.Limits, limit)
	}
	if b := c.limit; b != nil {
		f.Run.Limits = append(f.Run.Limits, truth.Limit{From: letter(b.from), Half: int(b.where), Kind: b.why(), Rate: b.rate, Depth: b.octets()})
	}
	index := map[*packet]int{}
	for _, p := range slices.Concat(w.log[client], w.log[server], w.second) {
		index[p] = len(f.Packets)
		f.Packets = append(f.Packets, fate(p, w.log[p.from]))
	}
	for i, t := range w.taps {
		f.Run.Files[i], f.Run.Capture[i] = t.file, t.missing
		f.Run.Frames[i] = t.number(func(p *packet, frame int, late bool) {
			q := &f.Packets[index[p]]
			q.Frame[i], q.Late[i] = frame, late
		})
	}
	return f, nil
}

// fate is what is known of p.
func fate(p *packet, log []*packet) truth.Packet {
	q := truth.Packet{
		ID: p.number, From: letter(p.from), Src: p.src.String(), Dst: p.dst.String(), Protocol: protocolName(p), What: p.what(),
		Seq: p.seq, Octets: p.payload, Retx: p.retx, Kind: p.kind, Copy: p.copyOf != nil, Lost: int(p.lost), Why: p.why,
	}
	if p.bad {
		q.Damaged = int(p.badAt)
	}
	if p.retx {
		q.Unneeded = !needed(p, log)
	}
	return q
}

// number numbers the frames of t's file and tells of each packet in them.
func (t *tap) number(tell func(p *packet, frame int, late bool)) int {
	slices.SortStableFunc(t.seen, func(a, b sighting) int { return a.at.Compare(b.at) })
	newest, frame := map[string]int{}, 0
	for _, s := range t.seen {
		if s.missing {
			continue
		}
		frame++
		for _, p := range s.packets {
			flow := p.src.String() + p.dst.String()
			last, known := newest[flow]
			tell(p, frame, known && p.copyOf == nil && p.number < last)
			newest[flow] = max(last, p.number)
		}
	}
	return frame
}

// outline is one line on a run.
func outline(f *truth.Fates) string {
	lost := map[string]int{}
	resent := map[string]int{}
	for i := range f.Packets {
		p := &f.Packets[i]
		if p.Lost > 0 {
			lost[fmt.Sprintf("%s by %s in %d", p.What, p.Why, p.Lost)]++
		}
		if p.Retx {
			resent[p.Kind]++
		}
	}
	return fmt.Sprintf("%-22s %6d packets, %4.0f ms, %v, lost %v, resent %v", f.Run.Name, len(f.Packets), f.Run.RTT, f.Run.Options, lost, resent)
}
