package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/filter"
	"whydrop/capture/host"
	"whydrop/capture/pcapfile"
	"whydrop/report"
)

// live does j.
func (p *program) live(ctx context.Context, j *liveJob) error {
	out, err := openOutput(ctx, j.output, p.stdout)
	if err != nil {
		return err
	}
	defer out.abandon()
	s, err := p.openSession(ctx, j, out)
	if err != nil {
		return err
	}
	defer s.close()
	p.interrupts.during(func() { p.note("stopping; once more to stop at once") }, func() { out.abandon(); s.leave(p) })
	defer context.AfterFunc(ctx, s.halt)()
	if j.live.duration > 0 {
		defer time.AfterFunc(j.live.duration, s.halt).Stop()
	}
	if err := tellReady(j.live.readyFD); err != nil {
		return err
	}
	stop := p.status(j, s)
	res, err := analyze.Run(context.WithoutCancel(ctx), s.rec, analyze.Options{Workers: j.workers, At: j.tap, Memory: j.memory.share(1)})
	stop()
	if s.rec.interval != nil {
		s.rec.interval.stop()
	}
	if err != nil {
		return err
	}
	if err := s.rec.failed; err != nil {
		e := &usageError{"-w " + j.live.write, reason(err) + "; the capture ends there", ""}
		if left := s.rec.files.leave(); left != "" {
			e.hint = "what was written is in " + left
		}
		p.complain(e)
	}
	for _, e := range s.ring.Events() {
		if e.What == "interface-gone" {
			p.note("%s was removed; the capture ends there", clean(j.live.iface))
		}
	}
	if err := s.rec.trouble; err != nil {
		p.note("the host's evidence is missing: %v", err)
	}
	r := report.Build(res, report.BuildOptions{Version: version()})
	code, known := stateCodes[r.Verdict.State]
	if !known {
		panic("whydrop: bug: no exit code for the state " + r.Verdict.State)
	}
	if ctx.Err() != nil {
		code = exitDone // who ends it by hand has got what was asked for
	}
	if s.rec.failed != nil {
		code = worse(code, exitIncomplete)
	}
	if j.live.interval > 0 && j.format == "text" {
		fmt.Fprintf(out, "%s%s\n", out.gap, p.ink(p.stdout).head("The whole capture"))
	}
	if err := errors.Join(writeError(&j.job, p.render(&j.job, out, res, r, j.paths)), writeError(&j.job, out.commit())); err != nil {
		return err
	}
	if code != exitDone {
		return outcome(code)
	}
	return nil
}

// tellReady says to whoever gave us a file descriptor that packets are taken from now on.
func tellReady(fd int) error {
	if fd <= 2 { // none, or one that is not meant for this
		return nil
	}
	f := os.NewFile(uintptr(fd), "ready-fd")
	if f == nil {
		return &usageError{"--ready-fd " + strconv.Itoa(fd), "is no file descriptor", ""}
	}
	_, err := f.WriteString("ready\n")
	return errors.Join(err, f.Close())
}

// A liveSession is everything that one run of live has open.
type liveSession struct {
	program *program
	ring    *afpacket.Source
	rec     *recorder
	board   *board
	last    atomic.Pointer[string] // what the last interval lost, for the status line
}

// halt ends the capture: neither frames nor what the host says count from now on.
func (s *liveSession) halt() {
	s.ring.Stop()
	if s.rec.witness != nil {
		s.rec.witness.Halt()
	}
}

// soFar is what the counters of the host say so far; nil where nobody asks them.
func (s *liveSession) soFar() *capture.Testimony {
	if s.rec.witness == nil {
		return nil
	}
	return s.rec.witness.SoFar()
}

