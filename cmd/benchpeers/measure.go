//go:build linux

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// A peer is a program that reads the whole capture.
type peer struct {
	name string
	args []string
	once bool // too slow to be run again and again
	runs []sample
	lack string // why there are no runs
}

// A sample is one run of one peer.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // peak resident octets
}

// A result is all that was measured.
type result struct {
	when    time.Time
	machine string
	capture string
	octets  int64
	peers   []*peer
}

// measure runs whydrop and tcpdump in turns, then the slow ones.
func measure(o options, stderr io.Writer) (*result, error) {
	info, err := os.Stat(o.capture)
	if err != nil {
		return nil, err
	}
	r := &result{when: time.Now(), machine: machine(), capture: filepath.Base(o.capture), octets: info.Size()}
	r.peers = o.peers()
	for round := range o.rounds {
		for _, p := range r.peers {
			if p.lack != "" || p.once && (round > 0 || !o.slow) {
				continue
			}
			fmt.Fprintf(stderr, "round %d: %s\n", round+1, p.name)
			s, err := timeOne(p.args)
			if err != nil {
				if p.name == "whydrop" {
					return nil, err
				}
				p.lack = err.Error()
				continue
			}
			p.runs = append(p.runs, s)
		}
	}
	return r, nil
}

// peers are all programs, in the order of the report.
func (o *options) peers() []*peer {
	return []*peer{
		{name: "whydrop", args: []string{o.whydrop, "analyze", o.capture}},
		{name: "tcpdump", args: []string{"tcpdump", "-r", o.capture, "-w", "/dev/null"}},
		{name: "argus", args: []string{"argus", "-r", o.capture, "-w", "/dev/null"}, once: true},
		{name: "tcptrace", args: []string{"tcptrace", "-n", "-q", o.capture}, once: true},
		{name: "tshark", args: []string{"tshark", "-q", "-z", "expert", "-r", o.capture}, once: true},
		{name: "read+sum", args: []string{os.Args[0], "-sum", o.capture}},
		{name: "read+sum, all CPUs", args: []string{os.Args[0], "-sum", o.capture, "-threads", strconv.Itoa(runtime.NumCPU())}},
	}
}

// timeOne runs a program to its end. whydrop's codes up to 5 are verdicts
// about the capture; for the others anything but 0 is a failure.
func timeOne(args []string) (sample, error) {
	cmd := exec.Command(args[0], args[1:]...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		err = nil // whydrop: incomplete, which a capture of ours is not, but it was read
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.memory = u.Maxrss << 10 // Linux counts in KiB: getrusage(2)
	}
	return s, nil
}

// median is each figure's median; they need not come from one run.
func (p *peer) median() sample {
	middle := func(key func(sample) int64) int64 {
		all := make([]int64, len(p.runs))
		for i, s := range p.runs {
			all[i] = key(s)
		}
		slices.SortFunc(all, cmp.Compare)
		return all[len(all)/2]
	}
	return sample{
		wall:   time.Duration(middle(func(s sample) int64 { return int64(s.wall) })),
		cpu:    time.Duration(middle(func(s sample) int64 { return int64(s.cpu) })),
		memory: middle(func(s sample) int64 { return s.memory }),
	}
}
