//go:build linux

package main

import (
	"slices"
	"strings"
)

// A tier is how much of the host's evidence whydrop may have. Its command runs the
// program with so much less.
type tier struct {
	name    string
	command []string
	needs   []string // programs
	absent  []string // what the report must say is not there
	sound   bool     // the line of trust has nothing to say of that
}

const (
	dropEvents = "kernel drop events"
	addresses  = "addresses of kernel drop events"
)

// Tiers: kernel-evidence.md §6f.
var (
	// without type information there is no program to load, but root has the events as text.
	noBTF = tier{
		name: "no BTF", needs: []string{"unshare"}, absent: []string{addresses},
		command: []string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$0" "$@"`},
	}
	// without these capabilities, likewise.
	noBPF = tier{
		name: "no CAP_BPF", needs: []string{"setpriv"}, absent: []string{addresses},
		command: []string{"setpriv", "--bounding-set", "-bpf,-perfmon,-sys_admin"},
	}
	// rawOnly is a user who may capture, and nothing else.
	rawOnly = tier{
		name: "CAP_NET_RAW only", needs: []string{"setpriv"}, absent: []string{dropEvents, "firewall rules"},
		command: strings.Fields("setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all,+net_raw --ambient-caps -all,+net_raw"),
	}
	// hinted is a user with what whydrop itself proposes to give (setcap): all of it.
	hinted = tier{
		name: "capabilities", needs: []string{"setpriv"}, sound: true,
		command: strings.Fields("setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps " + proposed + " --ambient-caps " + proposed),
	}
)

const proposed = "-all,+net_raw,+bpf,+perfmon,+syslog,+net_admin,+sys_ptrace,+dac_read_search"

// tiers are all of them.
func tiers() []*tier { return []*tier{&noBTF, &noBPF, &rawOnly, &hinted} }

// A lesser is a fault that is run with less evidence, and what must be said then: what is
// said may be less, and never more than is true.
type lesser struct {
	tier *tier
	name string // of a fault
	want verdict
}

var lessers = []lesser{
	{&rawOnly, "healthy: UDP, one way", verdict{state: "nothing-lost"}},
	{&rawOnly, "healthy: all of it, behind a firewall, any interface", verdict{state: "nothing-lost"}},
	{&rawOnly, "nft input, counter", verdict{cause: "firewall-drop", locus: "receiver-host", less: "possible"}},
	{&rawOnly, "nft forward", verdict{state: "cannot-tell"}},
	{&rawOnly, "reject, ICMP", verdict{cause: "firewall-reject", locus: "receiver-host", less: "likely"}},
	{&rawOnly, "reject, RST", verdict{cause: "firewall-reject", locus: "receiver-host", less: "likely"}},
	{&rawOnly, "rp_filter, strict", verdict{cause: "rp-filter", locus: "receiver-host", less: "likely"}},
	{&rawOnly, "UDP checksum", verdict{cause: "udp-checksum", locus: "receiver-host", less: "likely"}},
	{&rawOnly, "UDP receive buffer, nobody reads", verdict{cause: "slow-application", locus: "receiver-host", less: "likely", named: []string{port}}},
	{&rawOnly, "accept queue full, SYN", verdict{cause: "listen-overflow", locus: "receiver-host", less: "likely"}},
	{&rawOnly, "qdisc htb and pfifo, UDP", verdict{cause: "qdisc-drop", locus: "sender-host", less: "likely"}},
	{&rawOnly, "softnet backlog", verdict{cause: "softnet-backlog", locus: "receiver-host", less: "likely", beside: []string{"softnet-imbalance"}}},
	{&noBPF, "healthy: all of it, on a router", verdict{state: "nothing-lost"}},
	{&noBPF, "nft input, counter", verdict{cause: "firewall-drop", locus: "receiver-host", less: "likely", named: []string{"nft inet f in, handle "}}},
	{&noBPF, "nft input, no counter", verdict{cause: "firewall-drop", locus: "receiver-host", less: "possible", named: []string{"perhaps nft inet f in, handle "}}},
	{&noBPF, "nft output", verdict{cause: "firewall-drop", locus: "sender-host", less: "likely", named: []string{"nft inet f in, handle "}}},
	{&noBPF, "conntrack, invalid", verdict{cause: "conntrack-invalid", locus: "receiver-host", less: "likely"}},
	{&noBPF, "UDP, nobody listens", verdict{cause: "no-socket", locus: "receiver-host", less: "likely"}},
	{&noBPF, "UDP receive buffer, bursts", verdict{cause: "udp-receive-buffer", locus: "receiver-host", less: "likely", named: []string{myself()}}},
	{&noBPF, "socket filter", verdict{cause: "socket-filter", locus: "receiver-host", less: "possible", named: []string{myself()}}},
	{&noBPF, "tc ingress", verdict{cause: "tc-policer", locus: "unknown", less: "likely"}},
	{&hinted, "nft input, no counter", verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in, handle "}}},
	{&hinted, "UDP receive buffer, bursts", verdict{cause: "udp-receive-buffer", locus: "receiver-host", named: []string{myself()}}},
	{&hinted, "blackhole route", verdict{cause: "ip-no-route", locus: "downstream", named: []string{"192.0.2.1"}}},
	{&noBTF, "healthy: requests, client closes", verdict{state: "nothing-lost"}},
	{&noBTF, "iptables-nft input", verdict{cause: "firewall-drop", locus: "receiver-host", less: "likely", named: []string{"filter INPUT"}}},
	{&noBTF, "TCP checksum, SYN", verdict{cause: "tcp-checksum", locus: "receiver-host", less: "likely"}},
	{&noBTF, "accept queue full, third ACK", verdict{cause: "listen-overflow", locus: "receiver-host", less: "likely", beside: []string{"spurious-retransmission"}}},
}

// withLess are the faults of lessers.
func withLess(all []fault) (less []fault) {
	for _, l := range lessers {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == l.name })
		if i < 0 {
			panic("faults: bug: no fault is called " + l.name)
		}
		f := all[i]
		f.name, f.tier, f.want = l.tier.name+": "+f.name, l.tier, l.want
		f.needs = slices.Concat(f.needs, l.tier.needs)
		less = append(less, f)
	}
	return less
}

// lacks are what s does not say of the evidence that is not there: in the report, and on
// the line of trust of the first screen.
func (t *tier) lacks(s *said) (lacks []string) {
	for _, what := range t.absent {
		told := false
		for _, h := range s.Host {
			for _, a := range h.Absent {
				told = told || a.What == what && a.Why != "" && a.Costs != ""
			}
		}
		if !told {
			lacks = append(lacks, what+" are not said to be absent")
		}
	}
	if !t.sound && !strings.Contains(s.Capture.Trust, "but of this host, the kernel's drop events") {
		lacks = append(lacks, "trusts as if nothing were absent: "+s.Capture.Trust)
	}
	if t.sound && strings.Contains(s.Capture.Trust, "but of this host") {
		lacks = append(lacks, "trusts less than it may: "+s.Capture.Trust)
	}
	return lacks
}
