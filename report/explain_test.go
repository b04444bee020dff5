package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/capture/scenario"
	"whydrop/report"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// explained is what explain says of all charges and flows of s.
func explained(t *testing.T, s *scenario.Scenario, rename string) []*report.Explanation {
	t.Helper()
	res, err := analyze.Run(context.Background(), s.Source(0), analyze.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if rename != "" {
		res.Inputs[0].Path = rename
	}
	r := report.Build(res, report.BuildOptions{Version: "test"})
	var all []*report.Explanation
	explain := func(x report.Explainer) {
		if f, named := x.Wants(); f != nil {
			if err := analyze.Look(context.Background(), s.Source(3), f, named, x.See); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, x.Explain())
	}
	for i := range res.Ledger.Charges {
		explain(report.ExplainCharge(res, r, i+1))
	}
	for i := range res.Flows {
		explain(report.ExplainFlow(res, r, i+1))
	}
	return all
}

func explanationText(t *testing.T, e *report.Explanation, o report.TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := report.ExplanationText(&b, e, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestExplanations checks, on every charge and flow of every scenario, that the
// ladder holds the evidence, in order, within its bounds, and that it can be
// printed anywhere.
func TestExplanations(t *testing.T) {
	eachScenario(t, func(t *testing.T, _ string, s *scenario.Scenario) {
		all := explained(t, s, "")
		for _, e := range all {
			name := "flow"
			if e.Charge != nil {
				name = fmt.Sprintf("charge %d", e.Charge.ID)
				holdsEvidence(t, name, e)
			} else if len(e.Story) == 0 || len(e.Ladder.Rungs) == 0 {
				t.Errorf("a flow without a story: %+v", e)
			}
			if n := len(e.Ladder.Rungs); n > 10 {
				t.Errorf("%s: %d rungs", name, n)
			}
			printable(t, name, e)
		}
	})
}

// holdsEvidence checks that each frame that the charge names is a rung, once,
// that it feeds the rule, and that rungs are in order of time.
func holdsEvidence(t *testing.T, name string, e *report.Explanation) {
	t.Helper()
	rungs, last := map[uint64]string{}, ""
	for _, r := range e.Ladder.Rungs {
		if r.Frame == 0 {
			continue
		}
		if _, twice := rungs[r.Frame]; twice {
			t.Errorf("%s: frame %d is shown twice", name, r.Frame)
		}
		rungs[r.Frame] = r.Feeds
		if r.Time < last {
			t.Errorf("%s: frame %d comes before the rung above it", name, r.Frame)
		}
		last = r.Time
		if r.Says == "" || r.What == "" {
			t.Errorf("%s: frame %d says nothing: %+v", name, r.Frame, r)
		}
	}
	for _, w := range e.Charge.Evidence {
		if rungs[w.Frame] != e.Charge.Rule {
			t.Errorf("%s: frame %d is evidence, and feeds %q", name, w.Frame, rungs[w.Frame])
		}
	}
	if e.Rule == "" || e.Sure == "" || !strings.HasSuffix(e.Sentence, ".") {
		t.Errorf("%s: no rule, or no confidence, in %+v", name, e)
	}
}

// printable checks the forms of the text.
func printable(t *testing.T, name string, e *report.Explanation) {
	t.Helper()
	for _, width := range []int{60, 80, 120} {
		plain := explanationText(t, e, report.TextOptions{Width: width})
		for line := range strings.Lines(plain) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > width || strings.TrimRight(line, " ") != line {
				t.Errorf("%s, %d columns: %q", name, width, line)
			}
		}
		color := explanationText(t, e, report.TextOptions{Width: width, Color: true})
		if escapes.ReplaceAllString(color, "") != plain {
			t.Errorf("%s: colour changes the text:\n%s", name, color)
		}
	}
	ascii := explanationText(t, e, report.TextOptions{Width: 80, ASCII: true})
	if i := strings.IndexFunc(ascii, func(r rune) bool { return r >= 0x80 || r < ' ' && r != '\n' }); i >= 0 {
		t.Errorf("%s: not ASCII at octet %d: %q", name, i, ascii[i:])
	}
	if strings.Contains(ascii, "?") {
		t.Errorf("%s: a symbol without a spelling in\n%s", name, ascii)
	}
	var b strings.Builder
	if err := report.ExplanationJSON(&b, e); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	for k, v := range doc {
		if v == nil {
			t.Errorf("%s: %s is null", name, k)
		}
	}
}

// ladders are the charges, by scenario, whose explanations are kept as goldens.
var ladders = []string{
	"lost-downstream-sack", "lost-upstream-fast", "capture-dropped-data", "ack-lost-behind-the-tap", "icmp-prohibited",
	"syn-ack-lost", "tail-loss-upstream", "tcp-checksum-damaged", "fragment-lost", "capture-dropped-counted", "lossless-bulk",
	"lost-twice-upstream", "zero-window", "paws-reject", "rtp-gap", "lost-inside-the-sender",
}

// TestLadders holds what a reader gets to see.
func TestLadders(t *testing.T) {
	for _, name := range ladders {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(scenarioDir, name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			s, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			all := explained(t, s, "")
			var b strings.Builder
			for _, e := range all {
				b.WriteString(explanationText(t, e, report.TextOptions{Width: 80}))
				b.WriteString("--\n")
			}
			golden := filepath.Join("testdata", "explain", name+".80.txt")
			if updating() {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; run the test with -update", err)
			}
			if got := b.String(); got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", golden, got, want)
			}
		})
	}
}
