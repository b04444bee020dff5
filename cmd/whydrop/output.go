package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// An output is where a report goes. A file is complete or not there: it is
// written beside its place and moved there at the end.
type output struct {
	*bufio.Writer
	file   *os.File // nil = the writer belongs to someone else
	target string   // where file goes in the end; "" = it is there already
	gap    string   // between two reports: nothing before the first
}

// openOutput opens path for writing; "" and "-" mean stdout.
func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "" || path == "-" {
		return &output{Writer: bufio.NewWriter(stdout)}, nil
	}
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real // do not replace a link by a file
	}
	mode := os.FileMode(0o666)
	if info, err := os.Stat(target); err == nil {
		if !info.Mode().IsRegular() { // a device or a pipe has no half
			f, err := os.OpenFile(target, os.O_WRONLY, 0)
			if err != nil {
				return nil, &usageError{"-o " + path, reason(err), ""}
			}
			return &output{Writer: bufio.NewWriter(f), file: f}, nil
		}
		mode = info.Mode().Perm()
	}
	dir, name := filepath.Split(target)
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d.part", name, os.Getpid()))
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, &usageError{"-o " + path, reason(err), ""}
	}
	return &output{Writer: bufio.NewWriter(f), file: f, target: target}, nil
}

// commit writes what is left and puts the file in its place.
func (o *output) commit() error {
	err := o.Flush()
	if o.file == nil {
		return err
	}
	if o.target != "" {
		err = errors.Join(err, o.file.Sync())
	}
	if err = errors.Join(err, o.file.Close()); err != nil || o.target == "" {
		return err
	}
	return os.Rename(o.file.Name(), o.target)
}

// abandon removes what was written. After commit it does nothing.
func (o *output) abandon() {
	if o.file == nil || o.target == "" {
		return
	}
	_ = o.file.Close()
	_ = os.Remove(o.file.Name())
}
