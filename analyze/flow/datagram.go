package flow

import (
	"whydrop/capture"
	"whydrop/decode"
)

// Thresholds of datagrams: tcp-rules.md b-22.
const (
	// idUDPNear is how far apart the IDs of neighbouring datagrams may be.
	idUDPNear = 256

	// idUDPPairs, idUDPShare and idUDPOnes: of at least this many neighbours,
	// these shares must be near, and count on by one. 522 of 522 lost upstream.
	idUDPPairs = 8
	idUDPShare = 0.98
	idUDPOnes  = 0.3

	// idUDPHoles: numbers missing between more than this share of the neighbours
	// are those of a host with one counter for all, of which the rest is not here,
	// unless the pace of the sender says that they were packets of this conversation.
	idUDPHoles = 0.2

	// idUDPShared: if more often than this another conversation of the same
	// host had the number in between, they share a counter, and missing numbers
	// are not missing packets.
	idUDPShared = 0.05

	// forever is later than any packet.
	forever = 1<<63 - 1

	// Damage of nearly all packets is not damage: checksums that nobody computed.
	neverSummed      = 4   // packets at least
	neverSummedShare = 0.9 // of a direction
)

// A Talk is a conversation without connections: UDP, ICMP echo, and other
// protocols over IP. It knows of losses only by numbers that the sender gave
// its packets, by damage, and by what routers and hosts say of them. Without
// any of these it says nothing about loss.
type Talk struct {
	Facts  Facts
	number uint32
	pair   *TalkPair
	side   uint8 // which side of the pair the originator is
	half   [2]*stream
	log    *Log
	pool   *TalkPool
	first  *First // the packet that is taken is this one, which passed before
	rest   *Rest  // losses beyond the limit of the log
	folded bool

	service  Service
	requests *requests // nil: nothing was asked that this capture understands
}

// A TalkPair is what all conversations between two addresses share.
type TalkPair struct {
	Users int32   // conversations that hold it
	Seen  [2]bool // a packet of this side has passed
	last  [2]struct {
		id   uint16
		any  bool
		talk uint32
	}
	rare *rarePair // nil: none of that
}

// A rarePair is what few pairs have.
type rarePair struct {
	sources   []rtpSource
	fragments [2]idRing // IDs that fragments had
}

func (p *TalkPair) rarely() *rarePair {
	if p.rare == nil {
		p.rare = new(rarePair)
	}
	return p.rare
}

// stream is one direction of a Talk.
type stream struct {
	seen    sightings
	ids     serial
	shared  uint32 // numbers that other conversations of the host had in between
	numbers Known  // whether ids count this conversation's packets, once acted upon
	rtp     rtpStream
	nextRTP *rtpStream // a source that is not followed yet
	lates   []deferred
	damaged []deferred
	bad     uint64 // damaged packets
	loops   *loops // packets whose TTL falls each time that they pass; nil: there are none
	twins   *twins // of packets that pass two capture points; nil: there is one

	trail  *talkTrail  // nil: nothing was missing yet
	stones []milestone // before that
	left   bool        // a trail was handed over
	closed *closing    // nil: nobody said that the port is closed
}

// A deferred frame is judged when more is known.
type deferred struct {
	t        int64
	ref      FrameRef
	octets   uint32
	rtp      bool
	reason   Reason
	sum      uint16
	rightSum uint16
}

// maxLates bounds lates and damaged; beyond it they are judged by what is known then.
const maxLates = 64

// NewTalk makes a Talk, which is one of the users of pair; number is that of its flow in log.
func (p *TalkPool) NewTalk(pair *TalkPair, side uint8, number uint32, facts Facts, log *Log) *Talk {
	t := &Talk{Facts: facts, number: number, pair: pair, side: side, log: log, pool: p}
	switch facts.Protocol {
	case decode.ProtoICMP, decode.ProtoICMPv6:
		t.service = Echo
	case decode.ProtoUDP:
		if t.service = ServiceOf(facts.Responder.Port); t.service == NoService {
			t.service = ServiceOf(facts.Originator.Port)
		}
	}
	for d := range t.Facts.Dir {
		h := &t.Facts.Dir[d]
		h.MinDown, h.MinUp, h.RTTMin, h.RTTMed, h.RTTMax, h.WindowScale = -1, -1, -1, -1, -1, -1
	}
	return t
}

func (t *Talk) stream(dir uint8) *stream {
	if t.half[dir] == nil {
		t.half[dir] = t.pool.get()
	}
	return t.half[dir]
}

// Datagram takes the next packet of direction dir, which is no later fragment.
func (t *Talk) Datagram(p *decode.Packet, dir uint8) {
	h := t.stream(dir)
	s := sight(p)
	ago, yes := h.seen.copyOf(&s)
	if !yes && h.loops != nil {
		ago, yes = h.loops.goesOn(s.key, s.ttl, s.t)
	}
	if yes {
		var twin bool
		t.loop(h, &s, dir, ago)
		h.twins, twin = h.twins.again(&t.Facts.Dir[dir], s.key, s.ttl, s.t, ago)
		t.copied(p, dir, ago, twin)
		return
	}
	h.seen.add(s)
	if h.twins != nil {
		t.twin(h, &s, dir)
	}
	t.Count(p, dir)
	if t.service != NoService && (p.Kind == decode.KindUDP || p.Kind == decode.KindICMP) {
		t.request(p, dir)
	}
	damaged := t.judgeSum(h, p, dir)
	if h.closed != nil && !damaged {
		h.closed.pass(s.t, s.ref, s.octets)
	}
	byID := t.identify(h, p, dir)
	what := t.followRTP(h, p, dir, damaged)
	if byID == strideLate || what == strideLate {
		if len(h.lates) >= maxLates {
			t.settle(h, dir, p.Time)
		}
		h.lates = append(h.lates, deferred{t: p.Time, ref: s.ref, octets: p.PayloadLen, rtp: what == strideLate})
	}
	if len(h.ids.gaps) >= maxSerialGaps || len(h.rtp.gaps) >= maxSerialGaps {
		t.settle(h, dir, p.Time)
	}
	switch n := t.Facts.Dir[dir].Packets; {
	case h.trail != nil, len(h.ids.gaps)+len(h.rtp.gaps) > 0:
		t.trace(h, p, dir)
	case isMilestone(n):
		h.milestone(p)
	}
	t.pair.Seen[t.side^dir] = true
}

