package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"whydrop/cmd/lab/score"
	"whydrop/cmd/lab/truth"
)

// TestThreePoints scores what whydrop says of runs of real kernels that were
// captured at three points at once, each capture alone, by the fate of every
// packet. cmd/truth does the same with more runs and prints the figures.
func TestThreePoints(t *testing.T) {
	runs, err := filepath.Glob(filepath.Join(root, "testdata/truth", "*.fates.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) == 0 {
		t.Fatal("no runs in testdata/truth; go run ./cmd/lab -points 1-3 makes them")
	}
	var total score.Card
	for _, path := range runs {
		f, err := truth.ReadFates(path)
		if err != nil {
			t.Fatal(err)
		}
		for point, file := range f.Run.Files {
			var stdout, stderr bytes.Buffer
			run(t.Context(), []string{"analyze", "--format", "ndjson", filepath.Join(filepath.Dir(path), file)}, &stdout, &stderr)
			answer, err := score.Read(&stdout)
			if err != nil {
				t.Fatalf("%s: %v: %s", file, err, &stderr)
			}
			total.Add(score.Score(f, point, answer))
		}
	}
	for _, m := range total.Mistakes {
		t.Errorf("%s", m.Text)
	}
	// The aims of the project for all runs together.
	for name, s := range map[string]struct {
		aim float64
		f1  [3]score.F1
	}{
		"retransmissions": {0.99, total.Retx}, "not needed": {0.97, total.Unneeded}, "reordered": {0.98, total.Late},
		"lost data frames": {0.98, total.Named}, "duplicates": {0.99, total.Copies},
	} {
		var all score.F1
		for _, f := range s.f1 {
			all.Right, all.Wrong, all.Missed = all.Right+f.Right, all.Wrong+f.Wrong, all.Missed+f.Missed
		}
		if all.Value() < s.aim {
			t.Errorf("%s: F1 %.3f, want %.2f: %+v", name, all.Value(), s.aim, all)
		}
	}
	for stage, name := range score.Stages {
		if off := total.Up[stage].Off + total.Down[stage].Off; off > 2 {
			t.Errorf("lost data packets, captured at the %s: off by %d", name, off)
		}
	}
}
