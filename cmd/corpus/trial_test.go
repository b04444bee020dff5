package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	const balanced = `{"ledger":{"missing":5,"lost":3,"capture_only":1,"unexplained":1,
		"by_locus":{"upstream":3,"capture":1},"by_cause":{"unknown":4},"charges":[{"packets":3},{"packets":1}]},
		"verdict":{"lost":3,"unexplained":1}}`
	tests := []struct {
		name           string
		code           int
		stdout, stderr string
		want           string // part of the only problem; "" = none
	}{
		{"balanced", 0, balanced, "", ""},
		{"cut, with a note", 3, balanced, "whydrop: a.pcap ends inside frame 2", ""},
		{"incomplete without a reason", 3, balanced, "", "nothing says why"},
		{"refused", 2, "", "whydrop: a.pcap: is empty\n", ""},
		{"refused silently", 2, "", "", "without a message"},
		{"refused, and a report", 2, "{}", "whydrop: x\n", "and a report"},
		{"panic", 2, "", "panic: index out of range\n\ngoroutine 1", "crash: panic: index out of range"},
		{"undefined", 1, balanced, "", "undefined exit code 1"},
		{"no JSON", 0, "lost", "", "no JSON"},
		{"lost does not add up", 0, strings.Replace(balanced, `"capture_only":1`, `"capture_only":2`, 1), "", "missing 5 ≠ lost 3"},
		{"charges do not add up", 0, strings.Replace(balanced, `{"packets":1}`, `{"packets":1},{"packets":0}`, 1), "", ""},
		{"loci do not add up", 0, strings.Replace(balanced, `"upstream":3`, `"upstream":2`, 1), "", "by locus 3"},
		{"verdict disagrees", 0, strings.Replace(balanced, `"verdict":{"lost":3`, `"verdict":{"lost":4`, 1), "", "verdict says 4"},
	}
	for _, test := range tests {
		tr := trial{code: test.code}
		tr.judge([]byte(test.stdout), test.stderr)
		got := strings.Join(tr.problems, "; ")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: problems %q, want %q", test.name, got, test.want)
		}
	}
}

// A program that hangs, one that crashes and one that answers are told apart
// by running them.
func TestRun(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh to stand in for whydrop")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "in", "a.pcap")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ script, want string }{
		{"echo 'whydrop: a.pcap: is empty' >&2; exit 2", "exit 0: 0, 2: 1, 3: 0, 5: 0; 0 problems"},
		{"exec sleep 60", "hangs: no answer within 300ms"},
		{"kill -SEGV $$", "undefined exit code -1"},
	}
	for _, test := range tests {
		program := filepath.Join(dir, "stand-in")
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+test.script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		tr := try(t.Context(), program, file, 300*time.Millisecond)
		var out bytes.Buffer
		code := tell(&out, []trial{tr}, false)
		if !strings.Contains(out.String(), test.want) || (code == 1) == strings.Contains(test.want, "0 problems") {
			t.Errorf("%s: exit %d\n%s\nwant %q", test.script, code, &out, test.want)
		}
	}
}
