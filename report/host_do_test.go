package report

import (
	"net/netip"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// spoken is a charge of which a host spoke that has all that a step may want.
func spoken(d *capture.Drop, r *capture.Rule) *analyze.Charge {
	t := &capture.Testimony{
		Captured: []string{"eth0"},
		Links:    []capture.Link{{Name: "eth0", MTU: 1500}, {Name: "eth1", MTU: 1200}},
		Settings: []capture.Setting{
			{Name: "net.ipv4.conf.eth0.rp_filter", Value: "1"}, {Name: "net.ipv4.ip_forward", Value: "0"},
			{Name: "net.netfilter.nf_conntrack_max", Value: "1000"}, {Name: "conntrack entries in use", Value: "1000"},
			{Name: "net.core.rmem_max", Value: "212992"}, {Name: "net.ipv4.tcp_rmem", Value: "4096 131072 6291456"},
			{Name: "net.core.netdev_max_backlog", Value: "1000"}, {Name: "net.core.somaxconn", Value: "128"},
			{Name: "eth0 rx ring", Value: "256", Most: "4096"}, {Name: "eth0 qdisc 5:0", Value: "tbf rate 80000bit"},
		},
		Neighbours: []capture.Neighbour{{Addr: netip.MustParseAddr("10.0.0.254"), Interface: "eth0", State: "FAILED"}},
	}
	socket := &capture.Socket{Buffer: 128, MostQ: 128, Process: &capture.Process{PID: 77, Command: "slow`er", State: "sleeping", Channel: "nanosleep"}}
	end := func(a netip.AddrPort) flow.Endpoint {
		return flow.Endpoint{Addr: decode.Addr(a.Addr().As16()), Port: a.Port()}
	}
	return &analyze.Charge{
		Packets: 3, Protocol: d.Protocol, Src: end(d.Src), Dst: end(d.Dst),
		Host: &analyze.HostWord{Drop: d, Rule: r, Sure: r != nil, Socket: socket, Of: t},
	}
}

func aDrop() *capture.Drop {
	return &capture.Drop{
		Reason: "X", Interface: "eth0", Inbound: "eth0", Protocol: decode.ProtoUDP,
		Src: netip.MustParseAddrPort("10.0.0.1:4000"), Dst: netip.MustParseAddrPort("10.0.9.2:53"),
	}
}

// TestHostSteps has each step name what the host said, with present values.
func TestHostSteps(t *testing.T) {
	forwarding, leaving := aDrop(), aDrop()
	forwarding.Reason, leaving.Inbound = "IP_INADDRERRORS", ""
	rule := &capture.Rule{Family: "inet", Table: "f", Chain: "in", Handle: 7, Number: 2, Text: "udp dport 53 drop", Verdict: "drop"}
	policy := &capture.Rule{Family: "inet", Table: "f", Chain: "in", Verdict: "drop"}
	legacy := &capture.Rule{Family: "ip", Table: "filter", Chain: "INPUT", Number: 4, Text: "-A INPUT -j DROP", Legacy: true}
	evil := &capture.Rule{Family: "inet", Table: "f; rm -rf /", Chain: "in", Handle: 7, Verdict: "drop"}
	for _, c := range []struct {
		id   cause.ID
		drop *capture.Drop
		rule *capture.Rule
		want string
	}{
		{cause.FirewallDrop, aDrop(), rule, "`sudo nft insert rule inet f in handle 7 udp dport 53 accept`"},
		{cause.FirewallDrop, aDrop(), policy, "`sudo nft add rule inet f in udp dport 53 accept`"},
		{cause.FirewallDrop, aDrop(), legacy, "`sudo iptables-legacy -t filter -I INPUT 4 -p udp --dport 53 -j ACCEPT`"},
		{cause.FirewallDrop, aDrop(), nil, "`sudo whydrop live -i eth0 --trace-rules`"},
		{cause.FirewallDrop, aDrop(), evil, "`sudo nft -a list ruleset`"},
		{cause.ConntrackFull, aDrop(), nil, "1000 of 1000 entries|`sudo sysctl -w net.netfilter.nf_conntrack_max=2000`"},
		{cause.RPFilter, aDrop(), nil, "`ip route get 10.0.0.1`|now 1|`sudo sysctl -w net.ipv4.conf.eth0.rp_filter=2`"},
		{cause.IPNoRoute, aDrop(), nil, "`ip route get 10.0.9.2 from 10.0.0.1 iif eth0`"},
		{cause.IPNoRoute, forwarding, nil, "now 0|`sudo sysctl -w net.ipv4.ip_forward=1`"},
		{cause.NeighbourUnresolved, leaving, nil, "router 10.0.0.254|`ip neigh show to 10.0.0.254 dev eth0`"},
		{cause.MTUExceeded, aDrop(), nil, "eth1 takes 1200|`sudo ip link set dev eth1 mtu 1500`"},
		{cause.UDPReceiveBuffer, aDrop(), nil, "now 212992|`sudo sysctl -w net.core.rmem_max=8388608`"},
		{cause.TCPReceiveBuffer, aDrop(), nil, "`sudo sysctl -w net.ipv4.tcp_rmem='4096 131072 12582912'`"},
		{cause.SlowApplication, aDrop(), nil, "slow'er|sleeping in nanosleep|`sudo cat /proc/77/stack`"},
		{cause.ListenOverflow, aDrop(), nil, "`ss -lntp 'sport = :53'`|now 128|`sudo sysctl -w net.core.somaxconn=4096`"},
		{cause.NoSocket, aDrop(), nil, "`ss -lnup 'sport = :53'`"},
		{cause.NICRing, aDrop(), nil, "now 256|`sudo ethtool -G eth0 rx 4096`"},
		{cause.SoftnetBacklog, aDrop(), nil, "now 1000|`sudo sysctl -w net.core.netdev_max_backlog=4000`"},
		{cause.QdiscDrop, aDrop(), nil, "now tbf rate 80000bit|`tc -s qdisc show dev eth0`"},
		{cause.UDPChecksum, aDrop(), nil, "`ethtool -S eth0`"},
	} {
		steps := strings.Join(hostSteps(c.id, []*analyze.Charge{spoken(c.drop, c.rule)}), "\n")
		for want := range strings.SplitSeq(c.want, "|") {
			if !strings.Contains(steps, want) {
				t.Errorf("%s: %q is not in\n%s", c.id, want, steps)
			}
		}
		if strings.Contains(steps, "rm -rf") || strings.Count(steps, "`")%2 != 0 {
			t.Errorf("%s: what a file says would be typed: %s", c.id, steps)
		}
	}
}
