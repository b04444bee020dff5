package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSettingsOfSomebodyElse: a home that may not be entered has no settings for us,
// as after sudo -u; a file of settings that is there and cannot be read is an error.
func TestSettingsOfSomebodyElse(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(dir, "home")
	settings := filepath.Join(home, "whydrop", "config.toml")
	if err := os.MkdirAll(filepath.Dir(settings), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte("color = \"never\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "whydrop") // the folder of tests is closed to others
	if octets, err := os.ReadFile(os.Args[0]); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(program, octets, 0o755); err != nil {
		t.Fatal(err)
	}
	as := func() string {
		cmd := whydrop(t, "analyze", "/no/such/file")
		cmd.Path, cmd.Dir = program, "/"
		cmd.Env = append(cmd.Environ(), "XDG_CONFIG_HOME="+home)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if ran := (*exec.ExitError)(nil); !errors.As(err, &ran) {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if out := as(); !strings.Contains(out, settings) {
		t.Errorf("settings that cannot be read are passed over: %s", out)
	}
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if out := as(); strings.Contains(out, settings) || !strings.Contains(out, "/no/such/file") {
		t.Errorf("a home that may not be entered: %s", out)
	}
}
