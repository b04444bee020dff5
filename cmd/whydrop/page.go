package main

import (
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
	if len(j.paths) == 0 {
		return ""
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
