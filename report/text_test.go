package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"whydrop/analyze/cause"
)

var update = flag.Bool("update", false, "rewrite the golden screens in testdata and schema.json")

// golden compares got with testdata/name, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "screens", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func render(t *testing.T, r *Report, o TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestScreens holds every situation's first screen, in plain, wide, coloured
// and ASCII form, and the laws that all screens obey.
func TestScreens(t *testing.T) {
	for name, res := range situations() {
		t.Run(name, func(t *testing.T) {
			r := Build(res, BuildOptions{Version: "test"})
			narrow := render(t, r, TextOptions{Width: 80})
			wide := render(t, r, TextOptions{Width: 120})
			ascii := render(t, r, TextOptions{Width: 80, ASCII: true})
			color := render(t, r, TextOptions{Width: 80, Color: true})
			golden(t, name+".80.txt", []byte(narrow))
			golden(t, name+".120.txt", []byte(wide))
			golden(t, name+".ascii.80.txt", []byte(ascii))
			golden(t, name+".80.ansi", []byte(color))

			fits(t, narrow, 24, 80)
			fits(t, wide, 24, 120)
			fits(t, ascii, 24, 80)
			if strip := escape.ReplaceAllString(color, ""); strip != narrow {
				t.Errorf("colour changes the text: got\n%s\nwant\n%s", strip, narrow)
			}
			if i := strings.IndexFunc(ascii, func(r rune) bool { return r >= 0x80 }); i >= 0 {
				t.Errorf("not ASCII at octet %d: %q", i, ascii[i:])
			}
		})
	}
}

func fits(t *testing.T, screen string, lines, width int) {
	t.Helper()
	all := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
	if len(all) > lines {
		t.Errorf("%d lines, the screen has %d:\n%s", len(all), lines, screen)
	}
	for i, line := range all {
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("line %d is %d wide: %q", i+1, n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line %d ends in a blank: %q", i+1, line)
		}
	}
}

// TestColourUsesSixRolesOnly holds look.md §1: the user's own colours, no background.
func TestColourUsesSixRolesOnly(t *testing.T) {
	allowed := map[string]bool{"0": true, "1": true, "31": true, "1;31": true, "33": true, "1;33": true, "32": true, "1;32": true, "36": true, "2": true}
	for name, res := range situations() {
		screen := render(t, Build(res, BuildOptions{}), TextOptions{Color: true, Flows: true, Verbose: 1})
		for _, e := range escape.FindAllString(screen, -1) {
			if code := strings.TrimSuffix(strings.TrimPrefix(e, "\x1b["), "m"); !allowed[code] {
				t.Errorf("%s: SGR %s", name, code)
			}
		}
	}
}

// TestTwoRenderingsAreOne holds that nothing depends on the order of a map.
func TestTwoRenderingsAreOne(t *testing.T) {
	all := func(res map[string]*Report) string {
		var b strings.Builder
		for _, name := range []string{"many-causes", "both-ways", "cannot-tell"} {
			fmt.Fprint(&b, render(t, res[name], TextOptions{Flows: true, Verbose: 2}), render(t, res[name], TextOptions{}))
			if err := JSON(&b, res[name]); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	var first string
	for i := range 5 {
		reports := map[string]*Report{}
		for name, res := range situations() {
			reports[name] = Build(res, BuildOptions{})
		}
		got := all(reports)
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatal("the same capture gave two reports")
		}
	}
}

// TestFlowTable holds the table at two widths, and that a terminal too narrow
// loses columns and never a part of an address.
func TestFlowTable(t *testing.T) {
	r := Build(manyCauses(), BuildOptions{})
	for _, width := range []int{80, 120} {
		for _, form := range []string{"txt", "ansi", "ascii"} {
			o := TextOptions{Width: width, Flows: true, Color: form == "ansi", ASCII: form == "ascii"}
			golden(t, fmt.Sprintf("flows.%d.%s", width, form), []byte(render(t, r, o)))
		}
	}
	short := manyCauses()
	short.Flows[3].Originator, short.Flows[3].Responder = port("10.20.0.15:39564"), port("203.0.113.41:22")
	for _, width := range []int{80, 120} {
		golden(t, fmt.Sprintf("flows-ipv4.%d.txt", width), []byte(render(t, Build(short, BuildOptions{}), TextOptions{Width: width, Flows: true})))
	}
	plain := render(t, r, TextOptions{Width: 60, Flows: true})
	for _, f := range r.Flows.Table {
		pair := f.Originator + " > " + f.Responder
		if !strings.Contains(plain, pair) && !strings.Contains(plain, "\n"+f.Originator+"\n  > "+f.Responder+"\n") {
			t.Errorf("60 columns: no whole %s > %s in\n%s", f.Originator, f.Responder, plain)
		}
	}
	color := render(t, r, TextOptions{Width: 80, Flows: true, Color: true})
	if strip := escape.ReplaceAllString(color, ""); strip != render(t, r, TextOptions{Width: 80, Flows: true}) {
		t.Errorf("colour changes the table:\n%s", strip)
	}
}

// TestVerbose holds the frame-level evidence and the tables of what was counted.
func TestVerbose(t *testing.T) {
	for name, res := range situations() {
		if name != "cut" && name != "receiver-host" && name != "cannot-tell" {
			continue
		}
		r := Build(res, BuildOptions{})
		text := render(t, r, TextOptions{Width: 80, Verbose: 1})
		golden(t, name+".verbose.80.txt", []byte(text))
		color := render(t, r, TextOptions{Width: 80, Verbose: 1, Color: true})
		if escape.ReplaceAllString(color, "") != text {
			t.Errorf("%s: colour changes the text", name)
		}
	}
}

func TestCards(t *testing.T) {
	all := cause.All()
	var list, wide strings.Builder
	if err := Causes(&list, all, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	if err := Causes(&wide, all, TextOptions{Width: 120, ASCII: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if !strings.Contains(list.String(), string(c.ID)) {
			t.Errorf("no %s in the table", c.ID)
		}
		for _, o := range []TextOptions{{Width: 80}, {Width: 120}, {Width: 80, ASCII: true}, {Width: 80, Color: true}} {
			var b strings.Builder
			if err := Card(&b, c, o); err != nil {
				t.Fatal(err)
			}
			text := escape.ReplaceAllString(b.String(), "")
			fits(t, text, 200, o.Width)
			for _, s := range c.Sections() {
				if !strings.Contains(text, s.Heading) {
					t.Errorf("%s: no section %q", c.ID, s.Heading)
				}
			}
			if strings.Contains(text, "`") || strings.Contains(text, "…") {
				t.Errorf("%s: back quotes or cut text in\n%s", c.ID, text)
			}
		}
	}
	fits(t, list.String(), 200, 80)
	fits(t, wide.String(), 200, 120)
	card, _ := cause.Lookup(cause.TCPChecksum)
	var b strings.Builder
	if err := Card(&b, card, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "card.80.txt", []byte(b.String()))
	golden(t, "causes.80.txt", []byte(list.String()))
}
