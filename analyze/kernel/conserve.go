package kernel

import "whydrop/capture"

// A Conservation is the account of IPv4 packets of one namespace: what came in
// was delivered, forwarded, put together with others, or dropped in between.
// What is left over is a loss that nobody spoke of, and is shown.
type Conservation struct {
	Received  uint64 // Ip.InReceives
	Delivered uint64 // Ip.InDelivers
	Forwarded uint64 // Ip.ForwDatagrams
	Joined    uint64 // fragments that became part of a datagram, or still wait
	Dropped   uint64 // drop events between the two
	Remainder int64  // Received less all others
}

// beforeDelivery are reasons of drops between net/ipv4/ip_input.c:ip_rcv_core, which
// counts what is received, and ip_protocol_deliver_rcu, which counts what is delivered.
var beforeDelivery = map[string]bool{
	"IP_INHDR": true, "IP_CSUM": true, "IP_RPFILTER": true, "IP_NOPROTO": true, "IP_INADDRERRORS": true, "IP_INNOROUTES": true,
	"IP_LOCAL_SOURCE": true, "IP_INVALID_SOURCE": true, "IP_LOCALNET": true, "IP_INVALID_DEST": true,
	"UNICAST_IN_L2_MULTICAST": true, "PKT_TOO_SMALL": true, "PKT_TOO_BIG": true, "XFRM_POLICY": true,
}

// Conserve draws up the account of t, and reports whether its counters are known.
func Conserve(t *capture.Testimony) (c Conservation, known bool) {
	by := func(name string) uint64 { return MovedBy(t, "snmp", name) }
	c.Received, c.Delivered, c.Forwarded = by("Ip.InReceives"), by("Ip.InDelivers"), by("Ip.ForwDatagrams")
	if c.Received == 0 {
		return c, false
	}
	reassembled, asked := by("Ip.ReasmOKs"), by("Ip.ReasmReqds")
	c.Joined = max(asked, reassembled) - reassembled
	for i := range t.Drops {
		d := &t.Drops[i]
		early := beforeDelivery[d.Reason] ||
			d.Reason == "NETFILTER_DROP" && (d.Hook == "PREROUTING" || d.Hook == "INPUT") ||
			d.Reason == unspecified && (d.Function == "ip_error" || d.Function == "dst_discard")
		if early && d.EtherType == typeIPv4 && d.Inbound != "" {
			c.Dropped += d.Events
		}
	}
	c.Remainder = int64(c.Received) - int64(c.Delivered) - int64(c.Forwarded) - int64(c.Joined) - int64(c.Dropped)
	return c, true
}
