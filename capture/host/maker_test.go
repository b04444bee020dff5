//go:build linux

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deadMaker is the name of a process that has ended.
func deadMaker(t *testing.T, between string) string {
	t.Helper()
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := makerName(c.Process.Pid, between)
	sure(t, err)
	_ = in.Close()
	sure(t, c.Wait())
	return name
}

func TestOnlyTheDeadAreDead(t *testing.T) {
	own, err := makerName(os.Getpid(), "-")
	sure(t, err)
	dead := deadMaker(t, "-")
	_, rest, _ := strings.Cut(dead, "-")
	for name, want := range map[string]bool{
		dead: true, own: false, own + "1": true, // the number was given out again
		"1-" + rest: false, // of another namespace
		"":          false, "x": false, "1-2": false, "1-2-3-4": false,
	} {
		if got := makerIsDead(name, "-"); got != want {
			t.Errorf("%q is dead: %t, want %t", name, got, want)
		}
	}
}

// What a killed run left in tracefs is removed by the next; what lives stays.
func TestStaleInstancesAreRemoved(t *testing.T) {
	own, err := makerName(os.Getpid(), "-")
	sure(t, err)
	dead, lives := tracedName+deadMaker(t, "-"), tracedName+own
	inSpace(t, func(t *testing.T) {
		for _, at := range tracefs {
			if os.Mkdir(filepath.Join(at, dead), 0o700) != nil {
				continue
			}
			t.Cleanup(func() { _ = os.Remove(filepath.Join(at, dead)) })
			sure(t, os.WriteFile(filepath.Join(at, dead, "events/skb/kfree_skb/enable"), []byte("1"), 0))
			sure(t, os.Mkdir(filepath.Join(at, lives), 0o700))
			t.Cleanup(func() { _ = os.Remove(filepath.Join(at, lives)) })
			removeStaleInstances(at)
			if _, err := os.Stat(filepath.Join(at, dead)); err == nil {
				t.Errorf("%s is still there", dead)
			}
			if _, err := os.Stat(filepath.Join(at, lives)); err != nil {
				t.Errorf("%s is gone: %v", lives, err)
			}
			return
		}
		t.Skip("no tracefs that this process may write to")
	})
}
