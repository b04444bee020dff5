//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// An outcome is what came of one fault.
type outcome struct {
	fault   *fault
	lost    uint64
	said    *said
	offline bool     // the file gives the same verdict
	wrong   []string // nothing: all is right
	skipped string   // why it was not tried
	took    time.Duration
}

// A runner runs faults.
type runner struct {
	whydrop string // the program
	keep    string // a folder for reports and captures; "" = they are not kept
}

// try runs one fault from beginning to end.
func (r *runner) try(f *fault) (o *outcome) {
	began := time.Now()
	o = &outcome{fault: f}
	defer func() { o.took = time.Since(began) }()
	for _, program := range f.needs {
		if _, err := exec.LookPath(program); err != nil {
			o.skipped = "needs " + program
			return o
		}
	}
	if err := r.attempt(f, o); err != nil {
		o.wrong = append(o.wrong, err.Error())
		return o
	}
	o.wrong = append(o.wrong, f.want.wrong(o.said, o.lost)...)
	if f.tier != nil {
		o.wrong = append(o.wrong, f.tier.lacks(o.said)...)
	}
	if !o.offline {
		o.wrong = append(o.wrong, "the file gives another verdict")
	}
	return o
}

func (r *runner) attempt(f *fault, o *outcome) error {
	folder, err := r.folder(f)
	if err != nil {
		return err
	}
	if r.keep == "" {
		defer func() { _ = os.RemoveAll(folder) }()
	}
	w, err := newWorld()
	if err != nil {
		return err
	}
	defer w.close()
	if f.build != nil {
		if err := f.build(w); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	ns, iface := "b", "vb"
	if f.tap != nil {
		ns, iface = f.tap(w)
	}
	file := filepath.Join(folder, "live.pcapng")
	l, err := r.startLive(w, ns, f.as(), append([]string{"-i", iface, "-w", file}, f.args...))
	if err != nil {
		return err
	}
	lost, trouble := f.provoke(w)
	settle() // what was sent last is on its way yet
	report, err := l.stop()
	if err := errors.Join(trouble, err); err != nil {
		return err
	}
	o.lost = lost
	later, err := exec.Command(r.whydrop, "analyze", "--json", "--no-progress", file).Output()
	if err != nil && len(later) == 0 {
		return fmt.Errorf("whydrop analyze: %w", err)
	}
	if r.keep != "" {
		err = errors.Join(os.WriteFile(filepath.Join(folder, "live.json"), report, 0o644), os.WriteFile(filepath.Join(folder, "file.json"), later, 0o644))
		if err != nil {
			return err
		}
	}
	if o.said, err = read(report); err != nil {
		return err
	}
	if f.want.locus == inCapture {
		o.lost -= min(o.lost, o.said.frames()) // of what was sent
	}
	offline, err := read(later)
	o.offline = err == nil && offline.essence() == o.said.essence()
	return err
}

// as is what runs the program with less privileges.
func (f *fault) as() []string {
	if f.tier == nil {
		return nil
	}
	return f.tier.command
}

// folder is where the files of f go.
func (r *runner) folder(f *fault) (string, error) {
	const all = 0o777 // whydrop may be somebody else
	if r.keep == "" {
		folder, err := os.MkdirTemp("", "whydrop-fault-")
		return folder, errors.Join(err, os.Chmod(folder, all))
	}
	folder := filepath.Join(r.keep, strings.NewReplacer(" ", "-", "/", "-").Replace(f.name))
	return folder, errors.Join(os.MkdirAll(folder, all), os.Chmod(folder, all))
}

// A live is a running `whydrop live`.
type live struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
}

// readyFD is the number of the first of exec.Cmd's ExtraFiles.
const readyFD = "3"

// startLive starts it in a namespace, and returns when it captures.
func (r *runner) startLive(w *world, ns string, as, args []string) (*live, error) {
	ready, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	words := append(slices.Clone(as), r.whydrop, "live", "--json", "--no-progress", "--ready-fd", readyFD)
	words = append(words, args...)
	l := &live{cmd: exec.Command(words[0], words[1:]...)}
	l.cmd.Stdout, l.cmd.Stderr, l.cmd.ExtraFiles = &l.out, &l.err, []*os.File{tell}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it ends with its namespace's thread
	err = w.in(ns, l.cmd.Start)
	tell.Close()
	if err != nil {
		return nil, err
	}
	w.defers(func() {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
	})
	if err := ready.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := ready.Read(make([]byte, len("ready\n"))); err != nil {
		return nil, fmt.Errorf("whydrop live did not begin (%w): %s", err, l.err.Bytes())
	}
	w.live = l.cmd.Process.Pid
	return l, nil
}

// stop ends it as Ctrl-C does, and returns its report.
func (l *live) stop() ([]byte, error) {
	if err := l.cmd.Process.Signal(os.Interrupt); err != nil {
		return nil, err
	}
	if err := l.cmd.Wait(); err != nil && l.out.Len() == 0 {
		return nil, fmt.Errorf("whydrop live: %w: %s", err, l.err.Bytes())
	}
	return l.out.Bytes(), nil
}

// lacks says why nothing can be proved here, or "".
func (r *runner) lacks() string {
	if os.Geteuid() != 0 {
		return "the faults make network namespaces: run it as root"
	}
	for _, program := range []string{"ip", "ethtool", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			return "the faults need " + program + ": apt-get install iproute2 ethtool nftables"
		}
	}
	w, err := newWorld()
	if err != nil {
		return "no world can be made here: " + err.Error()
	}
	defer w.close()
	l, err := r.startLive(w, "b", nil, []string{"-i", "vb"})
	if err != nil {
		return err.Error()
	}
	report, err := l.stop()
	if err != nil {
		return err.Error()
	}
	s, err := read(report)
	if err != nil {
		return err.Error()
	}
	for _, h := range s.Host {
		for _, a := range h.Absent {
			if a.What == "kernel drop events" {
				return "the kernel's drop events are not to be had: " + a.Why
			}
		}
	}
	return ""
}
