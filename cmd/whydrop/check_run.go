package main

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/report"
	"whydrop/report/policy"
)

// checkFiles judges the captures of k, several at the same time, each with one worker: so at
// most --jobs of them are in memory. Results are in the order of the command line.
func (p *program) checkFiles(ctx context.Context, k *checking) ([]policy.File, []*policy.State) {
	files, states := make([]policy.File, len(k.paths)), make([]*policy.State, len(k.paths))
	jobs := k.jobs
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	jobs = min(jobs, len(k.paths))
	each := analyze.Options{Workers: max(1, runtime.GOMAXPROCS(0)/jobs), Memory: k.memory.share(jobs)}
	next := make(chan int)
	var all sync.WaitGroup
	for range jobs {
		all.Go(func() {
			for i := range next {
				files[i], states[i] = k.checkFile(ctx, k.paths[i], each)
			}
		})
	}
	for i := range k.paths {
		next <- i
	}
	close(next)
	all.Wait()
	return files, states
}

// checkFile judges one capture.
func (k *checking) checkFile(ctx context.Context, path string, o analyze.Options) (policy.File, *policy.State) {
	rules, accept, at := k.For(path)
	o.At = tapPlace(cmp.Or(k.at, at))
	res, err := k.read(ctx, path, o)
	if err != nil {
		return unreadFile(ctx, path, err), nil
	}
	e := policy.Evidence{
		Report: report.Build(res, report.BuildOptions{Version: version()}),
		Flows:  report.EachFlow(res), Accept: accept,
	}
	f := policy.NewFile(path, e)
	fit, why := f.Outcome, f.Unfit
	f.Add(policy.Judge(rules, e)...)
	if !k.keeps {
		return f, nil
	}
	now := policy.StateOf(e)
	if k.was != nil {
		was := k.was.Find(path, len(k.paths) == 1)
		switch {
		case was != nil || fit != policy.Holds: // of one that is not fit nothing is compared, nor kept
			f.Add(policy.Compare(was, now, fit, why, k.Tolerance)...)
		case !k.updateBaseline:
			f.Add(policy.Finding{
				Rule: "not worse than the baseline", Kind: "baseline", Outcome: policy.Undecided, Actual: []policy.Actual{},
				Why: "the baseline does not have this capture: --update-baseline takes it in", Source: k.baseline,
			})
		}
	}
	if fit != policy.Holds {
		return f, nil // what cannot be judged is nothing to compare with
	}
	return f, now
}

func (k *checking) read(ctx context.Context, path string, o analyze.Options) (*analyze.Result, error) {
	j := &job{analyzeFlags: analyzeFlags{read: []string{path}}, filter: k.expression}
	src, _, err := open(ctx, j, []string{path})
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	res, err := analyze.Run(ctx, src, o)
	if err == nil {
		res.Interrupted = res.Interrupted || ctx.Err() != nil
	}
	return res, err
}

// unreadFile is what is said of a capture that could not be read, or had not been yet.
func unreadFile(ctx context.Context, path string, err error) policy.File {
	f := policy.File{Path: path, Outcome: policy.Unread, Error: err.Error(), Notes: []string{}, Groups: []policy.Group{}, Findings: []policy.Finding{}}
	var unread *capture.FileError
	if errors.As(err, &unread) {
		f.Error = reason(unread.Err)
	}
	if ctx.Err() != nil {
		f.Outcome, f.Error, f.Unfit = policy.Unfit, "", "it was interrupted before this was read"
	}
	return f
}

// keepBaseline writes what the captures are like, if that was asked for. Captures that could
// not be judged are not in it: a baseline of them would be no measure.
func (p *program) keepBaseline(ctx context.Context, k *checking, run *policy.Run, states []*policy.State) error {
	path := k.writeBaseline
	if k.updateBaseline {
		path = k.baseline
	}
	if path == "" || ctx.Err() != nil {
		return nil
	}
	b := &policy.Baseline{Version: policy.BaselineVersion, Tool: run.Tool, Files: map[string]*policy.State{}}
	if k.was != nil {
		b.Files = k.was.Files
	}
	kept := 0
	for i, s := range states {
		if s == nil {
			p.note("%s is not in the baseline: %s", k.paths[i], run.Files[i].Unfit+run.Files[i].Error)
			continue
		}
		b.Files[policy.Key(k.paths[i])] = s
		kept++
	}
	if kept == 0 {
		return nil
	}
	octets, err := b.Octets()
	if err != nil {
		return err
	}
	out, err := openOutput(ctx, path, p.stdout)
	if err != nil {
		return err
	}
	defer out.abandon()
	if _, err := out.Write(octets); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	noun := "captures"
	if kept == 1 {
		noun = "capture"
	}
	p.note("%s holds %d %s now", path, kept, noun)
	return nil
}
