package report

import (
	"fmt"
	"strconv"
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// says puts what a frame shows into words.
func says(c *analyze.Charge, w flow.Witness) string {
	a, b := count(w.A), count(w.B)
	switch w.Says {
	case flow.SaysPassed:
		return passed(c, w)
	case flow.SaysReport:
		return "up to RTP number " + a + " the receiver lacks " + b
	case flow.SaysFirstPoint:
		return strings.Replace(passed(c, w), "passes, never arrives", "passes the first point, never the second", 1)
	case flow.SaysGapOpened:
		return "passes beyond a gap: " + a + "–" + b + " is missing here"
	case flow.SaysSACK:
		return "SACK " + a + "–" + b + ": something below it is missing"
	case flow.SaysDupAck:
		return "ACK " + a + " again: the receiver still waits for it"
	case flow.SaysRepair:
		return repaired(c, w)
	case flow.SaysAcked:
		return "ACK " + a + ": everything below has arrived"
	case flow.SaysDSACK:
		return "DSACK " + a + "–" + b + ": arrived twice"
	case flow.SaysEcho:
		return "echoes timestamp " + a + ": that copy arrived"
	case flow.SaysIDBefore:
		return "IP ID " + a + ", the last before the missing ones"
	case flow.SaysIDAfter:
		return "IP ID " + a + ", the first behind the missing ones"
	case flow.SaysRTPBefore:
		return "RTP number " + a + ", the last before the missing ones"
	case flow.SaysRTPAfter:
		return "RTP number " + a + ", the first behind the missing ones"
	case flow.SaysBadChecksum:
		return fmt.Sprintf("checksum 0x%04x, 0x%04x would be right", w.A, w.B)
	case flow.SaysUnseenAck:
		return "acknowledges " + a + "–" + b + ", which is not in this capture"
	case flow.SaysICMP:
		return fmt.Sprintf("ICMP type %d, code %d: %s", w.A, w.B, icmpName(c.Router.Is4(), w.A, w.B))
	case flow.SaysSYN:
		return "SYN: asks for a connection"
	case flow.SaysStray:
		return "neither SYN nor ACK: no host sends such, a scanner does"
	case flow.SaysReset:
		return "RST: ends the connection"
	case flow.SaysFragment:
		return "fragment of datagram " + a + " at octet " + b
	case flow.SaysZeroWindow:
		return "window 0: the receiver does not read"
	case flow.SaysOldTimestamp:
		return "timestamp " + a + " is older than " + b + ", which the receiver knew"
	case flow.SaysNothingSince:
		return "nothing answers it"
	case flow.SaysKernelDrop:
		return kernelSays(c, w)
	}
	return signSays(w)
}

// signSays puts into words what a frame shows of hosts, and of what is on the way.
func signSays(w flow.Witness) string {
	a, b := count(w.A), count(w.B)
	switch w.Says {
	case flow.SaysForeignTTL:
		return "comes with TTL " + a + "; the host's other packets have " + b
	case flow.SaysNoStamp:
		return "lacks the timestamps that both sides agreed on"
	case flow.SaysAbsurdSACK:
		return "reports " + a + "–" + b + " by SACK: no numbers of this connection"
	case flow.SaysMSS:
		return "the same SYN passes again with MSS " + a + " instead of " + b
	case flow.SaysStripped:
		return "the same SYN passes again without " + analyze.StrippedNames(w.A)
	case flow.SaysRequest:
		return "asks, and is not answered"
	case flow.SaysRequestAgain:
		return "asks the same again"
	case flow.SaysClaims:
		return "has the address, says " + macName(w.A)
	case flow.SaysProbes:
		return "asks whether anybody has the address: " + macName(w.A)
	case flow.SaysAsked:
		return "asks for the link-layer address"
	case flow.SaysLowerTTL:
		return "the same packet passes again, with TTL " + a
	case flow.SaysSYNACKAgain:
		return "SYN-ACK again, although its answer had passed"
	}
	return saysOfTimers(w.Says, a, b)
}

// saysOfTimers are the words for probes, and for repairs that were in vain.
func saysOfTimers(s flow.Says, a, b string) string {
	switch s {
	case flow.SaysProbe:
		return "asks whether the window is open"
	case flow.SaysOpened:
		return "the window is open"
	case flow.SaysSent:
		return "data " + a + "–" + b + " passes for the first time"
	case flow.SaysArrived:
		return "data " + a + "–" + b + " passes, and arrives"
	case flow.SaysFirstEcho:
		return "echoes timestamp " + a + ", older than that of the copy: it answers the first one"
	case flow.SaysRepairOf:
		return "data " + a + "–" + b + ", which it repeats"
	}
	return "bears on it"
}

// passed is the lost packet itself on its way through the tap.
func passed(c *analyze.Charge, w flow.Witness) string {
	switch {
	case c.What == flow.SYNPacket:
		return synName(c) + " passes, never arrives"
	case w.B <= w.A:
		return nouns[min(c.What, flow.NumWhats-1)] + " passes, never arrives"
	}
	return "data " + count(w.A) + "–" + count(w.B) + " passes, never arrives"
}

// synName tells the two packets that begin a connection apart.
func synName(c *analyze.Charge) string {
	if c.Dir == 1 {
		return "SYN-ACK"
	}
	return "SYN"
}

// repaired is the retransmission, with what the loss cost where both frames are known.
func repaired(c *analyze.Charge, w flow.Witness) string {
	text := "sent again"
	switch {
	case c.What == flow.SYNPacket:
		text = synName(c) + " sent again"
	case w.B > w.A:
		text = "data " + count(w.A) + "–" + count(w.B) + " sent again"
	}
	for _, first := range c.Evidence {
		if (first.Says == flow.SaysPassed || first.Says == flow.SaysFirstPoint || first.Says == flow.SaysArrived) && w.Time > first.Time {
			return text + ", " + duration(w.Time-first.Time) + " later"
		}
	}
	return text
}

// icmpNames are the errors that explain a loss: RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.
var icmpNames = map[[3]uint64]string{
	{4, 3, 0}: "network unreachable", {4, 3, 1}: "host unreachable", {4, 3, 2}: "protocol unreachable",
	{4, 3, 3}: "port unreachable", {4, 3, 4}: "fragmentation needed", {4, 3, 5}: "source route failed",
	{4, 3, 9}: "network prohibited", {4, 3, 10}: "host prohibited", {4, 3, 13}: "prohibited by a filter",
	{4, 11, 0}: "TTL expired", {4, 11, 1}: "reassembly timed out",
	{6, 1, 0}: "no route", {6, 1, 1}: "prohibited by a filter", {6, 1, 3}: "address unreachable",
	{6, 1, 4}: "port unreachable", {6, 1, 5}: "source address refused", {6, 1, 6}: "route rejected",
	{6, 2, 0}: "packet too big", {6, 3, 0}: "hop limit expired", {6, 3, 1}: "reassembly timed out",
}

func icmpName(is4 bool, typ, code uint64) string {
	version := uint64(6)
	if is4 {
		version = 4
	}
	if name := icmpNames[[3]uint64{version, typ, code}]; name != "" {
		return name
	}
	return "an error"
}

// endpoint is address:port, IPv6 in brackets; without a port where there is none.
func endpoint(e flow.Endpoint, protocol uint8) string {
	return string(appendEndpoint(nil, e, protocol))
}

func appendEndpoint(b []byte, e flow.Endpoint, protocol uint8) []byte {
	addr := e.Addr.Netip()
	if addr.Is4() {
		b = addr.AppendTo(b)
	} else {
		b = append(b, '[')
		b = addr.AppendTo(b)
		b = append(b, ']')
	}
	if !hasPorts(protocol) {
		return b
	}
	b = append(b, ':')
	return strconv.AppendUint(b, uint64(e.Port), 10)
}

func hasPorts(protocol uint8) bool {
	switch protocol {
	case decode.ProtoTCP, decode.ProtoUDP, decode.ProtoUDPLite, decode.ProtoSCTP:
		return true
	}
	return false
}

// macName is a MAC address in its usual form.
func macName(n uint64) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
