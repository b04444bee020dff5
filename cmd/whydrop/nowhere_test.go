//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A report that nobody can read is no silent success. /dev/null as a shell opens
// it is meant, and nothing is said.
func TestClosedStdoutIsSaid(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "whydrop")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to   string
		note bool
	}{{">&-", true}, {">/dev/null", false}, {"-o /dev/null >&-", false}} {
		cmd := exec.Command("sh", "-c", `"$0" analyze - `+c.to, name)
		cmd.Stdin = bytes.NewReader(recordedAs(t, handshake, "pcap"))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v", c.to, err)
		}
		if noted := strings.Contains(stderr.String(), "stdout is closed"); noted != c.note {
			t.Errorf("%s: stderr %q", c.to, &stderr)
		}
	}
}
