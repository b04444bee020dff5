package host

import (
	"maps"
	"testing"
)

// read collects what a parser hands out: "of name" or "name" → value.
func read(parse func(string, sink), text string) map[string]uint64 {
	got := make(map[string]uint64)
	parse(text, func(of, name string, value uint64) {
		if of != "" {
			name = of + " " + name
		}
		got[name] = value
	})
	return got
}

func TestTables(t *testing.T) {
	tests := []struct {
		name  string
		parse func(string, sink)
		text  string
		want  map[string]uint64
	}{
		{"snmp", twoLines, "Ip: Forwarding DefaultTTL InReceives InHdrErrors OutTransmits\nIp: 1 64 1000 2 990\n" +
			"IcmpMsg: InType3 OutType3\nIcmpMsg: 6 7\n" +
			"Tcp: RtoAlgorithm RtoMin RtoMax MaxConn CurrEstab RetransSegs\nTcp: 1 200 120000 -1 4 48\n" +
			"Udp: InDatagrams NoPorts RcvbufErrors MemErrors\nUdp: 18446744073709551615 20 493 0\n",
			map[string]uint64{"Ip.InReceives": 1000, "Ip.InHdrErrors": 2, "Ip.OutTransmits": 990, "IcmpMsg.InType3": 6,
				"IcmpMsg.OutType3": 7, "Tcp.RetransSegs": 48, "Udp.InDatagrams": 1<<64 - 1, "Udp.NoPorts": 20,
				"Udp.RcvbufErrors": 493, "Udp.MemErrors": 0}},
		{"netstat", twoLines, "TcpExt: SyncookiesSent ListenOverflows IPReversePathFilter TCPZeroWindowDrop\nTcpExt: 183 36 20 1\n" +
			"IpExt: InNoRoutes InTruncatedPkts InCsumErrors\nIpExt: 1 2 3\nMPTcpExt: MPCapableSYNRX MPCurrEstab\nMPTcpExt: 5 1\n",
			map[string]uint64{"TcpExt.SyncookiesSent": 183, "TcpExt.ListenOverflows": 36, "TcpExt.IPReversePathFilter": 20,
				"TcpExt.TCPZeroWindowDrop": 1, "IpExt.InNoRoutes": 1, "IpExt.InTruncatedPkts": 2, "IpExt.InCsumErrors": 3,
				"MPTcpExt.MPCapableSYNRX": 5}},
		{"a line of values is missing", twoLines, "Ip: InReceives\nIp: 1\nUdp: NoPorts\n", map[string]uint64{"Ip.InReceives": 1}},
		{"fewer values than names", twoLines, "Ip: InReceives InDelivers\nIp: 1\n", map[string]uint64{"Ip.InReceives": 1}},
		{"snmp6", pairs, "Ip6InReceives                   \t37\nUdp6RcvbufErrors                \t4\nIcmp6OutType133                 \t2\n",
			map[string]uint64{"Ip6InReceives": 37, "Udp6RcvbufErrors": 4, "Icmp6OutType133": 2}},
		{"xfrm_stat", pairs, "XfrmInError             \t0\nXfrmInPolBlock          \t20\n",
			map[string]uint64{"XfrmInError": 0, "XfrmInPolBlock": 20}},
		{"softnet_stat of 6.18", softnet, "" +
			"00135034 00000002 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000007 00000003 00000000 00000000 00000000 00000000\n" +
			"00032c50 00001694 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000009 00000003 00000000 00000000\n",
			map[string]uint64{"cpu 0 processed": 0x135034, "cpu 0 dropped": 2, "cpu 0 time_squeeze": 1, "cpu 0 received_rps": 7,
				"cpu 0 flow_limit_count": 3, "cpu 3 processed": 0x32c50, "cpu 3 dropped": 0x1694, "cpu 3 time_squeeze": 1,
				"cpu 3 received_rps": 0, "cpu 3 flow_limit_count": 0}},
		{"softnet_stat of 2.6.32", softnet, "00000010 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000\n" +
			"00000020 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n",
			map[string]uint64{"cpu 0 processed": 16, "cpu 0 dropped": 1, "cpu 0 time_squeeze": 2,
				"cpu 1 processed": 32, "cpu 1 dropped": 0, "cpu 1 time_squeeze": 0}},
		{"stat/nf_conntrack", perCPU, "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop\n" +
			"00040000  00000001 00000000 00000000 00000014 00000000 00000000 00000003 00000000 00000002 00000030 00000000\n" +
			"00040000  00000000 00000000 00000000 00000001 00000000 00000000 00000003 00000000 00000000 00000002 00000001\n",
			map[string]uint64{"clashres": 1, "found": 0, "new": 0, "invalid": 21, "ignore": 0, "delete": 0, "insert": 0,
				"insert_failed": 2, "drop": 50, "early_drop": 1}},
		{"stat/arp_cache", perCPU, "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n" +
			"00000002 00000004 00000002 00000000 0000007f 00000063 00000003 00000000 00000000 00000a5d 00000000 00000134 00000001\n",
			map[string]uint64{"allocs": 4, "destroys": 2, "hash_grows": 0, "lookups": 127, "hits": 99, "res_failed": 3,
				"rcv_probes_mcast": 0, "rcv_probes_ucast": 0, "periodic_gc_runs": 2653, "forced_gc_runs": 0,
				"unresolved_discards": 308, "table_fulls": 1}},
		{"sockstat", memoryInUse, "sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 2 mem 275\nUDP: inuse 2 mem 41\nFRAG: inuse 0 memory 0\n",
			map[string]uint64{"sockets used": 17, "TCP inuse": 1, "TCP orphan": 0, "TCP tw": 0, "TCP alloc": 2, "TCP mem": 275,
				"UDP inuse": 2, "UDP mem": 41, "FRAG inuse": 0, "FRAG memory": 0}},
		{"nothing", twoLines, "", map[string]uint64{}},
		{"no table", twoLines, "cannot\nread:\n\n", map[string]uint64{}},
		{"nothing per CPU", perCPU, "", map[string]uint64{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := read(test.parse, test.text); !maps.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

// TestNICNames has the names of kernel-evidence in the drivers' own spelling.
func TestNICNames(t *testing.T) {
	tests := []struct{ driver, ring, wire, cloud, xdp, other string }{
		{driver: "virtio_net", ring: "rx_drops rx0_drops rx_queue_0_drops", xdp: "rx_xdp_drops rx0_xdp_drops rx_queue_0_xdp_drops",
			other: "tx0_tx_timeouts rx0_packets rx_queue_0_kicks"},
		{driver: "veth", ring: "rx_queue_0_drops", xdp: "rx_queue_0_xdp_drops tx_queue_0_xdp_xmit_errors", other: "rx_queue_0_xdp_packets"},
		{driver: "mlx5", ring: "rx_out_of_buffer rx_discards_phy rx_buff_alloc_err rx_oversize_pkts_buffer tx_discards_phy",
			wire:  "rx_crc_errors_phy rx_symbol_err_phy rx_in_range_len_errors_phy rx_fragments_phy rx_jabbers_phy",
			other: "rx_steer_missed_packets outbound_pci_stalled_wr rx_prio0_pause rx3_packets tx_timeout"},
		{driver: "ixgbe, igb, e1000e", ring: "rx_missed_errors rx_no_dma_resources rx_no_buffer_count alloc_rx_buff_failed rx_fifo_errors rx_over_errors",
			wire: "rx_crc_errors rx_length_errors rx_csum_offload_errors rx_align_errors", other: "fdir_overflow tx_timeout_count rx_bytes"},
		{driver: "i40e, ice", ring: "rx_dropped port.rx_dropped rx_dropped.nic", wire: "port.rx_crc_errors rx_crc_errors.nic",
			other: "port.link_xoff_rx link_xoff_tx.nic"},
		{driver: "ena", ring: "rx_drops rx_overruns queue_0_rx_refil_partial", wire: "queue_0_rx_bad_csum",
			cloud: "bw_in_allowance_exceeded bw_out_allowance_exceeded pps_allowance_exceeded conntrack_allowance_exceeded linklocal_allowance_exceeded",
			other: "queue_0_rx_cnt"},
		{driver: "bnxt, tg3, hv_netvsc, gve", ring: "rx_discards rx_oom_discards rxbds_empty rx_no_memory rx_drops_packet_over_mru",
			wire: "rx_fcs_errors rx_fcs_err_frames"},
		{driver: "vmxnet3", other: "pkts rx OK"},
	}
	for _, test := range tests {
		for group, names := range map[string]string{"nic-ring": test.ring, "nic-wire": test.wire, "nic-cloud": test.cloud,
			"nic-xdp": test.xdp, "ethtool": test.other} {
			for _, name := range split(names) {
				if got := nicGroup(name); got != group {
					t.Errorf("%s: %s is of %s, want %s", test.driver, name, got, group)
				}
			}
		}
	}
	for _, name := range []string{"peer_ifindex", "conntrack_allowance_available"} {
		if got := nicGroup(name); got != "" {
			t.Errorf("%s is of %s, and is no counter", name, got)
		}
	}
	for _, name := range []string{"pkts rx OOB", "drv dropped rx total", "rx buf alloc failed", "  ring full"} { // vmxnet3
		if got := nicGroup(name); got != "nic-ring" {
			t.Errorf("vmxnet3: %s is of %s, want nic-ring", name, got)
		}
	}
}
