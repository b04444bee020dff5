//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A shape is a capture that differs from that of the budgets in one way.
type shape struct {
	name string
	gen  []string // flags of tracegen
	pack []string // a program that compresses to standard output
	suff string
}

// shapes are the rows of the matrix.
var shapes = []shape{
	{name: "mixed sizes, 5 000 connections"},
	{name: "the same as pcapng", gen: []string{"-format", "pcapng"}},
	{name: "the same by gzip", pack: []string{"gzip", "-1", "-c"}, suff: ".gz"},
	{name: "the same by zstd", pack: []string{"zstd", "-1", "-q", "-c"}, suff: ".zst"},
	{name: "96 octets", gen: []string{"-size", "96"}},
	{name: "96 octets, ten times as many", gen: []string{"-size", "96", "-packets", "15000000", "-seconds", "600"}},
	{name: "1 500 octets", gen: []string{"-size", "1500"}},
	{name: "one connection", gen: []string{"-flows", "1"}},
	{name: "300 connections", gen: []string{"-flows", "300"}},
	{name: "1 000 000 connections at once", gen: []string{"-flows", "1000000", "-packets", "3000000", "-size", "96"}},
}

// runMatrix makes one capture after the other, and times whydrop beside the peers
// that are not too slow.
func (o *options) runMatrix(stdout, stderr io.Writer) int {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s; files in the page cache, medians of %d runs\n\n", time.Now().UTC().Format(time.RFC3339), machine(), runtime.Version(), o.rounds)
	fmt.Fprintf(&b, "%-31s %7s %8s %8s %8s %9s %9s %9s\n", "", "GB", "wall s", "CPU s", "peak MB", "tcpdump s", "argus s", "read+sum")
	for _, s := range shapes {
		row, err := o.row(s, stderr)
		if err != nil {
			fmt.Fprintf(stderr, "benchpeers: %s: %v\n", s.name, err)
			return 2
		}
		b.WriteString(row)
	}
	fmt.Fprint(stdout, b.String())
	if o.out != "" {
		if err := os.WriteFile(filepath.Join(o.out, "matrix.txt"), []byte(b.String()), 0o644); err != nil {
			fmt.Fprintf(stderr, "benchpeers: %v\n", err)
			return 2
		}
	}
	return 0
}

// row makes the capture of s, times everybody, and removes it.
func (o *options) row(s shape, stderr io.Writer) (string, error) {
	dir, err := os.MkdirTemp("", "benchpeers")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "trace.pcap")
	fmt.Fprintf(stderr, "%s\n", s.name)
	make := exec.Command(o.tracegen, append([]string{"-o", file}, s.gen...)...)
	if out, err := make.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w %s", o.tracegen, err, out)
	}
	if s.pack != nil {
		if file, err = pack(file, s); err != nil {
			return "", err
		}
	}
	one := *o
	one.capture, one.slow = file, false
	if err := one.prepare(stderr); err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	peers := map[string]*peer{}
	for _, p := range one.peers() {
		peers[p.name] = p
	}
	row := fmt.Sprintf("%-31s %7.2f", s.name, float64(info.Size())/1e9)
	for _, name := range []string{"whydrop", "tcpdump", "argus", "read+sum"} {
		p := peers[name]
		for range o.rounds {
			sample, err := timeOne(p.args)
			if err != nil {
				break
			}
			p.runs = append(p.runs, sample)
		}
		switch m := (sample{}); {
		case len(p.runs) == 0 && name == "whydrop":
			return "", fmt.Errorf("%s did not run", name)
		case len(p.runs) == 0:
			row += fmt.Sprintf(" %9s", "—")
		case name == "whydrop":
			m = p.median()
			row += fmt.Sprintf(" %8.3f %8.3f %8.1f", m.wall.Seconds(), m.cpu.Seconds(), float64(m.memory)/(1<<20))
		default:
			row += fmt.Sprintf(" %9.3f", p.median().wall.Seconds())
		}
	}
	return row + "\n", nil
}

// pack compresses file, and returns the name of the result.
func pack(file string, s shape) (string, error) {
	to, err := os.Create(file + s.suff)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(s.pack[0], append(s.pack[1:], file)...)
	cmd.Stdout = to
	if err := cmd.Run(); err != nil {
		_ = to.Close()
		return "", fmt.Errorf("%s: %w", s.pack[0], err)
	}
	return to.Name(), to.Close()
}
