package flow

import (
	"whydrop/capture"
	"whydrop/decode"
)

// A First is what a conversation without connections needs to know of its first
// packet once there is a second one, or once it is over. Most conversations of a
// scan, and those of a resolver, have one packet each way: until then a Talk would
// be twenty times as large as what there is to say.
type First struct {
	Time        int64
	Number      uint64
	head        [16]byte
	wireLength  uint32
	id          uint32
	ipLength    uint32
	payloadLen  uint32
	payloadCap  uint32
	payloadHash uint32
	mac         uint32
	File        uint16
	link        capture.LinkType
	fragOffset  uint16
	echoID      uint16
	echoSeq     uint16
	headerSum   uint16
	rightSum    uint16
	ipSum       uint16
	ipRight     uint16
	ipFlags     decode.IPFlags
	kind        decode.Kind
	malformed   decode.Malformed
	direction   capture.Direction
	sum         decode.Checksum
	ipVersion   uint8
	ttl         uint8
	icmpType    uint8
	icmpCode    uint8
	numVLAN     uint8
	numOuter    uint8

	Dir    uint8
	shared bool // the number before its own was that of another conversation
}

// FirstOf keeps of p what a Talk looks at.
func FirstOf(p *decode.Packet) First {
	return First{
		Time: p.Time, Number: p.Number, File: p.File, head: p.Head, wireLength: p.WireLength, id: p.ID,
		ipLength: p.IPLength, payloadLen: p.PayloadLen, payloadCap: p.PayloadCap, payloadHash: p.PayloadHash,
		mac: p.MACHash, link: p.Link, fragOffset: p.FragOffset, echoID: p.EchoID, echoSeq: p.EchoSeq,
		headerSum: p.HeaderSum, rightSum: p.RightSum, ipSum: p.IPSum, ipRight: p.IPRight, ipFlags: p.IPFlags,
		kind: p.Kind, malformed: p.Malformed, direction: p.Direction, sum: p.TransportSum, ipVersion: p.IPVersion,
		ttl: p.TTL, icmpType: p.ICMPType, icmpCode: p.ICMPCode, numVLAN: p.NumVLAN, numOuter: p.NumOuter,
	}
}

// packet is what was kept of the packet.
func (f *First) packet(protocol uint8) decode.Packet {
	return decode.Packet{
		Time: f.Time, Number: f.Number, File: f.File, Head: f.head, WireLength: f.wireLength, ID: f.id,
		IPLength: f.ipLength, PayloadLen: f.payloadLen, PayloadCap: f.payloadCap, PayloadHash: f.payloadHash,
		MACHash: f.mac, Link: f.link, FragOffset: f.fragOffset, EchoID: f.echoID, EchoSeq: f.echoSeq,
		HeaderSum: f.headerSum, RightSum: f.rightSum, IPSum: f.ipSum, IPRight: f.ipRight, IPFlags: f.ipFlags,
		Kind: f.kind, Malformed: f.malformed, Direction: f.direction, TransportSum: f.sum, IPVersion: f.ipVersion,
		TTL: f.ttl, ICMPType: f.icmpType, ICMPCode: f.icmpCode, NumVLAN: f.numVLAN, NumOuter: f.numOuter,
		Protocol: protocol, Control: -1,
	}
}

// Pass notes in pair that the packet passed, sent by side, of conversation number.
func (f *First) Pass(pair *TalkPair, side uint8, number uint32, protocol uint8) {
	pair.Seen[side] = true
	if countsID(protocol, f.ipVersion) && f.ipFlags&decode.BadIPHeader == 0 {
		f.shared = pair.pass(side, number, uint16(f.id))
	}
}

// Begin takes the first packet, which has passed.
func (t *Talk) Begin(f *First) {
	p := f.packet(t.Facts.Protocol)
	t.first = f
	t.Datagram(&p, f.Dir)
	t.first = nil
}

// countsID reports whether the IP IDs of a protocol number the packets of a conversation.
func countsID(protocol, ipVersion uint8) bool {
	return ipVersion == 4 && (protocol == decode.ProtoUDP || protocol == decode.ProtoUDPLite)
}

// pass notes that number id passed, sent by side, of a conversation. It reports
// whether the number before it was that of another one.
func (p *TalkPair) pass(side uint8, number uint32, id uint16) (shared bool) {
	last := &p.last[side]
	shared = last.any && last.talk != number && id-last.id == 1
	last.any, last.id, last.talk = true, id, number
	return shared
}

// TalkPool recycles conversations: there may be a million of one packet each.
type TalkPool struct{ streams []*stream }

const (
	maxPooled       = 64
	pooledSightings = 2 * fewSightings // larger rings are not kept
)

func (p *TalkPool) get() *stream {
	if n := len(p.streams); n > 0 {
		h := p.streams[n-1]
		p.streams = p.streams[:n-1]
		return h
	}
	return new(stream)
}

// put takes back h, which nothing points to.
func (p *TalkPool) put(h *stream) {
	if len(p.streams) == maxPooled || cap(h.seen.list) > pooledSightings {
		return
	}
	seen := h.seen
	clear(seen.index)
	*h = stream{seen: sightings{list: seen.list[:0], index: seen.index}}
	p.streams = append(p.streams, h)
}
