package pcapfile

import (
	"fmt"

	"whydrop/capture"
)

// A layout is the shape of a classic record header. All begin with seconds,
// fraction, captured length, wire length; some go on.
type layout struct {
	octets    int
	direction int // offset of the octet that says sll_pkttype, or 0
}

var (
	standard  = layout{octets: 16}
	kuznetzov = layout{octets: 24, direction: 22} // ifindex:32 protocol:16 type:8 pad:8
	ss990915  = layout{octets: 28, direction: 22} // and two CPU numbers
	nokia     = layout{octets: 20}                // and four octets nobody explained
	borkmann  = layout{octets: 24, direction: 23} // source:16 ifindex:16 protocol:16 hardware:8 type:8
)

// classicHeader is the length of the file header with its magic.
const classicHeader = 24

// A classic cuts pcap files: a file header, then records.
type classic struct {
	order   order
	layout  layout
	dialect dialect
	scale   int64 // nanoseconds in a unit of the fraction
	swap    lengths
	link    capture.LinkType
	limit   uint32 // longest captured packet
	begun   bool   // the file header was read
	settled bool   // the layout was looked at
}

// lengths says whether captured and wire length stand in the other order.
type lengths uint8

const (
	inOrder   lengths = iota
	swapped           // always
	undecided         // whichever is smaller is the captured one
)

func startClassic(f *file, d dialect, o order) *classic {
	c := &classic{order: o, dialect: d, layout: d.record, scale: 1000}
	if d.nano {
		c.scale = 1
	}
	if f.stream.more(classicHeader + d.extra) {
		c.header(f)
	}
	return c
}

func (c *classic) record() string {
	if !c.begun {
		return "the file header"
	}
	return "a packet record"
}

// header reads the file header:
//
//	magic:32 major:16 minor:16 zone:32 accuracy:32 snaplen:32 link:32
//
// The link word is really FCS length:4, FCS known:1, reserved:1, more reserved:10,
// link type:16 (draft-ietf-opsawg-pcap §4). Zone and accuracy were never used.
func (c *classic) header(f *file) {
	head := f.stream.unread()[:classicHeader]
	major, minor := c.order.u16(head[4:]), c.order.u16(head[6:])
	snap, word := c.order.u32(head[16:]), c.order.u32(head[20:])

	const reserved, fcsKnown, fcsShift = 0x0bff_0000, 0x0400_0000, 28
	c.link = capture.LinkType(word & 0xffff)
	c.limit = longestRecord(c.link, snap)
	f.declare(c.link, snap)
	if word&fcsKnown != 0 && word>>fcsShift != 0 {
		f.note("every frame ends with %d octets of frame check sequence", 2*(word>>fcsShift))
	}
	if word&reserved != 0 {
		f.note("reserved bits of the link type are set: 0x%08x", word)
	}
	if c.dialect.name != "pcap" {
		f.note("file format: %s", c.dialect.name)
	}
	c.swap = c.lengthOrder(major, minor)
	if major != 2 && c.swap == inOrder {
		f.note("file format version %d.%d, read as 2.4", major, minor)
	}
	c.begun = true
	f.stream.pos += classicHeader + c.dialect.extra
}

// lengthOrder is in which order a version writes the two lengths: libpcap 1.10.3
// sf-pcap.c:pcap_check_header. They changed places between 2.2 and 2.3, not everyone
// followed at once, and 543.0 is what tcpdump of DG/UX wrote.
func (c *classic) lengthOrder(major, minor uint16) lengths {
	const dgux = 543
	switch {
	case major == 2 && minor < 3, major == dgux:
		return swapped
	case major == 2 && minor == 3:
		return undecided
	}
	return inOrder
}

// slice cuts records. See format.
func (c *classic) slice(f *file, out []capture.Frame) ([]capture.Frame, int, string) {
	if !c.begun {
		if need := classicHeader + c.dialect.extra; len(f.stream.unread()) < need {
			return out, need, ""
		}
		c.header(f)
	}
	if !c.settled && len(f.stream.unread()) >= c.layout.octets {
		c.settle(f)
	}
	s := &f.stream
	buf, pos, end := s.block.buf, s.pos, s.end
	head := c.layout.octets
	need, wrong := 0, ""
	for len(out) < cap(out) {
		if end-pos < head {
			need = head
			break
		}
		rec := buf[pos:end]
		captured, wire := c.lengths(rec)
		if other := anotherCapture(rec); other != "" {
			wrong = "another capture (" + other + ") begins"
			break
		}
		if captured|wire|c.order.u32(rec)|c.order.u32(rec[4:]) == 0 { // no packet: a file system's padding
			wrong, f.padded = fmt.Sprintf("has only zeros behind frame %d", f.number), true
			break
		}
		if captured > c.limit {
			wrong = fmt.Sprintf("captured length %d is above the limit of %d", captured, c.limit)
			break
		}
		whole := head + int(captured)
		if len(rec) < whole {
			need = whole
			break
		}
		f.number++
		out = append(out, capture.Frame{
			Data:       rec[head:whole:whole],
			Time:       int64(c.order.u32(rec))*1e9 + int64(c.order.u32(rec[4:]))*c.scale,
			Number:     f.number,
			WireLength: max(wire, captured), // some writers claim less than they captured
			File:       f.index,
			Link:       c.link,
			HasTime:    true,
		})
		if at := c.layout.direction; at > 0 {
			out[len(out)-1].Direction = directionOf(rec[at])
		}
		pos += whole
	}
	s.pos = pos
	return out, need, wrong
}

// lengths returns the captured and the wire length of the record rec.
func (c *classic) lengths(rec []byte) (captured, wire uint32) {
	captured, wire = c.order.u32(rec[8:]), c.order.u32(rec[12:])
	if c.swap == swapped || c.swap == undecided && captured > wire {
		captured, wire = wire, captured
	}
	return captured, wire
}

// directionOf reads an sll_pkttype, packet(7).
func directionOf(kind byte) capture.Direction {
	const packetOtherHost, packetOutgoing = 3, 4
	switch {
	case kind < packetOtherHost:
		return capture.Inbound // to this host, broadcast, multicast
	case kind == packetOutgoing:
		return capture.Outbound
	}
	return capture.DirectionUnknown // to another host: seen, but which way is not said
}
