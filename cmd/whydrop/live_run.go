package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/filter"
	"whydrop/report"
)

// live does j.
func (p *program) live(ctx context.Context, j *liveJob) error {
	out, err := openOutput(ctx, j.output, p.stdout)
	if err != nil {
		return err
	}
	defer out.abandon()
	ring, err := p.openLive(j)
	if err != nil {
		return err
	}
	defer func() { _ = ring.Close() }()
	p.interrupts.during(func() { p.note("stopping; once more to stop at once") }, out.abandon)
	defer context.AfterFunc(ctx, ring.Stop)()
	if j.live.duration > 0 {
		defer time.AfterFunc(j.live.duration, ring.Stop).Stop()
	}
	var src capture.Source = ring
	if j.count > 0 {
		src = &limited{Source: src, left: j.count}
	}
	res, err := analyze.Run(context.WithoutCancel(ctx), src, analyze.Options{Workers: j.workers, At: j.tap})
	if err != nil {
		return err
	}
	r := report.Build(res, report.BuildOptions{Version: version()})
	code, known := stateCodes[r.Verdict.State]
	if !known {
		panic("whydrop: bug: no exit code for the state " + r.Verdict.State)
	}
	if err := writeError(&j.job, p.render(&j.job, out, res, r, j.paths)); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return writeError(&j.job, err)
	}
	if code != exitDone {
		return outcome(code)
	}
	return nil
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
		e.hint = "`sudo ip link set " + device.Name + " up`"
	}
	return e
}
