package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"whydrop/report"
)

// A program is one run of whydrop: where it writes, and how.
type program struct {
	stdout, stderr io.Writer
	color          string // --color
	ascii          bool   // --ascii
	config         string // --config
	commands       []string
	interrupts     *interrupts
	nowhere        bool // what is written to stdout
	confines       bool // before it reads a capture
	sandbox        *report.Sandbox
}

func newProgram(stdout, stderr io.Writer) *program {
	ignoreBrokenPipe()
	return &program{stdout: stdout, stderr: stderr, color: "auto"}
}

// finish shows err, if it is one to be shown, and returns the exit code.
func (p *program) finish(err error) int {
	code, show := exitCode(err)
	if show {
		p.complain(err)
	}
	return code
}

// complain writes err and its hint to stderr: WHAT: WHY, then a line to paste.
func (p *program) complain(err error) {
	ink := p.ink(p.stderr)
	fmt.Fprintf(p.stderr, "%s %s\n", ink.bad("whydrop:"), oneLine(err.Error()))
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		return
	}
	hint := strings.TrimSpace(h.Hint())
	var ours *usageError
	var cannot *cannotCapture
	if !errors.As(err, &ours) && !errors.As(err, &cannot) && !strings.Contains(hint, "`") {
		hint = "`" + hint + "`" // hints of the libraries are lines to paste
	}
	p.hint(hint)
}

// hint writes what the user can do below a message.
func (p *program) hint(hint string) {
	ink := p.ink(p.stderr)
	lines := strings.Split(clean(hint), "\n")
	fmt.Fprintf(p.stderr, "  %s %s\n", ink.label("hint:"), ink.typedSpans(lines[0]))
	for _, l := range lines[1:] {
		fmt.Fprintf(p.stderr, "        %s\n", ink.typedSpans(strings.TrimSpace(l)))
	}
}

// note writes a line about the run to stderr. It is no error.
func (p *program) note(format string, args ...any) {
	fmt.Fprintf(p.stderr, "%s %s\n", p.ink(p.stderr).bad("whydrop:"), oneLine(fmt.Sprintf(format, args...)))
}

// clean makes s safe for a terminal: file names and expressions come from
// outside. Line breaks are ours.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u202d' {
			return '\ufffd'
		}
		return r
	}, s)
}

// oneLine is clean without line breaks: the name of a file may have some.
func oneLine(s string) string { return strings.ReplaceAll(clean(s), "\n", "\ufffd") }
