package pcapfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"whydrop/capture"
)

// An Interface is described at the start of a written capture.
type Interface struct {
	Name       string
	Link       capture.LinkType
	SnapLength uint32 // 0: no limit
}

// WriterOptions say what to write.
type WriterOptions struct {
	Format     string      // "pcapng", also if empty, or "pcap"
	Interfaces []Interface // of which Frame.Interface is an index; pcap: exactly one
}

// Remarks are what pcapng can say of a packet besides its frame.
type Remarks struct {
	Comment string
	Drops   capture.Counter // packets lost since the one before, if known
}

// InterfaceStats are the counters of one interface since its capture began.
type InterfaceStats struct {
	Start, End     int64 // ns since the epoch; 0 is unknown
	Received       capture.Counter
	InterfaceDrops capture.Counter
	FilterAccepted capture.Counter
	OSDrops        capture.Counter
	Delivered      capture.Counter
}

// A Writer writes a capture, little-endian and with times in nanoseconds.
// It keeps nothing of a frame. It is used from one goroutine.
type Writer struct {
	w          *bufio.Writer
	ng         bool
	interfaces []Interface
	scratch    []byte
	err        error
}

// NewWriter writes the head of a capture to w. Call Flush at the end.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	out := &Writer{w: bufio.NewWriterSize(w, bufferOctets), ng: o.Format != "pcap"}
	switch {
	case o.Format != "" && o.Format != "pcap" && o.Format != "pcapng":
		return nil, fmt.Errorf("capture format %q is neither pcap nor pcapng", o.Format)
	case !out.ng && len(o.Interfaces) != 1:
		return nil, fmt.Errorf("pcap has exactly one interface, not %d", len(o.Interfaces))
	}
	if !out.ng {
		out.interfaces = o.Interfaces
		return out, out.pcapHeader(o.Interfaces[0])
	}
	out.begin(pcapngMagic)
	out.u32(0x1a2b3c4d)
	out.u32(1) // version 1.0
	out.u64(^uint64(0))
	if err := out.end(); err != nil {
		return nil, err
	}
	for _, i := range o.Interfaces {
		if _, err := out.AddInterface(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *Writer) pcapHeader(i Interface) error {
	snap := i.SnapLength
	if snap == 0 {
		snap = maxCaptured
	}
	w.scratch = w.scratch[:0]
	for _, v := range []uint32{0xa1b23c4d, 2 | 4<<16, 0, 0, snap, uint32(i.Link)} {
		w.u32(v)
	}
	return w.flushScratch()
}

// AddInterface describes one more interface and returns its index. Only pcapng can.
func (w *Writer) AddInterface(i Interface) (index uint32, err error) {
	if !w.ng {
		return 0, fmt.Errorf("pcap has exactly one interface")
	}
	const nanoseconds = 9
	w.begin(blockInterface)
	w.u32(uint32(i.Link))
	w.u32(i.SnapLength)
	if i.Name != "" {
		const ifName = 2
		w.option(ifName, []byte(i.Name))
	}
	w.option(ifTSResolution, []byte{nanoseconds})
	w.endOptions()
	w.interfaces = append(w.interfaces, i)
	return uint32(len(w.interfaces) - 1), w.end()
}

// Write writes a frame. Its direction, checksum and error flags, and the remarks, are
// kept in pcapng only; a frame without a time is written as a simple packet there.
func (w *Writer) Write(f *capture.Frame, r Remarks) error {
	switch {
	case int(f.Interface) >= len(w.interfaces):
		return fmt.Errorf("frame of interface %d, of which there are %d", f.Interface, len(w.interfaces))
	case f.Link != w.interfaces[f.Interface].Link:
		return fmt.Errorf("frame of link type %d on interface %d of link type %d",
			f.Link, f.Interface, w.interfaces[f.Interface].Link)
	case len(f.Data) > maxBlock-1<<10:
		return fmt.Errorf("frame of %d octets is too long for a capture", len(f.Data))
	case f.HasTime && f.Time < 0:
		return fmt.Errorf("frame of time %d, before 1970, cannot be written", f.Time)
	}
	if !w.ng {
		return w.pcapRecord(f)
	}
	if !f.HasTime && f.Interface == 0 && len(f.Data) == int(f.WireLength) {
		w.begin(blockSimple)
		w.u32(f.WireLength)
		w.padded(f.Data)
		return w.end()
	}
	w.begin(blockEnhanced)
	w.u32(f.Interface)
	w.time(f.Time)
	w.u32(uint32(len(f.Data)))
	w.u32(f.WireLength)
	w.padded(f.Data)
	w.remarks(f, r)
	return w.end()
}

func (w *Writer) pcapRecord(f *capture.Frame) error {
	const second = 1e9
	w.scratch = w.scratch[:0]
	w.u32(uint32(f.Time / second))
	w.u32(uint32(f.Time % second))
	w.u32(uint32(len(f.Data)))
	w.u32(f.WireLength)
	w.scratch = append(w.scratch, f.Data...)
	return w.flushScratch()
}

// remarks writes the options of an Enhanced Packet Block.
func (w *Writer) remarks(f *capture.Frame, r Remarks) {
	before := len(w.scratch)
	if r.Comment != "" {
		w.option(optComment, []byte(r.Comment[:min(len(r.Comment), maxComment)]))
	}
	if flags := flagsOf(f); flags != 0 {
		w.option(epbFlags, binary.LittleEndian.AppendUint32(nil, flags))
	}
	if drops, known := r.Drops.Value(); known {
		w.option(epbDropCount, binary.LittleEndian.AppendUint64(nil, drops))
	}
	if len(w.scratch) > before {
		w.endOptions()
	}
}

// maxComment is what the 16-bit length of an option can hold.
const maxComment = 0xffff

// WriteStats writes the counters of an interface, counted up to the time at.
func (w *Writer) WriteStats(index uint32, at int64, s InterfaceStats) error {
	if !w.ng || int(index) >= len(w.interfaces) {
		return fmt.Errorf("statistics of interface %d cannot be written", index)
	}
	w.begin(blockStats)
	w.u32(index)
	w.time(at)
	for i, t := range []int64{s.Start, s.End} {
		if t != 0 {
			stamp := binary.LittleEndian.AppendUint32(nil, uint32(t>>32))
			w.option(uint16(isbStart+i), binary.LittleEndian.AppendUint32(stamp, uint32(t)))
		}
	}
	for i, c := range []capture.Counter{s.Received, s.InterfaceDrops, s.FilterAccepted, s.OSDrops, s.Delivered} {
		if n, known := c.Value(); known {
			w.option(uint16(isbReceived+i), binary.LittleEndian.AppendUint64(nil, n))
		}
	}
	w.endOptions()
	return w.end()
}

// Flush writes what is still held back.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}
