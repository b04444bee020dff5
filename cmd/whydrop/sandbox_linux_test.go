package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// captives are threads that try.
const captives = 4

// captive shuts itself in, as analyze does, and tries what it can do: captive CAPTURE OTHER FOLDER VERSION,
// of Landlock. Threads that were there before try it, too.
func captive() {
	capture, other, folder := os.Args[1], os.Args[2], os.Args[3]
	version, err := strconv.Atoi(os.Args[4])
	if err != nil {
		panic(err)
	}
	begin := make(chan bool)
	var all sync.WaitGroup
	said := make([]string, captives)
	for i := range said {
		all.Go(func() {
			runtime.LockOSThread()
			<-begin
			said[i] = attempts(capture, other, filepath.Join(folder, fmt.Sprint(i)))
		})
	}
	got := confineAs(need{read: []string{capture}, folders: []string{folder}}, version)
	fmt.Printf("landlock %d, seccomp %v\n", got.Landlock, got.Seccomp)
	close(begin)
	all.Wait()
	fmt.Print(strings.Join(said, ""))
}

// attempts are what a thread could do, in words.
func attempts(capture, other, output string) string {
	var b strings.Builder
	try := func(what string, err error) {
		switch {
		case err == nil:
			fmt.Fprintf(&b, "%s: done\n", what)
		case errors.Is(err, fs.ErrPermission):
			fmt.Fprintf(&b, "%s: refused\n", what)
		default:
			fmt.Fprintf(&b, "%s: %v\n", what, err)
		}
	}
	_, err := os.ReadFile(capture)
	try("read the capture", err)
	_, err = os.ReadFile(other)
	try("read another file", err)
	try("write another file", os.WriteFile(other, nil, 0o600))
	_, err = os.ReadDir(filepath.Dir(other))
	try("list a folder", err)
	try("remove another file", os.Remove(other))
	err = os.WriteFile(output+".part", []byte("x"), 0o600)
	try("put the output in its place", errors.Join(err, os.Rename(output+".part", output)))
	try("start a program", exec.Command("/bin/true").Run())
	_, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	try("open a socket", err)
	try("signal another process", unix.Kill(os.Getppid(), 0))
	return b.String()
}

const captiveSays = `read the capture: done
read another file: refused
write another file: refused
list a folder: refused
remove another file: refused
put the output in its place: done
start a program: refused
open a socket: refused
signal another process: refused
`

// The sandbox holds with every version of Landlock that this kernel can stand in for, and
// with none at all.
func TestSandboxHolds(t *testing.T) {
	kernel := kernelLandlock()
	for version := range kernel + 1 {
		dir := t.TempDir()
		capture, link, other, folder := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "link"), filepath.Join(dir, "other"), filepath.Join(dir, "out")
		for _, path := range []string{capture, other} {
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Mkdir(folder, 0o700), os.Symlink(capture, link)); err != nil {
			t.Fatal(err)
		}
		cmd := whydrop(t, link, other, folder, strconv.Itoa(version))
		cmd.Args[0] = "captive"
		out, err := cmd.CombinedOutput()
		first, rest, _ := strings.Cut(string(out), "\n")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if first == fmt.Sprintf("landlock %d, seccomp false", version) {
			t.Skipf("this kernel has no sandbox for us: %s", first)
		}
		want := strings.Repeat(captiveSays, captives)
		if version == 0 { // files are not shut off, and the threads take them from each other
			want, rest = strings.Repeat("refused ", captives*4), strings.Repeat("refused ", strings.Count(rest, ": refused\n"))
		}
		if first != fmt.Sprintf("landlock %d, seccomp true", version) || rest != want {
			t.Errorf("Landlock %d of %d: got %s\n%s\nwant\n%s", version, kernel, first, rest, want)
		}
	}
}

// A kernel refuses a ruleset with a right that it does not know, so no version may be asked
// for more than landlock(7) gives it: bits 0 to 12, then 13, 14, (none: TCP) and 15.
func TestLandlockAsksNoMoreThanThereIs(t *testing.T) {
	known := []uint64{0, 1<<13 - 1, 1<<14 - 1, 1<<15 - 1, 1<<15 - 1, 1<<16 - 1, 1<<16 - 1, 1<<16 - 1}
	for version, bits := range known {
		rights := handledBy(version)
		if rights&^bits != 0 {
			t.Errorf("Landlock %d is asked for %#x, and knows %#x", version, rights, bits)
		}
		if version > 0 && (rights&mayRead != mayRead || handledBy(version-1)&^rights != 0) {
			t.Errorf("Landlock %d takes %#x; version %d takes %#x", version, rights, version-1, handledBy(version-1))
		}
		// Left alone in every version: see handled.
		if rights&(unix.LANDLOCK_ACCESS_FS_READ_DIR|unix.LANDLOCK_ACCESS_FS_EXECUTE) != 0 {
			t.Errorf("Landlock %d is asked for %#x", version, rights)
		}
		// A rule may give back only what its ruleset takes.
		if put := mayPut & rights; put&^rights != 0 || version >= 3 && put != mayPut {
			t.Errorf("Landlock %d: a rule gives %#x of %#x", version, put, rights)
		}
	}
	if handledBy(1000) != handledBy(len(known)-1) {
		t.Error("a newer Landlock is asked for something else")
	}
}

// What analyze has to do still works when it is shut in, and it says that it is.
func TestSandboxedRunsWork(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.pcap"), filepath.Join(dir, "two.pcapng")
	for path, format := range map[string]string{one: "pcap", two: "pcapng"} {
		if err := os.WriteFile(path, recordedAs(t, lossyStory, format), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, args := range [][]string{
		{"analyze", one},
		{"analyze", "--separate", one, two},
		{"analyze", "-q", "-"},
		{"analyze", "-q", "/dev/stdin"},
		{"analyze", "-q", "/dev/fd/0"},
		{"analyze", "-o", in("text"), link},
		{"analyze", "-o", in("text"), link}, // it is there already
		{"analyze", "-o", in("all") + "/", one},
		{"analyze", "--excerpt", in("excerpt.pcapng"), "--format", "html", "-o", in("page.html"), one},
		{"explain", "--flow", "1", link},
		{"check", one, two, "--write-baseline", in("baseline.json")},
		{"check", one, two, "--baseline", in("baseline.json"), "--update-baseline", "--junit", in("j.xml"), "--summary", in("s.md")},
	} {
		cmd := whydrop(t, args...)
		file, err := os.Open(one)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		cmd.Stdin = file
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if code := codeOf(t, cmd); code != exitDone {
			t.Errorf("%q: exit %d, stderr %q", args, code, &stderr)
		}
	}
	for _, name := range []string{"text", "all/report.html", "all/charges.csv", "excerpt.pcapng", "page.html", "baseline.json", "j.xml", "s.md"} {
		if info, err := os.Stat(in(name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(in(".*.part")); len(left) > 0 {
		t.Errorf("%q stay behind", left)
	}
	said, err := whydrop(t, "analyze", "-v", "-o", in("text"), one).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "sandbox") {
		t.Errorf("-v says %q, %v", said, err)
	}
}
