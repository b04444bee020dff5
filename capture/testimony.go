package capture

import "net/netip"

// A Testimony is what the kernel of the capturing host said about packets while
// a capture was taken: its drop events, what its counters moved by, its firewall
// rules, its sockets, and the settings that explain them. It belongs to one
// network namespace and speaks about nothing outside it.
//
// It travels with the capture: a live source hands it out in Input.Testimony at
// its end, and a pcapng file keeps it in a custom block (package pcapfile), so
// that a file gives the verdict that the live run gave.
type Testimony struct {
	Kernel     string      `json:"kernel"`     // release, as of uname
	Start      int64       `json:"start"`      // ns since the epoch: the first look at the counters
	End        int64       `json:"end"`        // the last one
	Captured   []string    `json:"captured"`   // names of the interfaces of the capture
	CPUs       int         `json:"cpus"`       // of the host
	Filter     string      `json:"filter"`     // the expression of the capture, or ""
	Links      []Link      `json:"links"`      // of the namespace
	Absent     []Absent    `json:"absent"`     // what could not be had
	Drops      []Drop      `json:"drops"`      // drop events of the kernel, summed up
	DropsLost  uint64      `json:"drops_lost"` // events that no longer fitted into the tables of the kernel
	Moved      []Moved     `json:"moved"`      // counters that moved
	Rules      []Rule      `json:"rules"`      // of the firewall: those that drop, reject, or moved
	Sockets    []Socket    `json:"sockets"`    // of the flows of the capture, and those that lost
	Settings   []Setting   `json:"settings"`   // sysctls and device settings that explain losses
	Neighbours []Neighbour `json:"neighbours"` // not reachable, or with an address that changed
	Paths      []PathMTU   `json:"paths"`      // of which ICMP errors told this host what they take
	Events     []HostEvent `json:"events"`     // link down and up, and the like
}

// An Absent is evidence that could not be had, and what that costs the verdict.
type Absent struct {
	What  string `json:"what"`  // "kernel drop events", "firewall rules", …
	Why   string `json:"why"`   // "needs CAP_BPF and CAP_PERFMON"
	Costs string `json:"costs"` // "drops of netfilter without a counter cannot be proven"
}

// A Link is a network interface of the host.
type Link struct {
	Name      string         `json:"name"`
	Index     int            `json:"index"`
	Kind      string         `json:"kind"`   // "veth", "bridge", … or ""
	Driver    string         `json:"driver"` // or ""
	MAC       string         `json:"mac"`
	MTU       int            `json:"mtu"`
	Addresses []netip.Prefix `json:"addresses"`
}

// A Drop sums up the kernel's drop events (tracepoint skb:kfree_skb) that have
// everything but time in common.
type Drop struct {
	Reason    string         `json:"reason"`   // name in enum skb_drop_reason without SKB_DROP_REASON_
	Function  string         `json:"function"` // that freed the packet, without its suffix; "" = no symbols
	Hook      string         `json:"hook"`     // of netfilter, from the stack: PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING; or ""
	Via       string         `json:"via"`      // other telling function of the stack: "nft_do_chain", …; or ""
	Interface string         `json:"interface"`
	Inbound   string         `json:"inbound"` // the interface that it came in by; "" = sent by this host
	EtherType uint16         `json:"ether_type"`
	Src       netip.AddrPort `json:"src"` // port: 0, or of ICMP the type
	Dst       netip.AddrPort `json:"dst"` // port: 0, or of ICMP the code
	Protocol  uint8          `json:"protocol"`
	Events    uint64         `json:"events"`  // packets of the kernel, maybe super-frames
	Packets   uint64         `json:"packets"` // wire packets: the sum of gso_segs
	Octets    uint64         `json:"octets"`
	Empty     uint64         `json:"empty"`   // events without payload
	Taken     string         `json:"taken"`   // whether the capture's filter takes it: "yes", "no", "" = not known
	First     int64          `json:"first"`   // ns since the epoch
	Last      int64          `json:"last"`    //
	Process   *Process       `json:"process"` // that sent it, if it was sent from its context
	Samples   []DropSample   `json:"samples"` // the first of them
}

// A DropSample is one drop event, and the captured frame that it was.
type DropSample struct {
	Time  int64  `json:"time"`  // ns since the epoch
	Frame uint64 `json:"frame"` // number of the captured frame in the whole capture; 0 = none was found
	File  uint16 `json:"-"`     // of the input that holds it, once that is known; Frame is then its number there
	After int64  `json:"after"` // ns from the capture of the frame to the drop
	Seq   uint32 `json:"seq"`   // TCP
	ID    uint16 `json:"id"`    // IPv4
	Octet uint32 `json:"octets"`
	Segs  uint16 `json:"segs"` // wire packets
	Flags uint8  `json:"flags"`
}

