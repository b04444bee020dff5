package pcapfile

import (
	"encoding/binary"

	"whydrop/capture"
)

// A block is put together in scratch, because its length stands before it.

func (w *Writer) begin(kind uint32) {
	w.scratch = w.scratch[:0]
	w.u32(kind)
	w.u32(0) // the length, known at the end
}

// end closes the block and writes it.
func (w *Writer) end() error {
	length := uint32(len(w.scratch) + 4)
	binary.LittleEndian.PutUint32(w.scratch[4:], length)
	w.u32(length)
	return w.flushScratch()
}

func (w *Writer) flushScratch() error {
	if w.err == nil {
		_, w.err = w.w.Write(w.scratch)
	}
	return w.err
}

func (w *Writer) u32(v uint32) { w.scratch = binary.LittleEndian.AppendUint32(w.scratch, v) }
func (w *Writer) u64(v uint64) { w.scratch = binary.LittleEndian.AppendUint64(w.scratch, v) }

// time writes nanoseconds as pcapng does: the upper 32 bits first.
func (w *Writer) time(ns int64) {
	w.u32(uint32(ns >> 32))
	w.u32(uint32(ns))
}

// padded writes b up to a multiple of 32 bits.
func (w *Writer) padded(b []byte) {
	w.scratch = append(w.scratch, b...)
	w.scratch = append(w.scratch, make([]byte, pad4(len(b))-len(b))...)
}

func (w *Writer) option(code uint16, value []byte) {
	w.scratch = binary.LittleEndian.AppendUint16(w.scratch, code)
	w.scratch = binary.LittleEndian.AppendUint16(w.scratch, uint16(len(value)))
	w.padded(value)
}

func (w *Writer) endOptions() { w.u32(optEnd) }

// flagsOf is the epb_flags of a frame; applyFlags is its other half.
func flagsOf(f *capture.Frame) uint32 {
	flags := uint32(f.LinkErrors) << flagErrorShift
	switch f.Direction {
	case capture.Inbound:
		flags |= flagInbound
	case capture.Outbound:
		flags |= flagOutbound
	}
	switch f.Offload {
	case capture.OffloadPending:
		flags |= flagNotReady
	case capture.OffloadVerified:
		flags |= flagValid
	}
	return flags
}
