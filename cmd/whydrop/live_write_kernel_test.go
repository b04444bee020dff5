//go:build linux && cgo

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLiveEnds holds what ends a capture, and that its report is printed and the code 0.
func TestLiveEnds(t *testing.T) {
	space(t)
	c := newCable(t)
	r := live(t, "--no-host")
	c.send(t, 10, 9000, 100)
	r.end(t, 0)
	r.says(t, "10 of 10 packets were lost", "port closed")
	inSpace(t, "sysctl -q net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000")
	inSpace(t, "nft add rule inet f i udp dport 9002 drop")

	file := filepath.Join(t.TempDir(), "c.pcapng")
	c = newCable(t)
	r = live(t, "--no-host", "-c", "7", "-w", file)
	c.send(t, 20, 9002, 100)
	r.ended(t, exitIncomplete) // it cannot tell, and was not interrupted
	if got := keptFrames(t, file); got != 7 {
		t.Errorf("-c 7 kept %d frames", got)
	}
	begin := time.Now()
	live(t, "--no-host", "--duration", "300ms").ended(t, exitDone)
	if took := time.Since(begin); took < 300*time.Millisecond {
		t.Errorf("--duration 300ms took %v", took)
	}
}

// TestLiveRotation holds that no frame is missing between files, and that their names
// are those of tcpdump.
func TestLiveRotation(t *testing.T) {
	space(t)
	c := newCable(t)
	dir := t.TempDir()
	r := live(t, "--no-host", "-C", "1", "-w", filepath.Join(dir, "c"))
	for range 35 {
		c.send(t, 100, 9000, 900)
		time.Sleep(time.Millisecond)
	}
	r.end(t, 0)
	if got, want := names(t, dir), []string{"c", "c1", "c2", "c3"}; !slices.Equal(got, want) {
		t.Errorf("-C 1 made %q, want %q", got, want)
	}
	if got := keptFrames(t, within(dir, names(t, dir))...); got != c.sent {
		t.Errorf("%d frames in the files of -C, want %d", got, c.sent)
	}

	c, dir = newCable(t), t.TempDir()
	r = live(t, "--no-host", "-C", "1", "-W", "2", "-w", filepath.Join(dir, "w"))
	for range 35 {
		c.send(t, 100, 9000, 900)
		time.Sleep(time.Millisecond)
	}
	r.end(t, 0)
	if got, want := names(t, dir), []string{"w0", "w1"}; !slices.Equal(got, want) {
		t.Errorf("-C 1 -W 2 left %q, want %q", got, want)
	}

	c, dir = newCable(t), t.TempDir()
	r = live(t, "--no-host", "-G", "1", "-W", "2", "-w", filepath.Join(dir, "g%s"))
	for range 30 { // the end is -W's
		c.send(t, 1, 9000, 900)
		time.Sleep(100 * time.Millisecond)
	}
	r.ended(t, exitDone)
	files := names(t, dir)
	if len(files) != 2 || !strings.HasPrefix(files[0], "g1") {
		t.Errorf("-G 1 -W 2 left %q", files)
	}
	if got := keptFrames(t, within(dir, files)...); got < 15 || got > 22 {
		t.Errorf("%d frames in the files of -G\n%s", got, &r.out)
	}
}

// sameReport wants the report that live printed as JSON from the files, but for what
// names the input.
func sameReport(t *testing.T, live []byte, paths ...string) (report map[string]any) {
	t.Helper()
	cmd := whydrop(t, append([]string{"analyze", "--json"}, paths...)...)
	offline, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	live = bytes.ReplaceAll(live, []byte(`"file": "vb"`), []byte(`"file": "`+paths[0]+`"`))
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(live, &a), json.Unmarshal(offline, &b)); err != nil {
		t.Fatalf("%v\n%s\n%s", err, live, offline)
	}
	if len(paths) == 1 {
		for _, r := range []map[string]any{a, b} {
			in := r["inputs"].([]any)[0].(map[string]any)
			delete(in, "path")
			delete(in, "format")
		}
	} else {
		a["inputs"], b["inputs"] = nil, nil
	}
	delete(b["tool"].(map[string]any), "sandbox") // live has none: see dropPrivileges
	for key := range a {
		if !reflect.DeepEqual(a[key], b[key]) {
			x, _ := json.MarshalIndent(a[key], "", " ")
			y, _ := json.MarshalIndent(b[key], "", " ")
			t.Errorf("%s differs: live\n%s\nfrom the file\n%s", key, x, y)
		}
	}
	return b
}

// TestLiveAgain holds that the file of -w gives the report that live gave.
func TestLiveAgain(t *testing.T) {
	space(t)
	file := filepath.Join(t.TempDir(), "again.pcapng")
	c := newCable(t)
	r := live(t, "--json", "-w", file)
	c.send(t, 30, 9000, 100)
	c.send(t, 20, 9001, 100)
	time.Sleep(300 * time.Millisecond)
	inSpace(t, "ip link set va down") // vb loses its carrier
	time.Sleep(300 * time.Millisecond)
	inSpace(t, "ip link set va up")
	time.Sleep(300 * time.Millisecond)
	c.send(t, 10, 9001, 100)
	r.end(t, 0)
	sameReport(t, r.out.Bytes(), file)
	r.says(t, `"firewall-drop"`, "link-down")
}

