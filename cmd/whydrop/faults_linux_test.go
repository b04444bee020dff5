package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A disk that is full is an error, exit 2, wherever the report goes.
func TestFullDeviceIsSaid(t *testing.T) {
	in := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(in, recordedAs(t, lossyStory, "pcap"), 0o600); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, format := range formats {
		for _, args := range [][]string{{"-o", "/dev/full"}, {}} {
			cmd := whydrop(t, append([]string{"analyze", "--format", format, in}, args...)...)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := codeOf(t, cmd); code != exitUsage || !strings.Contains(stderr.String(), "no space left on device") {
				t.Errorf("%s %q: exit %d, stderr %q", format, args, code, &stderr)
			}
		}
	}
}

// On a file system that fills up, what was there before stays, and nothing half is there.
func TestFullDiskLeavesNothingHalf(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small file system can be mounted by root only")
	}
	in := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(in, recordedAs(t, lossyStory, "pcap"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A mount namespace of its own: the shell mounts, fills all but a page, and plays whydrop.
	const play = `mount -t tmpfs -o size=32k none "$1" && echo before > "$1/report" && { cat /dev/zero > "$1/fill" 2>/dev/null; :; }
for format in html json ndjson; do exec_a "$0" analyze --format $format -o "$1/report" "$2"; echo "exit $?"; done
exec_a "$0" analyze --excerpt "$1/excerpt" -o "$1/report" "$2"; echo "exit $?"
exec_a "$0" analyze -o "$1/all/" "$2" > /dev/null; echo "exit $?"
cat "$1/report"; ls -A "$1" "$1/all"`
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mount := t.TempDir()
	cmd := exec.Command("bash", "-c", `exec_a() { (exec -a whydrop "$@"); }`+"\n"+play, self, mount, in)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if strings.Contains(stderr.String(), "mount:") || errors.Is(err, syscall.EPERM) {
			t.Skipf("no file system can be mounted here: %v %s", err, &stderr)
		}
		t.Fatalf("%v: %s", err, &stderr)
	}
	want := strings.Repeat("exit 2\n", 5) + "before\n" + mount + ":\nall\nfill\nreport\n\n" + mount + "/all:\n"
	if stdout.String() != want || strings.Count(stderr.String(), "no space left on device") != 5 {
		t.Errorf("got\n%s\nstderr\n%s\nwant\n%s", &stdout, &stderr, want)
	}
}

// A signal at any moment leaves the output complete, or as it was.
func TestInterruptAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "out")
	text := recordedAs(t, handshake, "pcap")
	if err := os.WriteFile(in, append(text, bytes.Repeat(text[pcapHeader:], 20000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	moments := 30
	if testing.Short() {
		moments = 4
	}
	for i := range moments {
		if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := whydrop(t, "analyze", "--json", "-o", out, in)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*i) * 300 * time.Microsecond) // any moment will do: the law holds at each
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if i%2 == 1 {
			_ = cmd.Process.Signal(syscall.SIGINT) // at once
		}
		code := codeOf(t, cmd)
		octets, err := os.ReadFile(out)
		if err != nil || string(octets) != "before" && !bytes.HasSuffix(octets, []byte("\n}\n")) {
			t.Errorf("moment %d: exit %d, the output has %d octets and ends in %q, %v", i, code, len(octets), octets[max(0, len(octets)-20):], err)
		}
		// -1: it came before the first line of main.
		if code != exitDone && code != exitIncomplete && code != exitKilled && code != -1 {
			t.Errorf("moment %d: exit %d", i, code)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("moment %d: exit %d leaves %q", i, code, left)
		}
	}
}

// Standard input that stalls is waited for, and the report is that of the file.
func TestStalledInputIsWaitedFor(t *testing.T) {
	cmd := whydrop(t, "analyze", "--json", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	octets := recordedAs(t, lossyStory, "pcap")
	for _, n := range []int{10, 14, 100, 1, 300} { // inside the header, of records, and of packets
		if _, err := stdin.Write(octets[:n]); err != nil {
			t.Fatal(err)
		}
		octets = octets[n:]
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := stdin.Write(octets); err != nil {
		t.Fatal(err)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if code := codeOf(t, cmd); code != exitDone {
		t.Errorf("exit %d", code)
	}
	whole := whydrop(t, "analyze", "--json", "-")
	whole.Stdin = bytes.NewReader(recordedAs(t, lossyStory, "pcap"))
	want, err := whole.Output()
	if err != nil || !bytes.Equal(stdout.Bytes(), want) {
		t.Errorf("%v; with pauses the report is\n%s\nwithout\n%s", err, &stdout, want)
	}
}

// Of several captures one that cannot be read is an error that names it, and no report.
func TestUnreadableAmongMany(t *testing.T) {
	dir := t.TempDir()
	good, bad, out := filepath.Join(dir, "good.pcap"), filepath.Join(dir, "bad.pcap"), filepath.Join(dir, "out")
	if err := os.WriteFile(good, recordedAs(t, lossyStory, "pcap"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/mem", bad); err != nil { // reading it fails, also for root
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"analyze", "-o", out, good, bad}, &stdout, &stderr)
	if _, err := os.Stat(out); code != exitUsage || !os.IsNotExist(err) || !strings.Contains(stderr.String(), bad) {
		t.Errorf("exit %d, stderr %q, %v", code, &stderr, err)
	}
	stderr.Reset()
	code = run(t.Context(), []string{"analyze", "--separate", good, bad}, &stdout, &stderr)
	if code != exitUsage || !strings.Contains(stdout.String(), "lost") || !strings.Contains(stderr.String(), bad) {
		t.Errorf("--separate: exit %d, stdout %q, stderr %q", code, &stdout, &stderr)
	}
}

// Files are read in order of time, however they are named; and a clock that goes backwards
// yields a report that says so.
func TestTimeOutOfOrder(t *testing.T) {
	dir := t.TempDir()
	octets := recordedAs(t, lossyStory, "pcap")
	a, b, back := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "b.pcap"), filepath.Join(dir, "back.pcap")
	cuts := recordsOf(octets)
	half := cuts[len(cuts)/2]
	backwards := append(append(octets[:pcapHeader:pcapHeader], octets[half:]...), octets[pcapHeader:half]...)
	for path, text := range map[string][]byte{a: octets[:half], b: append(octets[:pcapHeader:pcapHeader], octets[half:]...), back: backwards} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]string{}
	for name, args := range map[string][]string{"in order": {a, b}, "out of order": {b, a}} {
		var stdout bytes.Buffer
		if code := run(t.Context(), append([]string{"analyze"}, args...), &stdout, io.Discard); code != exitDone {
			t.Errorf("%s: exit %d", name, code)
		}
		said[name] = stdout.String()
	}
	if said["in order"] != said["out of order"] {
		t.Errorf("in order\n%s\nout of order\n%s", said["in order"], said["out of order"])
	}
	var stdout bytes.Buffer
	code := run(t.Context(), []string{"analyze", "--json", back}, &stdout, io.Discard)
	if code != exitDone && code != exitIncomplete || !strings.Contains(stdout.String(), `"time-disorder"`) {
		t.Errorf("backwards: exit %d\n%s", code, &stdout)
	}
}

// recordsOf are the offsets of the records of a little-endian pcap.
func recordsOf(octets []byte) (cuts []int) {
	const head, atCaptured = 16, 8
	for at := pcapHeader; at < len(octets); {
		cuts = append(cuts, at)
		at += head + int(octets[at+atCaptured]) + int(octets[at+atCaptured+1])<<8
	}
	return cuts
}
