// Package report turns a Result into a Report, and a Report into text, JSON
// and NDJSON. Build is the only place that sorts, rounds and phrases;
// renderers loop and print.
package report

import "whydrop/capture"

// SchemaVersion is the version of the JSON contract; see schema.json.
const SchemaVersion = "1.0"

// A Report is what whydrop says, as data. The JSON form of it is the contract
// of --format json.
type Report struct {
	SchemaVersion string              `json:"schema_version"`
	Tool          Tool                `json:"tool"`
	Inputs        []Input             `json:"inputs"`
	Verdict       Verdict             `json:"verdict"`
	Capture       Capture             `json:"capture"`
	Checksums     map[string]Checksum `json:"checksums"`
	Flows         Flows               `json:"flows"`
	Ledger        Ledger              `json:"ledger"`
	Events        []Event             `json:"events"` // what losses of many packets have in common
	// Symptoms is {kind: {"total": n, detail: n, …}}; retransmission also has needed, unneeded, undecided.
	Symptoms map[string]map[string]uint64 `json:"symptoms"`
	Causes   []Cause                      `json:"causes"`
	// Conclusions are what was concluded of who did what, beside lost packets.
	Conclusions []Conclusion `json:"conclusions"`
	Limits      Limits       `json:"limits"`
	Decode      Decode       `json:"decode"`
	Stalls      Stalls       `json:"stalls"`
	// Host is what the kernels of the capturing hosts said; without that evidence it is left out.
	Host []Host `json:"host,omitempty"`

	Start int64 `json:"-"` // of the capture, ns: times beside a frame count from here
	Path  Path  `json:"-"`
}

// Tool names the program.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`

	// Sandbox is what the program could not do while it read; absent if it was not tried.
	Sandbox *Sandbox `json:"sandbox,omitempty"`
}

// Sandbox is what a run gave up before it read what others wrote: what the system had for it.
type Sandbox struct {
	NoNewPrivileges bool `json:"no_new_privileges"`
	Landlock        int  `json:"landlock"` // its version; only the inputs can be read then; 0 = no restriction
	Seccomp         bool `json:"seccomp"`  // no program can be started
}

// Input is one file that was read. Times are RFC 3339 with nanoseconds, UTC; empty without frames.
type Input struct {
	Path        string   `json:"path"`
	Format      string   `json:"format"`
	Compression string   `json:"compression,omitempty"`
	LinkTypes   []string `json:"link_types"`
	Frames      uint64   `json:"frames"`
	Octets      uint64   `json:"octets"`
	SnapLength  uint32   `json:"snap_length"`
	First       string   `json:"first"`
	Last        string   `json:"last"`
	Truncated   *Damage  `json:"truncated" jsonschema:"nullable"`
}

// Damage says where a file stopped being readable.
type Damage struct {
	Offset uint64 `json:"offset"`
	Frame  uint64 `json:"frame"`
	What   string `json:"what"`
	Cut    bool   `json:"cut"`
}

// States of a Verdict.
const (
	StateNothingLost = "nothing-lost"
	StateLost        = "lost"
	StateCannotTell  = "cannot-tell"
	StateTooLossy    = "too-lossy"
	StateEmpty       = "empty"
)

// Verdict is the answer. Packets are the wire packets that were sent as far as
// this capture knows: those of all flows that passed here, and those that are
// missing because they never did (lost before the tap, or only not captured).
type Verdict struct {
	Sentence    string   `json:"sentence"`
	Aside       string   `json:"aside"` // a second sentence, or ""
	State       string   `json:"state" jsonschema:"enum=nothing-lost,enum=lost,enum=cannot-tell,enum=too-lossy,enum=empty"`
	Interrupted bool     `json:"interrupted"` // stopped by the user: it covers what was read
	Packets     uint64   `json:"packets"`
	Lost        uint64   `json:"lost"`
	CaptureOnly uint64   `json:"capture_only"`
	Unexplained uint64   `json:"unexplained"`
	Groups      []Group  `json:"groups"` // most packets first, those of the capture last
	Unsure      []string `json:"unsure"` // why it cannot be told
	Sure        []string `json:"sure"`   // what is certain nevertheless
	Innocent    Innocent `json:"innocent"`
	InnocentSay string   `json:"-"`      // one line on them, or ""
	Also        []string `json:"also"`   // what was concluded beside losses, for the first screen
	Advice      []string `json:"advice"` // what to do next; what is to be typed is between back quotes
	Duration    float64  `json:"duration_s"`
	Blind       bool     `json:"-"` // of most packets nothing tells whether they arrived
}

