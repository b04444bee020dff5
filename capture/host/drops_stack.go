package host

import (
	"slices"
	"strings"
)

// stackDepth is that of bpf/drop.bpf.c: deep enough to see the system call
// below a packet that the stack of a virtual network turned around once.
const stackDepth = 40

// hooks are the callers of nf_hook_slow, and the hook of netfilter that each is.
// Of IPv6, the names are those of the source, net/ipv6/ip6_input.c and ip6_output.c.
var hooks = map[string]string{
	"ip_rcv": "PREROUTING", "ipv6_rcv": "PREROUTING", "ip_sublist_rcv": "PREROUTING", "ipv6_list_rcv": "PREROUTING",
	"ip_local_deliver": "INPUT", "ip6_input": "INPUT",
	"ip_forward": "FORWARD", "ip6_forward": "FORWARD",
	"__ip_local_out": "OUTPUT", "__ip6_local_out": "OUTPUT", "ip6_xmit": "OUTPUT",
	"ip_output": "POSTROUTING", "ip_mc_output": "POSTROUTING", "ip6_output": "POSTROUTING",
	"arp_rcv": "INPUT", "arp_xmit": "OUTPUT",
}

// telling are functions that say more than the one that freed the packet.
var telling = []string{
	"nft_do_chain", "ipt_do_table", "ip6t_do_table", "nf_conntrack_in", "do_xdp_generic", "tcf_classify",
	"__xfrm_policy_check", "sk_filter_trim_cap",
}

// hookOf tells from the stack in which hook of netfilter a packet died, and
// through which other function, the innermost being first in the stack.
func hookOf(reason, function string, stack []string) (hook, via string) {
	for _, name := range telling {
		if name != function && slices.Contains(stack, name) {
			via = name
			break
		}
	}
	if reason != "NETFILTER_DROP" {
		return "", via
	}
	for i, name := range stack {
		if name == "nft_do_chain_netdev" || name == "nft_do_chain_inet_ingress" {
			return deviceHook(stack[i+1:]), via
		}
	}
	for i, name := range stack {
		if strings.HasPrefix(name, "nf_hook_slow") {
			for _, caller := range stack[i+1:] {
				if h := hooks[caller]; h != "" {
					return h, via
				}
			}
		}
	}
	return "", via
}

// deviceHook is the hook of an interface that called: net/core/dev.c.
func deviceHook(callers []string) string {
	for _, name := range callers {
		switch {
		case name == "__dev_queue_xmit":
			return "EGRESS"
		case strings.HasPrefix(name, "__netif_receive_skb"):
			return "INGRESS"
		}
	}
	return ""
}

// fromSystemCall says whether a stack is that of a system call, and not that of
// an interrupt that happened to come in the meantime: only then is the current
// process the one that sent.
func fromSystemCall(stack []string) bool {
	called := false
	for _, name := range stack {
		switch name {
		case "handle_softirqs", "__do_softirq", "net_rx_action", "run_timer_softirq":
			return false
		case "do_syscall_64", "do_syscall_x64", "x64_sys_call", "el0_svc", "invoke_syscall", "do_el0_svc":
			called = true
		}
	}
	return called
}
