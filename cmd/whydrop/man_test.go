package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestManPages holds that there is a page of every command, that it names every flag, and that
// man has nothing to complain of.
func TestManPages(t *testing.T) {
	root := newRoot(newProgram(&bytes.Buffer{}, &bytes.Buffer{}))
	pages := manPages(root)
	for _, c := range root.Commands() {
		page, ok := pages["man1/whydrop-"+c.Name()+".1"]
		if ok == c.Hidden {
			t.Errorf("%s: hidden %v, a page %v", c.Name(), c.Hidden, ok)
		}
		for line := range strings.Lines(flagLines(c.LocalFlags())) {
			_, name, _ := strings.Cut(line, "--")
			name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
			if !strings.Contains(page, `\-\-`+strings.ReplaceAll(name, "-", `\-`)) && !c.Hidden {
				t.Errorf("%s: --%s is not in its page", c.Name(), name)
			}
		}
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("no groff here: the pages are not set")
	}
	for name, page := range pages {
		for i, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, "'") {
				t.Errorf("%s:%d: %q would be an order to roff", name, i+1, line)
			}
		}
		set := exec.Command("groff", "-man", "-Tutf8", "-P-cbou", "-ww")
		set.Stdin = strings.NewReader(page)
		var complaints bytes.Buffer
		set.Stderr = &complaints
		text, err := set.Output()
		if err != nil || complaints.Len() > 0 || !bytes.Contains(text, []byte("NAME")) {
			t.Errorf("%s: %v\n%s", name, err, &complaints)
		}
	}
}
