package analyze

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// An EventKind says what losses of many packets have in common.
type EventKind uint8

// Kinds of events.
const (
	AtOnce   EventKind = iota // they came at one moment, in many flows
	Periodic                  // they came at the beat of a clock
	OneClass                  // they hit one class of packets only
	numEventKinds
)

var eventKindNames = [numEventKinds]string{"at-once", "periodic", "one-class"}

func (k EventKind) String() string {
	if k >= numEventKinds {
		return "invalid"
	}
	return eventKindNames[k]
}

// A ClassKind says by what the packets of a class are alike.
type ClassKind uint8

// Kinds of classes.
const (
	NoClass     ClassKind = iota
	ByVLAN                // Number: the VID
	ByMAC                 // the frames between two MAC addresses, one way
	ByPort                // Number: the port of the responder
	ByAddress             // Addr: the destination
	BySource              // Addr: the source
	BySize                // Number: packets with at least so many octets of payload
	ByTunnel              // Number: the decode.Tunnel << 32 | its key
	BySomeFlows           // always the same few of many flows between the same hosts
	numClassKinds
)

var classKindNames = [numClassKinds]string{"", "vlan", "mac", "port", "destination", "source", "size", "tunnel", "same-flows"}

func (k ClassKind) String() string {
	if k >= numClassKinds {
		return "invalid"
	}
	return classKindNames[k]
}

// An Event is what many losses have in common: one finding, not forty. It
// charges nothing: the charges that it joins do.
type Event struct {
	Kind        EventKind
	Locus       cause.Locus
	First, Last int64
	Packets     uint64
	Flows       int   // that it hit
	Of          int   // flows that it could have hit, where that is known; else 0
	Episodes    int   // losses of one flow within a round trip are one episode
	Charges     []int // their IDs, in order
	Period      int64 // of a periodic one, ns
	Jitter      int64 // standard deviation from its beat, ns
	Class       ClassKind
	Number      uint64
	Addr        decode.Addr
	Share       float64 // of the packets that the class carried
	Src, Dst    Net     // what the ends of all flows that it hit have in common
	Tunnel      uint64  // in which all of them are, as of ByTunnel; 0 = none, or several
	VLAN        uint16  // on which all of them are; 0 = none, or several
	Chance      float64 // natural logarithm of the probability that independent losses look so; all tests together
}

// A Net is what addresses have in common. Without bits they have nothing.
type Net struct {
	Addr decode.Addr
	Bits int // of the 128 of Addr: IPv4 is mapped
}

// Levels of the tests. All of them are for the whole of their scan (Bonferroni):
// a capture of independent losses has an event in less than one case of these.
const (
	momentLevel = 1e-6
	beatLevel   = 1e-4
	classLevel  = 1e-6

	// eventFlows: fewer flows that lose together are no common event.
	eventFlows = 4

	// maxEvents bounds how many events of a kind are told of one locus.
	maxEvents = 16

	// episodeSpan, ns, or a round trip, whichever is longer, parts the episodes of
	// a flow. RFC 5348 §5.2 takes a round trip; where that is short, a queue that
	// stays full would pass for many episodes, and the tests count on it that
	// episodes know nothing of each other.
	episodeSpan = int64(100e6)
)

// correlate looks for what charges have in common.
func correlate(res *Result) {
	c := correlation{res: res}
	for _, at := range []cause.Locus{cause.SenderHost, cause.Upstream, cause.InCapture, cause.Downstream, cause.ReceiverHost} {
		list := c.episodes(at, true)
		if len(list) == 0 {
			continue
		}
		moments := c.moments(at, c.episodes(at, false))
		beats := c.beats(at, list, moments)
		classes := c.classes(at, list)
		res.Events = slices.Concat(res.Events, moments, beats, classes)
	}
	slices.SortStableFunc(res.Events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Locus, b.Locus), cmp.Compare(b.Packets, a.Packets))
	})
	c.overload()
}

type correlation struct{ res *Result }

// An episode is what one direction of a flow lost within a round trip.
type episode struct {
	first, last int64
	flow        uint32
	dir         uint8
	packets     uint64
	charges     []int32 // indices
	least       uint32  // octets of payload of its smallest lost packet; 0 = not known
	data        bool    // data or datagrams, nothing else
}

