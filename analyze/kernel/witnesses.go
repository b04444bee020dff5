package kernel

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/capture"
)

// CauseOf is what a rule of the firewall does to a packet.
func CauseOf(r *capture.Rule) cause.ID {
	switch {
	case strings.HasPrefix(r.Verdict, "reject"):
		return cause.FirewallReject
	case hasWord(strings.NewReplacer("{", " ", "}", " ", ",", " ").Replace(r.Text), "invalid"):
		return cause.ConntrackInvalid
	}
	return cause.FirewallDrop
}

// SocketOf is the socket that was to receive the packets of d, or nil.
func SocketOf(d *capture.Drop, t *capture.Testimony) *capture.Socket {
	var best *capture.Socket
	rank := 0
	for i := range t.Sockets {
		s := &t.Sockets[i]
		if s.Protocol != d.Protocol || s.Local.Port() != d.Dst.Port() || !receives(s.Local.Addr(), d.Dst.Addr()) {
			continue
		}
		r := 1
		if s.Remote.IsValid() && s.Remote.Port() != 0 {
			if s.Remote.Port() != d.Src.Port() || s.Remote.Addr().Unmap() != d.Src.Addr().Unmap() {
				continue
			}
			r = 3 // connected to the sender
		} else if s.Local.Addr().Unmap() == d.Dst.Addr().Unmap() {
			r = 2
		}
		if r > rank || r == rank && s.Drops > best.Drops {
			best, rank = s, r
		}
	}
	return best
}

// receives reports whether a socket bound to local takes packets to addr.
func receives(local, addr netip.Addr) bool {
	return !local.IsValid() || local.IsUnspecified() || local.Unmap() == addr.Unmap()
}

// NotReading reports whether the program of s did not keep up: its queue was full
// at most looks, not for a burst that its buffer could not hold.
func NotReading(s *capture.Socket) bool {
	return s != nil && s.Looks >= 2 && s.Full*2 > s.Looks
}

// Loser is the one socket of a protocol that dropped something; nil if there are none, or
// several.
func Loser(t *capture.Testimony, protocol uint8) (only *capture.Socket) {
	for i := range t.Sockets {
		s := &t.Sockets[i]
		if s.Protocol != protocol || s.Drops == 0 {
			continue
		}
		if only != nil {
			return nil
		}
		only = s
	}
	return only
}

// counters are the counters that move by one for each packet of a cause. A group
// without a name is all of its counters: package host has sorted the names of drivers.
var counters = map[cause.ID][]struct{ group, name string }{
	cause.UDPChecksum:      {{"snmp", "Udp.InCsumErrors"}, {"snmp6", "Udp6InCsumErrors"}, {"snmp", "UdpLite.InCsumErrors"}},
	cause.TCPChecksum:      {{"snmp", "Tcp.InCsumErrors"}},
	cause.ICMPChecksum:     {{"snmp", "Icmp.InCsumErrors"}, {"snmp6", "Icmp6InCsumErrors"}},
	cause.IPChecksum:       {{"netstat", "IpExt.InCsumErrors"}},
	cause.NoSocket:         {{"snmp", "Udp.NoPorts"}, {"snmp6", "Udp6NoPorts"}, {"snmp", "Ip.InUnknownProtos"}},
	cause.UDPReceiveBuffer: {{"snmp", "Udp.RcvbufErrors"}, {"snmp6", "Udp6RcvbufErrors"}},
	cause.SlowApplication:  {{"snmp", "Udp.RcvbufErrors"}, {"snmp6", "Udp6RcvbufErrors"}},
	cause.SocketFilter:     {{"snmp", "Udp.InErrors"}},
	cause.TCPReceiveBuffer: {
		{"netstat", "TcpExt.TCPBacklogDrop"}, {"netstat", "TcpExt.TCPRcvQDrop"}, {"netstat", "TcpExt.TCPZeroWindowDrop"},
		{"netstat", "TcpExt.OfoPruned"}, {"netstat", "TcpExt.TCPOFODrop"}, {"netstat", "TcpExt.RcvPruned"},
	},
	cause.ListenOverflow:  {{"netstat", "TcpExt.ListenOverflows"}, {"netstat", "TcpExt.ListenDrops"}},
	cause.RPFilter:        {{"netstat", "TcpExt.IPReversePathFilter"}},
	cause.ConntrackFull:   {{"conntrack", "drop"}},
	cause.QdiscDrop:       {{"qdisc", "drops"}},
	cause.TCPolicer:       {{"qdisc", "drops"}},
	cause.SoftnetBacklog:  {{"softnet", "dropped"}},
	cause.NICRing:         {{"link", "rx_missed_errors"}, {"link", "rx_fifo_errors"}, {"link", "rx_over_errors"}, {"nic-ring", ""}},
	cause.NICErrors:       {{"link", "rx_crc_errors"}, {"link", "rx_frame_errors"}, {"link", "rx_length_errors"}, {"nic-wire", ""}},
	cause.XDPDrop:         {{"nic-xdp", ""}},
	cause.IPNoRoute:       {{"snmp", "Ip.OutNoRoutes"}, {"netstat", "IpExt.InNoRoutes"}, {"snmp", "Ip.InAddrErrors"}, {"snmp6", "Ip6OutNoRoutes"}, {"snmp6", "Ip6InNoRoutes"}},
	cause.MTUExceeded:     {{"snmp", "Ip.FragFails"}, {"snmp6", "Ip6InTooBigErrors"}},
	cause.TTLExpired:      {{"snmp", "Ip.InHdrErrors"}, {"snmp6", "Ip6InHdrErrors"}},
	cause.FragmentTimeout: {{"snmp", "Ip.ReasmTimeout"}, {"snmp6", "Ip6ReasmTimeout"}},
	cause.XfrmPolicy:      {{"xfrm", "XfrmInPolBlock"}, {"xfrm", "XfrmInNoPols"}, {"xfrm", "XfrmInTmplMismatch"}, {"xfrm", "XfrmOutPolBlock"}},
	cause.MemoryPressure:  {{"snmp", "Udp.MemErrors"}, {"netstat", "TcpExt.PFMemallocDrop"}},
	cause.NeighbourUnresolved: {
		{"arp", "unresolved_discards"}, {"arp", "res_failed"},
	},
}

