package policy

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"whydrop/report"
)

const written1 = `
require = ["ledger.lost_rate < 5%"]
fail_if = ["charges[cause=policer].packets > 0"]
baseline = "was.json"

[tolerance]
all = "0"
lost = "10% + 3"

[run]
require = ["lost_rate < 1%"]

[[files]]
match = "udp-*.pcap"
accept = ["cannot-tell"]
at = "receiver"

[[files]]
match = "nightly/*"
instead = true
require = ["ledger.lost < 100"]
`

func TestReadPolicy(t *testing.T) {
	p, err := Read("ci/policy.toml", []byte(written1))
	if err != nil {
		t.Fatal(err)
	}
	texts := func(rules []Rule) string {
		var list []string
		for i := range rules {
			list = append(list, rules[i].Text())
		}
		return strings.Join(list, "; ")
	}
	tests := []struct{ file, rules, accept, at string }{
		{"a.pcap", "ledger.lost_rate < 5%; fail-if charges[cause=policer].packets > 0", "", ""},
		{"x/udp-1.pcap", "ledger.lost_rate < 5%; fail-if charges[cause=policer].packets > 0", "cannot-tell", "receiver"},
		{"x/nightly/a.pcap", "ledger.lost < 100", "", ""},
		{"nightly/x/a.pcap", "ledger.lost_rate < 5%; fail-if charges[cause=policer].packets > 0", "", ""},
	}
	for _, test := range tests {
		rules, accept, at := p.For(test.file)
		if texts(rules) != test.rules || strings.Join(accept, " ") != test.accept || at != test.at {
			t.Errorf("%s: %s; accept %q, at %q", test.file, texts(rules), accept, at)
		}
	}
	if p.Baseline != "ci/was.json" || len(p.RunRules) != 1 {
		t.Errorf("baseline %q, %d rules of the run", p.Baseline, len(p.RunRules))
	}
	if p.Tolerance[ofLost] != (Slack{0.1, 3}) || p.Tolerance[ofCauses] != (Slack{}) {
		t.Errorf("tolerances %v", p.Tolerance)
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	tests := []struct{ toml, why, unknown string }{
		{"requires = []", "no setting is called", "requires"},
		{"[[files]]\nmatch='*'\nrequire_=[]", "no setting is called", "files.require_"},
		{"require = [", "line 1", ""},
		{"require = 5", "", ""},
		{"require = ['ledger.lsot < 1']", "has no", "lsot"},
		{"[run]\nrequire = ['ledger.lost < 1']", "no figure is called", "ledger"},
		{"accept = ['lossy']", "no condition of a capture", "lossy"},
		{"at = 'here'", "no place of the tap", "here"},
		{"[tolerance]\nlots = '3'", "no tolerance is called", "lots"},
		{"[tolerance]\nlost = 'some'", "is none", ""},
		{"[[files]]\nrequire=[]", "needs a pattern", ""},
		{"[[files]]\nmatch='['", "is no pattern", ""},
	}
	for _, test := range tests {
		_, err := Read("p.toml", []byte(test.toml))
		var bad *FileError
		if !errors.As(err, &bad) || !strings.Contains(bad.Why, test.why) || bad.Unknown != test.unknown {
			t.Errorf("%s: %v, want %q", test.toml, err, test.why)
		}
	}
}

// FuzzRead holds that a policy or a baseline of whatever octets is understood or refused.
func FuzzRead(f *testing.F) {
	f.Add([]byte(written1))
	f.Add([]byte(`{"baseline_version":"1.0","tool":{"name":"","version":""},"files":{"a":null}}`))
	f.Fuzz(func(t *testing.T, octets []byte) {
		if p, err := Read("p.toml", octets); err == nil {
			p.For("a/b.pcap")
		}
		if b, err := ReadBaseline("b.json", octets); err == nil {
			if _, err := b.Octets(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCompare(t *testing.T) {
	same := func() *State { return StateOf(evidence(lossy(), flowsOf())) }
	tests := []struct {
		name   string
		change func(*State)
		want   []string
	}{
		{"nothing", func(*State) {}, []string{"holds not worse than the baseline"}},
		{"within the tolerance", func(s *State) { s.Lost, s.Causes[0].Packets, s.Flows[0].Lost = 21, 16, 16 }, []string{"holds not worse than the baseline"}},
		{"a new cause, and more", func(s *State) {
			s.Causes = append([]CauseState{{"queue-overflow", "upstream", 30}}, s.Causes...)
			s.Causes[1].Packets, s.Lost, s.Flows[0].Lost = 60, 95, 90
		}, []string{
			"violated no new cause: queue-overflow @ upstream", "violated not more lost: policer @ downstream",
			"violated not worse: tcp 10.0.0.1 > 10.0.0.2:443", "violated not more lost",
		}},
		{"a stall", func(s *State) { s.Flows[0].StallMS = 5000 }, []string{"violated not worse: tcp 10.0.0.1 > 10.0.0.2:443"}},
		{"a flow is gone", func(s *State) { s.Flows = s.Flows[1:] }, []string{"cannot-tell there as before: tcp 10.0.0.1 > 10.0.0.2:443"}},
		{"a flow is told no more", func(s *State) { s.Flows[0].CannotTell = 1 }, []string{"cannot-tell told as before: tcp 10.0.0.1 > 10.0.0.2:443"}},
		{"two stories", func(s *State) { s.Unexplained = 50 }, []string{"cannot-tell not more lost"}},
		{"a new flow that lost", func(s *State) { s.Flows = append(s.Flows, Conversation{Key: "new", Lost: 9}) }, []string{"violated not worse: new"}},
		{"better", func(s *State) { s.Lost = 0 }, []string{"holds not worse than the baseline"}},
	}
	for _, test := range tests {
		now := same()
		test.change(now)
		var got []string
		for _, f := range Compare(same(), now, Holds, "", DefaultTolerance()) {
			got = append(got, f.Outcome+" "+f.Rule)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if f := Compare(same(), same(), Unfit, "too lossy", DefaultTolerance()); len(f) != 1 || f[0].Outcome != Unfit {
		t.Errorf("a capture that is not fit was compared: %v", f)
	}
}

// TestBaselineForgetsWhatDiffers holds that ports of a kernel's choice, times and the order of
// flows make no difference.
func TestBaselineForgetsWhatDiffers(t *testing.T) {
	other := flowsOf()
	slices.Reverse(other)
	for i, f := range other {
		f.ID, f.First = i+7, "2031-01-01T00:00:00Z"
		f.Originator = strings.Replace(f.Originator, ":4000", ":5000", 1)
	}
	b := &Baseline{Version: BaselineVersion, Files: map[string]*State{"a": StateOf(evidence(lossy(), flowsOf()))}}
	c := &Baseline{Version: BaselineVersion, Files: map[string]*State{"a": StateOf(evidence(lossy(), other))}}
	x, err := b.Octets()
	if err != nil {
		t.Fatal(err)
	}
	y, err := c.Octets()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s\nand\n%s\ndiffer", x, y)
	}
	again, err := ReadBaseline("b.json", x)
	if err != nil {
		t.Fatal(err)
	}
	if again.Find("traces/../a", false) == nil || again.Find("elsewhere/a", false) == nil || again.Find("new", true) == nil || again.Find("new", false) != nil {
		t.Error("captures are not found in the baseline as they ought to be")
	}
}

// hostile is a run whose names try to break out of every format.
func hostile() *Run {
	e := evidence(lossy(), flowsOf())
	x, err := Parse("ledger.lost == 0")
	if err != nil {
		panic(err)
	}
	f := NewFile("a\nb::error::|<script>`\x1b[2J%\u202e.pcap", e)
	f.Add(Judge([]Rule{{Expr: x}}, e)...)
	bad := File{Path: "gone.pcap", Outcome: Unread, Error: "no such <file> ]]>\n::error::", Groups: []Group{}, Findings: []Finding{}}
	return NewRun([]File{f, bad}, nil, report.Tool{Name: "whydrop"})
}

func TestFormatsHoldHostileNames(t *testing.T) {
	formats := map[string]func(io.Writer, *Run) error{
		"json": JSON, "junit": JUnit, "github": GitHub, "markdown": Markdown,
		"text":  func(w io.Writer, r *Run) error { return Text(w, r, report.TextOptions{}, false) },
		"ascii": func(w io.Writer, r *Run) error { return Text(w, r, report.TextOptions{ASCII: true}, false) },
	}
	for name, write := range formats {
		var b bytes.Buffer
		if err := write(&b, hostile()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := b.String()
		if strings.ContainsAny(s, "\x1b") || name != "json" && strings.Contains(s, "\u202e") {
			t.Errorf("%s: control characters pass: %q", name, s)
		}
		switch name {
		case "json":
			if !json.Valid(b.Bytes()) {
				t.Errorf("json: %s", s)
			}
		case "junit":
			var suites junitSuites
			if err := xml.Unmarshal(b.Bytes(), &suites); err != nil || suites.Tests != 3 || suites.Failures != 1 || suites.Errors != 1 {
				t.Errorf("junit: %v\n%s", err, s)
			}
		case "github":
			for line := range strings.Lines(s) {
				if !strings.HasPrefix(line, "::error file=") && !strings.HasPrefix(line, "whydrop check: ") {
					t.Errorf("github: %q", line)
				}
			}
		case "markdown":
			if strings.Contains(s, "<file>") || strings.Contains(s, "|<script>`\n") {
				t.Errorf("markdown: %s", s)
			}
		case "ascii":
			for _, r := range s {
				if r > 0x7e {
					t.Errorf("ascii: %q in %s", r, s)
				}
			}
		}
	}
}

func TestWorstOutcome(t *testing.T) {
	run := hostile()
	if run.Outcome != Unread {
		t.Errorf("%s, want %s", run.Outcome, Unread)
	}
	if run = NewRun(run.Files[:1], nil, report.Tool{}); run.Outcome != Violated {
		t.Errorf("%s, want %s", run.Outcome, Violated)
	}
}