// TestLiveAgainRing does so where the ring of the capture is full.
func TestLiveAgainRing(t *testing.T) {
	space(t)
	file := filepath.Join(t.TempDir(), "ring.pcapng")
	c := newCable(t)
	r := live(t, "--json", "--no-host", "-B", "1024", "-w", file)
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.send(t, 3000, 9000, 1000)
	time.Sleep(50 * time.Millisecond)
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	time.Sleep(300 * time.Millisecond)
	_ = r.cmd.Process.Signal(syscall.SIGINT)
	code := codeOf(t, r.cmd)
	got := sameReport(t, r.out.Bytes(), file)
	drops := got["capture"].(map[string]any)["drops"].(map[string]any)
	if n, _ := drops["os"].(float64); n == 0 && drops["ring"] == nil {
		t.Errorf("no drops of the ring: %v, exit code %d", drops, code)
	}
}

// TestLiveAgainSet does so for a rotated set, and holds that its last file alone names
// no frame of the others.
func TestLiveAgainSet(t *testing.T) {
	space(t)
	dir := t.TempDir()
	c := newCable(t)
	r := live(t, "--json", "-C", "1", "-w", filepath.Join(dir, "s"))
	for range 12 {
		c.send(t, 100, 9000, 900)
		time.Sleep(2 * time.Millisecond)
		c.send(t, 1, 9001, 900)
	}
	r.end(t, 0)
	if got := names(t, dir); len(got) != 2 {
		t.Fatalf("the set is %q", got)
	}
	before := float64(allFrames(t, filepath.Join(dir, "s")))
	want := droppedFrames(t, r.out.Bytes())
	both, _ := whydrop(t, append([]string{"analyze", "--json"}, within(dir, []string{"s", "s1"})...)...).Output()
	last, _ := whydrop(t, "analyze", "--json", filepath.Join(dir, "s1")).Output()
	if len(want) != 12 {
		t.Fatalf("live names the frames %v", want)
	}
	local := slices.Clone(want)
	for i := range local {
		if local[i] > before {
			local[i] -= before
		}
	}
	slices.Sort(local)
	if got := droppedFrames(t, both); !slices.Equal(got, local) {
		t.Errorf("the set names the frames %v, want %v", got, local)
	}
	for _, f := range droppedFrames(t, last) {
		if !slices.Contains(want, f+before) {
			t.Errorf("the last file names its frame %v", f)
		}
	}
}

// droppedFrames are the frames of the charges of the firewall, in order.
func droppedFrames(t *testing.T, text []byte) (frames []float64) {
	t.Helper()
	var r struct {
		Ledger struct {
			Charges []struct {
				Cause  string
				Frames []float64
			}
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, c := range r.Ledger.Charges {
		if c.Cause == "firewall-drop" {
			frames = append(frames, c.Frames...)
		}
	}
	slices.Sort(frames)
	return frames
}

// TestLiveKilled holds that what a kill leaves behind can be read.
func TestLiveKilled(t *testing.T) {
	space(t)
	dir := t.TempDir()
	c := newCable(t)
	r := live(t, "--no-host", "-w", filepath.Join(dir, "k.pcapng"))
	c.send(t, 50, 9000, 100)
	time.Sleep(flushEvery + 300*time.Millisecond)
	_ = r.cmd.Process.Kill()
	_ = codeOf(t, r.cmd)
	left := names(t, dir)
	if len(left) != 1 || !strings.HasSuffix(left[0], ".part") {
		t.Fatalf("a kill left %q", left)
	}
	if got := keptFrames(t, within(dir, left)...); got != c.sent {
		t.Errorf("%d frames are left, want %d", got, c.sent)
	}
}

// TestLiveDiskFull holds that the report comes although -w has no room.
func TestLiveDiskFull(t *testing.T) {
	space(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Skipf("cannot make a mount namespace: %v", err)
	}
	dir := t.TempDir()
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("none", dir, "tmpfs", 0, "size=256k")); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	c := newCable(t)
	r := live(t, "--no-host", "-w", filepath.Join(dir, "full.pcapng"))
	for range 30 {
		c.send(t, 100, 9000, 500)
		time.Sleep(time.Millisecond)
	}
	r.ended(t, exitIncomplete)
	r.says(t, "packets were lost")
	if told := r.errors.String(); !strings.Contains(told, "no space left on device") || !strings.Contains(told, ".part") {
		t.Errorf("it says %q", told)
	}
	if left := names(t, dir); len(left) != 1 || keptFrames(t, within(dir, left)...) == 0 {
		t.Errorf("a full disk left %q", left)
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
}

// TestLiveUser holds that -Z gives everything up, and that the file is whole then, too.
func TestLiveUser(t *testing.T) {
	space(t)
	dir, err := os.MkdirTemp("/tmp", "whydrop-live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "z.pcapng")
	c := newCable(t)
	r := live(t, "-Z", "nobody", "-w", file)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch {
		case (name == "Uid" || name == "Gid") && strings.Contains("\t"+value+"\t", "\t0\t"):
			t.Errorf("%s %s", name, value)
		case (name == "CapEff" || name == "CapPrm" || name == "CapInh" || name == "CapAmb") && strings.Trim(value, "0") != "":
			t.Errorf("%s %s", name, value)
		}
	}
	c.send(t, 30, 9001, 100)
	r.end(t, 0)
	r.says(t, "30", "firewall")
	if got := keptFrames(t, file); got != c.sent {
		t.Errorf("%d frames, want %d", got, c.sent)
	}
}
