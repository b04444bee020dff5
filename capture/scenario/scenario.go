// Package scenario is captures as text: a page that a reader can check by hand
// becomes the frames that a tap would have held. It is a [capture.Source], so
// that tests, documents and bug reports without payload speak one language.
//
//	a = 10.0.0.1:40000
//	b = 10.0.0.2:443
//	0.000  a > b  S   0:0            win 64240  mss 1460 ws 7 sackok
//	+.020  b > a  S.  0:0      a1    win 65160  mss 1460 ws 7 sackok
//	+.000  a > b  .   1:1      a1
//	+.001  a > b  .   1:1461   a1
//	+.000  a > b  P.  +1460    a1    unseen   # sent, but it never passed the tap
//	+.020  b > a  .   +0       a*
//
// A file may begin with the story of what was done to the packets; the capture
// then stands between "-- capture --" and "-- want --". # starts a comment.
//
// An endpoint is "name = address:port" or "name = address", and
//
//	ttl N      first TTL; 64
//	isn N      first initial sequence number
//	ts N       has timestamps (RFC 7323), from a clock of 1 ms that shows N at time 0
//	id N       numbers the packets of each conversation from N, as Linux does
//	id none    sends IP ID 0; id random: numbers at random
//	here       the tap is on this host: its frames are outgoing, others incoming
//
// A frame is a time, absolute or + or - from the line before, in seconds, and
//
//	a > b FLAGS SEQ ACK …   TCP. FLAGS out of SFRP.UEW; SEQ is FROM:TO or +N, the next
//	                        N octets; ACK is aN, or a* for all that was sent, with the
//	                        ACK flag (.) only. Numbers are relative to the initial one
//	a > b udp N …           N octets; rtp N or rtp next: with an RTP header
//	                        rr HIGHEST:LOST: an RTCP receiver report, of 32 octets
//	                        head HEX: begins with these octets
//	a > b icmp T/C …        quotes LABEL, octets N (quoted, or of an echo), mtu N
//	a > b arp ask …         a asks for b's MAC address: arp tell answers, probe asks whether
//	                        it is free; a > a arp tell announces. nd ask, nd tell: IPv6
//	= LABEL …               the packet of that label passes again, or late;
//	                        frag FROM:TO: only these octets of its IP payload
//
// Words of TCP are win N, mss N, ws N, sackok, sack FROM:TO …, ts VAL:ECHO (either
// may be missing), ts none, and isn N for a new connection. Words of any frame are
//
//	as LABEL           names the packet
//	unseen             was sent and took its numbers, but the capture does not hold it
//	ttl N, id N, nodf  instead of the habit of the host
//	bad ip|tcp|udp     wrong checksum; flip N: a bit of octet N of the IP packet is flipped
//	sum N, pending     transport checksum N, or that of the pseudo-header only (offload)
//	blank              the capture wrote zeros over the payload (TCP)
//	offload            the capture says that the checksum is pending
//	in, out            direction; unpadded: no Ethernet padding; cut N: captured octets
//	vlan N, vxlan A B KEY, gre A B KEY
//	mac XX:XX:XX:XX:XX:XX   source MAC address, in ARP and neighbour discovery, too
//
// Other lines are
//
//	link ethernet|raw|sll
//	snap N                      captured octets of the frames that follow
//	with WORDS                  words of all frames that follow
//	repeat N … end
//	drops ring|interface|os N [FROM TO]
//	clock S                     the clock of the tap steps by S seconds
//
// Behind the frames "-- host --" may begin what the kernel of the capturing host
// said: a capture.Testimony as JSON, with times in ns since the start.
//
// Octets of payload follow from their place in the sequence space, so that a
// retransmission carries what the first copy carried, and checksums are right
// unless the line says otherwise.
package scenario

import (
	"fmt"
	"strings"
	"time"

	"whydrop/capture"
)

// Limits of a scenario. They are generous for a page of text and keep a
// hostile one from filling memory.
const (
	maxText      = 1 << 20 // octets of text
	maxSteps     = 200_000 // lines, loops unrolled
	maxEndpoints = 256
	maxSegment   = 65_400   // octets of payload of one frame
	maxOctets    = 64 << 20 // octets of all packets, seen or not
)

// epoch is when scenarios begin: 2026-01-01T00:00:00Z.
const epoch = 1_767_225_600_000_000_000

// A Scenario is a capture that was written down.
type Scenario struct {
	Name  string // for messages and Inputs
	Story string // what was done to the packets: the text before "-- capture --"
	Want  string // what must be concluded: the text behind "-- want --"

	link      capture.LinkType
	endpoints []endpoint
	steps     []step
	host      *capture.Testimony // with times since the start
	rotate    uint32
	shift     time.Duration
}

// A SyntaxError says which line could not be understood.
type SyntaxError struct {
	Name string
	Line int // 1-based
	What string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.What) }

// Rotated is s with d added to the initial sequence number of every direction.
func (s *Scenario) Rotated(d uint32) *Scenario {
	c := *s
	c.rotate += d
	return &c
}

// Shifted is s, d later.
func (s *Scenario) Shifted(d time.Duration) *Scenario {
	c := *s
	c.shift += d
	return &c
}

// sections cuts a file into story, capture and want, and says on which line
// (0-based) the capture begins. A text without "-- capture --" is all capture.
func sections(text string) (story, frames, want string, line int) {
	frames = text
	if i := marker(text, "-- capture --"); i >= 0 {
		story, frames = text[:i], text[i:]
		line = strings.Count(story, "\n") + 1
		_, frames, _ = strings.Cut(frames, "\n")
	}
	if i := marker(frames, "-- want --"); i >= 0 {
		_, want, _ = strings.Cut(frames[i:], "\n")
		frames = frames[:i]
	}
	return story, frames, want, line
}

// marker finds the line m in text, or gives -1.
func marker(text, m string) int {
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		if strings.TrimRight(text[at:at+end], " \r") == m {
			return at
		}
		at += end + 1
	}
	return -1
}