// Counters are the counters of t that moved and speak of a cause.
func Counters(id cause.ID, t *capture.Testimony) (moved []*capture.Moved) {
	for _, c := range counters[id] {
		for i := range t.Moved {
			m := &t.Moved[i]
			if m.Group == c.group && (m.Name == c.name || c.name == "") && ofCapture(m, t) && (m.Group != "qdisc" || filtersOnly(m) == (id == cause.TCPolicer)) {
				moved = append(moved, m)
			}
		}
	}
	return moved
}

// filtersOnly reports whether m is of a queueing discipline that queues nothing: filters
// are attached to it, and what it drops, they do (net/sched/sch_ingress.c).
func filtersOnly(m *capture.Moved) bool {
	words := strings.Fields(m.Of)
	return len(words) > 1 && (words[1] == "clsact" || words[1] == "ingress")
}

// overlapping are causes whose counters count the same packets in several ways.
var overlapping = []cause.ID{cause.NICRing, cause.NICErrors, cause.XDPDrop, cause.ListenOverflow, cause.TCPReceiveBuffer}

// Counted is how many packets counters of a cause counted together.
func Counted(id cause.ID, moved []*capture.Moved) (n uint64) {
	queues := map[string]uint64{}
	for _, m := range moved {
		switch {
		case m.Group == "qdisc":
			// What a queue drops, those above it count as well
			// (net/sched/sch_api.c:qdisc_tree_reduce_backlog).
			iface, _, _ := strings.Cut(m.Of, " ")
			queues[iface] = max(queues[iface], m.By)
		case slices.Contains(overlapping, id):
			n = max(n, m.By)
		default:
			n += m.By
		}
	}
	for _, most := range queues {
		n += most
	}
	return n
}

// ofCapture reports whether m is not of an interface that the capture does not have.
func ofCapture(m *capture.Moved, t *capture.Testimony) bool {
	if m.Group != "link" && m.Group != "qdisc" && !strings.HasPrefix(m.Group, "nic-") {
		return true
	}
	name, _, _ := strings.Cut(m.Of, " ")
	return Captured(t, name)
}

// Captured reports whether the capture of t was taken on an interface.
func Captured(t *capture.Testimony, name string) bool {
	return slices.Contains(t.Captured, "any") || slices.Contains(t.Captured, name)
}

// Doing says what p was doing, as far as it is known.
func Doing(p *capture.Process) string {
	switch {
	case p.State == "sleeping" && p.Channel != "":
		return "sleeping in " + p.Channel
	case p.State == "disk" && p.Channel != "":
		return "waiting for a disk in " + p.Channel
	case p.State == "running" && p.CPU >= 0:
		return "running on CPU " + strconv.Itoa(p.CPU)
	}
	return p.State
}