// episodes are the charges of a locus in order of time; joined, those of one
// direction of a flow within a round trip are one.
func (c *correlation) episodes(at cause.Locus, join bool) []episode {
	type half struct {
		flow uint32
		dir  uint8
	}
	open := map[half]int{}
	var list []episode
	for i := range c.res.Ledger.Charges {
		ch := &c.res.Ledger.Charges[i]
		if ch.Locus != at || int(ch.Flow) >= len(c.res.Flows) {
			continue
		}
		k := half{ch.Flow, ch.Dir & 1}
		span := max(episodeSpan, c.res.Flows[ch.Flow].Dir[ch.Dir&1].RTTMin)
		n, ok := open[k]
		if !ok || !join || ch.First-list[n].last > span {
			n = len(list)
			open[k] = n
			list = append(list, episode{first: ch.First, last: ch.First, flow: ch.Flow, dir: ch.Dir & 1, data: true, least: math.MaxUint32})
		}
		e := &list[n]
		e.first, e.last = min(e.first, ch.First), max(e.last, ch.First)
		e.packets += ch.Packets
		e.charges = append(e.charges, int32(i))
		e.data = e.data && (ch.What == flow.DataPacket || ch.What == flow.Datagram)
		e.least = min(e.least, octetsEach(ch))
	}
	slices.SortStableFunc(list, func(a, b episode) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.flow, b.flow), cmp.Compare(a.dir, b.dir))
	})
	return list
}

// octetsEach is the payload of each packet of a charge, 0 if it is not known.
func octetsEach(c *Charge) uint32 {
	if c.Packets == 0 {
		return 0
	}
	return uint32(min(c.Octets/c.Packets, math.MaxUint32))
}

// event sums up episodes.
func (c *correlation) event(kind EventKind, at cause.Locus, list []episode) Event {
	e := Event{Kind: kind, Locus: at, First: list[0].first, Last: list[0].last, Episodes: len(list)}
	hit := map[uint32]bool{}
	var src, dst commonNet
	for i := range list {
		p := &list[i]
		e.First, e.Last = min(e.First, p.first), max(e.Last, p.last)
		e.Packets += p.packets
		for _, ch := range p.charges {
			e.Charges = append(e.Charges, c.res.Ledger.Charges[ch].ID)
		}
		if hit[p.flow] {
			continue
		}
		f := c.res.Flows[p.flow]
		if len(hit) == 0 {
			e.VLAN, e.Tunnel = f.Via.VLAN, tunnelOf(f)
		}
		if e.VLAN != f.Via.VLAN {
			e.VLAN = 0
		}
		if e.Tunnel != tunnelOf(f) {
			e.Tunnel = 0
		}
		hit[p.flow] = true
	}
	for i := range list {
		s, d := c.ends(list[i].flow, list[i].dir)
		src.add(s)
		dst.add(d)
	}
	slices.Sort(e.Charges)
	e.Flows, e.Src, e.Dst = len(hit), src.Net, dst.Net
	return e
}

// tunnelOf is the tunnel in which f came, as a number; 0 = none.
func tunnelOf(f *flow.Facts) uint64 { return uint64(f.Via.Tunnel)<<32 | uint64(f.Via.Key) }

// TunnelName is the tunnel of an Event: "vxlan 7", "gre" if it has no key.
func TunnelName(number uint64) string {
	if number == 0 {
		return ""
	}
	name := decode.Tunnel(number >> 32).String()
	if key := uint32(number); key != 0 {
		name += " " + strconv.FormatUint(uint64(key), 10)
	}
	return name
}

// ends are the addresses of one direction of a flow.
func (c *correlation) ends(i uint32, dir uint8) (src, dst decode.Addr) {
	f := c.res.Flows[i]
	if dir == 1 {
		return f.Responder.Addr, f.Originator.Addr
	}
	return f.Originator.Addr, f.Responder.Addr
}

// A commonNet is the longest prefix of all addresses added.
type commonNet struct {
	Net
	any bool
}

func (n *commonNet) add(a decode.Addr) {
	const all = 128
	if !n.any {
		n.any, n.Addr, n.Bits = true, a, all
		return
	}
	bits := 0
	for bits < n.Bits && (n.Addr[bits/8]^a[bits/8])>>(7-bits%8)&1 == 0 {
		bits++
	}
	n.Bits = bits
}

// overload tells what only the capture lost, all at one moment: it could not
// keep up, and nothing happened on the network.
func (c *correlation) overload() {
	for i := range c.res.Events {
		e := &c.res.Events[i]
		if e.Kind != AtOnce || e.Locus != cause.InCapture {
			continue
		}
		a := auditor{res: c.res}
		a.find("capture-overload", e.Packets, true, "%s of %d flows missing only here, all within %s, %s after the start: the capture could not keep up",
			many(e.Packets, "packet is", "packets are"), e.Flows, ms(e.Last-e.First), ms(e.First-c.res.First))
	}
}
