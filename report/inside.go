package report

import (
	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/decode"
)

// insideSays says why no frame tells what dropped packets inside a host, and what
// there is that does: wire-evidence.md c-1b. Packets that the receiver's own frames
// condemn, by a checksum or an old timestamp, have a cause.
func insideSays(k groupKey) string {
	switch {
	case k.locus == cause.SenderHost && nameless(k.cause):
		return " No frame tells by what: above a capture are the qdisc and the filters of output."
	case k.locus == cause.ReceiverHost && (nameless(k.cause) || k.cause == cause.ReceiverHostDrop):
		return " No frame tells by what: behind a capture are the backlog, the filters of input and the socket buffer."
	}
	return ""
}

// nameless reports whether a cause says what was lost, and not why.
func nameless(id cause.ID) bool {
	return id == cause.Unknown || id == cause.TailLoss || id == cause.LostRetransmission
}

// receiverSteps are where a receiver counts what it drops: the backlog of its CPUs
// before all, then its socket.
func receiverSteps(charges []*analyze.Charge) []string {
	socket := "`nstat -az TcpExtTCPBacklogDrop TcpExtTCPRcvQDrop TcpExtTCPOFODrop`"
	for _, c := range charges {
		if c.Protocol != decode.ProtoTCP {
			socket = "`nstat -az UdpRcvbufErrors TcpExtTCPBacklogDrop`"
			break
		}
	}
	return []string{"Ask the receiver's kernel: the backlog, the socket, its filters:", "`cat /proc/net/softnet_stat`", socket, "`nft list ruleset`"}
}
