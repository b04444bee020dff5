//go:build linux && cgo

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture/pcapfile"
)

// space puts the test into a network namespace of its own: frames are sent on va, and
// arrive at vb, 10.9.0.2, whose firewall drops what is for port 9001. The thread ends
// with the test, and the namespace with it.
func space(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	runtime.LockOSThread() // for good
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("cannot make a network namespace: %v", err)
	}
	inSpace(t, "ip link set lo up")
	inSpace(t, "ip link add va address 02:00:00:00:00:0a type veth peer name vb address 02:00:00:00:00:0b")
	inSpace(t, "ip link set va addrgenmode none up")
	inSpace(t, "ip link set vb addrgenmode none up")
	inSpace(t, "ip addr add 10.9.0.2/24 dev vb")
	inSpace(t, "ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:0a dev vb")
	inSpace(t, "nft add table inet f")
	inSpace(t, "nft add chain inet f i { type filter hook input priority 0 ; }")
	inSpace(t, "nft add rule inet f i udp dport 9001 counter drop")
	const patience = 100
	for range patience { // veth has a carrier a moment later
		if i, err := net.InterfaceByName("vb"); err == nil && i.Flags&net.FlagRunning != 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the cable has no link")
}

func inSpace(t *testing.T, line string) {
	t.Helper()
	args := strings.Fields(line)
	switch out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); {
	case errors.Is(err, exec.ErrNotFound):
		t.Skipf("needs %s", args[0])
	case err != nil:
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// A cable sends datagrams out of va.
type cable struct {
	fd   int
	to   unix.SockaddrLinklayer
	sent int
}

func newCable(t *testing.T) *cable {
	t.Helper()
	i, err := net.InterfaceByName("va")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return &cable{fd: fd, to: unix.SockaddrLinklayer{Ifindex: i.Index, Halen: 6}}
}

// send sends n datagrams of that many octets, each with its own IP identification.
func (c *cable) send(t *testing.T, n int, port uint16, octets int) {
	t.Helper()
	const headers = 14 + 20 + 8
	for range n {
		f := make([]byte, headers+octets)
		copy(f, []byte{2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 8, 0})
		ip := f[14:]
		ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		binary.BigEndian.PutUint16(ip[4:], uint16(c.sent))
		copy(ip[12:], []byte{10, 9, 0, 1, 10, 9, 0, 2})
		sum := uint32(0)
		for i := 0; i < 20; i += 2 {
			sum += uint32(binary.BigEndian.Uint16(ip[i:]))
		}
		binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
		binary.BigEndian.PutUint16(ip[20:], 4000)
		binary.BigEndian.PutUint16(ip[22:], port)
		binary.BigEndian.PutUint16(ip[24:], uint16(8+octets)) // no checksum: RFC 768
		if err := unix.Sendto(c.fd, f, 0, &c.to); err != nil {
			t.Fatal(err)
		}
		c.sent++
	}
}

// A running live is whydrop live on vb, which takes packets.
type running struct {
	cmd         *exec.Cmd
	out, errors bytes.Buffer
}

// live starts it.
func live(t *testing.T, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(t.TempDir(), "whydrop") // it starts itself again, as its clerk, by that name
	if err := os.Link(self, named); err != nil {
		octets, err := os.ReadFile(self)
		if err := errors.Join(err, os.WriteFile(named, octets, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	r := &running{cmd: exec.Command(named, append([]string{"live", "-i", "vb", "--ready-fd", "3"}, args...)...)}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	r.cmd.Stdout, r.cmd.Stderr, r.cmd.ExtraFiles = &r.out, &r.errors, []*os.File{write}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		t.Fatalf("it takes no packets: exit code %d: %s", codeOf(t, r.cmd), &r.errors)
	}
	return r
}

// end interrupts it and wants an exit code.
func (r *running) end(t *testing.T, want int) {
	t.Helper()
	time.Sleep(100 * time.Millisecond) // until the kernel hands the last block over
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	r.ended(t, want)
}

// ended waits for its end and wants an exit code.
func (r *running) ended(t *testing.T, want int) {
	t.Helper()
	if got := codeOf(t, r.cmd); got != want {
		t.Fatalf("exit code %d, want %d\n%s\n%s", got, want, &r.out, &r.errors)
	}
}

// says wants text on stdout.
func (r *running) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out.String(), text) {
			t.Errorf("%q is not in the report:\n%s\n%s", text, &r.out, &r.errors)
		}
	}
}

// keptFrames reads files as one capture, and wants IP identifications from 0 on.
func keptFrames(t *testing.T, paths ...string) (frames int) {
	t.Helper()
	eachFrame(t, paths, func(data []byte) {
		if len(data) < 20 || data[12] != 8 || data[23] != unix.IPPROTO_UDP {
			return // what the kernel itself sends
		}
		if got := int(binary.BigEndian.Uint16(data[18:])); got != frames&0xffff {
			t.Fatalf("frame with identification %d, want %d", got, frames)
		}
		frames++
	})
	return frames
}

// allFrames counts those of a file.
func allFrames(t *testing.T, path string) (frames int) {
	t.Helper()
	eachFrame(t, []string{path}, func([]byte) { frames++ })
	return frames
}

func eachFrame(t *testing.T, paths []string, do func(data []byte)) {
	t.Helper()
	src, err := pcapfile.Open(paths, pcapfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	for {
		b, err := src.Next()
		if err != nil {
			return
		}
		for i := range b.Frames {
			do(b.Frames[i].Data)
		}
		b.Release()
	}
}

// names are the files in a directory, in order.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// within are names in a directory.
func within(dir string, names []string) (paths []string) {
	for _, n := range names {
		paths = append(paths, filepath.Join(dir, n))
	}
	return paths
}
