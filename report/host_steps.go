package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"whydrop/analyze/kernel"
	"whydrop/capture"
)

// What is proposed where a value is too small: what distributions and tuning guides
// agree on, or twice what there is, whichever is more.
const (
	proposedBuffer  = 8 << 20 // octets of a socket: Documentation/networking/ip-sysctl.rst, tcp_rmem
	proposedQueue   = 4096    // connections of a listener: the default of somaxconn since 5.4
	proposedBacklog = 4000    // packets of a CPU: four times the default
	entryOctets     = 320     // of an entry of connection tracking (struct nf_conn, rounded up)
)

// firewall names the rule, and how to let these packets pass it.
func (h *hostStep) firewall() []string {
	r := h.Rule
	if r == nil {
		steps := []string{"See the rules of this host and their counters:", "`sudo nft -a list ruleset`"}
		if h.iface != "" {
			steps = append(steps, "Or let whydrop ask which one it is (cost: a table of its own while it runs):", asTyped("sudo whydrop live -i %s --trace-rules", h.iface))
		}
		return steps
	}
	table, chain := typable(r.Table), typable(r.Chain)
	port, protocol := h.port(), h.protocol()
	if table == "" || chain == "" || port == 0 || protocol == "" {
		return []string{"See the rule, and what stands before it:", asTyped("sudo nft -a list ruleset")}
	}
	step := "If they are to pass, accept them in front of it (cost: whoever sends there may):"
	what := fmt.Sprintf("%s dport %d accept", protocol, port)
	if r.Legacy || strings.Contains(r.Text, "-j ") {
		tool := map[bool]string{true: "ip6tables", false: "iptables"}[r.Family == "ip6"]
		if r.Legacy {
			tool += "-legacy"
		}
		return []string{step, asTyped("sudo %s -t %s -I %s %d -p %s --dport %d -j ACCEPT", tool, table, chain, max(r.Number, 1), protocol, port)}
	}
	if r.Handle == 0 {
		return []string{step, asTyped("sudo nft add rule %s %s %s %s", typable(r.Family), table, chain, what)}
	}
	return []string{step, asTyped("sudo nft insert rule %s %s %s handle %d %s", typable(r.Family), table, chain, r.Handle, what)}
}

func (h *hostStep) conntrack() []string {
	const name = "net.netfilter.nf_conntrack_max"
	most := h.number(name)
	if most == 0 {
		return nil
	}
	used := cmp.Or(h.setting("conntrack entries in use"), "all")
	return []string{
		fmt.Sprintf("%s of %d entries are in use. Give the table room (cost: %d octets of memory for each):", used, most, entryOctets),
		asTyped("sudo sysctl -w %s=%d", name, 2*most),
	}
}

func (h *hostStep) invalid() []string {
	const name = "net.netfilter.nf_conntrack_tcp_be_liberal"
	steps := []string{"See whether both directions pass this host, and what it counts:", "`sudo conntrack -S`"}
	if h.protocol() == "tcp" && h.setting(name) == "0" {
		steps = append(steps, "Let segments outside of the window pass, now 0 (cost: forged ones do, too):", asTyped("sudo sysctl -w %s=1", name))
	}
	return steps
}

func (h *hostStep) rpFilter() []string {
	src := h.src()
	if src == "" || h.iface == "" {
		return nil
	}
	name := "net.ipv4.conf." + h.iface + ".rp_filter"
	return []string{
		fmt.Sprintf("The way back to %s does not leave by %s:", src, h.iface), asTyped("ip route get %s", src),
		fmt.Sprintf("If that is wanted, loosen the filter, %s (cost: forged sources that have any route back pass):", h.now(name)),
		asTyped("sudo sysctl -w %s=2", name),
	}
}

func (h *hostStep) noRoute() []string {
	dst := h.dst()
	if dst == "" {
		return []string{"No event names where they were to go. See for what there is no route:", "`ip route show table all`"}
	}
	if d := h.Drop; d != nil && d.Reason == "IP_INADDRERRORS" && h.setting("net.ipv4.ip_forward") == "0" {
		return []string{
			fmt.Sprintf("%s is no address of this host, and it forwards nothing, now 0.", dst),
			"If it is to be a router (cost: it forwards for all whom its firewall lets):",
			"`sudo sysctl -w net.ipv4.ip_forward=1`",
		}
	}
	way := ""
	if src := h.src(); src != "" && h.Drop != nil && h.Drop.Inbound != "" && h.iface != "" {
		way = fmt.Sprintf(" from %s iif %s", src, h.iface)
	}
	return []string{"See its route: none, or one that says blackhole, prohibit or unreachable:", asTyped("ip route get %s%s", dst, way)}
}

func (h *hostStep) neighbour() []string {
	d := h.Drop
	if d == nil || typable(d.Interface) == "" {
		return nil
	}
	who, gateway := h.dst(), ""
	for i := range h.Of.Neighbours {
		n := &h.Of.Neighbours[i]
		if n.Interface != d.Interface || n.State != "FAILED" && n.State != "INCOMPLETE" {
			continue
		}
		if n.Addr.Unmap() == d.Dst.Addr().Unmap() {
			gateway = ""
			break
		}
		gateway = n.Addr.Unmap().WithZone("").String()
	}
	if gateway != "" {
		return []string{
			fmt.Sprintf("See whether the router %s is up, and in the network of %s: it was to take them to %s:", gateway, d.Interface, who),
			asTyped("ip neigh show to %s dev %s", gateway, d.Interface),
		}
	}
	return []string{
		fmt.Sprintf("See whether %s is up, and in the network of %s:", who, d.Interface), asTyped("ip neigh show to %s dev %s", who, d.Interface),
	}
}

