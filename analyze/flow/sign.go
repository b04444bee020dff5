package flow

import "whydrop/decode"

// A Sign is what was noticed of a conversation, or of a host, beside lost
// packets: what a cause is concluded from that is no loss by itself, or that
// tells why losses happened. It never says why.
type Sign struct {
	Kind      SignKind
	Dir       uint8 // direction of the packets in question
	Protocol  uint8
	Flow      uint32      // NoFlow: of two hosts, not of a conversation
	Addr, By  decode.Addr // of signs without a flow: whom it is about, and who asked
	N, M      uint64      // as named with the kind
	Repeated  uint64      // likewise
	Service   Service     // of requests
	What      What        // of the packet, where it is about one
	TTL       uint8       // its last
	Octets    uint32      // of its payload
	Frame     FrameRef    // the packet itself
	First     int64
	Last      int64
	Witnesses [4]Witness // the rest are zero
}

// SignKind tells Signs apart.
type SignKind uint8

// Kinds of signs.
const (
	SignNone             SignKind = iota
	SignIgnored                   // SYN-ACKs repeated although the client's answer passed; N: how often, M: octets of the client that passed
	SignLoop                      // a packet that passed N times, each time with a TTL lower by M (0: not always the same); it passed first at First
	SignClaim                     // Addr is claimed towards By by MAC address N; M: how often in answers; TTL 1: it only asked whether it is free
	SignUnresolved                // By asked for the link-layer address of Addr N times, and nobody answered
	SignFragments                 // of N fragmented datagrams from Addr to By, M had fragments behind the first
	SignRequests                  // N requests without an answer, Repeated of them more than once; M more were answered when repeated
	SignForeignReset              // N resets with a TTL that is not the host's; M 1: the host went on behind them
	SignForeignHandshake          // the SYN-ACK has a TTL that is not that of the data
	SignNoStamps                  // N segments of data without the timestamps that were agreed on
	SignAbsurdSACK                // N acknowledgements with SACK blocks outside any window
	SignClamped                   // a SYN passes a second point with another MSS
	SignStripped                  // a SYN passes a second point without some of its options
	SignClosed                    // the receiver closed its window N times, for M ns together, and was asked Octets times; the longest time is that of First and Last
	SignGone                      // the receiver closed its window, and did not answer N probes, at growing intervals
	SignSpurious                  // N timeouts were not needed; at the worst the answer took M ns
	NumSigns
)

var signNames = [NumSigns]string{
	"none", "ignored", "loop", "claim", "unresolved", "fragments", "requests",
	"foreign-reset", "foreign-handshake", "no-stamps", "absurd-sack", "clamped", "stripped", "closed", "gone", "spurious",
}

func (k SignKind) String() string {
	if k >= NumSigns {
		return "invalid"
	}
	return signNames[k]
}

// Sign keeps s.
func (l *Log) Sign(s Sign) {
	if len(l.Signs) >= maxSigns {
		l.GaveUp.Symptoms++
		return
	}
	l.Signs = append(l.Signs, s)
}

// maxSigns bounds the signs that are kept.
const maxSigns = 1 << 16
