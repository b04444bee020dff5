package afpacket

import (
	"time"

	"golang.org/x/net/bpf"

	"whydrop/capture"
)

// Options say what is captured.
type Options struct {
	Interface   string
	Link        capture.LinkType     // of the interface: package filter finds it out
	Program     []bpf.RawInstruction // the filter for the kernel; nil = every frame
	Expression  string               // the filter where libpcap captures
	SnapLength  int                  // octets kept of a frame; 0 = all
	Promiscuous bool                 // frames for other hosts, too
	Direction   capture.Direction    // only this one; DirectionUnknown = both
	Buffer      int                  // octets of each ring; 0 = 64 MiB
	Rings       int                  // 0 = 1; flows are spread over them by the kernel's hash
	Now         func() time.Time     // the clock
}

const (
	// WholeFrame is longer than any frame that the kernel hands out, and what
	// tcpdump takes for no limit.
	WholeFrame = 262144

	// defaultBuffer is a ring of half a second at line rate on 1 Gbit/s.
	defaultBuffer = 64 << 20

	// blockOctets is a block of the ring, which the kernel hands over when it is
	// full or blockTimeout has passed. It must hold the longest super-frame.
	blockOctets  = 512 << 10
	frameOctets  = 4 << 10
	blockTimeout = 20 * time.Millisecond

	// pollTimeout is how long a look at an empty ring lasts: so long a stop takes,
	// and so old a frame becomes before it is handed on.
	pollTimeout = 40 * time.Millisecond

	// watchEvery is how often the kernel's counters and the state of the link are
	// looked at: the time within which a loss of the capture is known to lie.
	watchEvery = 100 * time.Millisecond
)

// AnyInterface is the name for all interfaces together.
const AnyInterface = "any"

// cooked reports whether libpcap captures: link headers other than Ethernet's are not
// at a known place in front of the frames of the ring, or not there at all.
func (o *Options) cooked() bool { return o.Link != capture.LinkEthernet || o.Interface == AnyInterface }

// Counters are what the capture did so far.
type Counters struct {
	Frames  uint64 // handed out by the ring
	Octets  uint64
	Matched uint64 // frames that the kernel had for us: Frames, those that wait, and Dropped
	Dropped uint64 // of them, for want of room in the ring
	Freezes uint64 // times that the ring was full
}

// A Moment is a look at the counters of the kernel.
type Moment struct {
	Time int64 // ns since the epoch
	Counters
}

// A Loss is a stretch of time in which the ring dropped frames.
type Loss struct{ From, To Moment }
