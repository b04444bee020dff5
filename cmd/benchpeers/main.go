//go:build linux

// Command benchpeers times whydrop beside tcpdump, argus, tcptrace and tshark on one
// capture: alternating runs with the capture in the page cache, the median of
// each, and processor time and peak memory as the kernel counted them.
//
// It prints the ratios and compares them with the budgets of the design; it
// exits 1 if whydrop misses the goals that are asked for. With -matrix it does so for
// captures of other shapes, too, without goals: the worst of them is worth knowing.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	whydrop  string
	tracegen string
	capture  string
	packets  int
	flows    int
	rounds   int
	slow     bool
	goals    string
	out      string
	matrix   bool
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	set := flag.NewFlagSet("benchpeers", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&o.whydrop, "whydrop", "bin/whydrop", "the `program` to time")
	set.StringVar(&o.tracegen, "tracegen", "bin/tracegen", "the `program` that makes the capture")
	set.StringVar(&o.capture, "capture", "", "classic pcap `file` to read; made in the temporary folder if empty")
	set.IntVar(&o.packets, "packets", 1_500_000, "`number` of packets of the capture to make")
	set.IntVar(&o.flows, "flows", 5000, "`number` of its connections")
	set.IntVar(&o.rounds, "rounds", 5, "`number` of alternating runs of whydrop and tcpdump")
	set.BoolVar(&o.slow, "slow", true, "run tcptrace and tshark, too (once each)")
	set.StringVar(&o.goals, "goals", "half", "what to fail for: full, half or none of the budgets")
	set.StringVar(&o.out, "out", "", "`folder` to keep the result in, e.g. testdata/bench")
	set.BoolVar(&o.matrix, "matrix", false, "captures of other shapes: sizes, formats, compression, numbers of connections and packets")
	toSum := set.String("sum", "", "only read this `file` and sum every octet: the yardstick")
	threads := set.Int("threads", 1, "`number` of threads of -sum")
	if err := set.Parse(args); err != nil || set.NArg() > 0 || o.rounds < 1 {
		return 2
	}
	if *toSum != "" {
		sum, err := sumFile(*toSum, max(*threads, 1))
		if err != nil {
			fmt.Fprintf(stderr, "benchpeers: %v\n", err)
			return 2
		}
		fmt.Fprintln(stdout, sum)
		return 0
	}
	if o.matrix {
		return o.runMatrix(stdout, stderr)
	}
	if err := o.prepare(stderr); err != nil {
		fmt.Fprintf(stderr, "benchpeers: %v\n", err)
		return 2
	}
	result, err := measure(o, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "benchpeers: %v\n", err)
		return 2
	}
	text, met := result.text(o.goals)
	fmt.Fprint(stdout, text)
	if o.out != "" {
		name := filepath.Join(o.out, result.fileName())
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			fmt.Fprintf(stderr, "benchpeers: %v\n", err)
			return 2
		}
	}
	if !met {
		return 1
	}
	return 0
}

// prepare makes the capture if it is not there yet, and reads it once, so that
// it is in the page cache.
func (o *options) prepare(stderr io.Writer) error {
	if o.capture == "" {
		o.capture = filepath.Join(os.TempDir(), fmt.Sprintf("whydrop-bench-%d-%d.pcap", o.packets, o.flows))
		if _, err := os.Stat(o.capture); err != nil {
			fmt.Fprintf(stderr, "making %s\n", o.capture)
			make := exec.Command(o.tracegen, "-packets", strconv.Itoa(o.packets), "-flows", strconv.Itoa(o.flows), "-o", o.capture+".part")
			make.Stderr = stderr
			if err := make.Run(); err != nil {
				return fmt.Errorf("%s: %w", o.tracegen, err)
			}
			if err := os.Rename(o.capture+".part", o.capture); err != nil {
				return err
			}
		}
	}
	f, err := os.Open(o.capture)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}

// sumFile reads a file and adds up its octets, eight at a time: the least that
// a program which verifies checksums must do. Threads take blocks in turns.
func sumFile(name string, threads int) (uint64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var sum atomic.Uint64
	var next atomic.Int64
	failed := make([]error, threads)
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() {
			block := make([]byte, 1<<18)
			mine := uint64(0)
			for {
				n, err := f.ReadAt(block, (next.Add(1)-1)*int64(len(block)))
				for b := block[:n&^7]; len(b) > 0; b = b[8:] {
					mine += binary.LittleEndian.Uint64(b)
				}
				if err != nil {
					if !errors.Is(err, io.EOF) {
						failed[i] = err
					}
					sum.Add(mine)
					return
				}
			}
		})
	}
	all.Wait()
	return sum.Load(), errors.Join(failed...)
}
