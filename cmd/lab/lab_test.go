//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"whydrop/cmd/lab/truth"
)

// needLab skips where no namespaces can be made, and says why.
func needLab(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces: run it as root")
	}
	for _, program := range []string{"ip", "ethtool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s: apt-get install iproute2 ethtool", program)
		}
	}
	s, err := newSpace()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		t.Skipf("no network namespaces here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.close()
}

// TestLabSmoke makes one tiny capture from end to end: three segments are lost
// in the second half, and the truth says so at every tap.
func TestLabSmoke(t *testing.T) {
	needLab(t)
	before := devices(t)
	folder := t.TempDir()
	tiny := labCase{
		name: "smoke", seed: 1, half: wide, traffic: upload(60_000),
		faults: []fault{{from: client, where: secondHalf, match: newData, nth: []int{3, 9, 14}, do: drop}},
		captures: []capture{
			{file: "a.pcap", at: atClient, tap: "sender", snap: short},
			{file: "b.pcapng", at: atServer, tap: "receiver", snap: whole},
		},
	}
	if _, err := runCase(t.Context(), tiny, folder); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]struct {
		lost string
		here int
	}{"a": {"data downstream", 3}, "b": {"data upstream", 0}} {
		facts, err := truth.Read(filepath.Join(folder, file+".truth.json"))
		if err != nil {
			t.Fatal(err)
		}
		lost := 0
		for _, d := range facts.Directions {
			lost += d.Lost[want.lost]
		}
		if lost != 3 || len(facts.LostHere) != want.here || len(facts.Retransmissions) != 3 {
			t.Errorf("%s: %d %s, %d of them here, %d retransmissions; want 3, %d, 3", file, lost, want.lost, len(facts.LostHere), len(facts.Retransmissions), want.here)
		}
		if facts.Frames < 50 {
			t.Errorf("%s: %d frames, want at least 50", file, facts.Frames)
		}
	}
	if after := devices(t); after != before {
		t.Errorf("%d network devices before, %d after: something was left behind", before, after)
	}
}

func devices(t *testing.T) int {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// aFrame is a TCP segment of n octets over IPv4 without options.
func aFrame(n int) []byte {
	f := make([]byte, etherLen+20+20+n)
	binary.BigEndian.PutUint16(f[12:], etherIPv4)
	ip := f[etherLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_TCP
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[4:], 0xffff)
	copy(ip[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	t := ip[20:]
	binary.BigEndian.PutUint32(t[4:], 0xfffffff0)
	t[12], t[13] = 5<<4, flagACK|flagPSH|flagFIN
	copy(t[20:], text(n))
	return f
}

func TestSegments(t *testing.T) {
	parts, err := segments(aFrame(250), 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 3 {
		t.Fatalf("250 octets by 100: %d segments, want 3", len(parts))
	}
	var payload []byte
	for i, data := range parts {
		p := &packet{data: data}
		if !p.describe() {
			t.Fatalf("segment %d cannot be read", i)
		}
		last := i == 2
		if want := uint32(0xfffffff0) + uint32(i)*100; p.seq != want {
			t.Errorf("segment %d: seq %#x, want %#x", i, p.seq, want)
		}
		if want := uint16(0xffff) + uint16(i); p.id != want {
			t.Errorf("segment %d: ID %#x, want %#x", i, p.id, want)
		}
		if got := p.flags&(flagPSH|flagFIN) != 0; got != last {
			t.Errorf("segment %d: PSH or FIN %v, want %v", i, got, last)
		}
		payload = append(payload, data[len(data)-p.payload:]...)
		checkSums(t, data)
	}
	if !bytes.Equal(payload, text(250)) {
		t.Error("the segments do not hold the octets of the super-frame")
	}
}

// checkSums sums both headers with their checksum in them: RFC 1071 §1 wants 0xffff.
func checkSums(t *testing.T, frame []byte) {
	t.Helper()
	l, ok := layoutOf(frame)
	if !ok {
		t.Fatal("frame cannot be read")
	}
	ip, segment := frame[l.network:l.transport], frame[l.transport:l.end]
	if got := fold(sum(ip, 0)); got != 0 {
		t.Errorf("IPv4 checksum is off by %#x", got)
	}
	if got := fold(sum(segment, sum(ip[12:20], uint32(l.protocol)+uint32(len(segment))))); got != 0 {
		t.Errorf("TCP checksum is off by %#x", got)
	}
}

func TestNeeded(t *testing.T) {
	log := []*packet{
		{number: 0, seq: 100, payload: 100},
		{number: 1, seq: 200, payload: 100, lost: firstHalf},
		{number: 2, seq: 300, payload: 100},
		{number: 3, seq: 200, payload: 100, retx: true}, // needed: the first copy was lost
		{number: 4, seq: 150, payload: 200, retx: true}, // not: all of it had arrived in pieces
	}
	for n, want := range map[int]bool{3: true, 4: false} {
		if got := needed(log[n], log); got != want {
			t.Errorf("needed(packet %d) = %v, want %v", n, got, want)
		}
	}
}
