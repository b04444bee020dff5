package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
func openOutput(ctx context.Context, path string, stdout io.Writer) (*output, error) {
	if path == "" || path == "-" {
		return &output{Writer: bufio.NewWriter(stdout)}, nil
	}
	if n, ok := descriptor(path); ok {
		return openDescriptor(n, path, stdout)
	}
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real // do not replace a link by a file
	}
	mode := os.FileMode(0o666)
	if info, err := os.Stat(target); err == nil {
		if !info.Mode().IsRegular() { // a device or a pipe has no half
			f, err := openSpecial(ctx, target)
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

// descriptorPath is how the system names what a process has open: opening it
// anew would write at another place of the file, replacing it would cut it off.
var descriptorPath = regexp.MustCompile(`^(?:/dev/fd|/proc/(?:self|thread-self|[0-9]+)/fd)/([0-9]+)$`)

// descriptor finds the descriptor that path names, be it through links.
func descriptor(path string) (n int, ok bool) {
	const mostLinks = 8
	for range mostLinks {
		switch path {
		case "/dev/stdout":
			return 1, true
		case "/dev/stderr":
			return 2, true
		}
		if m := descriptorPath.FindStringSubmatch(path); m != nil {
			n, err := strconv.Atoi(m[1])
			return n, err == nil
		}
		link, err := os.Readlink(path)
		if err != nil {
			return 0, false
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return 0, false
}

// openDescriptor writes to what is open as n already.
func openDescriptor(n int, path string, stdout io.Writer) (*output, error) {
	if n == 1 {
		return &output{Writer: bufio.NewWriter(stdout)}, nil
	}
	f := os.NewFile(uintptr(n), path)
	if f == nil {
		return nil, &usageError{"-o " + path, "is not open", ""}
	}
	if _, err := f.Stat(); err != nil {
		return nil, &usageError{"-o " + path, reason(err), ""}
	}
	return &output{Writer: bufio.NewWriter(f), file: f}, nil
}

// openSpecial opens a device, or a pipe, which waits for its reader unless
// ctx ends; the open that waits is then left behind.
func openSpecial(ctx context.Context, path string) (*os.File, error) {
	var f *os.File
	opened := make(chan error, 1)
	go func() {
		var err error
		f, err = os.OpenFile(path, os.O_WRONLY, 0)
		opened <- err
	}()
	select {
	case err := <-opened:
		return f, err
	case <-ctx.Done():
		return nil, errors.New("nobody had opened it for reading when the run was stopped")
	}
}

// commit writes what is left and puts the file in its place.
func (o *output) commit() error {
	if err := o.finish(); err != nil {
		return err
	}
	return o.place()
}

// finish writes what is left: after it the file is complete, and not yet in its place.
func (o *output) finish() error {
	err := o.Flush()
	if o.file == nil {
		return err
	}
	if o.target != "" {
		err = errors.Join(err, o.file.Sync())
	}
	return errors.Join(err, o.file.Close())
}

// place puts a finished file where it belongs.
func (o *output) place() error {
	if o.file == nil || o.target == "" {
		return nil
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
