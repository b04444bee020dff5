package host

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// watchedNeighbours bounds the entries of the table that are watched, and
	// mostNeighbours those that are reported.
	watchedNeighbours = 8192
	mostNeighbours    = 512

	// mostMACs bounds those of one neighbour: two make a conflict already.
	mostMACs = 8
)

// neighbours is the table of them, over the looks at it.
type neighbours struct {
	handle  *netlink.Handle // that of the links; nil = cannot be had
	updates chan netlink.NeighUpdate
	known   map[neighbourKey]*neighbour
	looks   int
}

type neighbourKey struct {
	addr  netip.Addr
	index int
}

// A neighbour is one entry.
type neighbour struct {
	state  int
	first  bool // was there at the first look, and did not change since
	failed bool // since
	macs   []string
}

func openNeighbours(ctx context.Context, e *eye) *neighbours {
	n := &neighbours{handle: e.links.handle, known: make(map[neighbourKey]*neighbour)}
	if n.handle == nil {
		e.lacks("neighbour table", "there is no rtnetlink", "that a next hop does not answer is seen on the wire only")
		return n
	}
	n.updates = make(chan netlink.NeighUpdate, waitingUpdates)
	ignore := func(error) {} // what a lost message said, the next look shows
	if netlink.NeighSubscribeWithOptions(n.updates, ctx.Done(), netlink.NeighSubscribeOptions{ErrorCallback: ignore}) != nil {
		n.updates = nil // each look shows most of it
	}
	return n
}

// look lists the table.
func (n *neighbours) look(e *eye) {
	if n.handle == nil {
		return
	}
	all, err := n.handle.NeighList(0, netlink.FAMILY_ALL)
	if err != nil && len(all) == 0 {
		return
	}
	n.looks++
	for i := range all {
		n.note(&all[i])
	}
}

// changed takes a change that the kernel told of between two looks.
func (n *neighbours) changed(u netlink.NeighUpdate) {
	if u.Type == unix.RTM_NEWNEIGH {
		n.note(&u.Neigh)
	}
}

// note keeps the state of an entry, and its addresses.
func (n *neighbours) note(found *netlink.Neigh) {
	addr, ok := netip.AddrFromSlice(found.IP)
	if !ok || found.State&unix.NUD_NOARP != 0 {
		return // of a bridge, or of what needs no resolution
	}
	key := neighbourKey{addr.Unmap(), found.LinkIndex}
	k := n.known[key]
	if k == nil {
		if len(n.known) >= watchedNeighbours {
			return
		}
		k = &neighbour{first: n.looks == 1}
		n.known[key] = k
	} else if found.State != k.state {
		k.first = false
	}
	k.state = found.State
	if k.state&unix.NUD_FAILED != 0 && !k.first {
		k.failed = true
	}
	if mac := found.HardwareAddr.String(); mac != "" && !slices.Contains(k.macs, mac) && len(k.macs) < mostMACs {
		k.macs = append(k.macs, mac)
	}
}

// neighbourStates are the names of ip neighbour.
var neighbourStates = []struct {
	bit  int
	name string
}{
	{unix.NUD_FAILED, "FAILED"}, {unix.NUD_INCOMPLETE, "INCOMPLETE"}, {unix.NUD_REACHABLE, "REACHABLE"},
	{unix.NUD_STALE, "STALE"}, {unix.NUD_DELAY, "DELAY"}, {unix.NUD_PROBE, "PROBE"}, {unix.NUD_PERMANENT, "PERMANENT"},
}

// list is those that did not answer during the capture, and those whose address
// changed. An entry that failed before, and was not tried again, tells nothing.
func (n *neighbours) list(e *eye) []capture.Neighbour {
	list := []capture.Neighbour{}
	for key, k := range n.known {
		waits := k.state&unix.NUD_INCOMPLETE != 0
		if !k.failed && !waits && len(k.macs) < 2 {
			continue
		}
		state := "NONE"
		for _, s := range neighbourStates {
			if k.state&s.bit != 0 {
				state = s.name
				break
			}
		}
		list = append(list, capture.Neighbour{
			Addr: key.addr, Interface: e.links.name(key.index), State: state, MACs: slices.Clone(k.macs),
		})
	}
	slices.SortFunc(list, func(a, b capture.Neighbour) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Addr.Compare(b.Addr))
	})
	return list[:min(len(list), mostNeighbours)]
}
