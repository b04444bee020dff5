package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"whydrop/report"
	"whydrop/report/policy"
)

// checkOutputs are where a run of check is written: each complete, or not there.
type checkOutputs struct {
	p     *program
	quiet bool
	list  []checkOutput
	add   string // a file to append Markdown to
}

type checkOutput struct {
	*output
	name   string // for messages
	format string
	screen bool // of the program's own output
}

// checkNames are the files that -o DIR/ makes.
var checkNames = map[string]string{
	"text": "check.txt", "json": "check.json", "junit": "check.xml", "markdown": "check.md",
}

// outputs opens whatever is to be written, before anything is read.
func (k *checking) outputs(ctx context.Context, p *program) (*checkOutputs, error) {
	o := &checkOutputs{p: p, quiet: k.quiet, add: k.summary}
	format := k.format
	if format == "" {
		format = "text"
	}
	type wanted struct{ path, format string }
	var list []wanted
	if isFolder(k.output) {
		if err := os.MkdirAll(k.output, 0o777); err != nil {
			return nil, &usageError{"-o " + k.output, reason(err), ""}
		}
		for _, f := range checkFormats {
			if name := checkNames[f]; name != "" {
				list = append(list, wanted{filepath.Join(k.output, name), f})
			}
		}
		list = append(list, wanted{"", format})
	} else {
		list = append(list, wanted{k.output, format})
	}
	if k.junit != "" {
		list = append(list, wanted{k.junit, "junit"})
	}
	for _, w := range list {
		out, err := openOutput(ctx, w.path, p.stdout)
		if err != nil {
			o.abandon()
			return nil, err
		}
		o.list = append(o.list, checkOutput{out, w.path, w.format, out.file == nil})
	}
	return o, nil
}

// isFolder reports whether a path of -o means a folder: it is one, or ends in a slash.
func isFolder(path string) bool {
	if path == "" {
		return false
	}
	if os.IsPathSeparator(path[len(path)-1]) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (o *checkOutputs) abandon() {
	for i := range o.list {
		o.list[i].abandon()
	}
}

func (o *checkOutputs) write(run *policy.Run) error {
	for i := range o.list {
		out := &o.list[i]
		err := o.render(out.output, out.format, out.screen, run)
		if err = errors.Join(err, out.commit()); err != nil {
			if out.name == "" {
				out.name = "stdout"
			}
			return fmt.Errorf("%s: %w", out.name, err)
		}
	}
	return o.append(run)
}

// append adds the Markdown to a file that others write to, too.
func (o *checkOutputs) append(run *policy.Run) error {
	if o.add == "" {
		return nil
	}
	var b bytes.Buffer
	if err := policy.Markdown(&b, run); err != nil {
		return err
	}
	f, err := os.OpenFile(o.add, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return &usageError{"--summary " + o.add, reason(err), ""}
	}
	_, err = f.Write(b.Bytes())
	return errors.Join(err, f.Close())
}

func (o *checkOutputs) render(w io.Writer, format string, screen bool, run *policy.Run) error {
	switch format {
	case "json":
		return policy.JSON(w, run)
	case "junit":
		return policy.JUnit(w, run)
	case "github":
		return policy.GitHub(w, run)
	case "markdown":
		return policy.Markdown(w, run)
	}
	t := o.p.textOptions()
	if !screen {
		t = report.TextOptions{Color: o.p.color == "always", ASCII: t.ASCII}
	}
	return policy.Text(w, run, t, o.quiet)
}
