package report_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// TestStalls plays each testdata/stall/*.txtar and compares where the time
// went. The story says what was waited for; the want section follows from it.
func TestStalls(t *testing.T) {
	paths, err := filepath.Glob("../testdata/stall/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
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
			got := whereTimeWent(t, s, 1)
			if many := whereTimeWent(t, s, 4); many != got {
				t.Errorf("4 shards: got\n%s\ninstead of\n%s", many, got)
			}
			if got == s.Want {
				return
			}
			if !updating() {
				t.Fatalf("%s\ngot\n%s\nwant\n%s", s.Story, got, s.Want)
			}
			rewriteWant(t, path, got)
		})
	}
}

// whereTimeWent has a line for each direction and reason of a stall, the
// longest ones by their frames, and what the first screen says.
func whereTimeWent(t *testing.T, s *scenario.Scenario, workers int) string {
	t.Helper()
	src := s.Source(0)
	res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	rep := report.Build(res, report.BuildOptions{Version: "test"})
	var b strings.Builder
	for _, f := range slices.Backward(rep.Flows.Table) {
		for _, d := range f.Directions {
			for reason := range flow.NumStallReasons {
				if x, ok := d.Stalls[reason.String()]; ok {
					fmt.Fprintf(&b, "%s > %s %s: %d, %d ms\n", d.Src, d.Dst, reason, x.Count, x.MS)
				}
			}
		}
		for _, x := range f.Stalls {
			end := "the end"
			if x.End != nil {
				end = fmt.Sprintf("@%d", x.End.Frame)
			}
			fmt.Fprintf(&b, "  %s %.0f ms @%d to %s\n", x.Reason, x.MS, x.Before.Frame, end)
		}
	}
	if rep.Stalls.Sentence != "" {
		b.WriteString(rep.Stalls.Sentence + "\n")
	}
	return b.String()
}
