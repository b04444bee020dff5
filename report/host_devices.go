package report

import (
	"fmt"
	"strings"
)

// device is the interface whose counters moved, else that of the packets.
func (h *hostStep) device() string {
	for _, m := range h.Counters {
		if m.Group == "link" || m.Group == "qdisc" || m.Group == "ethtool" || strings.HasPrefix(m.Group, "nic-") {
			name, _, _ := strings.Cut(m.Of, " ")
			if name = typable(name); name != "" {
				return name
			}
		}
	}
	if d := h.Drop; d != nil && h.iface == d.Inbound && d.Inbound != d.Interface && typable(d.Interface) != "" {
		return d.Interface // on its way out
	}
	return h.iface
}

func (h *hostStep) ring() []string {
	dev := h.device()
	if dev == "" {
		return nil
	}
	for _, s := range h.Of.Settings {
		if s.Name == dev+" rx ring" && s.Most != "" && s.Most != s.Value && typable(s.Most) != "" {
			return []string{
				fmt.Sprintf("Make the ring of %s as large as it may be, now %s (cost: memory, and the link is down for a moment):", dev, untyped(s.Value)),
				asTyped("sudo ethtool -G %s rx %s", dev, s.Most),
			}
		}
	}
	return []string{"See the rings, and make them larger:", asTyped("ethtool -g %s", dev)}
}

func (h *hostStep) damaged() []string {
	if dev := h.device(); dev != "" {
		return []string{"Look for the link or NIC that damages packets; of this host:", asTyped("ethtool -S %s", dev)}
	}
	return nil
}

func (h *hostStep) backlog() []string {
	const name = "net.core.netdev_max_backlog"
	have := h.number(name)
	if have == 0 {
		return nil
	}
	return []string{
		fmt.Sprintf("Spread the packets over more CPUs, or let more of them wait, %s (cost: latency, and memory):", h.now(name)),
		asTyped("sudo sysctl -w %s=%d", name, max(proposedBacklog, 2*have)),
	}
}

func (h *hostStep) queue() []string {
	dev := h.device()
	if dev == "" {
		return nil
	}
	step := "Send more slowly, or raise the rate or the limit of the queue"
	for _, s := range h.Of.Settings {
		if strings.HasPrefix(s.Name, dev+" qdisc ") && s.Value != "" {
			step += ", now " + untyped(s.Value)
			break
		}
	}
	return []string{step + ":", asTyped("tc -s qdisc show dev %s", dev)}
}

func (h *hostStep) policer() []string {
	dev := h.device()
	if dev == "" {
		return nil
	}
	step := []string{"See the filters of the interface, and what they count:"}
	for _, way := range [...]string{"ingress", "egress"} {
		if d := h.Drop; d == nil || (d.Reason == "TC_EGRESS") == (way == "egress") {
			step = append(step, asTyped("tc -s filter show dev %s %s", dev, way))
		}
	}
	return step
}

func (h *hostStep) xdp() []string {
	if dev := h.device(); dev != "" {
		return []string{"See which program is on the interface:", asTyped("ip -d link show dev %s", dev), asTyped("sudo bpftool net show dev %s", dev)}
	}
	return nil
}
