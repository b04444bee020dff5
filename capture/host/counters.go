package host

import (
	"cmp"
	"slices"
	"strings"

	"whydrop/capture"
)

const (
	// mostCounters bounds the counters watched. A host with thousands of
	// interfaces has more; those beyond are not watched, and that is said.
	mostCounters = 1 << 16

	// mostMoved bounds the counters that are reported.
	mostMoved = 4096

	// mostSeconds bounds the series of a counter, from the second of its first
	// movement on.
	mostSeconds = 600

	second = int64(1e9)
)

// A counterKey names a counter. Group, name and of are those of capture.Moved.
type counterKey struct{ group, of, name string }

// A counter is one of the kernel's, over the looks at it.
type counter struct {
	from, now uint64
	by        uint64
	seen      int64 // time of the last look at it
	first     int64 // time of the last look before it first moved
	last      int64 // time of the look that saw it move last
	perSecond []uint32
}

// counters are all that are watched.
type counters struct {
	all     map[counterKey]*counter
	time    int64 // of the present look
	before  int64 // of the look before
	looks   int
	omitted uint64 // values of counters beyond mostCounters, at the last look
}

func newCounters() *counters { return &counters{all: make(map[counterKey]*counter)} }

// begin starts a look.
func (c *counters) begin(now int64) {
	c.before, c.time = c.time, now
	c.looks++
	c.omitted = 0
}

// see notes the value of a counter. The strings need not outlive the call.
//
// One that turns up after the first look started at zero, if it is made on its
// first use, as the lines of IcmpMsg are; one of a device may come from elsewhere
// with a past, and starts with the value it has.
func (c *counters) see(group, of, name string, value uint64, device bool) {
	key := counterKey{group, of, name}
	n := c.all[key]
	if n == nil {
		if len(c.all) >= mostCounters {
			c.omitted++
			return
		}
		key = counterKey{strings.Clone(group), strings.Clone(of), strings.Clone(name)}
		n = &counter{from: value, now: value, seen: c.time}
		c.all[key] = n
		if c.looks == 1 || device {
			return
		}
		n.from, n.now, n.seen = 0, 0, c.before
	}
	if by := advanced(n.now, value); by > 0 {
		n.moved(by, c.time)
	}
	n.now, n.seen = value, c.time
}

// moved books a movement since the look before.
func (n *counter) moved(by uint64, now int64) {
	if n.by == 0 {
		n.first = n.seen
	}
	n.by += by
	n.last = now
	i := ((n.seen+now)/2 - n.first) / second
	if i < 0 || i >= mostSeconds {
		return // the clock was set, or the series is full
	}
	for int64(len(n.perSecond)) <= i {
		n.perSecond = append(n.perSecond, 0)
	}
	n.perSecond[i] = uint32(min(uint64(n.perSecond[i])+by, 1<<32-1))
}

// advanced is by how much a counter went forward. One that fell by nearly 2^32 has
// wrapped: the kernel keeps those of a processor in 32 bits. One that fell by
// anything else was set back to zero, as a driver does when it restarts its device,
// and the new value is what it moved by since.
func advanced(from, to uint64) uint64 {
	const wrap, nearly = 1 << 32, 3 << 30
	if to >= from {
		return to - from
	}
	if fell := from - to; fell >= nearly && fell < wrap {
		return wrap - fell
	}
	return to
}

// movement lists what moved, sorted by group, of and name.
func (c *counters) movement() (moved []capture.Moved, omitted int) {
	moved = []capture.Moved{}
	for key, n := range c.all {
		if n.by == 0 {
			continue
		}
		moved = append(moved, capture.Moved{
			Group: key.group, Name: key.name, Of: key.of, From: n.from, By: n.by,
			First: n.first, Last: n.last, PerSecond: slices.Clone(n.perSecond),
		})
	}
	slices.SortFunc(moved, func(a, b capture.Moved) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
	})
	if len(moved) <= mostMoved {
		return moved, 0
	}
	omitted = len(moved) - mostMoved
	telling := moved[:0:0]
	for _, loss := range []bool{true, false} {
		for _, m := range moved {
			if tellsOfLoss(m.Group, m.Name) == loss && len(telling) < mostMoved {
				telling = append(telling, m)
			}
		}
	}
	return telling, omitted
}

// lost lists the counters that tell of losses and moved, most first.
func (c *counters) lost() []capture.Moved {
	var lost []capture.Moved
	for key, n := range c.all {
		if n.by > 0 && tellsOfLoss(key.group, key.name) {
			lost = append(lost, capture.Moved{Group: key.group, Name: key.name, Of: key.of,
				From: n.from, By: n.by, First: n.first, Last: n.last})
		}
	}
	slices.SortFunc(lost, func(a, b capture.Moved) int {
		return cmp.Or(cmp.Compare(b.By, a.By), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
	})
	return lost[:min(len(lost), mostLost)]
}

// lossWords are parts of the names, in lower case, of counters that tell of losses.
var lossWords = []string{"drop", "err", "fail", "overflow", "full", "discard", "miss", "fifo", "overrun", "noroute",
	"noport", "rpfilter", "reversepath", "exceed", "prune", "no_buf", "no_dma", "out_of_buf", "oob", "crc", "fcs",
	"timeout", "invalid", "inpolblock", "innopols", "retranssegs", "truncated", "unknownproto"}

// tellsOfLoss is whether a counter that moves tells of losses by its name.
func tellsOfLoss(group, name string) bool {
	if group == "nic-ring" || group == "nic-wire" || group == "nic-cloud" || group == "nic-xdp" {
		return true
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(lossWords, func(w string) bool { return strings.Contains(name, w) })
}
