//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func ran(name string, wall, cpu time.Duration, memory int64) *peer {
	return &peer{name: name, runs: []sample{{wall, cpu, memory}, {wall * 3, cpu, memory}, {wall, cpu * 2, memory}}}
}

// TestGoals: the medians decide, and a peer that is missing is said to be.
func TestGoals(t *testing.T) {
	r := &result{when: time.Unix(0, 0), machine: "a machine", peers: []*peer{
		ran("whydrop", time.Second, 2*time.Second, 90<<20),
		ran("tcpdump", time.Second, time.Second, 1<<20),
		ran("tshark", 100*time.Second, time.Second, 1<<20),
		{name: "tcptrace", lack: "not found"},
	}}
	for goals, want := range map[string]bool{"none": true, "half": true, "full": false} {
		text, met := r.text(goals)
		if met != want {
			t.Errorf("goals %s: met is %v, want %v\n%s", goals, met, want, text)
		}
		for _, line := range []string{"not found", "half met", "budget met", "a machine"} {
			if !strings.Contains(text, line) {
				t.Errorf("goals %s: no %q in\n%s", goals, line, text)
			}
		}
	}
	r.peers[0].runs[0].memory, r.peers[0].runs[1].memory = 900<<20, 900<<20
	if text, met := r.text("half"); met {
		t.Errorf("900 MB met the budget\n%s", text)
	}
}

// TestTimeOne: a child's time and memory are counted, and its failure is told.
func TestTimeOne(t *testing.T) {
	s, err := timeOne([]string{"true"})
	if err != nil || s.wall <= 0 || s.memory <= 0 {
		t.Errorf("true: %+v, %v", s, err)
	}
	if _, err := timeOne([]string{"false"}); err == nil {
		t.Error("false succeeded")
	}
}

// TestSum: the yardstick reads all of a file.
func TestSum(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, append(make([]byte, 1<<20), 1, 0, 0, 0, 0, 0, 0, 0, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{1, 3} {
		if sum, err := sumFile(name, threads); err != nil || sum != 1 {
			t.Errorf("%d threads: sum %d, %v; want 1", threads, sum, err)
		}
	}
}
