package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var session = regexp.MustCompile("(?s)```\n(\\$ whydrop[^\n]*)\n(.*?)```\n")

// TestReadme runs the sessions that the README shows and wants what it prints.
// With -update it rewrites them.
func TestReadme(t *testing.T) {
	path := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "LC_CTYPE"} {
		t.Setenv(name, "")
	}
	t.Setenv("LANG", "C.UTF-8")
	path, err = filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	ran := 0
	rewritten := session.ReplaceAllStringFunc(string(readme), func(block string) string {
		part := session.FindStringSubmatch(block)
		got := played(t, strings.TrimPrefix(part[1], "$ whydrop"))
		ran++
		if got != part[2] && !*update {
			t.Errorf("%s\nprinted\n%s\nwant\n%s\n(go test ./cmd/whydrop -run Readme -update rewrites the README)", part[1], got, part[2])
		}
		return "```\n" + part[1] + "\n" + got + "```\n"
	})
	if ran < 2 {
		t.Errorf("the README shows %d sessions; they are found no longer", ran)
	}
	if *update {
		if err := os.WriteFile(path, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeLinks finds links of the README that lead nowhere.
func TestReadmeLinks(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
			t.Errorf("README.md links to %s: %v", link[1], err)
		}
	}
}
