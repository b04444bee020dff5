//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"whydrop/cmd/lab/truth"
)

// A point is a place where the wire can be captured.
type point int

// Points.
const (
	atClient point = iota
	atMiddle
	atServer
)

// A capture says what to write of what passes a point, and what whydrop should
// make of it.
type capture struct {
	file    string // its ending names the format
	at      point
	tap     string // the same with respect to the direction with most data
	snap    int    // 0 = whole frames
	missing float64
	span    bool // every packet twice, the second time behind a router
	only    *side

	state     string
	causes    []string
	notCauses []string
	cannot    []string // "ack downstream": nothing in this capture can show it
	atMost    []string // "ack upstream": some of it may be shown
	noKinds   bool     // what set off a retransmission cannot be seen here
}

// A sighting is a frame that passed a tap.
type sighting struct {
	data    []byte
	at      time.Time
	packets []*packet // what it carried: more than one if it is a super-frame
	from    side
	copied  bool // the capture's second copy
	missing bool // passed, and is not in the file
}

// A tap collects what passes its point.
type tap struct {
	*capture
	seen   []sighting
	random *rand.Rand
}

func newTap(c *capture, seed uint64) *tap {
	return &tap{capture: c, random: rand.New(rand.NewPCG(seed, seed+1))}
}

// spanGap is the time between a packet's two appearances on a mirror port.
const spanGap = 25 * time.Microsecond

func (t *tap) see(s sighting) {
	if t.only != nil && *t.only != s.from {
		return
	}
	if t.missing > 0 {
		s.missing = t.random.Float64() < t.missing
	}
	t.seen = append(t.seen, s)
	if t.span {
		s.data, s.at, s.copied = hop(s.data), s.at.Add(spanGap), true
		t.seen = append(t.seen, s)
	}
}

// position is where the tap stands on the road of packets from a side: 0 at
// their sender, 1 in the middle, 2 at their receiver.
func (t *tap) position(from side) int {
	if from == client {
		return int(t.at)
	}
	return int(atServer - t.at)
}

// locus says where p was lost as seen from t.
func (t *tap) locus(p *packet) string {
	position := t.position(p.from)
	switch {
	case p.lost == inReceiver && position == 2:
		return "receiver-host"
	case int(p.lost) <= position:
		return "upstream"
	}
	return "downstream"
}

// account works out the truth of t from the log of the path.
func (t *tap) account(c *labCase, log [2][]*packet) *truth.Truth {
	slices.SortStableFunc(t.seen, func(a, b sighting) int { return a.at.Compare(b.at) })
	out := &truth.Truth{
		Capture: t.file, Story: c.story, Tap: t.tap, SnapLength: t.snap, State: t.state, Causes: t.causes, NotCauses: t.notCauses,
		Cannot: map[string]int{}, AtMost: map[string]int{}, Kernel: c.counters,
		Retransmissions: []truth.Retransmission{}, Reordered: []int{}, NetworkCopies: []int{}, CaptureCopies: []int{}, Hidden: []int{}, Damaged: []int{}, LostHere: []int{},
	}
	for _, from := range []side{client, server} {
		if t.only == nil || *t.only == from {
			out.Directions = append(out.Directions, t.directions(out, log[from])...)
		}
	}
	t.frames(out, log)
	if !t.noKinds {
		out.Kinds = kinds(c, len(out.Retransmissions))
	}
	return out
}

// directions counts the log of one side, flow by flow in order of first packet.
func (t *tap) directions(out *truth.Truth, log []*packet) []truth.Direction {
	var all []truth.Direction
	index := map[string]int{}
	unseen := t.unseen()
	for _, p := range log {
		key := p.src.String() + p.dst.String()
		i, known := index[key]
		if !known {
			i = len(all)
			index[key] = i
			all = append(all, truth.Direction{Src: p.src.String(), Dst: p.dst.String(), Protocol: protocolName(p), Lost: map[string]int{}})
		}
		d := &all[i]
		d.Sent++
		if p.payload > 0 {
			d.Data++
		}
		key = ""
		switch {
		case p.lost != nowhere:
			key = p.what() + " " + t.locus(p)
		case unseen[p]:
			key = p.what() + " capture"
		}
		switch {
		case key == "":
		case slices.Contains(t.cannot, key):
			out.Cannot[key]++
		case slices.Contains(t.atMost, key):
			out.AtMost[key]++
		default:
			d.Lost[key]++
		}
	}
	for i := range all {
		all[i].Zero = t.zeroWindows(all[i].Src, all[i].Dst)
	}
	return all
}

// unseen are the packets that passed t and are not in its file.
func (t *tap) unseen() map[*packet]bool {
	m := map[*packet]bool{}
	for _, s := range t.seen {
		if s.missing {
			for _, p := range s.packets {
				m[p] = true
			}
		}
	}
	return m
}

