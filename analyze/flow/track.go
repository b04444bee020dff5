package flow

import "whydrop/decode"

// A track is what is remembered of one half of a conversation while it lives:
// what its sender sent past the tap, and what the other side said of it.
type track struct {
	begun               bool
	topped              bool // carried sequence space
	acked               bool // una is valid
	scaled              bool // its SYN had a window scale
	started             bool // its SYN passed
	sackOK              bool
	ordered             bool   // its IP IDs grow with its packets
	counted             bool   // and number nothing else: a missing one is a missing packet
	origin              uint32 // sequence number of octet 0
	mss                 uint16
	scale               uint8
	window              uint16   // as last announced by this side
	spoke               bool     // window is valid
	fromSYN             bool     // it is that of a SYN
	summed              bool     // one of its checksums was right here
	summedData          bool     // over payload
	scrubbed            bool     // trusted is blank: see blanked
	trusted             FrameRef // the last segment that was taken for whole in spite of its checksum
	offload             bool     // its checksums are wrong here and were right on the wire
	goodHeads, badHeads uint32   // IP headers by their checksum, as far as looked ahead

	// What passed.
	top      int64 // behind the highest octet
	lowest   int64 // first octet ever seen
	asked    int64 // behind the octet of a probe of a closed window
	line     queue
	odds     odds
	seen     ranges // octets, down to una
	last     edge   // what set top
	firstT   int64  // first packet of this half
	lastT    int64  // last packet of this half
	lastSeq  int64  // last packet with sequence space
	lastData int64  // last packet with payload
	lastBack int64  // last retransmission
	lastAck  uint32 // acknowledgement number of the last packet
	newestTS uint32 // highest timestamp
	seqTS    uint32 // that of the last packet with sequence space
	ticks    uint8  // which of usualTicks, from 1; 0 = not known
	hasTS    bool
	echoed   uint32 // TSecr last sent
	hasEcho  bool
	progress bool // the last packet was a pure ACK that moved on
	hasAck   bool
	longest  uint32 // payload that can be a full segment
	options  uint8  // fewest octets of options that a data segment had, where they could not be read; 0 = none
	prompt   uint32 // data sent with the ACK that it answers
	delayed  uint32 // data sent after a pure ACK
	recent   recent
	echoes   echoes
	clock    echo // the first that is no SYN's: a SYN-ACK may hide a cookie in its timestamp

	// What the other side said of it.
	una      int64
	unaTime  int64
	hoard    *hoard // what its receiver holds out of order; nil: none, or it tells by SACK
	ackTime  int64  // last acknowledgement
	ackRef   FrameRef
	sacked   ranges
	maxSACK  int64
	dups     int32
	dup3Time int64
	history  history
	dsacks   []dsack
	newest   int64 // when the newest covered transmission was sent
	covered  int   // entries of line below una
	unseen   []unseen
	sackRef  FrameRef
	sackTime int64
	fresh    []span // scratch of blocks
	full     int64  // payload of a full segment, as of the last packet
	dupRef   FrameRef

	heard  int   // segments with new data after a repair of which nothing was heard here
	hidden int64 // octets below were sent before, though none passed: c-11

	// What its sender is doing.
	state    recovery
	high     int64
	rtoTS    uint32
	rtoHasTS bool
	rtoTime  int64
	wasLost  bool
	probing  bool
	probe    int64

	// Numbers.
	ids        numbers
	unnumbered span // octets that were sent before the first number that passed

	// Handshake.
	synTime  int64
	syns     int
	synack   answer // first SYN-ACK of this half
	firstAck answer // first acknowledgement of this half that is no SYN
	synEcho  []synSeen
	again    *Sign // SYN-ACKs repeated after their answer; nil = none
	shaken   bool
	opened   bool // what its initial window measures has been looked for

	minDown, minUp int64
	delays         *delays
	trail          *trail

	loops *loops   // packets whose TTL falls each time that they pass; nil: there are none
	alone *ackOnly // of a direction that is not captured
	twins *twins   // of packets that pass two capture points; nil: there is one

	copied   bool // a copy of one of its packets passed, for certain
	unsteady bool // packets overtook one another, on either side of the tap
	blind    bool // options of its acknowledgements were not captured: nobody knows what they reported

	hasty bool // its host sent octets again as soon as copies come: see inHaste

	bigLost, bigWhole int  // super-frames that lost segments, that were lost whole
	split             bool // part of a super-frame was acknowledged: its segments travel alone

	shut      *shut // nil if it never closed its window
	late      *Sign // of timeouts that were not needed
	zeroSince int64
	zeroEnd   int64
	zero      bool
	zeroRef   FrameRef
}

// An edge is the packet that set top.
type edge struct {
	t      int64
	id     int32
	hasID  bool
	push   bool
	data   bool
	resent bool
	syn    bool
	ok     bool
}

// A dsack is a report of octets that arrived twice, RFC 2883.
type dsack struct {
	t      int64
	lo, hi int64
	ref    FrameRef
}

