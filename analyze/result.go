package analyze

import (
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/pattern"
	"whydrop/capture"
	"whydrop/decode"
)

// A Result is everything that one run concluded. Slices are in a fixed order.
type Result struct {
	Inputs           []capture.Input
	Counts           decode.Counts
	Flows            []*flow.Facts  // in order of their first frame
	Symptoms         []flow.Symptom // in frame order
	Signs            []flow.Sign    // in order of time
	Stalls           []flow.Stall   // in order of flows, longest first: the longest of each flow
	Waits            []flow.Waits   // in order of flows: of those that stood still
	Tap              Tap
	Audit            []AuditFinding
	Ledger           Ledger
	Conclusions      []Conclusion // what looks like loss and is none, in the order of cause IDs
	GaveUp           flow.GaveUp
	First, Last      int64         // times of the capture, ns; valid if Counts.Frames > 0
	Disorder         uint64        // frames with a time before that of the frame in front of them
	Unsorted         uint64        // frames that are not in order of time even after sorting within a window
	Leaps            uint64        // frames with a time far ahead of all in front of them
	Leap             int64         // the farthest, ns
	NoTimes          bool          // frames have whole seconds, and most the same as the one in front: a clock that ticks too seldom, or none
	Interrupted      bool          // stopped by the user: the report covers what was read
	Points           *Points       // nil: the file holds one capture point
	Translated       uint64        // connections that are here again, under other addresses
	Traced           uint64        // packets of traceroutes that died where they were meant to
	TranslatedLosses uint64        // losses of those, which are counted once
	TranslatedResent uint64        // and their retransmissions
	views            []vantage     // by flow
	noFragments      uint64        // later fragments that are missing for want of a filter that takes them
	line             timeline      // the traffic over time
	probes           []bool        // by flow, whether it is of a scan or a flood; nil: none is
	probed           []Conclusion  // what is concluded of them
	Events           []Event       // what losses of many packets have in common
	loners           []flow.Loner  // packets that passed one of two points
	trails           []flow.Trail  // by flow and direction, until causes are told from them
	testified        []testified   // losses, and what the kernel of a host said of them; nil: no kernel spoke
	strays           []*hostCase   // drops of packets of no flow of the capture
	Hosts            []HostBalance // of each host that testified
	Spanned          bool          // the capture holds most packets twice (a mirror port, "any", a bond)
}

// Points are two capture points in one file, on both sides of routers: most
// packets are in it twice, with TTLs that differ. wire-evidence.md c-2.
type Points struct {
	Hops   uint8  // routers between them
	Both   uint64 // packets seen at both
	Missed uint64 // packets that are here from one point only, though they passed the other
}

// Tap says where the capture was taken.
type Tap struct {
	Place      TapPlace
	Confidence cause.Confidence
	Given      bool // by --at
	Evidence   []string
}

// TapPlace is a place of the tap, with respect to the direction that carried most data.
type TapPlace uint8

// Tap places.
const (
	TapUnknown  TapPlace = iota
	TapSender            // on the host that sends most of the data
	TapReceiver          // on the host that receives it
	TapMiddle            // between them
	numTapPlaces
)

var tapPlaceNames = [numTapPlaces]string{"unknown", "sender", "receiver", "middle"}

func (t TapPlace) String() string {
	if t >= numTapPlaces {
		return "invalid"
	}
	return tapPlaceNames[t]
}

// MarshalText writes the name of t.
func (t TapPlace) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// An AuditFinding is what the capture itself suffers from.
type AuditFinding struct {
	Finding string // stable ID: "capture-dropped", "truncated", "one-way", "duplicates", "snap-length", "time-disorder", "time-leap", "offload", "unknown-link", …
	Frames  uint64
	Detail  string // one sentence
	Lowers  bool   // it lowers the confidence of what depends on it
}

// A Conclusion is a cause that explains something else than lost packets:
// innocent things, and what the capture cannot show.
type Conclusion struct {
	Cause      cause.ID
	Count      uint64           // frames, episodes or flows: what the cause's card counts
	Confidence cause.Confidence // of what has a sentence; what is merely counted is certain
	Say        string           // one sentence that names who; "" of what is merely counted
	Evidence   []flow.Witness
}

// A Charge says that Packets wire packets are missing, where and why.
type Charge struct {
	ID         int // 1-based, in report order
	What       flow.What
	Packets    uint64
	Octets     uint64
	Flow       uint32 // flow.NoFlow if it belongs to no single conversation; then Src and Dst are zero
	Dir        uint8
	Src, Dst   flow.Endpoint
	Protocol   uint8
	Locus      cause.Locus
	Cause      cause.ID
	Confidence cause.Confidence // of the weaker claim, place or cause
	Rule       flow.Rule
	First      int64
	Last       int64
	Frames     []flow.FrameRef // the lost packets themselves, where the capture holds them
	Evidence   []flow.Witness
	Rivals     []Rival
	Repair     flow.FrameRef
	RepairTime int64
	Between    flow.Between
	// Told is what the course of the losses tells, where nothing else told the cause.
	// Then CauseConfidence is that of the cause alone, LocusConfidence that of the
	// place alone, and CauseRivals are what else fits the course.
	Told            *pattern.Finding
	CauseRivals     []Rival
	CauseConfidence cause.Confidence
	LocusConfidence cause.Confidence
	Router          decode.Addr // who sent the ICMP error, if Rule is RuleICMPQuote
	Host            *HostWord   // what the capturing host said; nil: nothing
}

// A Rival is another explanation, and why it stands or falls.
type Rival struct {
	Cause cause.ID
	Why   string
}