// openSession opens all that takes privileges, and gives them up.
func (p *program) openSession(ctx context.Context, j *liveJob, out *output) (*liveSession, error) {
	ring, err := p.openLive(j)
	if err != nil {
		return nil, err
	}
	s := &liveSession{program: p, ring: ring, rec: &recorder{Source: ring, ring: ring, iface: j.live.iface}}
	if j.count > 0 {
		s.rec.Source = &limited{Source: ring, left: j.count}
	}
	if err := p.openWitnesses(ctx, j, s, out); err != nil {
		s.close()
		return nil, err
	}
	var dirs []string
	for _, path := range []string{j.live.write, j.output} {
		if path != "" && path != "-" {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if err := dropPrivileges(j.live.user, dirs); err != nil {
		s.close()
		return nil, err
	}
	if err := s.openFiles(j); err != nil {
		s.close()
		return nil, err
	}
	if s.board != nil {
		go s.board.serve(p)
	}
	if s.rec.interval != nil {
		s.rec.interval.start()
	}
	return s, nil
}

// openWitnesses opens what is shown the frames besides the analysis.
func (p *program) openWitnesses(ctx context.Context, j *liveJob, s *liveSession, out *output) error {
	if j.live.listen != "" {
		var err error
		if s.board, err = openBoard(j.live.listen, j.live.iface, s.ring); err != nil {
			return err
		}
	}
	if every := j.every(); every > 0 {
		s.rec.interval = &interval{every: every, ring: s.ring, at: j.tap, input: s.ring.Inputs()[0], report: p.reporter(j, s, out), host: s.soFar}
	}
	if j.live.noHost {
		return nil
	}
	o := host.Options{Filter: j.filter, TraceRules: j.live.trace, EveryDrop: j.live.everyDrop, Clerk: clerkCommand()}
	if j.live.iface != afpacket.AnyInterface {
		o.Interfaces = []string{j.live.iface}
	}
	var err error
	if s.rec.witness, err = host.Open(context.WithoutCancel(ctx), o); err != nil {
		s.rec.witness = nil
		p.note("the host's evidence is missing: %v", err)
	}
	return nil
}

// openFiles begins the file of -w, as whom -Z names: who cannot write there learns it
// now, and not when the capture is over.
func (s *liveSession) openFiles(j *liveJob) error {
	if j.live.write == "" {
		return nil
	}
	in, now := s.ring.Inputs()[0], time.Now().UnixNano()
	f := &captureFiles{
		path: j.live.write, octets: j.live.megabytes * million, every: time.Duration(j.live.seconds) * time.Second, most: j.live.files,
		open: pcapfile.Interface{Name: j.live.iface, Link: in.LinkTypes[0], SnapLength: in.SnapLength},
		set:  uint64(now) ^ uint64(os.Getpid())<<48,
	}
	if err := f.begin(now); err != nil {
		return &usageError{"-w " + j.live.write, reason(err), ""}
	}
	f.flushing()
	s.rec.files = f
	if f.every > 0 && f.most > 0 {
		l, ok := s.rec.Source.(*limited)
		if !ok {
			l = &limited{Source: s.ring, left: math.MaxUint64}
			s.rec.Source = l
		}
		l.until = f.over
	}
	return nil
}

// million octets are the unit of -C, as in tcpdump.
const million = 1_000_000

// boardEvery is the interval of --listen unless --interval says another.
const boardEvery = 10 * time.Second

// every is how long an interval is; 0 = there are none.
func (j *liveJob) every() time.Duration {
	if j.live.interval == 0 && j.live.listen != "" {
		return boardEvery
	}
	return j.live.interval
}

// reporter shows the report of each interval where it is wanted.
func (p *program) reporter(j *liveJob, s *liveSession, out *output) func(from, to time.Time, res *analyze.Result) {
	return func(from, to time.Time, res *analyze.Result) {
		r := report.Build(res, report.BuildOptions{Version: version()})
		if s.board != nil {
			s.board.show(res, r)
		}
		lost := lastInterval(r)
		s.last.Store(&lost)
		if j.live.interval == 0 || j.format == "html" { // a page is of the whole capture; --listen shows those between
			return
		}
		if j.format == "text" {
			fmt.Fprintf(out, "%s%s\n", out.gap, p.ink(p.stdout).head(clockTime(from.UnixNano())+" to "+clockTime(to.UnixNano())))
			out.gap = "\n"
		}
		_ = p.render(&j.job, out, res, r, j.paths) // the last one tells what cannot be written
		_ = out.Flush()
	}
}

// clockTime is the time of day of a moment of this host.
func clockTime(ns int64) string { return time.Unix(0, ns).Format("15:04:05") }

// leave gives up what is not whole, and says where it is.
func (s *liveSession) leave(p *program) {
	if s.rec.files == nil {
		return
	}
	if path := s.rec.files.leave(); path != "" {
		p.note("the packets so far are in %s", path)
	}
}

// close ends everything. What was ended already stays as it is.
func (s *liveSession) close() {
	if s.board != nil {
		s.board.close()
	}
	if s.rec.witness != nil && !s.rec.ended {
		_, _ = s.rec.witness.Close()
	}
	s.leave(s.program)
	_ = s.ring.Close()
}

// openLive opens the interface.
func (p *program) openLive(j *liveJob) (*afpacket.Source, error) {
	o := afpacket.Options{
		Interface: j.live.iface, Expression: j.filter, SnapLength: j.live.snap, Promiscuous: !j.live.noPromisc,
		Direction: j.live.way(), Buffer: j.live.bufferKiB << 10, Rings: j.live.rings, Now: time.Now,
	}
	snap := o.SnapLength
	if snap == 0 {
		snap = afpacket.WholeFrame
	}
	compiled, err := filter.CompileLive(j.live.iface, j.filter, snap)
	if err != nil {
		return nil, cannot(err)
	}
	o.Link, o.Program = compiled.Link, compiled.Program
	src, err := afpacket.Open(o)
	if err != nil {
		return nil, &cannotCapture{err: err}
	}
	return src, nil
}

// A cannotCapture is why there is no live capture.
type cannotCapture struct {
	err  error
	hint string
}

func (e *cannotCapture) Error() string { return e.err.Error() }

// Unwrap returns the error underneath.
func (e *cannotCapture) Unwrap() error { return e.err }

// Hint is what the user can do about it.
func (e *cannotCapture) Hint() string { return e.hint }

// cannot says what to do about an interface that cannot be opened.
func cannot(err error) error {
	var device *filter.DeviceError
	if !errors.As(err, &device) {
		return err
	}
	e := &cannotCapture{err: err}
	switch device.Kind {
	case filter.NoPermission:
		e.err = fmt.Errorf("%s: capturing needs the capability CAP_NET_RAW", device.Name)
		e.hint = setcapLine()
	case filter.NoDevice:
		e.err = fmt.Errorf("%s: no interface has that name", device.Name)
		e.hint = interfaceHint(device.Name)
	case filter.DeviceDown:
		e.err = fmt.Errorf("%s: the interface is down", device.Name)
		e.hint = "`sudo ip link set dev " + pcapfile.Quote(device.Name) + " up`"
	}
	return e
}