// zeroWindows counts episodes: from the first segment with window 0 to the
// next with another.
func (t *tap) zeroWindows(src, dst string) int {
	episodes, closed := 0, false
	for _, s := range t.seen {
		p := s.packets[0]
		if s.missing || p.src.String() != src || p.dst.String() != dst || p.flags&(flagSYN|flagRST) != 0 || p.flags == 0 {
			continue
		}
		if p.window == 0 && !closed {
			episodes++
		}
		closed = p.window == 0
	}
	return episodes
}

// frames numbers what is in the file and says what each frame is.
func (t *tap) frames(out *truth.Truth, log [2][]*packet) {
	newest := map[string]int{} // per flow and direction: the last packet that passed
	for _, s := range t.seen {
		if s.missing {
			continue
		}
		out.Frames++
		p, n := s.packets[0], out.Frames
		switch {
		case s.copied:
			out.CaptureCopies = append(out.CaptureCopies, n)
			continue
		case p.copyOf != nil:
			out.NetworkCopies = append(out.NetworkCopies, n)
			continue
		}
		flow := p.src.String() + p.dst.String()
		if last, ok := newest[flow]; ok && p.number < last {
			out.Reordered = append(out.Reordered, n)
		}
		newest[flow] = max(newest[flow], s.packets[len(s.packets)-1].number)
		if p.bad && int(p.badAt) <= t.position(p.from) {
			out.Damaged = append(out.Damaged, n)
		}
		switch {
		case !slices.ContainsFunc(s.packets, func(p *packet) bool { return p.retx }):
		case p.what() == "syn" && slices.Contains(t.cannot, "syn upstream"):
			out.Hidden = append(out.Hidden, n)
		default:
			needed := slices.ContainsFunc(s.packets, func(p *packet) bool { return p.retx && needed(p, log[p.from]) })
			out.Retransmissions = append(out.Retransmissions, truth.Retransmission{Frame: n, Needed: needed, Lost: p.lost != nowhere})
		}
		if slices.ContainsFunc(s.packets, t.losesVisibly) {
			out.LostHere = append(out.LostHere, n)
		}
	}
}

// losesVisibly reports whether p passed t, was lost behind it, and this can be known.
func (t *tap) losesVisibly(p *packet) bool {
	if p.lost == nowhere || t.locus(p) == "upstream" {
		return false
	}
	key := p.what() + " " + t.locus(p)
	return !slices.Contains(t.cannot, key) && !slices.Contains(t.atMost, key)
}

// needed reports whether some octet of p had not reached the receiver's stack
// by a packet that was sent earlier.
func needed(p *packet, log []*packet) bool {
	lo, hi := p.span()
	for at := lo; at != hi; {
		next := at
		for _, q := range log[:p.number] {
			qlo, qhi := q.span()
			if q.lost == nowhere && q.src == p.src && q.dst == p.dst && int32(at-qlo) >= 0 && int32(qhi-next) > 0 {
				next = qhi
			}
		}
		if next == at {
			return true
		}
		if int32(next-hi) > 0 {
			return false
		}
		at = next
	}
	return false
}

// kinds says what set off the retransmissions, by the hosts' own counters: nil
// if these do not account for exactly what was seen.
func kinds(c *labCase, seen int) map[string]map[string]int {
	all, sum := map[string]map[string]int{}, 0
	for _, h := range []side{client, server} {
		get := func(name string) int { return int(c.counters[hostName(h)+"."+name]) }
		syns := get("TcpExt.TCPSynRetrans")
		of := map[string]int{
			"fast": get("TcpExt.TCPFastRetrans"), "loss": get("TcpExt.TCPSlowStartRetrans"), "tlp": get("TcpExt.TCPLossProbes"),
			"rto": get("TcpExt.TCPTimeouts"), "syn": syns,
		}
		if h == client {
			of["rto"] -= syns // a SYN is sent again by a timeout, a SYN-ACK for a second SYN
		} else {
			of["synack"], of["syn"] = syns, 0
		}
		mine := 0
		for kind, n := range of {
			mine += n
			if n == 0 {
				delete(of, kind)
			}
		}
		if mine != get("Tcp.RetransSegs") {
			return nil
		}
		if mine > 0 {
			all[c.address(h).String()] = of
		}
		sum += mine
	}
	if sum != seen {
		return nil
	}
	return all
}

func protocolName(p *packet) string {
	switch p.what() {
	case "datagram":
		return "udp"
	case "icmp":
		return "icmp"
	}
	return "tcp"
}

// summary is the capture's line in SOURCES.
func summary(t *truth.Truth) string {
	lost, unseen := 0, 0
	for _, d := range t.Directions {
		for key, n := range d.Lost {
			if len(key) > 8 && key[len(key)-8:] == " capture" {
				unseen += n
			} else {
				lost += n
			}
		}
	}
	return fmt.Sprintf("%-34s %5d frames, tap %-8s %4d lost, %3d only missing here: %s", t.Capture, t.Frames, t.Tap+",", lost, unseen, t.Story)
}
