package main

import (
	"context"
	"os"
	"path/filepath"

	"whydrop/analyze"
	"whydrop/report"
)

// folderNames are the files that -o DIR/ makes, by format.
var folderNames = []struct{ name, format string }{
	{"report.txt", "text"}, {"report.json", "json"}, {"report.ndjson", "ndjson"}, {"report.md", "markdown"},
	{"report.html", "html"}, {"flows.csv", "csv"}, {"charges.csv", "csv-charges"},
}

// A folder is the files of -o DIR/. All of them are complete, or none is there.
type folder struct {
	path  string
	files []*output
}

// openFolder begins the files of -o DIR/, and has stdout get the text.
func (j *job) openFolder(ctx context.Context) (*folder, error) {
	if !isFolder(j.output) {
		return nil, nil
	}
	if j.separate && len(j.paths) > 1 {
		return nil, &usageError{"-o " + j.output, "a folder is of one capture", "without --separate the files are one"}
	}
	f := &folder{path: j.output}
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return nil, &usageError{"-o " + f.path, reason(err), ""}
	}
	for _, n := range folderNames {
		out, err := openOutput(ctx, filepath.Join(f.path, n.name), nil)
		if err != nil {
			f.abandon()
			return nil, err
		}
		f.files = append(f.files, out)
	}
	j.output = ""
	return f, nil
}

// render writes the report in every format.
func (f *folder) render(p *program, j *job, res *analyze.Result, r *report.Report, paths []string) error {
	if f == nil {
		return nil
	}
	for i, n := range folderNames {
		one := *j
		one.format, one.output, one.quiet = n.format, filepath.Join(f.path, n.name), false
		if err := writeError(&one, p.render(&one, f.files[i], res, r, paths)); err != nil {
			return err
		}
	}
	return nil
}

// commit completes all files before it puts the first one in its place.
func (f *folder) commit() error {
	if f == nil {
		return nil
	}
	for _, step := range []func(*output) error{(*output).finish, (*output).place} {
		for i, out := range f.files {
			if err := step(out); err != nil {
				return writeError(&job{analyzeFlags: analyzeFlags{output: filepath.Join(f.path, folderNames[i].name)}}, err)
			}
		}
	}
	return nil
}

func (f *folder) abandon() {
	if f == nil {
		return
	}
	for _, out := range f.files {
		out.abandon()
	}
}
