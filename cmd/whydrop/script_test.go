package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"whydrop/capture"
	"whydrop/capture/filter"
	"whydrop/capture/pcapfile"
	"whydrop/capture/scenario"
)

var update = flag.Bool("update", false, "rewrite what scripts and the manual want")

// TestMain lets this test binary play the programs that scripts run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"whydrop": main,
		"record":  record,
		"cut":     cut,
		"captive": captive,
	})
}

// TestScripts runs each testdata/script/*.txtar as a user would type it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("TERM", "xterm")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			if name != "libpcap" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := filter.Compile("tcp", nil)
			return err == nil, nil
		},
	})
}

// exits is a script command: exits CODE PROGRAM ARGS… runs PROGRAM and wants
// exactly that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %q is no exit code", args[0])
	}
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%q exited %d, want %d", args[1:], got, want)
	}
}

// record turns a scenario into a capture file: record SCENARIO OUT [pcap].
func record() {
	if err := recordTo(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "record: %v\n", err)
		os.Exit(1)
	}
}

func recordTo(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	s, err := scenario.Parse(args[0], text)
	if err != nil {
		return err
	}
	out, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer out.Close()
	o := pcapfile.WriterOptions{Interfaces: []pcapfile.Interface{{Name: "tap0", Link: capture.LinkEthernet}}}
	if slices.Contains(args, "pcap") {
		o.Format = "pcap"
	}
	w, err := pcapfile.NewWriter(out, o)
	if err != nil {
		return err
	}
	frames := s.Frames()
	for i := range frames {
		if err := w.Write(&frames[i], pcapfile.Remarks{}); err != nil {
			return err
		}
	}
	if o.Format == "" { // pcap has no place for counters
		if err := w.WriteStats(0, 0, statsOf(s)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// statsOf are the drop counters that the story tells of.
func statsOf(s *scenario.Scenario) pcapfile.InterfaceStats {
	stats := s.Source(0).Inputs()[0].Stats
	return pcapfile.InterfaceStats{InterfaceDrops: stats.InterfaceDrops, OSDrops: stats.OSDrops}
}

// cut writes all but the last N octets of a file: cut IN OUT N.
func cut() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		var n int
		if n, err = strconv.Atoi(os.Args[3]); err == nil {
			err = os.WriteFile(os.Args[2], text[:max(0, len(text)-n)], 0o600)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cut: %v\n", err)
		os.Exit(1)
	}
}
