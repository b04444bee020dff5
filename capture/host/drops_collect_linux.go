package host

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"whydrop/capture"
)

// sums are what is counted of the drops of one key; the times are of CLOCK_MONOTONIC.
type sums struct {
	events, octets, extra, empty, first, last uint64 // extra: wire packets beyond one of each event
	stack                                     int32  // -1 = none
	pid                                       uint32
	command                                   [16]uint8
}

// add adds more of the same key.
func (s *sums) add(more *sums) {
	s.events += more.events
	s.octets += more.octets
	s.extra += more.extra
	s.empty += more.empty
	if more.first != 0 && (s.first == 0 || more.first < s.first) {
		s.first = more.first
	}
	s.last = max(s.last, more.last)
	if s.stack < 0 {
		s.stack, s.pid, s.command = more.stack, more.pid, more.command
	}
}

// A collection is the reading of the tables of the drop program.
type collection struct {
	watch   *dropWatch
	symbols *symbols
	offset  int64
	stacks  map[int32][]string
	all     map[dropKey]*sums
}

// collect reads all tables, which nobody writes to any longer.
func (c *collection) collect() (drops []capture.Drop, lost uint64) {
	c.all = c.watch.spilled
	var hash uint64
	var v dropValue
	for all := c.watch.program.maps.Drops.Iterate(); all.Next(&hash, &v); {
		c.add(v.Key, sumsOf(&v))
	}
	var key dropKey
	for all := c.watch.program.maps.Rest.Iterate(); all.Next(&key, &v); {
		c.add(key, sumsOf(&v))
	}
	c.recent()
	counted, lost := c.watch.program.works()
	listed := uint64(0)
	for key, s := range c.all {
		if s.events == 0 {
			continue
		}
		listed += s.events
		if d, ok := c.drop(&key, s); ok {
			drops = append(drops, d)
		}
	}
	drops = foldDrops(drops)
	slices.SortFunc(drops, compareDrops)
	return drops, max(lost, counted-min(listed, counted)) + c.watch.program.missed()
}

func (c *collection) add(key dropKey, s *sums) {
	if known := c.all[key]; known != nil {
		known.add(s)
		return
	}
	c.all[key] = s
}

func sumsOf(v *dropValue) *sums {
	return &sums{v.Sums.Events, v.Sums.Octets, v.Sums.Extra, v.Sums.Empty, v.Sums.First, v.Sums.Last, v.Stack, v.Pid, v.Comm}
}

// recent reads what did not leave the small table of each CPU yet.
func (c *collection) recent() {
	m := c.watch.program.maps.Recent
	var slots []dropSlot
	for i := range m.MaxEntries() {
		if m.Lookup(&i, &slots) != nil {
			continue
		}
		for _, s := range slots {
			if n := s.Sums; n.Events > 0 {
				c.add(s.Key, &sums{n.Events, n.Octets, n.Extra, n.Empty, n.First, n.Last, -1, 0, [16]uint8{}})
			}
		}
	}
}

// works returns how many drops the program took into account, and how many of
// them found no room.
func (p *program) works() (counted, lost uint64) {
	return p.sum(func(w *dropWork) uint64 { return w.Counted }), p.sum(func(w *dropWork) uint64 { return w.Lost })
}

// sum adds up what the program counts on each CPU.
func (p *program) sum(of func(*dropWork) uint64) (n uint64) {
	var all []dropWork
	if p.maps.Works.Lookup(uint32(0), &all) != nil {
		return 0
	}
	for i := range all {
		n += of(&all[i])
	}
	return n
}

// beforeInput are reasons and functions by which the kernel drops what comes in
// before it notes the interface by which it came.
var beforeInput = map[string]bool{"CPU_BACKLOG": true, "XDP": true, "do_xdp_generic": true, "veth_xdp_rcv_skb": true}

// drop says in words what a key stands for; false if that is no loss.
func (c *collection) drop(key *dropKey, s *sums) (capture.Drop, bool) {
	d := capture.Drop{
		Reason: c.watch.reasons.name(key.Reason), Function: c.symbols.name(key.Function),
		Interface: c.device(key.Ifindex), Inbound: c.device(key.Iif),
		EtherType: key.Ether, Protocol: key.Proto,
		Src: mapped(key.Src, key.Sport), Dst: mapped(key.Dst, key.Dport),
		Events: s.events, Packets: s.events + s.extra, Octets: s.octets, Empty: s.empty,
		First: int64(s.first) + c.offset, Last: int64(s.last) + c.offset,
	}
	if isNoise(d.Reason, d.Function, d.Protocol) {
		return d, false
	}
	local := key.Iif == 0
	if local && (beforeInput[d.Reason] || beforeInput[d.Function]) {
		d.Inbound, local = d.Interface, false
	}
	stack := c.stack(s.stack)
	d.Hook, d.Via = hookOf(d.Reason, d.Function, stack)
	if local && s.pid != 0 && fromSystemCall(stack) {
		d.Process = &capture.Process{PID: int(s.pid), Command: command(s.command), CPU: -1, Busy: -1}
	}
	for _, sample := range c.watch.samples[*key] {
		d.Samples = append(d.Samples, sample.told())
	}
	slices.SortStableFunc(d.Samples, func(a, b capture.DropSample) int { return cmp.Compare(a.Time, b.Time) })
	if len(d.Samples) > 0 {
		d.First = min(d.First, d.Samples[0].Time)
	}
	return d, true
}

// device is the name of an interface; of one that is gone, its number, since no
// name means that there was none.
func (c *collection) device(index uint32) string {
	name := c.watch.name(int(index))
	if name == "" && index != 0 {
		name = "interface " + strconv.FormatUint(uint64(index), 10)
	}
	return name
}

// mapped is zero where no address is known.
func mapped(addr [16]uint8, port uint16) netip.AddrPort {
	if addr == [16]uint8{} && port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
}

func command(b [16]uint8) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b[:])
}

// stack returns the functions of a stack, the innermost first.
func (c *collection) stack(id int32) []string {
	if id < 0 || c.symbols == nil {
		return nil
	}
	if known, ok := c.stacks[id]; ok {
		return known
	}
	var addrs [stackDepth]uint64
	var names []string
	if c.watch.program.maps.Stacks.Lookup(uint32(id), &addrs) == nil {
		for _, a := range addrs {
			if a == 0 {
				break
			}
			names = append(names, c.symbols.name(a))
		}
	}
	c.stacks[id] = names
	return names
}
