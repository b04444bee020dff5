package main

import (
	"bufio"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	rfcCited   = regexp.MustCompile(`\bRFC (\d+)`)
	rfcSloppy  = regexp.MustCompile(`\b(?i:rfc)[-_]?\d|\b(rfc|Rfc) \d`)
	cardFolder = "analyze/cause/cards"
)

// checkRFCs reads every comment for RFCs: their form, and whether they are in force.
func checkRFCs(t *testing.T, f *goFile) {
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if c.Pos() < f.ast.Package && strings.HasPrefix(c.Text, "//go:build") {
				continue
			}
			complainRFC(t, f.at(c.Pos()), c.Text)
		}
	}
}

func complainRFC(t *testing.T, where, text string) {
	t.Helper()
	for _, m := range rfcCited.FindAllStringSubmatch(text, -1) {
		if now, old := obsolete[m[1]]; old {
			t.Errorf("%s: RFC %s is obsolete; cite RFC %s", where, m[1], now)
		}
	}
	if m := rfcSloppy.FindString(text); m != "" {
		t.Errorf("%s: %q; write RFC, a blank, the number, and the section: RFC 9293 §3.8", where, m)
	}
}

// checkCards holds the cause cards to the same rule about RFCs.
func checkCards(t *testing.T) {
	cards, err := filepath.Glob(filepath.Join(root, cardFolder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		text, err := os.ReadFile(card)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			where := path.Join(cardFolder, filepath.Base(card)) + ":" + strconv.Itoa(i+1)
			for _, m := range rfcCited.FindAllStringSubmatch(line, -1) {
				if now, old := obsolete[m[1]]; old {
					t.Errorf("%s: RFC %s is obsolete; cite RFC %s", where, m[1], now)
				}
			}
		}
	}
}

// checkTopLevel holds the names in the root of the repository.
func checkTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			t.Errorf("%s: the top level is fixed; move it below %s", name, strings.Join(topLevel[:6], ", "))
		}
	}
}

// checkTestdata finds dead files: whatever lies in a testdata folder is named
// by a test of ours (itself, by a pattern, or by its folder), or by a SOURCES
// file beside it; and SOURCES names nothing that is gone.
func checkTestdata(t *testing.T, files []*goFile) {
	named := namesInTests(files)
	walk(t, func(p string) {
		if !strings.Contains("/"+p, "/testdata/") || path.Base(p) == ".gitkeep" {
			return
		}
		if path.Base(p) == "SOURCES" {
			checkSources(t, p)
			return
		}
		if named.covers(p) || slices.Contains(listed(t, path.Join(path.Dir(p), "SOURCES")), path.Base(p)) {
			return
		}
		t.Errorf("%s: no test opens it; test it, list it in SOURCES beside it, or delete it", p)
	})
}

// A nameSet is what the string literals and functions of tests name.
type nameSet struct {
	plain    map[string]bool // last elements of literals: file and folder names
	patterns []string        // last elements with a wildcard
	fuzz     map[string]bool // "FuzzParse": its seeds lie in testdata/fuzz/FuzzParse
}

func namesInTests(files []*goFile) nameSet {
	named := nameSet{plain: map[string]bool{}, fuzz: map[string]bool{}}
	for _, f := range files {
		if !f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				named.fuzz[path.Join(f.dir, n.Name.Name)] = true
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					named.add(n.Value)
				}
			}
			return true
		})
	}
	return named
}

// tooWide are last elements that name nothing in particular.
var tooWide = []string{"", ".", "..", "*", "testdata"}

func (s *nameSet) add(literal string) {
	text, err := strconv.Unquote(literal)
	if err != nil || strings.ContainsAny(text, "\n ") {
		return
	}
	last := path.Base(text)
	switch {
	case slices.Contains(tooWide, last):
	case strings.ContainsAny(last, "*?["):
		s.patterns = append(s.patterns, last)
	default:
		s.plain[last] = true
	}
}

func (s *nameSet) covers(p string) bool {
	base, dir := path.Base(p), path.Dir(p)
	if s.plain[base] {
		return true
	}
	if before, fuzz, found := strings.Cut(dir, "/testdata/fuzz/"); found {
		return s.fuzz[path.Join(before, fuzz)]
	}
	for _, pattern := range s.patterns {
		if ok, err := path.Match(pattern, base); err == nil && ok {
			return true
		}
	}
	return path.Base(dir) != "testdata" && s.plain[path.Base(dir)]
}

// listed returns the file names that a SOURCES file lists: the first word of
// every line that does not start with a blank or '#'.
func listed(t *testing.T, sources string) []string {
	t.Helper()
	file, err := os.Open(filepath.Join(root, sources))
	if err != nil {
		if !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return nil
	}
	defer file.Close()
	var names []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if line != "" && line[0] != '#' && line[0] != ' ' && line[0] != '\t' {
			names = append(names, strings.Fields(line)[0])
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", sources, err)
	}
	return names
}

func checkSources(t *testing.T, sources string) {
	t.Helper()
	for _, name := range listed(t, sources) {
		_, err := os.Stat(filepath.Join(root, path.Dir(sources), name))
		if err != nil {
			t.Errorf("%s: lists %s: %v; remove the line", sources, name, err)
		}
	}
}

// The rules are rules only if they can fail.
func TestHouseRulesCanFail(t *testing.T) {
	named := nameSet{plain: map[string]bool{"scenario": true, "one.pcap": true}, patterns: []string{"*.txtar"}, fuzz: map[string]bool{"decode/FuzzParse": true}}
	for p, want := range map[string]bool{
		"testdata/scenario/a.txt":                   true,
		"testdata/pcap/one.pcap":                    true,
		"testdata/pcap/two.pcap":                    false,
		"testdata/other/x.txtar":                    true,
		"decode/testdata/fuzz/FuzzParse/0123456789": true,
		"decode/testdata/fuzz/FuzzGone/0123456789":  false,
		"testdata/stray":                            false,
	} {
		if got := named.covers(p); got != want {
			t.Errorf("covers(%s) = %v, want %v", p, got, want)
		}
	}
	for text, sloppy := range map[string]bool{"RFC 9293 §3.8": false, "RFC9293": true, "rfc 9293": true, "see RFC-793": true, "an RFC": false} {
		if got := rfcSloppy.MatchString(text); got != sloppy {
			t.Errorf("rfcSloppy(%q) = %v, want %v", text, got, sloppy)
		}
	}
	for name, want := range map[string]bool{"github.com/google/gopacket": true, "net/netip": false, "whydrop/decode": false, "golang.org/x/net/bpf": true} {
		if got := thirdLib.MatchString(name); got != want {
			t.Errorf("thirdLib(%q) = %v, want %v", name, got, want)
		}
	}
}
