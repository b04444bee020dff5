//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// whydrop is this test binary, about to play whydrop.
func whydrop(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A shell that starts the tests behind its back has them ignore interrupts, and so
	// would what they start; a signal that somebody waits for is not ignored there.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, os.Interrupt)
	t.Cleanup(func() { signal.Stop(heard) })
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "whydrop"
	return cmd
}

// codeOf waits for cmd, and kills it when it takes too long.
func codeOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	const patience = 20 * time.Second
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var exit *exec.ExitError
	switch err := cmd.Wait(); {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		t.Fatal(err)
		return -1
	}
}

// waitFor reads until text has come, so that no test sleeps on a guess.
func waitFor(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("%q did not come, only %q: %v", text, &got, err)
		}
	}
	return got.String()
}

func TestInterruptYieldsTheReportSoFar(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := whydrop(t, "analyze", "-")
		stdin, err := cmd.StdinPipe() // stays open: whydrop waits for more
		if err != nil {
			t.Fatal(err)
		}
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: when all of it is written, whydrop reads.
		text := recordedAs(t, handshake, "pcap")
		records := text[pcapHeader:]
		if _, err := stdin.Write(append(text, bytes.Repeat(records, 3000)...)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		notes := waitFor(t, stderr, "the report covers")
		if code := codeOf(t, cmd); code != exitIncomplete || stdout.Len() == 0 || !strings.Contains(notes, "whydrop: interrupted; the report covers") {
			t.Errorf("%v: exit %d, stderr %q, stdout %q\nwant %d, a note and a report", signal, code, notes, &stdout, exitIncomplete)
		}
	}
}

// Nobody reads the report, so that it cannot be finished: only the second
// signal ends the program.
func TestSecondInterruptEnds(t *testing.T) {
	cmd := whydrop(t, "analyze", "--format", "ndjson", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := recordedAs(t, handshake, "pcap") // again and again: its report is more than a pipe holds
	if _, err := stdin.Write(append(text, bytes.Repeat(text[pcapHeader:], 3000)...)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitFor(t, stderr, "stopping; once more")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := codeOf(t, cmd); code != exitKilled {
		t.Errorf("exit %d, want %d", code, exitKilled)
	}
}

func TestInterruptBeforeAnythingArrives(t *testing.T) {
	cmd := whydrop(t, "analyze", "--cpuprofile", filepath.Join(t.TempDir(), "p"), "-")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The handler is in place before anything is opened; until then a signal
	// would end the process without exit code 3.
	stop := time.AfterFunc(time.Second, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer stop.Stop()
	waitFor(t, stderr, "stopping; once more")
	if code := codeOf(t, cmd); code != exitIncomplete {
		t.Errorf("exit %d, want %d", code, exitIncomplete)
	}
}

// A pipe that nobody writes to cannot be opened; with -o nothing may stay behind.
func TestInterruptWhileOpening(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		fifo := filepath.Join(dir, "ff")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := whydrop(t, "analyze", "-o", filepath.Join(dir, "out"), fifo)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(time.Second, func() { _ = cmd.Process.Signal(signal) })
		defer stop.Stop()
		waitFor(t, stderr, "interrupted before")
		if code := codeOf(t, cmd); code != exitIncomplete {
			t.Errorf("%v: exit %d, want %d", signal, code, exitIncomplete)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%v: %q is there, %v, want the pipe alone", signal, left, err)
		}
	}
}

// What is open already is written to where it stands, never replaced.
func TestOutputToDescriptors(t *testing.T) {
	for _, path := range []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/fd/3"} {
		name := filepath.Join(t.TempDir(), "out")
		file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString("before\n"); err != nil {
			t.Fatal(err)
		}
		cmd := whydrop(t, "analyze", "-q", "-o", path, "-")
		cmd.Stdin = bytes.NewReader(recordedAs(t, handshake, "pcap"))
		cmd.Stdout, cmd.ExtraFiles = file, []*os.File{file}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		code := codeOf(t, cmd)
		if _, err := file.WriteString("behind\n"); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(name); err != nil || code != exitDone || string(text) != "before\nNothing was lost.\nbehind\n" {
			t.Errorf("-o %s: exit %d, %q, %v", path, code, text, err)
		}
	}
}

func TestClosedPipeIsNoError(t *testing.T) {
	for _, args := range [][]string{{"causes", "--json"}, {"explain", "unknown"}, {"help"}, {"analyze", "--json", "-"}} {
		cmd := whydrop(t, args...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close() // nobody reads
		cmd.Stdout = w
		cmd.Stdin = bytes.NewReader(recordedAs(t, handshake, "pcap"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if code := codeOf(t, cmd); code != exitDone || stderr.Len() > 0 {
			t.Errorf("%q into a closed pipe: exit %d, stderr %q\nwant 0 and nothing", args, code, &stderr)
		}
	}
}