func (h *hostStep) tooBig() []string {
	if h.Path != nil {
		return []string{"The error came by another interface, and the sender obeys. Its routes show what it was told:", asTyped("ip route get %s", h.Path.To.Unmap().WithZone(""))}
	}
	in := h.link(h.iface)
	if in == nil {
		return nil
	}
	var narrow *capture.Link
	for i := range h.Of.Links {
		l := &h.Of.Links[i]
		if l.MTU <= 0 || l.MTU >= in.MTU {
			continue
		}
		if narrow != nil {
			return nil // it is not known which one it was
		}
		narrow = l
	}
	if narrow == nil || typable(narrow.Name) == "" {
		return nil
	}
	return []string{
		fmt.Sprintf("%s takes %d octets, %s takes %d. See whether the sender obeys ICMP.", narrow.Name, narrow.MTU, in.Name, in.MTU),
		"Or, if that link carries more, raise it (cost: a black hole if it does not):",
		asTyped("sudo ip link set dev %s mtu %d", narrow.Name, in.MTU),
	}
}

func (h *hostStep) expired() []string {
	if dst := h.dst(); dst != "" {
		return []string{"Look for a routing loop; probes of traceroute end like this, too:", asTyped("tracepath -n %s", dst)}
	}
	return nil
}

func (h *hostStep) udpBuffer() []string {
	const name = "net.core.rmem_max"
	have := uint64(0)
	if h.Socket != nil {
		have = h.Socket.Buffer
	}
	if have == 0 || h.setting(name) == "" {
		return nil
	}
	return []string{
		fmt.Sprintf("Its buffer holds %d octets. Let the program read faster, or ask for more by SO_RCVBUF.", have),
		fmt.Sprintf("The limit of that, %s (cost: so much memory for each that asks):", h.now(name)),
		asTyped("sudo sysctl -w %s=%d", name, max(proposedBuffer, 2*have, h.number(name))),
	}
}

func (h *hostStep) tcpBuffer() []string {
	const name = "net.ipv4.tcp_rmem"
	v := strings.Fields(h.setting(name))
	if len(v) != 3 {
		return nil
	}
	most, err := strconv.ParseUint(v[2], 10, 62)
	if err != nil {
		return nil
	}
	return []string{
		fmt.Sprintf("Give connections more room, or read faster; %s (cost: up to so much memory for each):", h.now(name)),
		asTyped("sudo sysctl -w %s='%s %s %d'", name, v[0], v[1], 2*most),
	}
}

func (h *hostStep) slow() []string {
	if h.Socket == nil || h.Socket.Process == nil {
		return nil
	}
	p := h.Socket.Process
	step := fmt.Sprintf("%s has %d octets waiting in a buffer of %d. See what it waits for", untyped(p.Command), h.Socket.MostQ, h.Socket.Buffer)
	if doing := kernel.Doing(p); doing != "" {
		step += "; it was " + untyped(doing)
	}
	return []string{step + ":", asTyped("sudo cat /proc/%d/stack", p.PID)}
}

func (h *hostStep) listener() []string {
	port := h.port()
	if port == 0 {
		return nil
	}
	const name = "net.core.somaxconn"
	steps := []string{"Let the program accept faster. How many wait, and how many may:", asTyped("ss -lntp 'sport = :%d'", port)}
	if most := h.number(name); most > 0 && most < proposedQueue && h.Socket != nil && h.Socket.Buffer >= most {
		return append(steps, fmt.Sprintf("Its queue is as long as the host allows, %s (cost: none):", h.now(name)), asTyped("sudo sysctl -w %s=%d", name, proposedQueue))
	}
	if h.Socket != nil && h.Socket.Buffer > 0 {
		steps = append(steps, fmt.Sprintf("Or let it ask listen() for a longer queue than %d.", h.Socket.Buffer))
	}
	return steps
}

func (h *hostStep) nobody() []string {
	port, protocol := h.port(), h.protocol()
	if port == 0 || protocol != "udp" {
		return nil
	}
	return []string{"See who listens there, and on which address; start what should:", asTyped("ss -lnup 'sport = :%d'", port)}
}

func (h *hostStep) filtered() []string {
	port := h.port()
	if port == 0 || h.protocol() == "" {
		return nil
	}
	if h.Socket == nil { // on its way out: the program of a control group, or of the sender's socket
		return []string{"See which programs filter, at sockets and at control groups:", "`sudo ss -nap --bpf`", "`sudo bpftool cgroup tree`"}
	}
	return []string{"See which program filters at the socket, and who attached it:", asTyped("sudo ss -nap --bpf 'sport = :%d'", port)}
}

func (h *hostStep) bridged() []string {
	dev := h.device()
	if dev == "" {
		return nil
	}
	return []string{fmt.Sprintf("See the state of %s in its bridge, and its VLANs:", dev), asTyped("bridge -d link show dev %s", dev), asTyped("bridge vlan show dev %s", dev)}
}

func (h *hostStep) memory() []string {
	protocol := h.protocol()
	if protocol == "" {
		return nil
	}
	name := "net.ipv4." + protocol + "_mem"
	if h.setting(name) == "" {
		return nil
	}
	return []string{fmt.Sprintf("See how many pages sockets take; their limits, %s:", h.now(name)), "`cat /proc/net/sockstat`", asTyped("sysctl %s", name)}
}