// Copied notes a packet that passed before.
func (t *Talk) Copied(p *decode.Packet, dir uint8, ago int64) { t.copied(p, dir, ago, false) }

func (t *Talk) copied(p *decode.Packet, dir uint8, ago int64, twin bool) {
	i := 0
	if ago >= CopyImmediate {
		i = 1
	}
	t.Facts.Dir[dir].Copies[i]++
	s := t.symptom(p, dir, Duplicate, NetworkCopy)
	s.For, s.Twin = ago, twin
	t.log.Symptom(s)
}

func (t *Talk) symptom(p *decode.Packet, dir uint8, k Kind, d Detail) Symptom {
	return Symptom{
		Time: p.Time, Frame: FrameRef{Number: p.Number, File: p.File}, Flow: t.number, Octets: p.PayloadLen, Packets: 1,
		Kind: k, Detail: d, Dir: dir, Protocol: t.Facts.Protocol,
	}
}

// identify follows the IP IDs of a direction.
func (t *Talk) identify(h *stream, p *decode.Packet, dir uint8) stride {
	if !countsID(t.Facts.Protocol, p.IPVersion) {
		return strideFirst
	}
	id := uint16(p.ID)
	if p.IPFlags&decode.BadIPHeader != 0 {
		if d := int16(id - uint16(h.ids.last)); !h.ids.any || d <= 0 || d >= idBadNear {
			return strideFirst
		}
	}
	shared := t.first != nil && t.first.shared
	if t.first == nil {
		shared = t.pair.pass(t.side^dir, t.number, id)
	}
	if shared {
		h.shared++
	}
	return h.ids.take(id, idUDPNear, p.Time, FrameRef{Number: p.Number, File: p.File})
}

// counts reports whether the IDs of a direction number its packets.
func (h *stream) counts() bool {
	n := float64(h.ids.pairs)
	return h.ids.pairs >= idUDPPairs && float64(h.ids.near) >= idUDPShare*n &&
		float64(h.ids.ones) >= idUDPOnes*n && (float64(h.ids.holes) <= idUDPHoles*n || h.ids.pace.counts()) && float64(h.shared) <= idUDPShared*n
}

// Count adds p, which is no copy, to the totals of its direction.
func (t *Talk) Count(p *decode.Packet, dir uint8) {
	const ethernetMinimum = 60
	t.Facts.Last = max(t.Facts.Last, p.Time)
	f := &t.Facts.Dir[dir]
	f.Packets++
	f.WirePackets++
	f.Octets += uint64(p.PayloadLen)
	if p.PayloadLen > 0 {
		f.Data++
	}
	f.MaxSegment = max(f.MaxSegment, p.PayloadLen)
	f.MaxFrame = max(f.MaxFrame, p.WireLength)
	f.TTL = p.TTL
	f.LastTime = max(f.LastTime, p.Time)
	if p.TransportSum == decode.ChecksumPending {
		f.ChecksumPending++
	}
	if p.Malformed != decode.WellFormed {
		f.Malformed++
	}
	switch p.Direction {
	case capture.Inbound:
		f.Inbound++
	case capture.Outbound:
		f.Outbound++
	}
	if p.Link == capture.LinkEthernet && p.NumOuter == 0 {
		if p.IPFlags&decode.Padded != 0 && p.WireLength <= ethernetMinimum+4*uint32(p.NumVLAN) {
			f.PaddedShort++
		}
		if p.WireLength < ethernetMinimum {
			f.UnpaddedShort++
		}
	}
	t.Facts.Tunnelled = t.Facts.Tunnelled || p.NumOuter > 0
}

// Finish ends the conversation. end is the time up to which the capture would
// have seen more of it.
func (t *Talk) Finish(end int64) {
	for d := range t.half {
		f := &t.Facts.Dir[d]
		f.InitialTTL = f.TTL == 64 || f.TTL == 128 || f.TTL == 255
		h := t.half[d]
		if h == nil {
			continue
		}
		t.settle(h, uint8(d), forever)
		h.loops.finish(func(r *replicas) { t.tellLoop(uint8(d), r) })
		t.finishRTP(h, uint8(d))
		t.finishClosed(h, uint8(d))
		t.leaveTrail(h, uint8(d))
		t.pair.leave(h)
		if h.twins != nil {
			h.twins.finish(end, func(x *sighted) { t.single(h, uint8(d), x) })
		}
		if f.IDClass = No; h.numbers == Yes {
			f.IDClass = Yes
		}
		t.half[d] = nil
		t.pool.put(h)
	}
	t.finishRequests(end)
	t.flushRest()
}