// Group is a line of the first screen: charges with one locus and cause.
// Confidence is that of the least sure of them; where the phrase says perhaps of
// the cause, it is that of the place.
type Group struct {
	Packets    uint64   `json:"packets"`
	Locus      string   `json:"locus" jsonschema:"enum=sender-host,enum=upstream,enum=downstream,enum=receiver-host,enum=capture,enum=unknown"`
	Cause      string   `json:"cause"`
	Phrase     string   `json:"phrase"` // "upstream of this capture: cause unknown"
	Confidence string   `json:"confidence" jsonschema:"enum=certain,enum=likely,enum=possible"`
	Rule       string   `json:"rule"`
	Seen       string   `json:"seen"`
	Not        []string `json:"not"` // rivals, one reason each
	Do         []string `json:"do"`
	Flows      int      `json:"flows"`
	When       []uint32 `json:"when"` // missing packets per 1/48 of the capture
	Bursts     *Bursts  `json:"bursts,omitempty"`

	perhaps bool // the cause is merely possible; Confidence is that of the place
}

// Bursts is a model of random losses that come together. Without the last four nothing
// gets through while the path is bad (Gilbert); with them some do (Gilbert–Elliott).
type Bursts struct {
	MeanRun    float64 `json:"mean_run"`              // lost packets in a row
	RunsEvery  float64 `json:"runs_every"`            // packets that pass for each run
	BadPackets float64 `json:"bad_packets,omitempty"` // the mean length of a bad time
	BadEvery   float64 `json:"bad_every,omitempty"`   // packets between two of them
	BadLoss    float64 `json:"bad_loss,omitempty"`    // share of packets lost in one
	Gain       float64 `json:"gain,omitempty"`        // 2 × the gain of the logarithm of the likelihood
}

// Innocent are things that look like losses and are none.
type Innocent struct {
	UnneededRetransmissions uint64 `json:"unneeded_retransmissions"`
	Reordered               uint64 `json:"reordered"`
	Duplicates              uint64 `json:"duplicates"`
	OffloadedChecksums      uint64 `json:"offloaded_checksums"`
	RefusedConnections      uint64 `json:"refused_connections"`
}

// Capture is the audit of the capture itself.
type Capture struct {
	Tap   Tap       `json:"tap"`
	Audit []Finding `json:"audit"`
	Drops Drops     `json:"drops"`
	Trust string    `json:"trust"` // the audit in one line
	Sound bool      `json:"sound"` // the audit found nothing that must be said first
}

// Tap is where the capture was taken.
type Tap struct {
	Locus      string   `json:"locus" jsonschema:"enum=sender,enum=receiver,enum=middle,enum=unknown"`
	Confidence string   `json:"confidence" jsonschema:"enum=certain,enum=likely,enum=possible"`
	Given      bool     `json:"given"`
	Evidence   []string `json:"evidence"`
	// Directions counts the directions of flows by the place of the tap on their way.
	Directions map[string]uint64 `json:"directions"`
	CannotTell []string          `json:"cannot_tell"` // what nothing at this place can tell
}

// Finding is what the capture suffers from.
type Finding struct {
	Finding string `json:"finding"`
	Frames  uint64 `json:"frames"`
	Detail  string `json:"detail"`
	Lowers  bool   `json:"lowers_confidence"`
}

// Drops are the capture's own counters; null is unknown, which is not zero.
type Drops struct {
	Ring      capture.Counter `json:"ring"`
	Interface capture.Counter `json:"interface"`
	OS        capture.Counter `json:"os"`
}

// Checksum counts verdicts of one layer.
type Checksum struct {
	Good      uint64 `json:"good"`
	Bad       uint64 `json:"bad"`
	Absent    uint64 `json:"absent"`
	Forbidden uint64 `json:"forbidden"`
	Pending   uint64 `json:"pending"`
	Partial   uint64 `json:"partial"`
	Unread    uint64 `json:"unread"`
}

// Flows are the conversations. Table holds at most 1 000 of them, most losses
// first, Top the first of these. NDJSON has every one.
type Flows struct {
	Total      int            `json:"total"`
	ByProtocol map[string]int `json:"by_protocol"`
	CannotTell int            `json:"cannot_tell"`
	Top        []Flow         `json:"top"`
	Table      []Flow         `json:"-"`
}

