package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// An Explanation is one charge, or one flow, for somebody who was not there:
// the frames that decide, in order, and what follows from them. Its JSON form
// is that of whydrop explain --json.
type Explanation struct {
	SchemaVersion string      `json:"schema_version"`
	Tool          Tool        `json:"tool"`
	Sentence      string      `json:"sentence"`
	Charge        *Charge     `json:"charge,omitempty"` // what is explained is a charge
	Flow          *Flow       `json:"flow,omitempty"`   // the flow of the charge, or what is explained
	Ladder        Ladder      `json:"ladder"`
	Rule          string      `json:"rule"`      // in one sentence, with the frames that feed it
	Where         string      `json:"where"`     // the locus in words
	Why           string      `json:"why"`       // the cause in words
	Sure          string      `json:"sure"`      // the confidence, and what it rests on
	Not           []string    `json:"not"`       // the rivals, and why each fell, or stands
	Also          []string    `json:"concluded"` // what was concluded of all charges of the cause, of which it is one
	Unseen        []string    `json:"not_seen"`  // what this capture does not show
	Story         []string    `json:"story"`     // of a flow: what happened, a sentence each
	Charges       []ChargeRef `json:"charges"`   // of a flow: its charges, in order of time
	Do            []string    `json:"do"`        // where to capture to decide
	Remedy        []string    `json:"remedy"`    // first lines of the cause's card
	Card          string      `json:"card"`      // the cause whose card says more, or ""

	start int64
}

// A Ladder is frames between two hosts, in order of time.
type Ladder struct {
	Left  string `json:"left"`  // address:port
	Right string `json:"right"` //
	Tap   string `json:"tap" jsonschema:"enum=left,enum=between,enum=right"`
	Rungs []Rung `json:"rungs"`

	heads [2]string // what the hosts are called above it
	data  uint8     // the direction whose octets are numbered
	left  uint8     // the direction that goes from left to right
}

// Fates of the packet of a Rung.
const (
	fatePasses = "passes"       // it passed the tap; nothing is said of what came then
	fateBehind = "lost-behind"  // it passed the tap and was lost behind it
	fateBefore = "lost-before"  // it never passed the tap
	fateHost   = "lost-in-host" // it was lost in the host that it was sent to
	fateUnseen = "not-captured" // it arrived, and only this capture lacks it
)

// A Rung is one packet of a Ladder. A packet that never passed here has no frame.
type Rung struct {
	File  string `json:"file"`
	Frame uint64 `json:"frame"` // 0 = it is in no frame of this capture
	Time  string `json:"time"`  // "" likewise
	To    string `json:"to" jsonschema:"enum=left,enum=right"`
	Fate  string `json:"fate" jsonschema:"enum=passes,enum=lost-behind,enum=lost-before,enum=lost-in-host,enum=not-captured"`
	What  string `json:"what"`  // "data 69 881"
	Says  string `json:"says"`  // what it shows
	Feeds string `json:"feeds"` // the rule that it is evidence for, or "" for what stands around it

	at   int64
	ref  flow.FrameRef
	half bool   // drawn from the tap only: who sent it is beside the path
	rank uint64 // among rungs of one time: twice the frame's number, one more or less beside it
}

// A ChargeRef names a charge of a flow.
type ChargeRef struct {
	ID         int    `json:"id"`
	Packets    uint64 `json:"packets"`
	What       string `json:"what"`
	Locus      string `json:"locus"`
	Cause      string `json:"cause"`
	Confidence string `json:"confidence"`
	First      string `json:"first_time"`

	at int64
}

// An Explainer gathers what it needs of the frames of a capture, and explains.
type Explainer interface {
	// Wants names the flow and the frames to be shown; nil is no flow.
	Wants() (*flow.Facts, map[flow.FrameRef]bool)
	// See takes a frame in the order of the file. It returns false when it has seen enough.
	See(*analyze.Sight) bool
	// Explain tells, when all frames were seen.
	Explain() *Explanation
}

// maxRungs is how many frames a ladder has: more than ten convince nobody.
const maxRungs = 10

// ExplainCharge explains the charge with that ID, of res and its report r; nil if there is none.
func ExplainCharge(res *analyze.Result, r *Report, id int) Explainer {
	if id < 1 || id > len(res.Ledger.Charges) {
		return nil
	}
	return newChargeExplainer(newBuilder(res), r, &res.Ledger.Charges[id-1])
}

// ExplainFlow explains the flow with that ID; nil if there is none.
func ExplainFlow(res *analyze.Result, r *Report, id int) Explainer {
	if id < 1 || id > len(res.Flows) {
		return nil
	}
	return newFlowExplainer(newBuilder(res), r, uint32(id-1))
}

// FlowsCalled finds the IDs of the flows between two ends, as the flow table
// prints them: "10.0.0.1:40000 > 10.0.0.2:443".
func FlowsCalled(res *analyze.Result, originator, responder string) []int {
	var ids []int
	for i := range res.Flows {
		f := res.Flows[i]
		if endpoint(f.Originator, f.Protocol) == originator && endpoint(f.Responder, f.Protocol) == responder {
			ids = append(ids, i+1)
		}
	}
	return ids
}

// ExplanationJSON writes e as one document.
func ExplanationJSON(w io.Writer, e *Explanation) error {
	j := json.NewEncoder(w)
	j.SetIndent("", "  ")
	j.SetEscapeHTML(false)
	return j.Encode(e)
}

// newExplanation has what all explanations have.
func newExplanation(r *Report) *Explanation {
	return &Explanation{
		SchemaVersion: SchemaVersion, Tool: r.Tool, start: r.Start,
		Ladder: Ladder{Tap: tapBetween, Rungs: []Rung{}},
		Not:    []string{}, Also: []string{}, Unseen: []string{}, Story: []string{}, Charges: []ChargeRef{}, Do: []string{}, Remedy: []string{},
	}
}

// Where the tap stands on a ladder.
const (
	tapLeft    = "left"
	tapBetween = "between"
	tapRight   = "right"
)

// between draws the ladder of flow i, direction left going from left to right.
func (b *builder) between(l *Ladder, i uint32, left uint8) {
	f := b.res.Flows[i]
	ends := [2]string{endpoint(f.Originator, f.Protocol), endpoint(f.Responder, f.Protocol)}
	l.Left, l.Right, l.left = ends[left], ends[1-left], left
	switch place, onHost := b.res.TapOf(int(i), left); {
	case onHost && place == analyze.TapSender:
		l.Tap = tapLeft
	case onHost && place == analyze.TapReceiver:
		l.Tap = tapRight
	}
}

// to is the side that direction dir goes to.
func (l *Ladder) to(dir uint8) string {
	if dir == l.left {
		return tapRight
	}
	return tapLeft
}

// settle puts the rungs in order of time.
func (l *Ladder) settle() {
	slices.SortStableFunc(l.Rungs, func(a, b Rung) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ref.File, b.ref.File), cmp.Compare(a.rank, b.rank))
	})
}

// remedyOf fills in what the card of id says first.
func (e *Explanation) remedyOf(id cause.ID) {
	const lines = 2
	card, ok := cause.Lookup(id)
	if !ok {
		return
	}
	e.Card = string(id)
	if id != cause.Unknown {
		steps := card.RemedySteps()
		e.Remedy = append(e.Remedy, steps[:min(len(steps), lines)]...)
	}
}
