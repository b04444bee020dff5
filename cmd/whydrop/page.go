package main

import (
	"context"
	"path/filepath"
	"strings"

	"whydrop/analyze"
	"whydrop/report"
)

// page writes the report as one HTML file.
func (p *program) page(j *job, out *output, res *analyze.Result, r *report.Report) error {
	o := report.HTMLOptions{Gallery: j.gallery, Without: j.without, Command: j.typed()}
	return report.HTML(out, res, r, o)
}

// typed is the command that made the page, without the folders of the files: the page
// is for others.
func (j *job) typed() string {
	if j.without == goneByNow {
		return "whydrop live -i " + strings.Join(j.paths, " ") + " --format html"
	}
	names := make([]string, 0, len(j.paths))
	for _, path := range j.paths {
		names = append(names, filepath.Base(path))
	}
	command := "whydrop analyze --format html"
	if j.at != "" {
		command += " --at " + j.at
	}
	command += " " + quoted(names)
	if j.filter != "" {
		command += " -- " + strings.TrimSpace(j.filter)
	}
	return command
}

// lookAgain reads the capture a second time for the graphs of the page. What gives its
// octets only once has none, and the page says why.
func (p *program) lookAgain(ctx context.Context, j *job, paths []string, res *analyze.Result, r *report.Report) error {
	j.gallery, j.without = nil, ""
	switch {
	case res.Interrupted:
		j.without = "The run was interrupted before the capture was read a second time."
		return nil
	case canReadTwice("", "", paths) != nil:
		j.without = "The graphs need a second look, and this capture came through a pipe. Keep it in a file, and analyse that."
		return nil
	}
	g := report.NewGallery(res, r)
	src, _, err := open(ctx, j, paths)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	if err := g.Look(ctx, src); err != nil {
		if ctx.Err() == nil {
			return err
		}
		j.without = "The run was interrupted while the capture was read a second time."
		return nil
	}
	j.gallery = g
	return nil
}