// Flow is one conversation.
type Flow struct {
	ID         int          `json:"id"` // 1-based, in order of the first frame
	Protocol   string       `json:"protocol"`
	Originator string       `json:"originator"`
	Responder  string       `json:"responder"`
	First      string       `json:"first_time"`
	Last       string       `json:"last_time"`
	FirstFrame Frame        `json:"first_frame"`
	Packets    uint64       `json:"packets"` // as Verdict.Packets
	Octets     uint64       `json:"octets"`
	Lost       uint64       `json:"lost"`
	OnlyHere   uint64       `json:"capture_only"`
	CannotTell bool         `json:"cannot_tell"`
	LossRate   float64      `json:"loss_rate"`
	Causes     []string     `json:"causes"` // most packets first
	Handshake  bool         `json:"handshake"`
	StallMS    uint64       `json:"stall_ms"`       // for which something could not move
	Stalls     []Stall      `json:"longest_stalls"` // at most three, of those
	Directions [2]Direction `json:"directions"`
}

// Direction is one half of a flow.
type Direction struct {
	Src             string            `json:"src"`
	Dst             string            `json:"dst"`
	Protocol        string            `json:"protocol"`
	Packets         uint64            `json:"packets"`
	WirePackets     uint64            `json:"wire_packets"`
	Octets          uint64            `json:"octets"`
	Missing         map[string]uint64 `json:"missing"` // by locus; "unexplained" beside them
	Retransmissions map[string]uint64 `json:"retransmissions"`
	Unneeded        uint64            `json:"unneeded"`
	Undecided       uint64            `json:"undecided"`
	Reordered       uint64            `json:"reordered"`
	Duplicates      uint64            `json:"duplicates"`
	ChecksumBad     uint64            `json:"checksum_bad"`
	ZeroWindow      ZeroWindow        `json:"zero_window"`
	// Stalls are the times in which this direction stood still, by what it waited for.
	Stalls    map[string]Stalled `json:"stalls"`
	RTT       *RTT               `json:"rtt_ms" jsonschema:"nullable"`
	Tap       string             `json:"tap" jsonschema:"enum=sender,enum=receiver,enum=middle,enum=unknown"`
	TapOnHost bool               `json:"tap_on_host"`                // on that host for certain, not merely near it
	Hops      *int               `json:"hops" jsonschema:"nullable"` // routers passed before the tap, by the TTL
	RTP       *RTP               `json:"rtp" jsonschema:"nullable"`
	MinDown   *float64           `json:"min_delay_to_receiver_ms" jsonschema:"nullable"`
	MinUp     *float64           `json:"min_delay_to_sender_ms" jsonschema:"nullable"`
}

// ZeroWindow counts the times the sender of this direction closed its window.
type ZeroWindow struct {
	Episodes uint64  `json:"episodes"`
	MS       float64 `json:"ms"`
}

// RTT is the round trip time, ms.
type RTT struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// Frame names a frame.
type Frame struct {
	File  string `json:"file"`
	Frame uint64 `json:"frame"`
}

// Ledger is the account of missing packets. Missing = Lost + CaptureOnly + Unexplained.
type Ledger struct {
	Missing     uint64            `json:"missing"`
	Lost        uint64            `json:"lost"`
	LostRate    float64           `json:"lost_rate"`
	CaptureOnly uint64            `json:"capture_only"`
	Unexplained uint64            `json:"unexplained"`
	ByLocus     map[string]uint64 `json:"by_locus"`
	ByCause     map[string]uint64 `json:"by_cause"`
	Charges     []Charge          `json:"charges"`
}

