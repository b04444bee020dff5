//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// A budget is a limit on whydrop's figure as a multiple of a peer's.
type budget struct {
	peer string
	cpu  bool // of processor time; else of wall time
	full float64
	half float64
}

// budgets are those of design.md §8, and half of them, which is the goal of
// the first complete version.
var budgets = []budget{
	{peer: "tcpdump", full: 0.7, half: 1.4},
	{peer: "tcptrace", full: 1. / 6, half: 1. / 3},
	{peer: "tshark", full: 1. / 50, half: 1. / 25},
	{peer: "read+sum", cpu: true, full: 4, half: 8},
}

// memoryBudget is for 5000 connections at once.
const memoryBudget = 100 << 20

// text prints r, and reports whether the goals are met.
func (r *result) text(goals string) (string, bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n%s, %.2f GB, in the page cache; %s\n\n", r.when.UTC().Format(time.RFC3339), r.machine,
		r.capture, float64(r.octets)/1e9, runtime.Version())
	fmt.Fprintf(&b, "%-18s %9s %9s %9s %5s\n", "", "wall s", "CPU s", "peak MB", "runs")
	for _, p := range r.peers {
		if len(p.runs) == 0 {
			fmt.Fprintf(&b, "%-18s not run %s\n", p.name, p.lack)
			continue
		}
		m := p.median()
		fmt.Fprintf(&b, "%-18s %9.3f %9.3f %9.1f %5d\n", p.name, m.wall.Seconds(), m.cpu.Seconds(), float64(m.memory)/(1<<20), len(p.runs))
	}
	fmt.Fprintf(&b, "\n%-28s %9s %9s %9s\n", "", "measured", "budget", "half")
	met := true
	line := func(what string, got, full, half float64) {
		verdict := "budget met"
		switch {
		case got > half:
			verdict = "half missed"
		case got > full:
			verdict = "half met"
		}
		met = met && (goals == "none" || got <= full || goals == "half" && got <= half)
		fmt.Fprintf(&b, "%-28s %9.3f %9.3f %9.3f  %s\n", what, got, full, half, verdict)
	}
	mine := r.peers[0].median()
	for _, want := range budgets {
		for _, p := range r.peers {
			if p.name != want.peer || len(p.runs) == 0 {
				continue
			}
			theirs := p.median()
			if want.cpu {
				line("CPU / "+p.name, mine.cpu.Seconds()/theirs.cpu.Seconds(), want.full, want.half)
			} else {
				line("wall / "+p.name, mine.wall.Seconds()/theirs.wall.Seconds(), want.full, want.half)
			}
		}
	}
	line("peak MB", float64(mine.memory)/(1<<20), memoryBudget>>20, 2*memoryBudget>>20)
	return b.String(), met
}

// fileName names a result after its day and its machine.
func (r *result) fileName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("peers-%s-%s.txt", r.when.UTC().Format(time.DateOnly), host)
}

// machine names the processor and its number of threads.
func machine() string {
	model := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d CPUs", model, runtime.NumCPU())
}