// A Moved is a counter of the kernel that moved during the capture.
type Moved struct {
	Group     string   `json:"group"` // "snmp", "snmp6", "netstat", "softnet", "link", "qdisc", "conntrack", "xfrm", "arp", "ndisc", "qstats"; of ethtool -S: "nic-ring" (no buffer), "nic-wire" (damaged on the wire), "nic-cloud" (a limit of the provider), "nic-xdp", "ethtool" (any other)
	Name      string   `json:"name"`  // as the kernel spells it: "Udp.RcvbufErrors", "rx_dropped", "drops"
	Of        string   `json:"of"`    // interface, "interface qdisc handle", "cpu 1", socket; or ""
	From      uint64   `json:"from"`
	By        uint64   `json:"by"`
	First     int64    `json:"first"`                // ns: it stood still until then
	Last      int64    `json:"last"`                 // ns: it had its last value from then on
	PerSecond []uint32 `json:"per_second,omitempty"` // from First on, of at most ten minutes
}

// A Rule is one of the firewall.
type Rule struct {
	Family  string `json:"family"` // "inet", "ip", "ip6", "netdev", …; of iptables "ip" and "ip6"
	Table   string `json:"table"`
	Chain   string `json:"chain"`
	Hook    string `json:"hook"`   // of its base chain: INPUT, …; or ""
	Handle  uint64 `json:"handle"` // 0 of a policy, and of iptables-legacy
	Number  int    `json:"number"` // position in its chain, from 1; 0 of a policy
	Text    string `json:"text"`   // as nft or iptables would print it; or ""
	Verdict string `json:"verdict"`
	Legacy  bool   `json:"legacy"`  // of iptables-legacy
	Counted bool   `json:"counted"` // it has a counter
	Traced  uint64 `json:"traced"`  // packets that --trace-rules saw it drop
	Packets uint64 `json:"packets"` // that it matched during the capture
	Octets  uint64 `json:"octets"`
}

// A Socket is one of this host, as of the end of the capture or its own.
type Socket struct {
	Protocol uint8          `json:"protocol"`
	Local    netip.AddrPort `json:"local"`  // of a raw socket, port 0
	Remote   netip.AddrPort `json:"remote"` // zero of one that listens
	State    string         `json:"state"`  // "LISTEN", "ESTAB", "UNCONN", …
	Inode    uint64         `json:"inode"`
	Process  *Process       `json:"process"`
	Queue    uint64         `json:"queue"`     // octets of memory that its receive queue takes: sk_rmem_alloc; of a listener, connections
	MostQ    uint64         `json:"most_q"`    // the most that was seen
	Buffer   uint64         `json:"buffer"`    // the limit of that: sk_rcvbuf; of a listener, the backlog
	SendQ    uint64         `json:"send_q"`    // octets in the send queue
	SendBuf  uint64         `json:"send_buf"`  // sk_sndbuf
	Drops    uint64         `json:"drops"`     // sk_drops during the capture
	Full     int            `json:"full"`      // looks at which its queue was full, or its window closed
	Looks    int            `json:"looks"`     // how often it was looked at
	Retrans  uint64         `json:"retrans"`   // TCP_INFO tcpi_total_retrans during the capture
	PeerFull int64          `json:"peer_full"` // ns that the peer's window held it up: tcpi_rwnd_limited
}

// A Process is one of this host.
type Process struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
	State   string `json:"state"`   // "running", "sleeping", "disk", "stopped", …; or "". Of a full socket, while it was full
	Channel string `json:"channel"` // kernel function in which it sleeps, or ""
	CPU     int    `json:"cpu"`     // on which it last ran
	Busy    int    `json:"busy"`    // percent of the capture that it was on a CPU, -1 = unknown
}

// A Setting is a sysctl or a setting of a device.
type Setting struct {
	Name  string `json:"name"` // "net.core.rmem_max", "eth0 rx ring", …
	Value string `json:"value"`
	Most  string `json:"most"` // what the device allows; or ""
}

// A Neighbour is an entry of the neighbour table.
type Neighbour struct {
	Addr      netip.Addr `json:"addr"`
	Interface string     `json:"interface"`
	State     string     `json:"state"` // "FAILED", "INCOMPLETE", …
	MACs      []string   `json:"macs"`  // that it had during the capture
}

// A PathMTU is what an ICMP error told this host of the way to a destination, by
// whatever interface the error came.
type PathMTU struct {
	To        netip.Addr `json:"to"`
	MTU       int        `json:"mtu"`
	Interface string     `json:"interface"` // by which the way leads
	Learnt    int64      `json:"learnt"`    // ns since the epoch
}

// A HostEvent is something that befell the host.
type HostEvent struct {
	Time int64  `json:"time"`
	What string `json:"what"` // "link-down", "link-up", "interface-gone"
	Of   string `json:"of"`
}
