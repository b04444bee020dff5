package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/filter"
	"whydrop/capture/pcapfile"
	"whydrop/report"
)

// analyze does j: one report, or with --separate one for each file.
func (p *program) analyze(ctx context.Context, j *job) error {
	stop, err := j.profile()
	if err != nil {
		return err
	}
	defer stop()
	if j.more, err = j.openFolder(ctx); err != nil {
		return err
	}
	defer j.more.abandon()
	out, err := openOutput(ctx, j.output, p.stdout)
	if err != nil {
		return err
	}
	defer out.abandon()
	if j.excerptFile != "" {
		if j.proof, err = openOutput(ctx, j.excerptFile, p.stdout); err != nil {
			return err
		}
		defer j.proof.abandon()
	}
	if p.nowhere && out.file == nil {
		p.note("stdout is closed, or the null device: nobody reads the report; -o FILE keeps it")
	}
	p.interrupts.during(func() { p.note("stopping; once more to stop at once") }, func() {
		out.abandon()
		j.more.abandon()
		if j.proof != nil {
			j.proof.abandon()
		}
	})

	p.shutIn(need{read: j.paths, folders: j.folders(), names: j.filter != ""}, j.verbose > 0)
	groups := [][]string{j.paths}
	if j.separate {
		groups = groups[:0]
		for _, path := range j.paths {
			groups = append(groups, []string{path})
		}
	}
	code := exitDone
	for n, paths := range groups {
		j.number = n
		one, err := p.analyzeOne(ctx, j, paths, out)
		switch {
		case err == nil:
		case j.separate && isUnread(err): // the other reports stand without it
			p.complain(err)
			one = exitUsage
		case len(groups) > 1 && errors.Is(err, outcome(exitIncomplete)):
			one = exitIncomplete
		default:
			return err
		}
		code = worstOf(code, one)
		if ctx.Err() != nil {
			break // interrupted: what has not begun stays unread
		}
	}
	if err := out.commit(); err != nil {
		return writeError(j, err)
	}
	if err := j.more.commit(); err != nil {
		return err
	}
	if code != exitDone {
		return outcome(code)
	}
	return nil
}

// worstOf is the code of several reports: an unread file matters most, since
// nothing at all is known of it.
func worstOf(a, b int) int {
	if a == exitUsage || b == exitUsage {
		return exitUsage
	}
	return worse(a, b)
}

// analyzeOne reads paths as one capture and writes its report.
func (p *program) analyzeOne(ctx context.Context, j *job, paths []string, out *output) (int, error) {
	src, meter, err := open(ctx, j, paths)
	if err != nil {
		if ctx.Err() != nil {
			p.note("interrupted before a capture had arrived")
			return 0, outcome(exitIncomplete) // no report: -o leaves its file as it was
		}
		return 0, err
	}
	defer func() { _ = src.Close() }()
	stop := p.progress(j, meter)
	res, err := analyze.Run(ctx, src, analyze.Options{Workers: j.workers, At: j.tap, Memory: j.memory.share(1)})
	stop()
	if err != nil {
		return 0, err
	}
	res.Interrupted = res.Interrupted || ctx.Err() != nil
	r := report.Build(res, report.BuildOptions{Version: version(), Sandbox: p.sandbox})
	code, known := stateCodes[r.Verdict.State]
	if !known {
		panic("whydrop: bug: no exit code for the state " + r.Verdict.State)
	}
	switch {
	case res.Interrupted: // whatever ends early then does so for that reason
		p.note("interrupted; the report covers %s", frames(framesOf(res)))
		code = worse(code, exitIncomplete)
	case p.tellDamage(res):
		code = worse(code, exitIncomplete)
	}
	if j.format == "html" || j.more != nil {
		if err := p.lookAgain(ctx, j, paths, res, r); err != nil {
			return 0, err
		}
	}
	if err := writeError(j, p.render(j, out, res, r, paths)); err != nil {
		return code, err
	}
	if err := j.more.render(p, j, j.number, res, r, paths); err != nil || j.proof == nil {
		return code, err
	}
	return p.keepProof(ctx, j, res, r, paths, code)
}

// open opens paths, behind the expression and the limit of -c.
func open(ctx context.Context, j *job, paths []string) (capture.Source, meter, error) {
	src, err := pcapfile.Open(paths, pcapfile.Options{Done: ctx.Done()})
	if err != nil {
		return nil, nil, expressionWithoutDash(j, err)
	}
	m, _ := src.(meter)
	if j.filter != "" {
		filtered, err := filter.Source(src, j.filter)
		if err != nil {
			_ = src.Close()
			return nil, nil, err
		}
		src = filtered
	}
	if j.count > 0 {
		src = &limited{Source: src, left: j.count}
	}
	return src, m, nil
}

