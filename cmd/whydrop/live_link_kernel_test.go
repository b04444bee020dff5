//go:build linux && cgo

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// An interface that is removed ends the capture, which is said, whatever its name: this
// one is a command to a shell.
func TestLiveRemoved(t *testing.T) {
	space(t)
	const name = "v$(id)b"
	c := newCable(t)
	inSpace(t, "ip link set vb down")
	inSpace(t, "ip link set vb name "+name)
	out, err := exec.Command("ip", "link", "set", "dev", name, "up").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := live(t, "-i", name)
	c.send(t, 5, 9001, 100)
	inSpace(t, "ip link del va")
	r.ended(t, exitDone)
	if !strings.Contains(r.errors.String(), name+" was removed; the capture ends there") {
		t.Errorf("that it is gone is not said: %s", &r.errors)
	}
	r.says(t, "5 of 5 packets were lost.", "the firewall")
}
