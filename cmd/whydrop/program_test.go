package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNamesCannotWriteOnTheTerminal(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--color", "never", "analyze", "no\x1b[2Jsuch\u202efile\x9b"}, &stdout, &stderr)
	const want = "whydrop: no\ufffd[2Jsuch\ufffdfile\ufffd: no such file or directory\n"
	if code != exitUsage || stderr.String() != want {
		t.Errorf("exit %d, stderr %q\nwant %d, %q", code, &stderr, exitUsage, want)
	}
}

// A name with line breaks stays on its line, and the hint can be pasted.
func TestNamesCannotBreakLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a\nb.pcap")
	if err := os.WriteFile(name, []byte("BZh91AY"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--color", "never", "analyze", name}, &stdout, &stderr)
	lines := strings.Split(stderr.String(), "\n")
	if code != exitUsage || len(lines) != 3 || !strings.Contains(lines[1], `a\nb.pcap' | whydrop analyze -`) {
		t.Errorf("exit %d, stderr %q\nwant %d, one line and a hint with $'…'", code, &stderr, exitUsage)
	}
}

func TestCatOfCapturesIsSaid(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ab.pcap")
	one := recordedAs(t, handshake, "pcap")
	if err := os.WriteFile(name, append(one, one...), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--color", "never", "analyze", name}, &stdout, &stderr)
	if code != exitIncomplete || !strings.Contains(stderr.String(), "another capture (pcap) begins, at octet") ||
		!strings.Contains(stderr.String(), "\n        mergecap -w - a.pcap b.pcap | whydrop analyze -\n") && !strings.Contains(stderr.String(), "`mergecap -w - a.pcap b.pcap | whydrop analyze -`") {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"analyze", "causes", "completion", "explain", "version", "ack-lost", "receiver-not-reading"}
	tests := []struct{ typed, want string }{
		{"anlyze", "analyze"},
		{"explian", "explain"}, // two letters swapped
		{"cause", "causes"},
		{"comp", "completion"}, // a word begun
		{"recever-not-readng", "receiver-not-reading"},
		{"ACK-LOST", "ack-lost"},
		{"frobnicate", ""},
		{"x", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got, ok := nearest(test.typed, words); got != test.want || ok != (test.want != "") {
			t.Errorf("nearest(%q) = %q, %v, want %q", test.typed, got, ok, test.want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	tests := []struct {
		read, total int64
		since       time.Duration
		want        string
	}{
		{431_000_000, 1_300_000_000, time.Second, "431.0 MB of 1.3 GB  33 %  431.0 MB/s  2 s left"},
		{500, -1, 2 * time.Second, "500 B  250 B/s"},
		{0, 10_000, time.Second, "0 B of 10 kB  0 %  0 B/s"},
		{20_000, 10_000, time.Second, "10 kB of 10 kB  100 %  20 kB/s  0 s left"}, // it grew
		{1_000_000, 8_000_000_000, time.Second, "1.0 MB of 8.0 GB  0 %  1.0 MB/s  2 h 13 min left"},
		{1_000_000, 101_000_000, time.Second, "1.0 MB of 101.0 MB  0 %  1.0 MB/s  1 min 40 s left"},
	}
	for _, test := range tests {
		if got := progressLine(test.read, test.total, test.since); got != test.want {
			t.Errorf("progressLine(%d, %d, %v) = %q, want %q", test.read, test.total, test.since, got, test.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}
