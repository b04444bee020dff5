package policy

import (
	"whydrop/report"
)

// Totals are the figures of a whole run of check: what its rules of [run] speak of.
type Totals struct {
	Files       uint64            `json:"files"`
	Unread      uint64            `json:"unread"`    // that could not be read
	Unsure      uint64            `json:"unsure"`    // too lossy, cut, empty, or that cannot tell
	Violated    uint64            `json:"violated"`  // of which a rule is violated
	Packets     uint64            `json:"packets"`   // as verdict.packets
	Lost        uint64            `json:"lost"`      // as ledger.lost
	LostRate    float64           `json:"lost_rate"` // of all packets
	CaptureOnly uint64            `json:"capture_only"`
	Unexplained uint64            `json:"unexplained"`
	ByCause     map[string]uint64 `json:"by_cause"`
	ByLocus     map[string]uint64 `json:"by_locus"`
}

// A Group is one line of what a capture lost, beside a rule that is violated.
type Group struct {
	Packets    uint64 `json:"packets"`
	Locus      string `json:"locus"`
	Cause      string `json:"cause"`
	Confidence string `json:"confidence"`
	Phrase     string `json:"phrase"`
}

// A File is what became of one capture.
type File struct {
	Path     string    `json:"path"`
	Outcome  string    `json:"outcome" jsonschema:"enum=holds,enum=violated,enum=cannot-tell,enum=unfit,enum=unread"`
	Error    string    `json:"error"` // why it could not be read, or ""
	State    string    `json:"state"` // of its verdict
	Sentence string    `json:"sentence"`
	Unfit    string    `json:"unfit"`    // why the capture cannot tell, or is not fit, or ""
	Accepted bool      `json:"accepted"` // the policy takes it all the same
	Packets  uint64    `json:"packets"`
	Lost     uint64    `json:"lost"`
	Notes    []string  `json:"notes"` // what the audit of the capture found that weakens what is said of it
	Groups   []Group   `json:"groups"`
	Findings []Finding `json:"findings"`

	LostRate    float64           `json:"-"`
	CaptureOnly uint64            `json:"-"`
	Unexplained uint64            `json:"-"`
	ByCause     map[string]uint64 `json:"-"`
	ByLocus     map[string]uint64 `json:"-"`
}

// A Run is what check says.
type Run struct {
	SchemaVersion string      `json:"schema_version"`
	Tool          report.Tool `json:"tool"`
	Outcome       string      `json:"outcome" jsonschema:"enum=holds,enum=violated,enum=cannot-tell,enum=unfit,enum=unread"`
	Exit          int         `json:"exit_code"`
	Totals        Totals      `json:"totals"`
	Findings      []Finding   `json:"findings"` // of the rules about the whole run
	Files         []File      `json:"files"`
}

// NewFile begins what is said of the capture at path.
func NewFile(path string, e Evidence) File {
	r := e.Report
	f := File{
		Path: path, State: r.Verdict.State, Sentence: r.Verdict.Sentence, Packets: r.Verdict.Packets, Lost: r.Ledger.Lost,
		Notes: []string{}, Groups: []Group{}, Findings: []Finding{},
		CaptureOnly: r.Ledger.CaptureOnly, Unexplained: r.Ledger.Unexplained, ByCause: r.Ledger.ByCause, ByLocus: r.Ledger.ByLocus,
	}
	f.Outcome, f.Unfit = stateOutcome(r, e.Accept)
	if f.Unfit == "" {
		if _, why := stateOutcome(r, nil); why != "" {
			f.Unfit, f.Accepted = why, true
		}
	}
	for _, a := range r.Capture.Audit {
		if a.Lowers {
			f.Notes = append(f.Notes, a.Detail)
		}
	}
	for i := range r.Verdict.Groups {
		g := &r.Verdict.Groups[i]
		f.Groups = append(f.Groups, Group{g.Packets, g.Locus, g.Cause, g.Sure(), g.Phrase})
	}
	return f
}

// Add notes findings about f.
func (f *File) Add(findings ...Finding) {
	f.Findings = append(f.Findings, findings...)
	for i := range findings {
		f.Outcome = worse(f.Outcome, findings[i].Outcome)
	}
}

// order is how bad outcomes are: of a file that could not be read nothing at all is known, and
// a rule that is violated is certain, whatever else cannot be told.
var order = map[string]int{Holds: 0, Undecided: 1, Unfit: 2, Violated: 3, Unread: 4}

func worse(a, b string) string {
	if order[b] > order[a] {
		return b
	}
	return a
}

// Total adds up files.
func Total(files []File) Totals {
	t := Totals{Files: uint64(len(files)), ByCause: map[string]uint64{}, ByLocus: map[string]uint64{}}
	for i := range files {
		f := &files[i]
		switch {
		case f.Outcome == Unread:
			t.Unread++
			t.Unsure++
		case f.Unfit != "" && !f.Accepted:
			t.Unsure++
		}
		if f.Outcome == Violated {
			t.Violated++
		}
		t.Packets += f.Packets
		t.Lost += f.Lost
		t.CaptureOnly += f.CaptureOnly
		t.Unexplained += f.Unexplained
		for id, n := range f.ByCause {
			t.ByCause[id] += n
		}
		for locus, n := range f.ByLocus {
			t.ByLocus[locus] += n
		}
	}
	if t.Packets > 0 {
		t.LostRate = tidy(float64(t.Lost) / float64(t.Packets))
	}
	return t
}

// RunVersion is the version of check's JSON.
const RunVersion = "1.0"

// NewRun puts files together and holds the rules about all of them.
func NewRun(files []File, rules []Rule, tool report.Tool) *Run {
	r := &Run{SchemaVersion: RunVersion, Tool: tool, Outcome: Holds, Files: files, Totals: Total(files)}
	r.Findings = JudgeTotals(rules, &r.Totals)
	for i := range files {
		r.Outcome = worse(r.Outcome, files[i].Outcome)
	}
	for i := range r.Findings {
		r.Outcome = worse(r.Outcome, r.Findings[i].Outcome)
	}
	return r
}
