package flow

import (
	"whydrop/capture"
	"whydrop/decode"
)

// A Segment is what is kept of a TCP packet until it is judged: a look-ahead
// calibrates the IP IDs before the first packet depends on them. It fills one line
// of the cache; what few segments have is kept beside it.
type Segment struct {
	Time         int64
	Number       uint64
	Seq, Ack     uint32
	TSVal, TSEcr uint32
	Len          uint32 // payload, as claimed
	Hash         uint32 // of the captured payload
	Wire         uint32 // octets of the frame
	Flags        uint16
	Window       uint16
	ID           uint16
	File         uint16
	MSS          uint16
	Sum          uint16 // the checksum as captured: tells damaged copies apart; of a bad IP header, that one
	Right        uint16 // what it should have been, if it is wrong
	marks        marks
	TTL          uint8
	Scale        uint8 // of the window; the octets of options if unread
	NumSACK      uint8
	Dir          uint8 // 0: from the originator
}

// Blocks are the SACK blocks of a segment, as far as its NumSACK says: left edge,
// right edge (behind the last octet). RFC 2018 §3.
type Blocks [4][2]uint32

type marks uint16

const (
	badTCP        marks            = 1 << iota // checksum wrong: trust nothing that does not fit
	badIP                                      // header checksum wrong
	hasID                                      // IPv4
	hasTS                                      // timestamps
	hasSACKOK                                  //
	hasScale                                   //
	hasMSS                                     //
	sumPending                                 // checksum not filled in yet
	inbound                                    // by the capture's own word
	outbound                                   //
	padded                                     // to the Ethernet minimum
	unpadded                                   // below it
	malformed                                  //
	tunnelled                                  //
	cut                                        // options go on behind what was captured, or the checksum cannot be verified
	unread                                     // no SYN, and not all of its options were captured
	damagedFields = badTCP | badIP             //
)

// ethernetMinimum is the shortest Ethernet frame without its FCS, IEEE 802.3 §3.2.8.
const ethernetMinimum = 60

// SegmentOf keeps what TCP analysis needs of p, which travels in direction dir,
// in s. It sets every field that is read. Where NumSACK is not 0 then, the blocks of
// p belong to s, too.
func SegmentOf(p *decode.Packet, dir uint8, s *Segment) {
	s.Time, s.Number, s.File, s.Wire = p.Time, p.Number, p.File, p.WireLength
	s.Seq, s.Ack, s.Flags, s.Window = p.Seq, p.Ack, p.Flags, p.Window
	s.TSVal, s.TSEcr, s.MSS, s.Scale = p.TSVal, p.TSEcr, p.MSS, p.Scale
	s.Len, s.Hash, s.Sum, s.Right = p.PayloadLen, p.PayloadHash, p.HeaderSum, p.RightSum
	if p.IPFlags&decode.BadIPHeader != 0 {
		s.Sum, s.Right = p.IPSum, p.IPRight
	}
	s.ID, s.TTL, s.Dir = uint16(p.ID), p.TTL, dir
	s.marks = marksOf(p)
	if s.is(unread) {
		s.Scale = p.OptionLen
	}
	s.NumSACK = 0
	if p.Options&decode.OptSACK != 0 {
		s.NumSACK = min(p.NumSACK, uint8(len(p.SACK)))
	}
}

func marksOf(p *decode.Packet) marks {
	var m marks
	set := func(is bool, bit marks) {
		if is {
			m |= bit
		}
	}
	set(p.TransportSum == decode.ChecksumBad, badTCP)
	set(p.IPFlags&decode.BadIPHeader != 0, badIP)
	set(p.IPFlags&decode.HasID != 0 && p.IPVersion == 4, hasID)
	set(p.Options&decode.OptTimestamps != 0, hasTS)
	set(p.Options&decode.OptSACKOK != 0, hasSACKOK)
	set(p.Options&decode.OptScale != 0, hasScale)
	set(p.Options&decode.OptMSS != 0, hasMSS)
	set(p.TransportSum == decode.ChecksumPending, sumPending)
	set(p.Direction == capture.Inbound, inbound)
	set(p.Direction == capture.Outbound, outbound)
	set(p.Malformed != 0, malformed)
	set(p.NumOuter > 0, tunnelled)
	set(p.Options&decode.OptCut != 0 || p.TransportSum == decode.ChecksumPartial, cut)
	set(p.Options&decode.OptCut != 0 && p.Flags&decode.SYN == 0, unread)
	if p.Link == capture.LinkEthernet && p.NumOuter == 0 {
		set(p.IPFlags&decode.Padded != 0 && p.WireLength <= ethernetMinimum+4*uint32(p.NumVLAN), padded)
		set(p.WireLength < ethernetMinimum, unpadded)
	}
	return m
}

func (s *Segment) is(m marks) bool { return s.marks&m != 0 }

// space is the sequence space that s takes, RFC 9293 §3.4.
func (s *Segment) space() int64 {
	n := int64(s.Len)
	if s.Flags&decode.SYN != 0 {
		n++
	}
	if s.Flags&decode.FIN != 0 {
		n++
	}
	return n
}

// Ref names the frame of s.
func (s *Segment) Ref() FrameRef { return FrameRef{Number: s.Number, File: s.File} }
