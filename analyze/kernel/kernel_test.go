package kernel

import (
	"net/netip"
	"slices"
	"testing"

	"whydrop/analyze/cause"
	"whydrop/capture"
)

func TestEveryReasonHasACardAndAStage(t *testing.T) {
	check := func(name string, r reason) {
		switch {
		case r.class == Loss && !slices.Contains(cause.IDs(), r.cause):
			t.Errorf("%s is a loss of the cause %q, which has no card", name, r.cause)
		case r.class != Loss && r.cause != "":
			t.Errorf("%s is no loss, and has the cause %q", name, r.cause)
		case r.stage > Departing:
			t.Errorf("%s has no stage", name)
		}
	}
	for name, r := range reasons {
		check(name, r)
	}
	for p, r := range places {
		check(p.reason+" in "+p.function, r)
	}
}

// TestJudge holds what kernel-evidence.md §2 measured.
func TestJudge(t *testing.T) {
	moved := func(group, name string, by uint64) []capture.Moved {
		return []capture.Moved{{Group: group, Name: name, By: by}}
	}
	for name, tt := range map[string]struct {
		drop  capture.Drop
		moved []capture.Moved
		want  Meaning
	}{
		"UDP to no socket":        {capture.Drop{Reason: "NO_SOCKET", Function: "__udp4_lib_rcv", Protocol: 17, Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.NoSocket, false}},
		"TCP to no socket":        {capture.Drop{Reason: "NO_SOCKET", Function: "tcp_v4_rcv", Protocol: 6, Inbound: "eth0"}, nil, Meaning{Class: Symptom}},
		"accept queue by cookie":  {capture.Drop{Reason: "NO_SOCKET", Function: "cookie_v4_check", Protocol: 6, Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.ListenOverflow, false}},
		"TTL":                     {capture.Drop{Reason: "IP_INHDR", Function: "ip_forward", Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.TTLExpired, false}},
		"header":                  {capture.Drop{Reason: "IP_INHDR", Function: "ip_rcv_core", Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.KernelOther, false}},
		"a group, no address yet": {capture.Drop{Reason: "IP_INNOROUTES", Function: "ip6_pkt_discard", Inbound: "eth0", Dst: netip.MustParseAddrPort("[ff02::1:ff00:1]:0")}, nil, Meaning{Class: Noise}},
		"blackhole":               {capture.Drop{Reason: "NOT_SPECIFIED", Function: "ip_error", Inbound: "eth0", Dst: netip.MustParseAddrPort("192.0.2.1:0")}, nil, Meaning{Loss, Arrived, cause.IPNoRoute, false}},
		"native XDP on a veth":    {capture.Drop{Reason: "NOT_SPECIFIED", Function: "veth_xdp_rcv_skb", Inbound: "eth0"}, nil, Meaning{Loss, Arriving, cause.XDPDrop, false}},
		"IPsec":                   {capture.Drop{Reason: "NOT_SPECIFIED", Function: "__udp4_lib_rcv", Protocol: 17, Events: 20, Inbound: "eth0"}, moved("xfrm", "XfrmInPolBlock", 20), Meaning{Loss, Arrived, cause.XfrmPolicy, false}},
		"malformed UDP":           {capture.Drop{Reason: "NOT_SPECIFIED", Function: "__udp4_lib_rcv", Protocol: 17, Events: 20, Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.KernelOther, false}},
		"conntrack full":          {capture.Drop{Reason: "NETFILTER_DROP", Function: "nf_hook_slow", Events: 50, Inbound: "eth0"}, moved("conntrack", "drop", 50), Meaning{Loss, Arrived, cause.ConntrackFull, false}},
		"iptables-legacy":         {capture.Drop{Reason: "NETFILTER_DROP", Function: "nf_hook_slow", Events: 50, Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.FirewallDrop, false}},
		"nft OUTPUT":              {capture.Drop{Reason: "NETFILTER_DROP", Function: "nft_do_chain", Hook: "OUTPUT", Events: 50}, nil, Meaning{Loss, Leaving, cause.FirewallDrop, true}},
		"forwarded, POSTROUTING":  {capture.Drop{Reason: "NETFILTER_DROP", Function: "nft_do_chain", Hook: "POSTROUTING", Inbound: "eth1"}, nil, Meaning{Loss, Leaving, cause.FirewallDrop, false}},
		"queue":                   {capture.Drop{Reason: "QDISC_DROP", Function: "__dev_queue_xmit"}, nil, Meaning{Loss, Leaving, cause.QdiscDrop, true}},
		"tun without a reader":    {capture.Drop{Reason: "FULL_RING", Function: "tun_net_xmit"}, nil, Meaning{Loss, Departing, cause.NICRing, true}},
		"FIN at close":            {capture.Drop{Reason: "QUEUE_PURGE", Function: "sk_stream_kill_queues", Protocol: 6, Events: 30, Empty: 30}, nil, Meaning{Class: Noise, Sent: true}},
		"old data":                {capture.Drop{Reason: "TCP_OLD_DATA", Function: "tcp_data_queue", Protocol: 6, Inbound: "eth0"}, nil, Meaning{Class: Symptom}},
		"promiscuous":             {capture.Drop{Reason: "OTHERHOST", Function: "ip_rcv_core", Inbound: "eth0"}, nil, Meaning{Class: Noise}},
		"spanning tree frames":    {capture.Drop{Reason: "NOT_SPECIFIED", EtherType: 0x88cc, Inbound: "eth0"}, nil, Meaning{Class: Noise}},
		"TCP receive buffer":      {capture.Drop{Reason: "SOCKET_RCVBUFF", Function: "tcp_v4_rcv", Protocol: 6, Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.TCPReceiveBuffer, false}},
		"a reason of tomorrow":    {capture.Drop{Reason: "GREMLINS", Inbound: "eth0"}, nil, Meaning{Loss, Arrived, cause.KernelOther, false}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Judge(&tt.drop, &capture.Testimony{Moved: tt.moved}); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestRuleOf(t *testing.T) {
	d := &capture.Drop{
		Hook: "INPUT", Protocol: 17, EtherType: typeIPv4, Events: 50,
		Src: netip.MustParseAddrPort("192.0.2.1:4000"), Dst: netip.MustParseAddrPort("192.0.2.2:9001"),
	}
	rule := func(handle uint64, hook, text string, counted bool, packets uint64) capture.Rule {
		return capture.Rule{Family: "inet", Table: "t", Chain: "c", Hook: hook, Handle: handle, Text: text, Verdict: "drop", Counted: counted, Packets: packets}
	}
	for name, tt := range map[string]struct {
		rules   []capture.Rule
		handle  uint64 // 0 = none
		certain bool
	}{
		"no rule":                        {nil, 0, false},
		"its counter":                    {[]capture.Rule{rule(2, "INPUT", "udp dport 9001 counter drop", true, 50), rule(3, "INPUT", "counter drop", true, 7)}, 2, true},
		"another hook":                   {[]capture.Rule{rule(2, "FORWARD", "drop", false, 0)}, 0, false},
		"another port":                   {[]capture.Rule{rule(2, "INPUT", "udp dport 53 drop", false, 0), rule(3, "INPUT", "udp dport 9001 drop", false, 0)}, 3, true},
		"another protocol":               {[]capture.Rule{rule(2, "INPUT", "tcp dport 9001 drop", false, 0), rule(3, "INPUT", "meta l4proto udp drop", false, 0)}, 3, true},
		"one that counted nothing":       {[]capture.Rule{rule(2, "INPUT", "counter drop", true, 0), rule(3, "INPUT", "drop", false, 0)}, 3, true},
		"two without counters":           {[]capture.Rule{rule(2, "INPUT", "drop", false, 0), rule(3, "INPUT", "drop", false, 0)}, 0, false},
		"one whose counter is too small": {[]capture.Rule{rule(2, "INPUT", "counter drop", true, 5)}, 2, false},
		"a jump target without a hook":   {[]capture.Rule{rule(9, "", "counter drop", true, 50)}, 9, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, certain := RuleOf(d, &capture.Testimony{Rules: tt.rules}, d.Events)
			handle := uint64(0)
			if r != nil {
				handle = r.Handle
			}
			if handle != tt.handle || certain != tt.certain {
				t.Errorf("handle %d, certain %v; want %d, %v", handle, certain, tt.handle, tt.certain)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for want, r := range map[string]capture.Rule{
		"nft inet filter input, handle 7":    {Family: "inet", Table: "filter", Chain: "input", Handle: 7, Number: 2},
		"nft inet filter input, its policy":  {Family: "inet", Table: "filter", Chain: "input"},
		"iptables filter INPUT, rule 3":      {Family: "ip", Table: "filter", Chain: "INPUT", Number: 3, Legacy: true},
		"ip6tables filter INPUT, its policy": {Family: "ip6", Table: "filter", Chain: "INPUT", Legacy: true},
	} {
		if got := Name(&r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSocketOf(t *testing.T) {
	d := &capture.Drop{Protocol: 17, Src: netip.MustParseAddrPort("192.0.2.1:4000"), Dst: netip.MustParseAddrPort("192.0.2.2:9001")}
	socket := func(local, remote string) capture.Socket {
		return capture.Socket{Protocol: 17, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote)}
	}
	all := &capture.Testimony{Sockets: []capture.Socket{
		socket("0.0.0.0:9001", "0.0.0.0:0"), socket("192.0.2.2:9001", "0.0.0.0:0"), socket("192.0.2.2:9001", "192.0.2.1:4000"),
		socket("192.0.2.2:9001", "192.0.2.1:4001"), socket("192.0.2.3:9001", "0.0.0.0:0"), socket("0.0.0.0:9002", "0.0.0.0:0"),
	}}
	if got := SocketOf(d, all); got != &all.Sockets[2] {
		t.Errorf("chose %v, want the one connected to the sender", got)
	}
	all.Sockets = append(all.Sockets[:2:2], all.Sockets[3:]...)
	if got := SocketOf(d, all); got != &all.Sockets[1] {
		t.Errorf("chose %v, want the one bound to the address", got)
	}
	all.Sockets = all.Sockets[3:]
	if got := SocketOf(d, all); got != nil {
		t.Errorf("chose %v, want none", got)
	}
}

func TestConserve(t *testing.T) {
	moved := func(counts map[string]uint64) (list []capture.Moved) {
		for name, n := range counts {
			list = append(list, capture.Moved{Group: "snmp", Name: name, By: n})
		}
		return list
	}
	drop := func(reason, hook string, n uint64) capture.Drop {
		return capture.Drop{Reason: reason, Hook: hook, Inbound: "eth0", EtherType: typeIPv4, Events: n}
	}
	full := &capture.Testimony{
		Moved: moved(map[string]uint64{"Ip.InReceives": 100, "Ip.InDelivers": 60, "Ip.ForwDatagrams": 10, "Ip.ReasmReqds": 6, "Ip.ReasmOKs": 3}),
		Drops: []capture.Drop{
			drop("NETFILTER_DROP", "INPUT", 15), drop("IP_RPFILTER", "", 5),
			drop("NETFILTER_DROP", "FORWARD", 7), drop("SOCKET_RCVBUFF", "", 9), // behind the counters
		},
	}
	want := Conservation{Received: 100, Delivered: 60, Forwarded: 10, Joined: 3, Dropped: 20, Remainder: 7}
	if got, known := Conserve(full); !known || got != want {
		t.Errorf("%+v, %v; want %+v", got, known, want)
	}
	if _, known := Conserve(&capture.Testimony{}); known {
		t.Error("an account was drawn up without counters")
	}
}