// An unseen is a range that was acknowledged and never passed here.
type unseen struct {
	lo, hi int64
	t      int64
	since  int64 // when the packet before it passed
	before bool  // it may have been sent before the capture began: it arrived, that is all
	ref    FrameRef

	ecr     uint32 // the timestamp that its acknowledgement echoed
	stamped bool   // ecr is valid
	behind  bool   // what is in front of it passed behind its acknowledgement
}

// An answer is the first packet of a kind, and what it echoes.
type answer struct {
	t    int64
	ecr  uint32
	ok   bool
	echo bool
}

// A synSeen is one SYN and its timestamp.
type synSeen struct {
	t   int64
	ts  uint32
	has bool
}

// recovery is the state of a sender, RFC 5681 and Linux' tcp_ca_state.
type recovery uint8

const (
	open recovery = iota
	recovering
	losing
)

func (h *track) reset(pool *Pool) {
	h.line.reset(pool)
	h.odds.reset()
	h.trail.reset(pool)
	*h = track{
		line: h.line, odds: h.odds, trail: h.trail, seen: h.seen[:0], sacked: h.sacked[:0], history: history{h.history.list[:0]},
		dsacks: h.dsacks[:0], unseen: h.unseen[:0], synEcho: h.synEcho[:0],
		recent: recent{list: h.recent.list[:0]}, echoes: echoes{list: h.echoes.list[:0]},
		ids: numbers{gaps: h.ids.gaps[:0]}, minDown: -1, minUp: -1, delays: h.delays.emptied(),
	}
}

// position unwraps seq to 64 bits, near the highest octet seen. Octet 0 is the
// first one seen, so what came before it is negative.
func (h *track) position(seq uint32) int64 {
	return h.top + int64(int32(seq-h.origin-uint32(h.top)))
}

// ackPosition unwraps an acknowledgement of this half.
func (h *track) ackPosition(ack uint32) int64 {
	near := h.top
	if h.acked {
		near = h.una
	}
	return near + int64(int32(ack-h.origin-uint32(near)))
}

// firstHere is the first octet that can have been sent since the capture began.
// Of a half whose SYN did not pass, what is below the first octet seen was sent
// before that, though it may be sent again.
func (h *track) firstHere() int64 {
	if h.started {
		return h.lowest
	}
	return max(h.lowest, 0)
}

// maybeBefore reports whether octets of which t tells can have been sent before
// the capture began: its SYN did not pass, and no round trip has passed since
// its first packet did.
func (h *track) maybeBefore(t int64) bool {
	wait := second
	if h.minDown >= 0 && h.minUp >= 0 {
		wait = startRTTs * h.rtt()
	}
	return !h.started && t-h.firstT <= wait
}

func (h *track) begin(seq uint32) {
	h.begun = true
	h.origin = seq
}

// rtt is the shortest round trip through the tap, or 0 if nothing is known.
func (h *track) rtt() int64 { return max(h.minDown, 0) + max(h.minUp, 0) }

func (h *track) rttKnown() bool { return h.minDown >= 0 || h.minUp >= 0 }

func (h *track) up() int64 { return max(h.minUp, 0) }

// segment is the payload of a full segment of this half, b-17.
func (c *Conn) segment(dir uint8) int64 {
	h, r := &c.half[dir], &c.half[1-dir]
	m := h.mss
	if m == 0 || r.mss != 0 && r.mss < m {
		m = r.mss
	}
	if m > tsOctets+1 {
		if c.stamped(dir) {
			m -= tsOctets
		} else if n := uint16(h.options); m > n+1 {
			m -= n // RFC 9293 §3.7.1: the MSS counts options as data
		}
		return int64(m)
	}
	if h.longest > fewestMSS {
		return int64(h.longest)
	}
	return defaultMSS
}

// segments is how many wire packets n octets of payload are, at least one.
func (c *Conn) segments(dir uint8, n int64) int64 {
	m := c.segment(dir)
	if n <= m || n <= c.mayCarry(dir) {
		return 1
	}
	return (n + m - 1) / m
}

// mayCarry is what one packet of this half may carry by what its receiver
// announced, within an Ethernet frame: some hosts announce less than they send.
func (c *Conn) mayCarry(dir uint8) int64 {
	m := int64(min(c.half[1-dir].mss, mostMSS))
	if c.stamped(dir) {
		m -= tsOctets
	}
	return m
}

// stamped reports whether segments of this half carry timestamps: a SYN only
// offers them, RFC 7323 §3.2.
func (c *Conn) stamped(dir uint8) bool {
	h, r := &c.half[dir], &c.half[1-dir]
	return h.hasTS && (r.hasTS || !r.started)
}

// relative is octet at for people: counted from the first one seen.
func relative(at int64) uint64 { return uint64(max(at, 0)) }

// bare reports whether s is an acknowledgement and nothing else.
func (s *Segment) bare() bool {
	return s.Len == 0 && s.Flags&(decode.SYN|decode.FIN|decode.RST) == 0
}
