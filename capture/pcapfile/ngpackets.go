package pcapfile

import (
	"fmt"

	"whydrop/capture"
)

// enhanced reads an Enhanced Packet Block:
//
//	interface:32 time:64 captured:32 wire:32 data padded to 32 bits, options
func (n *pcapng) enhanced(f *file, body []byte, out []capture.Frame) ([]capture.Frame, string) {
	const fixed = 20
	if len(body) < fixed {
		return out, fmt.Sprintf("packet block of %d octets is too short", len(body))
	}
	id := n.order.u32(body)
	if uint64(id) >= uint64(len(n.interfaces)) {
		return out, n.noInterface(id)
	}
	out, wrong := n.packet(f, n.interfaces[id], body[4:], out)
	if wrong != "" || len(body) < fixed+pad4(len(out[len(out)-1].Data))+4 {
		return out, wrong // no options
	}
	frame := &out[len(out)-1]
	n.packetOptions(f, n.interfaces[id], frame, body[fixed+pad4(len(frame.Data)):])
	return out, ""
}

// obsolete reads a Packet Block, which the Enhanced Packet Block replaced:
//
//	interface:16 drops:16 time:64 captured:32 wire:32 data padded to 32 bits, options
func (n *pcapng) obsolete(f *file, body []byte, out []capture.Frame) ([]capture.Frame, string) {
	const fixed, dropsUnknown = 20, 0xffff
	if len(body) < fixed {
		return out, fmt.Sprintf("packet block of %d octets is too short", len(body))
	}
	id := n.order.u16(body)
	if int(id) >= len(n.interfaces) {
		return out, n.noInterface(uint32(id))
	}
	i := n.interfaces[id]
	out, wrong := n.packet(f, i, body[4:], out)
	if wrong != "" {
		return out, wrong
	}
	frame := &out[len(out)-1]
	if drops := n.order.u16(body[2:]); drops != dropsUnknown {
		f.packetDrops(i, uint64(drops))
	}
	if at := fixed + pad4(len(frame.Data)); at < len(body) {
		n.packetOptions(f, i, frame, body[at:])
	}
	return out, ""
}

// packet appends the frame whose time, lengths and data are at the start of b.
func (n *pcapng) packet(f *file, i *iface, b []byte, out []capture.Frame) ([]capture.Frame, string) {
	const fixed = 16
	captured, wire := n.order.u32(b[8:]), n.order.u32(b[12:])
	if uint64(captured) > uint64(len(b)-fixed) {
		return out, fmt.Sprintf("captured length %d does not fit its block of %d", captured, len(b)-fixed)
	}
	end := fixed + int(captured)
	ticks := uint64(n.order.u32(b))<<32 | uint64(n.order.u32(b[4:]))
	f.number++
	f.clock = i.clock.time(ticks)
	i.before, i.last = i.last, f.clock
	out = append(out, capture.Frame{
		Data:       b[fixed:end:end],
		Time:       f.clock,
		Number:     f.number,
		WireLength: max(wire, captured),
		Interface:  i.number,
		File:       f.index,
		Link:       i.link,
		HasTime:    true,
	})
	return out, ""
}

// simple reads a Simple Packet Block: wire:32 data. It has neither time nor interface:
// it is of the section's first, cut at that one's snap length.
func (n *pcapng) simple(f *file, body []byte, out []capture.Frame) ([]capture.Frame, string) {
	const fixed = 4
	switch {
	case len(body) < fixed:
		return out, fmt.Sprintf("simple packet block of %d octets is too short", len(body))
	case len(n.interfaces) == 0:
		return out, n.noInterface(0)
	}
	i := n.interfaces[0]
	wire := n.order.u32(body)
	captured := wire
	if i.snap > 0 {
		captured = min(captured, i.snap)
	}
	// What the block has room for is the truth; a snap length may have been meant otherwise.
	captured = min(captured, uint32(len(body)-fixed))
	f.number++
	out = append(out, capture.Frame{
		Data:       body[fixed : fixed+captured : fixed+captured],
		Time:       f.clock, // of the frame before, so that merging and sorting work
		Number:     f.number,
		WireLength: wire,
		Interface:  i.number,
		File:       f.index,
		Link:       i.link,
	})
	return out, ""
}

func (n *pcapng) noInterface(id uint32) string {
	return fmt.Sprintf("packet of interface %d, of which the section describes %d", id, len(n.interfaces))
}

// packetOptions reads the options of a packet: what the interface knew about it.
func (n *pcapng) packetOptions(f *file, i *iface, frame *capture.Frame, rest []byte) {
	opts := options{order: n.order, rest: rest}
	for code, value, ok := opts.next(); ok; code, value, ok = opts.next() {
		switch {
		case code == epbFlags && len(value) == 4:
			applyFlags(frame, n.order.u32(value))
		case code == epbDropCount && len(value) == 8:
			f.packetDrops(i, n.order.u64(value))
		}
	}
	n.tornNote(f, &opts, "a packet")
}

// Bits of epb_flags (draft-ietf-opsawg-pcapng §4.3.1). Link errors are the upper half.
const (
	flagDirection  = 3
	flagInbound    = 1
	flagOutbound   = 2
	flagNotReady   = 1 << 9  // captured before the checksum was computed
	flagValid      = 1 << 10 // the interface found the checksum right
	flagErrorShift = 16
)

func applyFlags(frame *capture.Frame, flags uint32) {
	switch flags & flagDirection {
	case flagInbound:
		frame.Direction = capture.Inbound
	case flagOutbound:
		frame.Direction = capture.Outbound
	}
	switch flags & (flagNotReady | flagValid) {
	case flagNotReady:
		frame.Offload = capture.OffloadPending
	case flagValid:
		frame.Offload = capture.OffloadVerified
	}
	frame.LinkErrors = capture.LinkErrors(flags >> flagErrorShift)
}
