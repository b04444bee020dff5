package host

import (
	"regexp"
	"strings"
)

// nicGroup says what a counter of ethtool -S tells of, as a group of
// capture.Moved. Drivers name them as they please. First come the names that a
// pattern would get wrong, then patterns over the parts that most drivers share.
//
// "nic-ring" is what had no buffer or no room in a ring, "nic-wire" what came
// damaged, "nic-cloud" what a limit of the provider took: lost outside of this
// host, and "" no counter at all. The names are those of the drivers' sources, drivers/net/ethernet.
func nicGroup(name string) string {
	lower := strings.ToLower(strings.TrimSpace(name))
	if group, ok := nicNames[lower]; ok {
		return group
	}
	for _, p := range nicPatterns {
		if p.names.MatchString(lower) {
			return p.group
		}
	}
	return "ethtool"
}

// nicNames are single names.
var nicNames = map[string]string{
	"rx_csum_offload_errors":        "nic-wire", // ixgbe, igb: wrong checksums, passed on
	"rx_steer_missed_packets":       "ethtool",  // mlx5: for none of the hosts behind this NIC
	"outbound_pci_stalled_wr":       "ethtool",
	"rx_oversize_pkts_buffer":       "nic-ring",
	"rx_oversize_pkts_phy":          "nic-wire",
	"fdir_overflow":                 "ethtool", // ixgbe: a table of flow steering; the packet arrives
	"rx_long_length_errors":         "nic-wire",
	"rx_short_length_errors":        "nic-wire",
	"pkts rx oob":                   "nic-ring", // vmxnet3
	"drv dropped rx total":          "nic-ring",
	"rx buf alloc failed":           "nic-ring",
	"ring full":                     "nic-ring",
	"rx_otherhost_dropped":          "ethtool",
	"rx_fcs_errors":                 "nic-wire",
	"rx_no_memory":                  "nic-ring",
	"rxbds_empty":                   "nic-ring",
	"tx_dropped":                    "nic-ring",
	"tx_discards_phy":               "nic-ring",
	"rx_pcs_symbol_err_phy":         "nic-wire",
	"conntrack_allowance_available": "", // ena: what is left
	"peer_ifindex":                  "", // veth
}

// nicPatterns are tried in order.
var nicPatterns = []struct {
	names *regexp.Regexp
	group string
}{
	{regexp.MustCompile(`allowance_exceeded$`), "nic-cloud"}, // ena, Amazon EC2
	{regexp.MustCompile(`xdp_(drop|tx_err|xmit_err|err)`), "nic-xdp"},
	{regexp.MustCompile(`xdp|xsk|timeout|pause|xo(n|ff)|collision|otherhost|multicast|steer`), "ethtool"},
	{regexp.MustCompile(`crc|fcs|symbol|align|frame_err|len(gth)?_err|jabber|fragment|undersize|csum_(bad|err)|bad_csum|code_err`), "nic-wire"},
	{regexp.MustCompile(`drop|discard|miss|no_buf|no_dma|out_of_buf|fifo|overrun|over_err|alloc_(rx_buff_)?fail|buff_alloc_err|` +
		`alloc_err|oom|oob|refil|exceed|exhaust|no_mem|norxbuf|nodesc`), "nic-ring"},
}
