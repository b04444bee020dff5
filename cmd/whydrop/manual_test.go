package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestManual runs each "$ whydrop" of doc.go and wants what the manual shows.
// With -update it rewrites the manual.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE"} {
		t.Setenv(name, "")
	}
	t.Setenv("LANG", "C.UTF-8")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	var rewritten strings.Builder
	ran := 0
	for rest := string(manual); rest != ""; {
		at := strings.Index(rest, "//\t$ whydrop")
		if at < 0 {
			rewritten.WriteString(rest)
			break
		}
		before, block, after := cutBlock(rest, at)
		command, want, _ := strings.Cut(block, "\n")
		got := played(t, strings.TrimPrefix(command, "$ whydrop"))
		switch {
		case shows(want, got):
			got = want // with its "…"
		case !*update:
			t.Errorf("%s\nprinted\n%s\nwant\n%s\n(go test ./cmd/whydrop -run Manual -update rewrites the manual)", command, got, want)
		}
		rewritten.WriteString(before)
		for line := range strings.Lines(command + "\n" + got) {
			rewritten.WriteString(strings.TrimRight("//\t"+line, "\t\n") + "\n")
		}
		rest = after
		ran++
	}
	if ran < 5 {
		t.Errorf("the manual shows %d commands; it is found no longer", ran)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(here, "doc.go"), []byte(rewritten.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cutBlock cuts the code block at at out of text, without its comment marks.
// Empty lines belong to it if code follows.
func cutBlock(text string, at int) (before, block, after string) {
	end := at
	for pos := at; ; {
		line, _, more := strings.Cut(text[pos:], "\n")
		pos += len(line) + 1
		if strings.HasPrefix(line, "//\t") {
			end = pos
		} else if line != "//" || !more {
			break
		}
	}
	var b strings.Builder
	for line := range strings.Lines(text[at:end]) {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t"))
	}
	return text[:at], b.String(), text[end:]
}

// played runs whydrop with args as a reader would see it at a terminal without
// colour: both streams, and the exit code if it is not 0.
func played(t *testing.T, args string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), shellWords(args), &out, &out); code != exitDone {
		fmt.Fprintf(&out, "exit %d\n", code)
	}
	return out.String()
}

// shellWords splits a line as a shell does, of which quotes '…' are all that the examples need.
func shellWords(line string) (list []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			list = append(list, strings.Fields(part)...)
		} else {
			list = append(list, part)
		}
	}
	return list
}

// TestExamplesSurviveAShell: what a shell would take for itself, < > $ * ; and so on, stands
// in quotes in every example.
func TestExamplesSurviveAShell(t *testing.T) {
	for _, path := range []string{filepath.Join(root, "README.md"), "doc.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^(?://\t)?\$ (whydrop.*)$`).FindAllStringSubmatch(string(text), -1) {
			for i, part := range strings.Split(m[1], "'") {
				if i%2 == 0 && strings.ContainsAny(part, "<>;&|$*?[](){}`") {
					t.Errorf("%s: a shell would not hand this on: %s", path, m[1])
				}
			}
		}
	}
}

// shows reports whether want describes got. A line "…" is any lines.
func shows(want, got string) bool {
	pattern := regexp.QuoteMeta(strings.TrimRight(want, "\n"))
	pattern = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(pattern, `(?s:.*)`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(strings.TrimRight(got, "\n"))
}

func TestShows(t *testing.T) {
	tests := []struct {
		want, got string
		ok        bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nc\n", false},
		{"a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"a\n…\n", "b\nc\n", false},
		{"1.5\n", "1x5\n", false},
	}
	for _, test := range tests {
		if got := shows(test.want, test.got); got != test.ok {
			t.Errorf("shows(%q, %q) = %v", test.want, test.got, got)
		}
	}
}
