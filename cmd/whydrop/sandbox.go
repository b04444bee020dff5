package main

import (
	"path/filepath"
	"strings"

	"whydrop/report"
)

// A need is what a run must still reach once it begins to read what others wrote.
type need struct {
	read    []string // captures; "-" is open already
	folders []string // where files are put in their place
	names   bool     // an expression may name hosts and services
}

// shutIn gives up, before the first octet of a capture is read, all that the run does not
// need: see confine. It is a best effort, and -v and the report say what it got. Tests call
// run as often as they like, so only main shuts in.
func (p *program) shutIn(n need, verbose bool) {
	if !p.confines || p.sandbox != nil {
		return
	}
	p.sandbox = confine(n)
	if verbose {
		p.note("%s", inWordsSandbox(p.sandbox, n.names))
	}
}

// inWordsSandbox says what was got.
func inWordsSandbox(s *report.Sandbox, names bool) string {
	var got []string
	if s.NoNewPrivileges {
		got = append(got, "no new privileges")
	}
	if s.Landlock > 0 {
		got = append(got, "no files but the captures and the output")
	}
	if s.Seccomp && names {
		got = append(got, "no programs")
	} else if s.Seccomp {
		got = append(got, "no programs, no sockets")
	}
	if len(got) == 0 {
		return "no sandbox: this system has none for us"
	}
	return "in a sandbox: " + strings.Join(got, ", ")
}

// folderOf is the folder in which a file for path comes to lie.
func folderOf(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(path)
}

// folders are those of paths that are files.
func folders(paths ...string) []string {
	var list []string
	for _, path := range paths {
		switch {
		case path == "" || path == "-":
		case isFolder(path):
			list = append(list, filepath.Clean(path))
		default:
			list = append(list, folderOf(path))
		}
	}
	return list
}

// folders are where the files of j are put in their place.
func (j *job) folders() []string {
	list := folders(j.output, j.excerptFile)
	if j.more != nil {
		for _, set := range j.more.sets {
			list = append(list, folders(set.path)...)
		}
	}
	return list
}
