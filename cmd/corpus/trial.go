package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A trial is one run of whydrop on one file.
type trial struct {
	file     string
	code     int // -1 = ended by a signal, or not started
	took     time.Duration
	missing  uint64
	problems []string
}

// defined are the exit codes that analyze may end with.
var defined = []int{0, 2, 3, 5}

// traces are what a crash of a Go program writes. It exits 2, as a refusal does.
var traces = []string{"panic:", "fatal error:", "goroutine ", "SIGSEGV"}

// try runs program on file.
func try(ctx context.Context, program, file string, timeout time.Duration) trial {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "analyze", "--json", file)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	start := time.Now()
	err := cmd.Run()
	t := trial{file: file, took: time.Since(start)}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.code = -1
		t.problem("hangs: no answer within %v", timeout)
		return t
	case errors.As(err, &exit):
		t.code = exit.ExitCode()
	case err != nil:
		t.code = -1
		t.problem("cannot run: %v", err)
		return t
	}
	t.judge(stdout.Bytes(), stderr.String())
	return t
}

func (t *trial) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// judge looks for what must never happen.
func (t *trial) judge(stdout []byte, stderr string) {
	for _, trace := range traces {
		if i := strings.Index(stderr, trace); i >= 0 {
			line, _, _ := strings.Cut(stderr[i:], "\n")
			t.problem("crash: %s", line)
			return
		}
	}
	switch {
	case !slices.Contains(defined, t.code):
		t.problem("undefined exit code %d", t.code)
	case t.code == 2 && !strings.HasPrefix(stderr, "whydrop: "):
		t.problem("exit 2 without a message")
	case t.code == 2 && len(stdout) > 0:
		t.problem("exit 2, and a report")
	case t.code == 3 && !strings.HasPrefix(stderr, "whydrop: ") && !bytes.Contains(stdout, []byte("cannot-tell")):
		t.problem("exit 3, and nothing says why")
	case t.code != 2:
		t.balance(stdout)
	}
}

// A ledger is the part of a report that must balance.
type ledger struct {
	Missing, Lost, Unexplained uint64
	CaptureOnly                uint64            `json:"capture_only"`
	ByLocus                    map[string]uint64 `json:"by_locus"`
	ByCause                    map[string]uint64 `json:"by_cause"`
	Charges                    []struct{ Packets uint64 }
}

// balance checks the arithmetic of the report in text.
func (t *trial) balance(text []byte) {
	var r struct {
		Ledger  ledger
		Verdict struct{ Lost, Unexplained uint64 }
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.problem("the report is no JSON: %v", err)
		return
	}
	l := &r.Ledger
	t.missing = l.Missing
	if l.Missing != l.Lost+l.CaptureOnly+l.Unexplained {
		t.problem("missing %d ≠ lost %d + capture only %d + unexplained %d", l.Missing, l.Lost, l.CaptureOnly, l.Unexplained)
	}
	charged := uint64(0)
	for _, c := range l.Charges {
		charged += c.Packets
	}
	if l.Missing != charged+l.Unexplained {
		t.problem("missing %d ≠ charges %d + unexplained %d", l.Missing, charged, l.Unexplained)
	}
	for name, by := range map[string]map[string]uint64{"locus": l.ByLocus, "cause": l.ByCause} {
		sum := uint64(0)
		for _, n := range by {
			sum += n
		}
		if sum != charged {
			t.problem("charges %d ≠ their sum by %s %d", charged, name, sum)
		}
	}
	if r.Verdict.Lost != l.Lost || r.Verdict.Unexplained != l.Unexplained {
		t.problem("the verdict says %d lost, %d unexplained; the ledger %d, %d",
			r.Verdict.Lost, r.Verdict.Unexplained, l.Lost, l.Unexplained)
	}
}
