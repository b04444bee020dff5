package pcapfile

import (
	"fmt"

	"whydrop/capture"
)

// Block types (draft-ietf-opsawg-pcapng §4 and §11). All others, among them name
// resolution, decryption secrets and journal blocks, are skipped by length: they say
// nothing about packets.
const (
	blockInterface = 1
	blockPacket    = 2 // obsolete, written by early dumpcap
	blockSimple    = 3
	blockStats     = 5
	blockEnhanced  = 6
)

// blockOverhead is what a block has besides its body: type, length, length again.
const blockOverhead = 12

// A pcapng cuts pcapng files:
//
//	type:32 length:32 body length:32
//
// A file is a sequence of sections, each with its own byte order and interfaces.
type pcapng struct {
	order      order
	interfaces []*iface // of this section
	total      int      // interfaces of all sections
	testimony  []byte   // of the host, as far as it was read
	nextPart   uint16   // of that
}

// An iface is one interface of a section.
type iface struct {
	clock  clock
	link   capture.LinkType
	snap   uint32
	number uint32 // over all sections
	last   int64  // time of its last packet, or 0
	before int64  // time of the packet before that one, or 0
	stats  ifaceStats
}

func (n *pcapng) record() string { return "a block" }

// startSection checks the first Section Header Block, as far as it is there.
func (f *file) startSection() error {
	const decided = 12 // type, length and byte order magic
	if !f.stream.more(decided) {
		return nil // a cut, for next to report
	}
	if _, ok := sectionOrder(f.stream.unread()); !ok {
		return &capture.FileError{Path: f.input.Path, Err: fmt.Errorf(
			"not a capture: starts like pcapng, but its byte order mark is 0x%08x", big.u32(f.stream.unread()[8:]))}
	}
	return nil
}

// sectionOrder reads the byte order of the section that starts with head.
func sectionOrder(head []byte) (order, bool) {
	const mark = 0x1a2b3c4d
	switch {
	case little.u32(head[8:]) == mark:
		return little, true
	case big.u32(head[8:]) == mark:
		return big, true
	}
	return little, false
}

// slice cuts blocks. See format.
func (n *pcapng) slice(f *file, out []capture.Frame) ([]capture.Frame, int, string) {
	s := &f.stream
	buf, pos, end := s.block.buf, s.pos, s.end
	need, wrong := 0, ""
	for len(out) < cap(out) {
		rec := buf[pos:end]
		if len(rec) < blockOverhead {
			need = blockOverhead
			break
		}
		kind := n.order.u32(rec)
		if kind == pcapngMagic {
			var ok bool
			if n.order, ok = sectionOrder(rec); !ok {
				wrong = fmt.Sprintf("section with byte order mark 0x%08x", big.u32(rec[8:]))
				break
			}
		}
		length := n.order.u32(rec[4:])
		if wrong = wrongLength(length); wrong != "" {
			break
		}
		if len(rec) < int(length) {
			need = int(length)
			break
		}
		if again := n.order.u32(rec[length-4:]); again != length {
			wrong = fmt.Sprintf("block lengths %d and %d do not agree", length, again)
			break
		}
		if out, wrong = n.block(f, kind, rec[8:length-4:length-4], out); wrong != "" {
			break
		}
		pos += int(length)
	}
	s.pos = pos
	return out, need, wrong
}

func wrongLength(length uint32) string {
	switch {
	case length < blockOverhead:
		return fmt.Sprintf("block length %d is below %d", length, blockOverhead)
	case length%4 != 0:
		return fmt.Sprintf("block length %d is not a multiple of 4", length)
	case length > maxBlock:
		return fmt.Sprintf("block length %d is above the limit of %d", length, maxBlock)
	}
	return ""
}

// block reads one block and appends its frame, if it has one.
func (n *pcapng) block(f *file, kind uint32, body []byte, out []capture.Frame) ([]capture.Frame, string) {
	switch kind {
	case blockEnhanced:
		return n.enhanced(f, body, out)
	case blockSimple:
		return n.simple(f, body, out)
	case blockPacket:
		return n.obsolete(f, body, out)
	case blockStats:
		n.statistics(f, body)
	case blockInterface:
		return out, n.describe(f, body)
	case blockCustom:
		n.custom(f, body)
		n.part(f, body)
	case pcapngMagic:
		n.interfaces = nil
		return out, n.section(f, body)
	}
	return out, ""
}

// section reads a Section Header Block: mark:32 major:16 minor:16 length:64 options.
// The section's length is not needed, and its options describe the writer.
func (n *pcapng) section(f *file, body []byte) string {
	const fixed = 16
	if len(body) < fixed {
		return fmt.Sprintf("section header of %d octets is too short", len(body))
	}
	if major, minor := n.order.u16(body[4:]), n.order.u16(body[6:]); major != 1 {
		return fmt.Sprintf("section of pcapng version %d.%d, which is unknown", major, minor)
	}
	return ""
}

// describe reads an Interface Description Block: link:16 reserved:16 snaplen:32 options.
func (n *pcapng) describe(f *file, body []byte) string {
	const fixed = 8
	if len(body) < fixed {
		return fmt.Sprintf("interface description of %d octets is too short", len(body))
	}
	if n.total >= maxInterfaces {
		return fmt.Sprintf("more than %d interfaces", maxInterfaces)
	}
	i := &iface{
		clock:  microseconds,
		link:   capture.LinkType(n.order.u16(body)),
		snap:   n.order.u32(body[4:]),
		number: uint32(n.total),
	}
	resolution, offset := byte(6), int64(0) // 10^-6 seconds
	opts := options{order: n.order, rest: body[fixed:]}
	for code, value, ok := opts.next(); ok; code, value, ok = opts.next() {
		switch {
		case code == ifTSResolution && len(value) == 1:
			resolution = value[0]
		case code == ifTSOffset && len(value) == 8:
			offset = int64(n.order.u64(value))
		case code == ifFCSLength && len(value) == 1 && value[0] > 0:
			f.note("every frame ends with %d octets of frame check sequence", value[0])
		case code == ifFilter && len(value) > 1 && value[0] == 0:
			f.note("captured through the filter %q", value[1:])
		}
	}
	n.tornNote(f, &opts, "an interface description")
	i.clock = newClock(resolution, offset)
	n.interfaces = append(n.interfaces, i)
	n.total++
	f.declare(i.link, i.snap)
	return ""
}

// tornNote says that options of a block were not understood to their end.
func (n *pcapng) tornNote(f *file, opts *options, what string) {
	if opts.torn {
		f.note("the options of %s run past its end", what)
	}
}
