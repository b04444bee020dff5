package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/capture/pcapfile"
	"whydrop/report"
)

// maxReasons is how many reasons a frame's comment tells; one ACK can speak of many losses.
const maxReasons = 20

// reasons are why each deciding frame of the charges is in an excerpt.
func reasons(res *analyze.Result, r *report.Report) map[flow.FrameRef][]string {
	why := map[flow.FrameRef][]string{}
	say := func(ref flow.FrameRef, format string, args ...any) {
		if ref.Number > 0 {
			why[ref] = append(why[ref], fmt.Sprintf(format, args...))
		}
	}
	files := map[string]uint16{}
	for i := range res.Inputs {
		files[res.Inputs[i].Path] = uint16(i)
	}
	for i := range r.Ledger.Charges {
		c, of := &r.Ledger.Charges[i], &res.Ledger.Charges[i]
		what := fmt.Sprintf("charge %d (%d %s, %s, %s, %s)", c.ID, c.Packets, noun(c.What), c.Locus, c.Cause, c.Confidence)
		told := map[flow.FrameRef]bool{}
		for k := range c.Evidence {
			e := &c.Evidence[k]
			ref := flow.FrameRef{Number: e.Frame, File: files[e.File]}
			say(ref, "%s: %s", what, e.Says)
			told[ref] = true
		}
		for _, ref := range of.Frames {
			if !told[ref] {
				say(ref, "%s: this is what was lost", what)
			}
		}
		if !told[of.Repair] {
			say(of.Repair, "%s: repairs it", what)
		}
	}
	return why
}

// noun is what was lost, as one says it.
func noun(what string) string {
	if what == "data" {
		return "data packet"
	}
	return what
}

// excerpt writes the deciding frames of all charges to a pcapng, each with a comment that says
// why it is there. It reads the inputs once more.
func (p *program) excerpt(ctx context.Context, j *job, res *analyze.Result, r *report.Report, paths []string, out *output) error {
	why := reasons(res, r)
	w, err := pcapfile.NewWriter(out, pcapfile.WriterOptions{})
	if err != nil {
		return err
	}
	if len(why) == 0 {
		p.note("--excerpt %s: no charge, so no frame that decides one", j.excerptFile)
		return w.Flush()
	}
	src, _, err := open(ctx, j, paths)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	e := excerptWriter{w: w, res: res, interfaces: map[interfaceKey]uint32{}}
	for left := len(why); left > 0 && ctx.Err() == nil; {
		batch, err := src.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s missing: the capture changed while it was read", frames(uint64(left)))
		}
		if err != nil {
			return err
		}
		for i := range batch.Frames {
			f := &batch.Frames[i]
			list := why[flow.FrameRef{Number: f.Number, File: f.File}]
			if len(list) == 0 {
				continue
			}
			left--
			if err := e.write(f, list); err != nil {
				return err
			}
		}
		batch.Release()
	}
	return errors.Join(ctx.Err(), w.Flush())
}

// keepProof writes the excerpt beside the report, whose code stands, unless it was interrupted.
func (p *program) keepProof(ctx context.Context, j *job, res *analyze.Result, r *report.Report, paths []string, code int) (int, error) {
	if ctx.Err() != nil {
		return code, nil // the frames of what was read cannot be found again
	}
	err := p.excerpt(ctx, j, res, r, paths, j.proof)
	if err == nil {
		err = j.proof.commit()
	}
	if err != nil && ctx.Err() == nil {
		return code, fmt.Errorf("--excerpt %s: %w", j.excerptFile, err)
	}
	return code, nil
}

// An interfaceKey tells interfaces of the inputs apart.
type interfaceKey struct {
	file  uint16
	index uint32
	link  capture.LinkType
}

type excerptWriter struct {
	w          *pcapfile.Writer
	res        *analyze.Result
	interfaces map[interfaceKey]uint32
}

// write writes a frame of an input with its reasons; where it stood comes first.
func (e *excerptWriter) write(f *capture.Frame, list []string) error {
	key := interfaceKey{f.File, f.Interface, f.Link}
	n, known := e.interfaces[key]
	name := filepath.Base(e.res.Inputs[f.File].Path)
	if !known {
		var err error
		if n, err = e.w.AddInterface(pcapfile.Interface{Name: clean(name), Link: f.Link}); err != nil {
			return err
		}
		e.interfaces[key] = n
	}
	lines := []string{fmt.Sprintf("frame %d of %s", f.Number, clean(name))}
	lines = append(lines, list[:min(len(list), maxReasons)]...)
	if more := len(list) - maxReasons; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more charges", more))
	}
	copied := *f
	copied.Interface, copied.HasTime, copied.Time = n, true, max(f.Time, 0)
	return e.w.Write(&copied, pcapfile.Remarks{Comment: strings.Join(lines, "\n")})
}