// Charge is one entry of the ledger.
type Charge struct {
	ID       int    `json:"id"`
	What     string `json:"what" jsonschema:"enum=data,enum=ack,enum=syn,enum=fin,enum=rst,enum=datagram,enum=fragment,enum=icmp,enum=other"`
	Packets  uint64 `json:"packets"`
	Octets   uint64 `json:"octets"`
	Flow     int    `json:"flow"`
	Src      string `json:"src"`
	Dst      string `json:"dst"`
	Protocol string `json:"protocol"`
	Locus    string `json:"locus" jsonschema:"enum=sender-host,enum=upstream,enum=downstream,enum=receiver-host,enum=capture,enum=unknown"`
	Points   string `json:"points,omitempty" jsonschema:"enum=between,enum=beyond"` // where, with respect to two capture points in one file
	Cause    string `json:"cause"`
	// Confidence is that of the weaker claim, place or cause. Where the course of the losses tells
	// the cause the other three are there, too: how sure each claim is, and why the cause is believed.
	Confidence string     `json:"confidence" jsonschema:"enum=certain,enum=likely,enum=possible"`
	OfLocus    string     `json:"locus_confidence,omitempty" jsonschema:"enum=certain,enum=likely,enum=possible"`
	OfCause    string     `json:"cause_confidence,omitempty" jsonschema:"enum=likely,enum=possible"`
	Why        string     `json:"why,omitempty"`
	Rule       string     `json:"rule"`
	First      string     `json:"first_time"`
	Last       string     `json:"last_time"`
	File       string     `json:"file"`   // that holds Frames; with none of them, the first of the evidence
	Frames     []uint64   `json:"frames"` // the lost packets themselves, where the capture holds them
	Evidence   []Evidence `json:"evidence"`
	Rivals     []Rival    `json:"rivals"`
	RepairedBy *uint64    `json:"repaired_by_frame" jsonschema:"nullable"`
	RepairedIn string     `json:"repaired_in,omitempty"` // the file of that frame, if it is not File
	Router     string     `json:"router,omitempty"`
	Host       *HostSays  `json:"host,omitempty"` // what the capturing host said of it
}

// Evidence is a deciding frame.
type Evidence struct {
	File  string `json:"file"`
	Frame uint64 `json:"frame"`
	Time  string `json:"time"`
	Says  string `json:"says"`
	At    int64  `json:"-"` // ns
}

// Rival is another explanation.
type Rival struct {
	Cause string `json:"cause"`
	Why   string `json:"why"`
}

// Cause is a card, shortened, with what it explains.
type Cause struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Locus      string   `json:"locus" jsonschema:"enum=sender-host,enum=upstream,enum=downstream,enum=receiver-host,enum=capture,enum=unknown"`
	Packets    uint64   `json:"packets"` // charged to it
	Count      uint64   `json:"count"`   // of what else it explains: frames, episodes, flows
	Innocent   bool     `json:"innocent"`
	Confidence string   `json:"confidence" jsonschema:"enum=certain,enum=likely,enum=possible"`
	Confirm    []string `json:"confirm"`
	Remedy     []string `json:"remedy"`
}

// Conclusion is a sentence of what was concluded beside lost packets, and what shows it.
type Conclusion struct {
	Cause      string     `json:"cause"`
	Count      uint64     `json:"count"` // of what the cause's card counts
	Confidence string     `json:"confidence" jsonschema:"enum=certain,enum=likely,enum=possible"`
	Say        string     `json:"say"`
	Evidence   []Evidence `json:"evidence"`
}

// Path is what the picture of the path shows: packets missing by their place.
// Sender and receiver are those of most of the data of each flow.
type Path struct {
	Tap        string // as Tap.Locus
	Near       bool   // the tap is near that host, not proved to be on it
	SenderHost uint64
	Upstream   uint64
	OnlyHere   uint64
	Downstream uint64
	Receiver   uint64
	Elsewhere  uint64 // lost, and no place is known
	Back       uint64 // of Upstream or Downstream, at a tap on a host: lost on the way back
	BlindUp    bool   // what happens upstream cannot be told
	BlindDown  bool   // likewise downstream
}

// Limits counts what was given up because a limit was reached. All 0 = nothing.
type Limits struct {
	Flows    uint64 `json:"flows_ended_early"`
	Summed   uint64 `json:"flows_folded"`
	Symptoms uint64 `json:"symptoms_not_kept"`
	Gaps     uint64 `json:"gaps_forgotten"`
	Losses   uint64 `json:"losses_without_frames"`
	Stalls   uint64 `json:"stalls_without_frames"`
	Trails   uint64 `json:"directions_without_course"`
}

// Decode says what could not be decoded.
type Decode struct {
	Malformed   map[string]uint64 `json:"malformed"`
	UnknownLink map[string]uint64 `json:"unknown_link_types"`
	OtherTypes  map[string]uint64 `json:"other_ether_types"`
	Protocols   map[string]uint64 `json:"protocols"`
	HeadersCut  uint64            `json:"headers_cut"`
	TooDeep     uint64            `json:"too_deep"`
	Truncated   uint64            `json:"frames_cut"`
	Fragments   uint64            `json:"fragments"`
}
