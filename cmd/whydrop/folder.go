package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/report"
)

// folderNames are the files that -o DIR/ makes, by format.
var folderNames = []struct{ name, format string }{
	{"report.txt", "text"}, {"report.json", "json"}, {"report.ndjson", "ndjson"}, {"report.md", "markdown"},
	{"report.html", "html"}, {"flows.csv", "csv"}, {"charges.csv", "csv-charges"},
}

// A folder is the files of -o DIR/: of one capture in DIR itself, with --separate of each in
// a folder of its own below it. All of them are complete, or none is there.
type folder struct {
	sets []*folderSet
}

// A folderSet is the files of one capture.
type folderSet struct {
	path     string
	rendered bool
	files    []*output
}

// openFolder begins the files of -o DIR/, and has stdout get the text.
func (j *job) openFolder(ctx context.Context) (*folder, error) {
	if !isFolder(j.output) {
		return nil, nil
	}
	paths := []string{j.output}
	if j.separate && len(j.paths) > 1 {
		paths = paths[:0]
		for _, name := range safeNames(j.paths) {
			paths = append(paths, filepath.Join(j.output, name))
		}
	}
	f := &folder{}
	for _, path := range paths {
		if err := f.begin(ctx, path); err != nil {
			f.abandon()
			return nil, err
		}
	}
	j.output = ""
	return f, nil
}

// begin makes the folder of one capture, and its files.
func (f *folder) begin(ctx context.Context, path string) error {
	set := &folderSet{path: path}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return &usageError{"-o " + path, reason(err), ""}
	}
	f.sets = append(f.sets, set)
	for _, n := range folderNames {
		out, err := openOutput(ctx, filepath.Join(path, n.name), nil)
		if err != nil {
			return err
		}
		set.files = append(set.files, out)
	}
	return nil
}

// safeNames are names of folders for captures: what they are called, of letters, digits and
// ".-_" only, not hidden, and each once, also where the letter case does not count.
func safeNames(paths []string) []string {
	taken := map[string]bool{}
	names := make([]string, len(paths))
	for i, path := range paths {
		name := strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_", r)) {
				return r
			}
			return '_'
		}, filepath.Base(path))
		if path == "-" {
			name = "stdin"
		}
		if name = strings.TrimLeft(name, ".-"); name == "" {
			name = "capture"
		}
		const longest = 100 // of 255 octets that a name may have
		name = name[:min(len(name), longest)]
		names[i] = name
		for n := 2; taken[strings.ToLower(names[i])]; n++ {
			names[i] = name + "-" + strconv.Itoa(n)
		}
		taken[strings.ToLower(names[i])] = true
	}
	return names
}

// render writes the report of capture n in every format.
func (f *folder) render(p *program, j *job, n int, res *analyze.Result, r *report.Report, paths []string) error {
	if f == nil {
		return nil
	}
	set := f.sets[n]
	for i, n := range folderNames {
		one := *j
		one.format, one.output, one.quiet = n.format, filepath.Join(set.path, n.name), false
		if err := writeError(&one, p.render(&one, set.files[i], res, r, paths)); err != nil {
			return err
		}
	}
	set.rendered = true
	return nil
}

// commit completes all files before it puts the first one in its place. Of captures that
// could not be read there are none.
func (f *folder) commit() error {
	if f == nil {
		return nil
	}
	for _, step := range []func(*output) error{(*output).finish, (*output).place} {
		for _, set := range f.sets {
			for i, out := range set.files {
				if !set.rendered {
					continue
				}
				if err := step(out); err != nil {
					return writeError(&job{analyzeFlags: analyzeFlags{output: filepath.Join(set.path, folderNames[i].name)}}, err)
				}
			}
		}
	}
	return nil
}

// abandon takes away what is not in its place. The folder of a capture that could not be read
// stays, empty: the sandbox removes none.
func (f *folder) abandon() {
	if f == nil {
		return
	}
	for _, set := range f.sets {
		for _, out := range set.files {
			out.abandon()
		}
	}
}
