package main

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// An ink colours words for one stream, or leaves them as they are. The colours
// are the terminal's own 16.
type ink bool

func (i ink) sgr(code, s string) string {
	if !i || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (i ink) head(s string) string  { return i.sgr("1", s) }
func (i ink) bad(s string) string   { return i.sgr("1;31", s) }
func (i ink) typed(s string) string { return i.sgr("36", s) }
func (i ink) label(s string) string { return i.sgr("2", s) }

// typedSpans colours what stands in back quotes as something to type, and
// takes the back quotes away: on a line of its own a command is to be pasted.
func (i ink) typedSpans(s string) string {
	parts := strings.Split(s, "`")
	for n := 1; n < len(parts); n += 2 {
		parts[n] = i.typed(parts[n])
	}
	return strings.Join(parts, "")
}

// ink decides whether w gets colour: --color, then NO_COLOR, then
// CLICOLOR_FORCE, then TERM, then whether w is a terminal.
func (p *program) ink(w io.Writer) ink {
	switch {
	case p.color == "always":
		return true
	case p.color == "never", os.Getenv("NO_COLOR") != "":
		return false
	case os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0":
		return true
	case os.Getenv("TERM") == "dumb":
		return false
	}
	return ink(isTerminal(w))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// defaultWidth is that of a terminal that does not say.
const defaultWidth = 80

// width is the number of columns of w.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return defaultWidth
}

// plain reports whether only ASCII may be written: by --ascii, or because the
// locale is not UTF-8. Windows has no such variable and shows UTF-8.
func (p *program) plain() bool {
	if p.ascii {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return runtime.GOOS != "windows"
}
