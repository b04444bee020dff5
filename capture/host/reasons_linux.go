package host

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Drop reasons are renumbered from kernel to kernel, by stable releases and by
// distributions. Nothing here knows a number: names come from the BTF of the
// running kernel, and knowledge is keyed by name.

// A reasonNames knows the drop reasons of the running kernel.
type reasonNames struct {
	names   map[uint32]string
	numbers map[string]uint32
}

// subsystems are users of the upper 16 bits of a reason, by the prefix of their
// number in enum skb_drop_reason_subsys, with the enum that names the lower half
// and the module that has it (include/net/dropreason.h).
var subsystems = []struct{ subsystem, enum, module, prefix string }{
	{"SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE", "mac80211_drop_reason", "mac80211", "RX_DROP_"},
	{"SKB_DROP_REASON_SUBSYS_OPENVSWITCH", "ovs_drop_reason", "openvswitch", "OVS_DROP_"},
}

const (
	reasonPrefix   = "SKB_DROP_REASON_"
	subsystemShift = 16
)

// readReasons reads the reasons from a kernel's types.
func readReasons(spec *btf.Spec) (*reasonNames, error) {
	var enum *btf.Enum
	if err := spec.TypeByName("skb_drop_reason", &enum); err != nil {
		return nil, fmt.Errorf("enum skb_drop_reason: %w", err)
	}
	r := &reasonNames{names: map[uint32]string{}, numbers: map[string]uint32{}}
	r.add(enum, reasonPrefix)
	var subs *btf.Enum
	if err := spec.TypeByName("skb_drop_reason_subsys", &subs); err != nil {
		return r, nil // before 6.4
	}
	for _, s := range subsystems {
		var lower *btf.Enum
		module, err := btf.LoadKernelModuleSpec(s.module)
		if err != nil || module.TypeByName(s.enum, &lower) != nil {
			if spec.TypeByName(s.enum, &lower) != nil {
				continue // not there: its reasons cannot come
			}
		}
		for _, v := range subs.Values {
			if v.Name == s.subsystem {
				r.add(lower, s.prefix)
			}
		}
	}
	return r, nil
}

// add takes the values of an enum. Those of subsystems hold the upper half already.
func (r *reasonNames) add(enum *btf.Enum, prefix string) {
	for _, v := range enum.Values {
		n, name := uint32(v.Value), strings.TrimPrefix(v.Name, prefix)
		if name == "MAX" || name == "SUBSYS_MASK" || strings.HasPrefix(name, "__") {
			continue
		}
		if _, known := r.names[n]; !known {
			r.names[n] = name
		}
		r.numbers[name] = n
	}
}

// name returns the name of a reason; of one that nobody names, its number.
func (r *reasonNames) name(n uint32) string {
	if name, ok := r.names[n]; ok {
		return name
	}
	if sub := n >> subsystemShift; sub != 0 {
		return fmt.Sprintf("SUBSYSTEM_%d_%d", sub, n&(1<<subsystemShift-1))
	}
	return "REASON_" + strconv.FormatUint(uint64(n), 10)
}

// number returns the number of a reason; of one that this kernel does not have,
// one that never comes.
func (r *reasonNames) number(name string) uint32 {
	if n, ok := r.numbers[name]; ok {
		return n
	}
	return ^uint32(0)
}

// innocent are reasons that are never a loss: what was not for this host, what
// is no network, copies for sockets of captures. A name that ends in an
// underscore stands for all that begin with it.
var innocent = []string{
	"NOT_DROPPED_YET", "CONSUMED", "UNIX_", "CAN_", "CANFD_", "CANXL_", "OTHERHOST", "IPV6DISABLED",
	"IPV6_NDISC_NS_OTHERHOST", "UNHANDLED_PROTO", "PACKET_SOCK_ERROR", "ARP_PVLAN_DISABLE", "MAC_IEEE_MAC_CONTROL",
}

// noise returns the innocent reasons as a mask.
func (r *reasonNames) noise() [4]uint64 {
	var mask [4]uint64
	for n, name := range r.names {
		if n < 256 && isInnocent(name) {
			mask[n/64] |= 1 << (n % 64)
		}
	}
	return mask
}

func isInnocent(name string) bool {
	name = strings.TrimPrefix(name, "SKB_") // SKB_CONSUMED, SKB_NOT_DROPPED_YET have no prefix of reasons
	for _, i := range innocent {
		if name == i || strings.HasSuffix(i, "_") && strings.HasPrefix(name, i) {
			return true
		}
	}
	return false
}

// innocentAt are functions that throw away, without a reason, what was not for
// this host: multicast that nobody joined, IPv6 where it is off, vsock.
var innocentAt = map[string]bool{
	"ip6_mc_input": true, "ip6_rcv_core": true, "virtio_transport_recv_pkt": true,
}

// isNoise says whether a drop is no loss, by what only user space can know.
func isNoise(reason, function string, protocol uint8) bool {
	const igmp = 2
	if reason != "NOT_SPECIFIED" {
		return isInnocent(reason)
	}
	return innocentAt[function] || function == "ip_rcv_finish_core" && protocol == igmp
}