// primitive is how an expression may begin, or go on.
var primitive = regexp.MustCompile(`^(tcp|udp|icmp6?|ip6?|arp|host|net|src|dst|port|portrange|vlan|ether|not|and|or|\(.*)$`)

// expressionWithoutDash sees that a file that does not exist is the first word
// of an expression.
func expressionWithoutDash(j *job, err error) error {
	var unread *capture.FileError
	if len(j.read) > 0 || !errors.As(err, &unread) || !errors.Is(err, fs.ErrNotExist) || !primitive.MatchString(unread.Path) {
		return err
	}
	var files []string
	for _, path := range j.paths {
		if path == unread.Path {
			break
		}
		files = append(files, pcapfile.Quote(path))
	}
	if len(files) == 0 {
		return err
	}
	rest := strings.Join(j.paths[len(files):], " ")
	return &usageError{unread.Path, "no such file", fmt.Sprintf("an expression comes after --:\n`whydrop analyze %s -- %s`", strings.Join(files, " "), rest)}
}

func isUnread(err error) bool {
	var unread *capture.FileError
	return errors.As(err, &unread)
}

// render writes the report in the format that was asked for.
func (p *program) render(j *job, out *output, res *analyze.Result, r *report.Report, paths []string) error {
	switch {
	case j.format == "json":
		return report.JSON(out, r)
	case j.format == "ndjson":
		return report.NDJSON(out, res, r)
	case j.format == "html":
		return p.page(j, out, res, r)
	case j.format == "markdown":
		return report.Markdown(out, r, j.flows)
	case j.format == "csv":
		return report.FlowsCSV(out, res)
	case j.format == "csv-charges":
		return report.ChargesCSV(out, r)
	case j.quiet:
		return report.Sentence(out, r, p.textOptions())
	}
	o := p.textOptions()
	if j.output != "" && j.output != "-" {
		o.Color = p.color == "always"
	}
	o.Flows, o.Verbose = j.flows, j.verbose
	if j.separate && len(j.paths) > 1 {
		fmt.Fprintf(out, "%s%s\n", out.gap, ink(o.Color).head(clean(paths[0])))
		out.gap = "\n"
	}
	return report.Text(out, r, o)
}

// tellDamage says on stderr which inputs end too early, and reports whether any does.
func (p *program) tellDamage(res *analyze.Result) bool {
	damaged := false
	for i := range res.Inputs {
		in := &res.Inputs[i]
		if in.Damage == nil {
			continue
		}
		damaged = true
		of := ""
		if len(res.Inputs) > 1 {
			of = " of it"
		}
		p.note("%s; the report covers %s%s", damage(in), frames(in.Frames), of)
		if strings.HasPrefix(in.Damage.What, "another capture") {
			p.hint("captures are put together by mergecap, not by cat:\n`mergecap -w - a.pcap b.pcap | whydrop analyze -`")
		}
	}
	return damaged
}

// damage says where in stopped being readable.
func damage(in *capture.Input) string {
	switch d := in.Damage; {
	case d.Cut && strings.Contains(d.What, "packet"):
		return fmt.Sprintf("%s ends inside frame %s", in.Path, grouped(d.Frame))
	case d.Cut && (strings.HasPrefix(d.What, "ends") || strings.HasPrefix(d.What, "has")):
		return in.Path + " " + d.What
	default:
		return fmt.Sprintf("%s: %s, at octet %s", in.Path, d.What, grouped(d.Offset))
	}
}

// writeError names what could not be written. A closed pipe stays what it is.
func writeError(j *job, err error) error {
	if err == nil {
		return nil
	}
	what := "stdout"
	if j.output != "" && j.output != "-" {
		what = "-o " + j.output
	}
	return fmt.Errorf("%s: %w", what, err)
}

// profile starts the CPU profile of --cpuprofile.
func (j *job) profile() (stop func(), err error) {
	if j.cpuProfile == "" {
		return func() {}, nil
	}
	f, err := os.Create(j.cpuProfile)
	if err != nil {
		return nil, &usageError{"--cpuprofile " + j.cpuProfile, reason(err), ""}
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

func framesOf(res *analyze.Result) uint64 {
	n := uint64(0)
	for i := range res.Inputs {
		n += res.Inputs[i].Frames
	}
	return n
}

// frames counts n frames in words.
func frames(n uint64) string {
	if n == 1 {
		return "1 frame"
	}
	return grouped(n) + " frames"
}

// grouped writes n in groups of three.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
