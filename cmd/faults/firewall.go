//go:build linux

package main

// firewallFaults are those of netfilter and connection tracking.
var firewallFaults = []fault{
	{
		name: "nft input, counter",
		want: verdict{cause: "firewall-drop", locus: "receiver-host", named: []string{"nft inet f in", "udp dport 9001 counter"}},
		build: func(w *world) error {
			if err := w.sink("b", addrB+":9001"); err != nil {
				return err
			}
			return w.nft("b", "table inet f { chain in { type filter hook input priority 0; udp dport 9001 counter drop; }\n}\n")
		},
		provoke: func(w *world) (uint64, error) {
			_, err := w.datagrams("a", addrB+":9001", 50, 100)
			return 50, err
		},
	},
}
