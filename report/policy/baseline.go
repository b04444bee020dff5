package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"whydrop/report"
)

// BaselineVersion is the version of the file that --write-baseline writes.
const BaselineVersion = "1.0"

// A Baseline is what captures were like, without what may differ from run to run: times,
// file offsets, frame numbers, ports that a kernel chose.
type Baseline struct {
	Version string            `json:"baseline_version"`
	Tool    report.Tool       `json:"tool"`
	Files   map[string]*State `json:"files"`
}

// A State is what one capture was like.
type State struct {
	State       string         `json:"state"`
	Packets     uint64         `json:"packets"`
	Lost        uint64         `json:"lost"`
	CaptureOnly uint64         `json:"capture_only"`
	Unexplained uint64         `json:"unexplained"`
	Causes      []CauseState   `json:"causes"`
	Flows       []Conversation `json:"flows"`
}

// CauseState is what one cause did at one place.
type CauseState struct {
	Cause   string `json:"cause"`
	Locus   string `json:"locus"`
	Packets uint64 `json:"packets"`
}

// A Conversation is all flows between the same ends: of the port that a client's kernel
// chose nothing is kept, so connections of one kind are one.
type Conversation struct {
	Key             string `json:"flow"` // "tcp 10.0.0.1 > 10.0.0.2:443"
	Flows           uint64 `json:"flows"`
	Packets         uint64 `json:"packets"`
	Lost            uint64 `json:"lost"`
	Retransmissions uint64 `json:"retransmissions"`
	ChecksumBad     uint64 `json:"checksum_bad"`
	StallMS         uint64 `json:"stall_ms"`
	CannotTell      uint64 `json:"cannot_tell"` // flows of which nothing tells what they lost
	worst           *worstFlow
}

// A worstFlow names the flow of a conversation that lost most, for a person to look at.
type worstFlow struct {
	id   int
	lost uint64
}

// StateOf is what the capture of e is like.
func StateOf(e Evidence) *State {
	r := e.Report
	s := &State{
		State: r.Verdict.State, Packets: r.Verdict.Packets, Lost: r.Ledger.Lost, CaptureOnly: r.Ledger.CaptureOnly,
		Unexplained: r.Ledger.Unexplained, Causes: []CauseState{}, Flows: []Conversation{},
	}
	byPlace := map[[2]string]uint64{}
	for i := range r.Ledger.Charges {
		c := &r.Ledger.Charges[i]
		byPlace[[2]string{c.Cause, c.Locus}] += c.Packets
	}
	for k, n := range byPlace {
		s.Causes = append(s.Causes, CauseState{k[0], k[1], n})
	}
	slices.SortFunc(s.Causes, func(a, b CauseState) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Locus, b.Locus))
	})
	talks := map[string]*Conversation{}
	for f := range e.Flows {
		key := keyOf(f)
		c := talks[key]
		if c == nil {
			c = &Conversation{Key: key, worst: &worstFlow{id: f.ID}}
			talks[key] = c
		}
		c.add(f)
	}
	for _, key := range slices.Sorted(maps.Keys(talks)) {
		s.Flows = append(s.Flows, *talks[key])
	}
	return s
}

func (c *Conversation) add(f *report.Flow) {
	c.Flows++
	c.Packets += f.Packets
	c.Lost += f.Lost
	c.StallMS += f.StallMS
	if f.CannotTell {
		c.CannotTell++
	}
	for i := range f.Directions {
		d := &f.Directions[i]
		c.ChecksumBad += d.ChecksumBad
		for _, n := range d.Retransmissions {
			c.Retransmissions += n
		}
	}
	if f.Lost > c.worst.lost {
		*c.worst = worstFlow{f.ID, f.Lost}
	}
}

// ephemeral is the first port that a kernel chooses by itself: net.ipv4.ip_local_port_range
// begins here on Linux; RFC 6335 §6 has 49152.
const ephemeral = 32768

// keyOf is what stays of a flow from run to run.
func keyOf(f *report.Flow) string {
	return f.Protocol + " " + address(f.Originator) + " > " + server(f.Responder)
}

func address(end string) string {
	if both, err := netip.ParseAddrPort(end); err == nil {
		return both.Addr().String()
	}
	return end
}

// server keeps the port, unless a kernel chose that, too.
func server(end string) string {
	both, err := netip.ParseAddrPort(end)
	if err != nil {
		return end
	}
	if both.Port() >= ephemeral {
		return netip.AddrPortFrom(both.Addr(), 0).Addr().String() + " port " + strconv.Itoa(ephemeral) + "+"
	}
	return both.String()
}

// ReadBaseline understands what WriteTo wrote.
func ReadBaseline(name string, octets []byte) (*Baseline, error) {
	b := &Baseline{}
	d := json.NewDecoder(bytes.NewReader(octets))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, &FileError{Path: name, Why: "is no baseline: " + err.Error()}
	}
	if b.Version != BaselineVersion {
		return nil, &FileError{Path: name, Why: fmt.Sprintf("is a baseline of version %q, and %q is understood", b.Version, BaselineVersion)}
	}
	for file, s := range b.Files {
		if s == nil {
			return nil, &FileError{Path: name, Why: fmt.Sprintf("says nothing of %q", file)}
		}
	}
	return b, nil
}

// Octets is b as it is kept in a file; keys are in order, so that a change of it can be reviewed.
func (b *Baseline) Octets() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(b)
	return out.Bytes(), err
}

// Find is what b holds of a file: by its path, by its name where only one is called so, or the
// only one there is where only one is checked.
func (b *Baseline) Find(file string, only bool) *State {
	clean := path.Clean(filepath.ToSlash(file))
	if s := b.Files[clean]; s != nil {
		return s
	}
	var named []*State
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		if path.Base(name) == path.Base(clean) || only && len(b.Files) == 1 {
			named = append(named, b.Files[name])
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	return nil
}

// Key is the name of file in a baseline.
func Key(file string) string { return path.Clean(filepath.ToSlash(file)) }
