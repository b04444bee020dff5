package report_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture/scenario"
	"whydrop/report"
)

const scenarioDir = "../testdata/scenario"

// updating reports whether -update was given; the flag is that of the golden screens.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// TestScenarios plays each testdata/scenario/*.txtar through the whole of
// whydrop and compares what it concludes. The story at the top of a file says
// what was done to the packets; the want section, what must be concluded. It is
// derived by hand from the story: when the two disagree, the program is wrong.
func TestScenarios(t *testing.T) {
	eachScenario(t, func(t *testing.T, path string, s *scenario.Scenario) {
		got := conclusion(t, s, 1, 0)
		if got == s.Want {
			return
		}
		if !updating() {
			t.Fatalf("%s\ngot\n%s\nwant\n%s", s.Story, got, s.Want)
		}
		rewriteWant(t, path, got)
	})
}

// TestScenarioLaws checks what must not matter: how many shards there are, how
// frames come in batches, where in the sequence space a connection starts, and
// what time it is.
func TestScenarioLaws(t *testing.T) {
	eachScenario(t, func(t *testing.T, _ string, s *scenario.Scenario) {
		want := conclusion(t, s, 1, 0)
		same := func(what, got string) {
			if got != want {
				t.Errorf("%s: got\n%s\ninstead of\n%s", what, got, want)
			}
		}
		for _, batch := range []int{1, 2, 64} {
			same(fmt.Sprintf("4 shards, batches of %d", batch), conclusion(t, s, 4, batch))
		}
		same("1 shard, batches of 1", conclusion(t, s, 1, 1))
		for _, d := range []uint32{1, 1 << 31, math.MaxUint32 - 1_001_000} {
			same(fmt.Sprintf("initial sequence numbers moved by %d", d), conclusion(t, s.Rotated(d), 1, 0))
		}
		for _, d := range []time.Duration{time.Nanosecond, 12345678901 * time.Nanosecond, -10 * 365 * 24 * time.Hour} {
			same(fmt.Sprintf("moved by %v", d), conclusion(t, s.Shifted(d), 1, 0))
		}
	})
}

// TestEveryCauseIsConcluded checks that the deck of causes and the scenarios
// belong together: each cause is concluded somewhere, and not everywhere.
func TestEveryCauseIsConcluded(t *testing.T) {
	scenarios, concluded := 0, map[cause.ID]int{}
	eachScenario(t, func(t *testing.T, _ string, s *scenario.Scenario) {
		scenarios++
		res, err := analyze.Run(context.Background(), s.Source(0), analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		here := map[cause.ID]bool{}
		for i := range res.Ledger.Charges {
			here[res.Ledger.Charges[i].Cause] = true
		}
		for _, c := range res.Conclusions {
			here[c.Cause] = true
		}
		for id := range here {
			concluded[id]++
		}
	})
	for _, id := range cause.IDs() {
		if n := concluded[id]; n == 0 || n == scenarios {
			t.Errorf("%s is concluded by %d of %d scenarios: write one where it is the verdict, and one where it must not be", id, n, scenarios)
		}
	}
}

func eachScenario(t *testing.T, check func(t *testing.T, path string, s *scenario.Scenario)) {
	paths, err := filepath.Glob(filepath.Join(scenarioDir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios in %s: %v", scenarioDir, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := scenario.Parse(filepath.Base(path), text)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(s.Story) == "" {
				t.Error("no story: what was done to the packets?")
			}
			check(t, path, s)
		})
	}
}

// rewriteWant puts got into the want section of the file.
func rewriteWant(t *testing.T, path, got string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	front, _, found := strings.Cut(string(text), "-- want --\n")
	if !found {
		t.Fatalf("%s has no want section", path)
	}
	if err := os.WriteFile(path, []byte(front+"-- want --\n"+got), 0o644); err != nil {
		t.Fatal(err)
	}
}

// conclusion is what whydrop says of s, in the form of the want sections: the
// verdict; a line for each charge; symptoms by the frames that show them; what
// looks like loss and is none; what the capture suffers from.
func conclusion(t *testing.T, s *scenario.Scenario, workers, batch int) string {
	t.Helper()
	src := s.Source(batch)
	res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	rep := report.Build(res, report.BuildOptions{Version: "test"})
	balance(t, res, rep)
	parts := []string{rep.Verdict.Sentence + "\n", charges(rep), symptoms(res), asides(res, rep)}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return strings.Join(parts, "\n")
}

