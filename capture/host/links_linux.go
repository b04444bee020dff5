package host

import (
	"context"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// mostLinks bounds the interfaces that are watched; those captured come first.
	mostLinks = 1024

	// mostEvents bounds the events that are reported.
	mostEvents = 1024

	// waitingUpdates is how many changes may wait for the witness while it looks.
	waitingUpdates = 256
)

// links are the network interfaces of the namespace, and their queues.
type links struct {
	handle  *netlink.Handle // nil = cannot be had
	updates chan netlink.LinkUpdate
	known   map[int]*link
	events  []capture.HostEvent
}

// A link is an interface over the looks at it.
type link struct {
	capture.Link
	up          bool // carries packets
	gone        bool
	queueLength int
}

// openLinks opens the socket that lists them, and the one that tells of changes.
func openLinks(ctx context.Context, e *eye) *links {
	l := &links{known: make(map[int]*link)}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		e.lacks("counters of interfaces and queues", err.Error(),
			"losses in drivers and queueing disciplines cannot be told")
		return l
	}
	l.handle = h
	l.updates = make(chan netlink.LinkUpdate, waitingUpdates)
	ignore := func(error) {} // what a lost message said, the next look shows
	if netlink.LinkSubscribeWithOptions(l.updates, ctx.Done(), netlink.LinkSubscribeOptions{ErrorCallback: ignore}) != nil {
		l.updates = nil // each look shows most of it
	}
	return l
}

// look lists them with their counters, and the queueing disciplines with theirs.
func (l *links) look(now int64, e *eye) {
	if l.handle == nil {
		return
	}
	all, err := l.handle.LinkList()
	if err != nil && len(all) == 0 {
		return
	}
	seen := make(map[int]bool, len(all))
	for _, found := range all {
		a := found.Attrs()
		if !l.note(now, found.Type(), a) {
			continue
		}
		seen[a.Index] = true
		if s := a.Statistics; s != nil {
			for _, c := range linkCounters {
				e.counters.see("link", a.Name, c.name, c.of(s), true)
			}
		}
	}
	for index, k := range l.known {
		if !seen[index] && !k.gone {
			k.gone = true
			l.event(now, "interface-gone", k.Name)
		}
	}
	l.queues(e)
}

// note keeps what a link is, and tells of its changes. It refuses those too many.
func (l *links) note(now int64, kind string, a *netlink.LinkAttrs) bool {
	up := a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP != 0
	k := l.known[a.Index]
	if k == nil {
		if len(l.known) >= mostLinks {
			return false
		}
		k = &link{up: up}
		l.known[a.Index] = k
	}
	if k.up != up {
		l.event(now, map[bool]string{true: "link-up", false: "link-down"}[up], a.Name)
	}
	if k.MTU != 0 && k.MTU != a.MTU {
		l.event(now, "mtu-changed", a.Name)
	}
	if kind == "device" { // vishvananda/netlink's word for none
		kind = ""
	}
	k.up, k.gone, k.queueLength = up, false, a.TxQLen
	k.Name, k.Index, k.Kind, k.MAC, k.MTU = a.Name, a.Index, kind, a.HardwareAddr.String(), a.MTU
	return true
}

// changed takes a change that the kernel told of between two looks.
func (l *links) changed(now int64, u netlink.LinkUpdate) {
	if u.Link == nil {
		return
	}
	a := u.Attrs()
	if u.Header.Type == unix.RTM_DELLINK {
		if k := l.known[a.Index]; k != nil && !k.gone && k.Name == a.Name {
			k.gone = true
			l.event(now, "interface-gone", a.Name)
		}
		return
	}
	l.note(now, u.Type(), a)
}

func (l *links) event(now int64, what, of string) {
	if len(l.events) < mostEvents {
		l.events = append(l.events, capture.HostEvent{Time: now, What: what, Of: of})
	}
}

// name is that of the interface with an index.
func (l *links) name(index int) string {
	if k := l.known[index]; k != nil {
		return k.Name
	}
	return ""
}

