package capture

import (
	"fmt"
	"strconv"
)

// A Source hands out frames.
type Source interface {
	// Next returns the next batch, never empty, or io.EOF after the last one.
	// A damaged input is not an error here: its readable frames are returned,
	// the damage is in Inputs, and reading goes on with the next input.
	// The caller owns the batch. Next is called from one goroutine.
	Next() (*Batch, error)

	// Inputs describes what was read so far. After io.EOF it is complete.
	// Called from the goroutine that calls Next.
	Inputs() []Input

	// Close releases everything. No batch may be in use.
	Close() error
}

// An Input is one file or device that was read.
type Input struct {
	Path        string
	Format      string // "pcap", "pcapng", "scenario", …
	Compression string // "", "gzip", "zstd", "lz4"
	LinkTypes   []LinkType
	SnapLength  uint32 // smallest limit that was declared; 0 = none or unknown
	Frames      uint64
	Octets      uint64 // captured octets of the frames
	First, Last int64  // smallest and largest frame time, ns; valid if Frames > 0
	Damage      *Damage
	Stats       Stats
	Notes       []string   // findings about the file itself, for the audit; bounded
	Testimony   *Testimony // of the host where it was captured; nil = none is known
	Part        *Part      // if it is a file of a rotated set
}

// A Part says which frames of a capture a file holds that is one of several. What the
// host says in the last one counts frames through all of them.
type Part struct {
	Set    uint64 // names the capture
	Before uint64 // frames in the files before it
	Frames uint64 // in the file
}

// Damage says where a file stopped being readable. Frames before it were read.
type Damage struct {
	Offset uint64 // octets into the (decompressed) file
	Frame  uint64 // number of the frame that could not be read
	What   string // "ends inside a packet record", "block length 7 is not a multiple of 4", …
	Cut    bool   // the file merely ends too early, rather than being corrupt
}

// Stats are the losses of the capture itself, as the capture recorded them.
// They are never the network's.
type Stats struct {
	Received       Counter // isb_ifrecv: packets the interface received
	InterfaceDrops Counter // isb_ifdrop: dropped by the interface for lack of resources
	FilterAccepted Counter // isb_filteraccept
	OSDrops        Counter // isb_osdrop: dropped by the operating system
	Delivered      Counter // isb_usrdeliv
	PacketDrops    Counter // sum of epb_dropcount and of the Packet Block's drops_count
	Spans          []DropSpan
	SpansOmitted   uint64 // spans beyond the limit, folded into the counters only
}

// A DropSpan is a stretch of time in which the capture is known to have dropped packets.
type DropSpan struct {
	From, To int64 // ns since the epoch; From may be 0 for "since the start"
	Packets  uint64
	Kind     string // "ring", "interface", "os"
}

// A Counter is a count that may be unknown. Unknown is not zero.
type Counter struct {
	n     uint64
	known bool
}

// Known makes a Counter with a value.
func Known(n uint64) Counter { return Counter{n, true} }

// Value returns the count, and whether it is known.
func (c Counter) Value() (n uint64, known bool) { return c.n, c.known }

// Plus adds n to c, which becomes known.
func (c Counter) Plus(n uint64) Counter { return Counter{c.n + n, true} }

func (c Counter) String() string {
	if !c.known {
		return "unknown"
	}
	return strconv.FormatUint(c.n, 10)
}

// MarshalJSON writes null for an unknown count.
func (c Counter) MarshalJSON() ([]byte, error) {
	if !c.known {
		return []byte("null"), nil
	}
	return strconv.AppendUint(nil, c.n, 10), nil
}

// A FileError is an input that could not be read at all.
type FileError struct {
	Path string
	Err  error
	Help string // a line to paste, or ""
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap returns the error underneath.
func (e *FileError) Unwrap() error { return e.Err }

// Hint is what the user can do about it.
func (e *FileError) Hint() string { return e.Help }