// balance checks that every missing packet is accounted for exactly once.
func balance(t *testing.T, res *analyze.Result, rep *report.Report) {
	t.Helper()
	l := &res.Ledger
	var charged uint64
	for i := range l.Charges {
		charged += l.Charges[i].Packets
	}
	if charged+l.Unexplained() != l.Missing() || l.Lost()+l.CaptureOnly() != charged {
		t.Errorf("%d missing, %d charged, %d unexplained, %d lost, %d in the capture only",
			l.Missing(), charged, l.Unexplained(), l.Lost(), l.CaptureOnly())
	}
	if r := rep.Ledger; r.Missing != r.Lost+r.CaptureOnly+r.Unexplained {
		t.Errorf("the report's ledger does not balance: %d, %d + %d + %d", r.Missing, r.Lost, r.CaptureOnly, r.Unexplained)
	}
}

// charges has a line for each kind of charge: packets, what they were, locus,
// cause, confidence, rule, direction, and the lost packets themselves.
func charges(rep *report.Report) string {
	var kinds []string
	packets, frames := map[string]uint64{}, map[string]string{}
	for _, c := range rep.Ledger.Charges {
		k := strings.Join([]string{c.What, c.Locus, c.Cause, c.Confidence, c.Rule}, " ")
		if c.Src != "" {
			k += " " + c.Src + " > " + c.Dst
		}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
		packets[k] += c.Packets
		for _, f := range c.Frames {
			frames[k] += fmt.Sprintf(" @%d", f)
		}
	}
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "%d %s%s\n", packets[k], k, frames[k])
	}
	if n := rep.Ledger.Unexplained; n > 0 {
		fmt.Fprintf(&b, "%d unexplained\n", n)
	}
	return b.String()
}

// symptoms has a line for each kind, detail and need.
func symptoms(res *analyze.Result) string {
	var names []string
	frames := map[string]string{}
	order := slices.Clone(res.Symptoms)
	slices.SortStableFunc(order, func(a, b flow.Symptom) int { return int(a.Kind) - int(b.Kind) })
	for _, s := range order {
		name := s.Kind.String()
		if s.Detail != flow.NoDetail {
			name += " " + s.Detail.String()
		}
		if s.Kind == flow.Retransmission {
			name += " " + s.Need.String()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		frames[name] += fmt.Sprintf(" @%d", s.Frame.Number)
	}
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%s%s\n", n, frames[n])
	}
	return b.String()
}

// asides are the innocents and the findings about the capture itself.
func asides(res *analyze.Result, rep *report.Report) string {
	var innocent []string
	count := func(n uint64, what string) {
		if n > 0 {
			innocent = append(innocent, fmt.Sprintf("%d %s", n, what))
		}
	}
	in := rep.Verdict.Innocent
	count(in.UnneededRetransmissions, "unneeded")
	count(in.Reordered, "reordered")
	count(in.Duplicates, "duplicates")
	count(in.OffloadedChecksums, "offloaded")
	count(in.RefusedConnections, "refused")
	var out string
	if len(innocent) > 0 {
		out = "innocent: " + strings.Join(innocent, ", ") + "\n"
	}
	for _, g := range rep.Verdict.Groups {
		if m := g.Bursts; m != nil && m.Gain > 0 {
			out += fmt.Sprintf("bad times: %.0f packets, one behind every %.0f, loss %.0f %%\n", m.BadPackets, m.BadEvery, 100*m.BadLoss)
		}
	}
	for _, c := range rep.Conclusions {
		out += "concluded: " + c.Cause + " " + c.Confidence + ": " + c.Say
		for _, e := range c.Evidence {
			out += fmt.Sprintf(" @%d", e.Frame)
		}
		out += "\n"
	}
	for _, e := range rep.Events {
		out += fmt.Sprintf("event: %s %s, %d packets of %d flows", e.Kind, e.Locus, e.Packets, e.Flows)
		if e.Class != "" {
			out += ": " + e.Class + " " + e.Value
		}
		out += "\n"
	}
	var audit []string
	for _, f := range res.Audit {
		audit = append(audit, f.Finding)
	}
	if len(audit) > 0 {
		out += "audit: " + strings.Join(audit, ", ") + "\n"
	}
	return out
}
