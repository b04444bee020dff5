//go:build linux

package host

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inSpace runs a test in a network namespace of its own: on a thread that has left
// the others, and dies with it. The root namespace is never touched.
func inSpace(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	if testing.Short() {
		t.Skip("a test on the real kernel: left out by -short")
	}
	done := make(chan string, 1)
	go func() {
		why := "the test ended early"
		defer func() { done <- why }()
		runtime.LockOSThread() // never unlocked
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			why = "skip: cannot make a network namespace: " + err.Error()
			return
		}
		test(t)
		why = ""
	}()
	if why := <-done; strings.HasPrefix(why, "skip: ") {
		t.Skip(strings.TrimPrefix(why, "skip: "))
	}
}

// run runs a program in the namespace of this thread.
func run(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	if _, err := exec.LookPath(words[0]); err != nil {
		t.Skipf("needs the program %s", words[0])
	}
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// feed runs a program with an input.
func feed(t *testing.T, line, input string) string {
	t.Helper()
	words := strings.Fields(line)
	if _, err := exec.LookPath(words[0]); err != nil {
		t.Skipf("needs the program %s", words[0])
	}
	c := exec.Command(words[0], words[1:]...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}