// queues looks at the counters of the queueing disciplines.
func (l *links) queues(e *eye) {
	all, err := l.handle.QdiscList(nil)
	if err != nil {
		return
	}
	for _, q := range all {
		a := q.Attrs()
		k := l.known[a.LinkIndex]
		if k == nil || a.Statistics == nil {
			continue
		}
		of := k.Name + " " + q.Type() + " " + queueName(a)
		if b := a.Statistics.Basic; b != nil {
			e.counters.see("qdisc", of, "packets", uint64(b.Packets), true)
		}
		if s := a.Statistics.Queue; s != nil {
			e.counters.see("qdisc", of, "drops", uint64(s.Drops), true)
			e.counters.see("qdisc", of, "overlimits", uint64(s.Overlimits), true)
			e.counters.see("qdisc", of, "requeues", uint64(s.Requeues), true)
		}
	}
}

// queueName is the handle of a queueing discipline, or, where it has none, its
// place: the kernel gives the queues of a card, below mq, no handles.
func queueName(a *netlink.QdiscAttrs) string {
	if a.Handle == 0 && a.Parent != netlink.HANDLE_ROOT {
		return "parent " + netlink.HandleStr(a.Parent)
	}
	return netlink.HandleStr(a.Handle)
}

// list describes them, with their addresses.
func (l *links) list() []capture.Link {
	list := []capture.Link{}
	for _, k := range l.known {
		list = append(list, k.Link)
	}
	slices.SortFunc(list, func(a, b capture.Link) int { return a.Index - b.Index })
	if l.handle == nil {
		return list
	}
	addresses, _ := l.handle.AddrList(nil, netlink.FAMILY_ALL)
	for _, a := range addresses {
		i := slices.IndexFunc(list, func(k capture.Link) bool { return k.Index == a.LinkIndex })
		ip, ok := netip.AddrFromSlice(a.IP)
		if i < 0 || !ok {
			continue
		}
		ones, _ := a.Mask.Size()
		list[i].Addresses = append(list[i].Addresses, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return list
}

func (l *links) close() {
	if l.handle != nil {
		l.handle.Close()
	}
}

// A linkCounter is one of struct rtnl_link_stats64, and its name in the kernel.
type linkCounter struct {
	name string
	of   func(*netlink.LinkStatistics) uint64
}

var linkCounters = []linkCounter{
	{"rx_packets", func(s *netlink.LinkStatistics) uint64 { return s.RxPackets }},
	{"tx_packets", func(s *netlink.LinkStatistics) uint64 { return s.TxPackets }},
	{"rx_bytes", func(s *netlink.LinkStatistics) uint64 { return s.RxBytes }},
	{"tx_bytes", func(s *netlink.LinkStatistics) uint64 { return s.TxBytes }},
	{"rx_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxErrors }},
	{"tx_errors", func(s *netlink.LinkStatistics) uint64 { return s.TxErrors }},
	{"rx_dropped", func(s *netlink.LinkStatistics) uint64 { return s.RxDropped }},
	{"tx_dropped", func(s *netlink.LinkStatistics) uint64 { return s.TxDropped }},
	{"collisions", func(s *netlink.LinkStatistics) uint64 { return s.Collisions }},
	{"rx_length_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxLengthErrors }},
	{"rx_over_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxOverErrors }},
	{"rx_crc_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxCrcErrors }},
	{"rx_frame_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxFrameErrors }},
	{"rx_fifo_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxFifoErrors }},
	{"rx_missed_errors", func(s *netlink.LinkStatistics) uint64 { return s.RxMissedErrors }},
	{"tx_aborted_errors", func(s *netlink.LinkStatistics) uint64 { return s.TxAbortedErrors }},
	{"tx_carrier_errors", func(s *netlink.LinkStatistics) uint64 { return s.TxCarrierErrors }},
	{"tx_fifo_errors", func(s *netlink.LinkStatistics) uint64 { return s.TxFifoErrors }},
	{"tx_window_errors", func(s *netlink.LinkStatistics) uint64 { return s.TxWindowErrors }},
}
