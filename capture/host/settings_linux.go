package host

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"whydrop/capture"
)

// sysctls explain losses. Those of a namespace, and those of the host that it shows.
var sysctls = []string{
	"net.core.rmem_default", "net.core.rmem_max", "net.core.wmem_default", "net.core.wmem_max",
	"net.core.somaxconn", "net.core.netdev_max_backlog", "net.core.netdev_budget", "net.core.netdev_budget_usecs",
	"net.core.dev_weight", "net.core.optmem_max",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_mem", "net.ipv4.udp_mem", "net.ipv4.udp_rmem_min",
	"net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_abort_on_overflow",
	"net.ipv4.tcp_synack_retries", "net.ipv4.tcp_timestamps", "net.ipv4.tcp_mtu_probing",
	"net.ipv4.ip_no_pmtu_disc", "net.ipv4.ip_forward", "net.ipv4.icmp_ratelimit", "net.ipv4.icmp_msgs_per_sec",
	"net.ipv4.ipfrag_high_thresh", "net.ipv4.ipfrag_low_thresh", "net.ipv4.ipfrag_time", "net.ipv4.ipfrag_max_dist",
	"net.ipv6.ip6frag_high_thresh", "net.ipv6.ip6frag_time",
	"net.ipv4.conf.all.rp_filter", "net.ipv4.conf.all.log_martians", "net.ipv4.conf.all.accept_local",
	"net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.disable_ipv6",
	"net.ipv4.neigh.default.gc_thresh1", "net.ipv4.neigh.default.gc_thresh2", "net.ipv4.neigh.default.gc_thresh3",
	"net.ipv6.neigh.default.gc_thresh3",
	"net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_buckets", "net.netfilter.nf_conntrack_tcp_be_liberal",
}

// linkSysctls are those of every interface, with the place of its name.
var linkSysctls = []string{
	"net.ipv4.conf.IF.rp_filter", "net.ipv4.conf.IF.forwarding", "net.ipv4.conf.IF.accept_local",
	"net.ipv4.neigh.IF.unres_qlen_bytes", "net.ipv6.conf.IF.forwarding", "net.ipv6.conf.IF.disable_ipv6",
}

// sysctl reads a setting of the namespace of this thread. A dot in the name of an
// interface is written as a slash, as sysctl(8) has it.
func sysctl(name string) (string, bool) {
	path := []byte("/proc/sys/" + name)
	for i := len("/proc/sys/"); i < len(path); i++ {
		switch path[i] {
		case '.':
			path[i] = '/'
		case '/':
			path[i] = '.'
		}
	}
	text, err := os.ReadFile(string(path))
	return strings.Join(strings.Fields(string(text)), " "), err == nil
}

// settings lists everything that is set, and the most that was in use.
func (e *eye) settings() []capture.Setting {
	all := []capture.Setting{}
	names := slices.Clone(sysctls)
	for _, k := range e.nics.watched(e) {
		for _, name := range linkSysctls {
			names = append(names, strings.Replace(name, "IF", strings.ReplaceAll(k.Name, ".", "/"), 1))
		}
	}
	for _, name := range names {
		if value, ok := sysctl(name); ok {
			all = append(all, capture.Setting{Name: name, Value: value})
		}
	}
	all = append(all, e.nics.settings(e)...)
	return append(all, e.links.queueSettings()...)
}

// inUse is the most that was in use of what has a limit, at any look.
func (e *eye) inUse() (all []capture.Setting) {
	limit := func(name string, column int) string {
		value, _ := sysctl(name)
		if words := strings.Fields(value); column < len(words) {
			return words[column]
		}
		return ""
	}
	for _, of := range []struct{ name, of, limit string }{
		{"udp memory in use", "UDP mem", limit("net.ipv4.udp_mem", 2)},
		{"tcp memory in use", "TCP mem", limit("net.ipv4.tcp_mem", 2)},
		{"tcp orphans in use", "TCP orphan", limit("net.ipv4.tcp_max_orphans", 0)},
		{"ipfrag memory in use", "FRAG memory", limit("net.ipv4.ipfrag_high_thresh", 0)},
		{"ip6frag memory in use", "FRAG6 memory", limit("net.ipv6.ip6frag_high_thresh", 0)},
		{"conntrack entries in use", "conntrack count", limit("net.netfilter.nf_conntrack_max", 0)},
	} {
		if most, known := e.memory[of.of]; known {
			all = append(all, capture.Setting{Name: of.name, Value: strconv.FormatUint(most, 10), Most: of.limit})
		}
	}
	return all
}

// countConntrack looks at how full the table of connections is.
func (e *eye) countConntrack() {
	if text, ok := sysctl("net.netfilter.nf_conntrack_count"); ok {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			e.use("conntrack", "count", n)
		}
	}
}

// queueSettings are the parameters of the queueing disciplines that limit.
func (l *links) queueSettings() (all []capture.Setting) {
	if l.handle == nil {
		return nil
	}
	queues, _ := l.handle.QdiscList(nil)
	for _, q := range queues {
		a := q.Attrs()
		if name := l.name(a.LinkIndex); name != "" {
			value := strings.TrimSpace(q.Type() + " " + queueParameters(q))
			all = append(all, capture.Setting{Name: name + " qdisc " + queueName(a), Value: value})
		}
	}
	for _, k := range l.known {
		if !k.gone {
			all = append(all, capture.Setting{Name: k.Name + " txqueuelen", Value: strconv.Itoa(k.queueLength)})
		}
	}
	slices.SortFunc(all, func(a, b capture.Setting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// queueParameters are the limits of a queueing discipline, in the words of tc(8).
func queueParameters(q netlink.Qdisc) string {
	const bits = 8
	switch q := q.(type) {
	case *netlink.Tbf:
		return fmt.Sprintf("rate %dbit limit %db", q.Rate*bits, q.Limit)
	case *netlink.Fq:
		return fmt.Sprintf("limit %dp flow_limit %dp", q.PacketLimit, q.FlowPacketLimit)
	case *netlink.FqCodel:
		return fmt.Sprintf("limit %dp target %dus", q.Limit, q.Target)
	case *netlink.Netem:
		return fmt.Sprintf("limit %dp loss %d", q.Limit, q.Loss)
	case *netlink.Htb:
		return fmt.Sprintf("default %x", q.Defcls)
	}
	return ""
}
