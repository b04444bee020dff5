//go:build linux && cgo

package afpacket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
	"whydrop/capture/filter"
)

// space puts the test into a network namespace of its own with a cable va–vb. Its thread
// ends with the test, and the namespace with it.
func space(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	runtime.LockOSThread() // for good
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("cannot make a network namespace: %v", err)
	}
	ip(t, "link set lo up")
	ip(t, "link add va address 02:00:00:00:00:0a type veth peer name vb address 02:00:00:00:00:0b")
	ip(t, "link set va addrgenmode none up")
	ip(t, "link set vb addrgenmode none up")
	const patience = 100
	for range patience { // veth has a carrier a moment later
		if i, err := net.InterfaceByName("vb"); err == nil && i.Flags&net.FlagRunning != 0 {
			return
		}
		time.Sleep(blockTimeout)
	}
	t.Fatal("the cable has no link")
}

func ip(t *testing.T, args string) {
	t.Helper()
	switch out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); {
	case errors.Is(err, exec.ErrNotFound):
		t.Skip("needs ip, of iproute2")
	case err != nil:
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// open captures on an interface.
func open(t *testing.T, o Options, expression string) *Source {
	t.Helper()
	live, err := filter.CompileLive(o.Interface, expression, WholeFrame)
	if err != nil {
		t.Fatal(err)
	}
	o.Link, o.Program, o.Expression, o.Now = live.Link, live.Program, expression, time.Now
	if o.Buffer == 0 {
		o.Buffer = 4 << 20
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sender sends frames out of an interface.
func sender(t *testing.T, name string) func(frame []byte) {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return func(frame []byte) {
		t.Helper()
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
			t.Fatalf("send: %v", err)
		}
	}
}

// datagram is a frame with a UDP datagram from port to port, perhaps behind a tag.
func datagram(from, to uint16, octets int, tag ...byte) []byte {
	f := append([]byte("\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a"), tag...)
	f = append(f, "\x08\x00\x45\x00\x00\x00\x00\x00\x40\x00\x40\x11\x00\x00"...)
	binary.BigEndian.PutUint16(f[14+len(tag)+2:], uint16(28+octets))
	lo, hi := []byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}
	if from < to { // the higher port is that of the client
		lo, hi = hi, lo
	}
	f = append(append(f, lo...), hi...)
	f = binary.BigEndian.AppendUint16(f, from)
	f = binary.BigEndian.AppendUint16(f, to)
	f = binary.BigEndian.AppendUint16(f, uint16(8+octets))
	return append(f, make([]byte, 2+octets)...)
}

// rest reads until the end.
func rest(t *testing.T, s *Source) (frames []capture.Frame) {
	t.Helper()
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Frames) == 0 {
			t.Error("an empty batch")
		}
		for _, f := range b.Frames {
			f.Data = bytes.Clone(f.Data)
			frames = append(frames, f)
		}
		b.Release()
	}
}

// TestTagsAndDirections checks that the ring hands out what was on the cable.
func TestTagsAndDirections(t *testing.T) {
	space(t)
	at, opposite := open(t, Options{Interface: "va"}, ""), open(t, Options{Interface: "vb"}, "")
	only := open(t, Options{Interface: "vb"}, "vlan 10")
	in, out := open(t, Options{Interface: "va", Direction: capture.Inbound}, ""), open(t, Options{Interface: "va", Direction: capture.Outbound}, "")
	send := sender(t, "va")
	want := [][]byte{
		datagram(40000, 53, 100),
		datagram(40000, 53, 100, 0x81, 0, 0x60, 10),    // priority 3, VLAN 10
		datagram(40000, 53, 100, 0x88, 0xa8, 0x00, 20), // 802.1ad
		datagram(40000, 53, 1000, 0x81, 0, 0x00, 0),    // VLAN 0: priority only
	}
	for _, f := range want {
		send(f)
	}
	for _, s := range []*Source{at, opposite, only, in, out} {
		s.Stop()
	}
	for name, x := range map[string]struct {
		s         *Source
		direction capture.Direction
		frames    [][]byte
	}{
		"sent": {at, capture.Outbound, want}, "received": {opposite, capture.Inbound, want}, "vlan 10": {only, capture.Inbound, want[1:2]},
		"-Q in": {in, capture.Inbound, nil}, "-Q out": {out, capture.Outbound, want},
	} {
		got := rest(t, x.s)
		if len(got) != len(x.frames) {
			t.Errorf("%s: %d frames, want %d", name, len(got), len(x.frames))
			continue
		}
		for i, f := range got {
			if !bytes.Equal(f.Data, x.frames[i]) || int(f.WireLength) != len(f.Data) {
				t.Errorf("%s: frame %d is\n%x, want\n%x", name, i+1, f.Data, x.frames[i])
			}
			if f.Direction != x.direction || f.Number != uint64(i+1) || !f.HasTime {
				t.Errorf("%s: frame %d is %v, number %d", name, i+1, f.Direction, f.Number)
			}
		}
	}
}

// TestOverflow checks that what a full ring loses is counted, and lies in a stretch of time.
func TestOverflow(t *testing.T) {
	space(t)
	s := open(t, Options{Interface: "vb", Buffer: 2 * blockOctets}, "udp")
	send := sender(t, "va")
	start := time.Now().UnixNano()
	const sent = 30000
	for range sent { // nobody reads: the ring, and the queue behind it, are full soon
		send(datagram(40000, 53, 1000))
	}
	time.Sleep(2 * watchEvery)
	s.Stop()
	frames := rest(t, s)
	stats := s.Inputs()[0].Stats
	matched, _ := stats.FilterAccepted.Value()
	dropped, known := stats.OSDrops.Value()
	if !known || dropped == 0 || matched != sent || uint64(len(frames))+dropped != sent {
		t.Fatalf("%d sent, %d matched, %d handed out, %d dropped", sent, matched, len(frames), dropped)
	}
	var told uint64
	for _, span := range stats.Spans {
		told += span.Packets
		if span.From > span.To || span.To < start || span.To-span.From > int64(time.Second) {
			t.Errorf("a loss from %d to %d", span.From, span.To)
		}
	}
	if told != dropped || s.Counters().Freezes == 0 {
		t.Errorf("%d of %d have a time; the ring was full %d times", told, dropped, s.Counters().Freezes)
	}
}

// TestLink checks that a link that goes down and an interface that is removed are
// survived and told.
func TestLink(t *testing.T) {
	space(t)
	s := open(t, Options{Interface: "vb"}, "")
	ip(t, "link set vb down")
	time.Sleep(3 * watchEvery)
	ip(t, "link set vb up")
	time.Sleep(3 * watchEvery)
	sender(t, "va")(datagram(40000, 53, 100))
	time.Sleep(watchEvery)
	ip(t, "link del vb")
	frames := rest(t, s) // it ends by itself
	var happened []string
	for _, e := range s.Events() {
		happened = append(happened, e.What)
	}
	if got := strings.Join(happened, " "); got != "link-down link-up interface-gone" || len(frames) != 1 {
		t.Errorf("%d frames, and %s", len(frames), got)
	}
}

// TestBothDirectionsMeet checks that the rings share out flows, not packets, and that
// they come back in order.
func TestBothDirectionsMeet(t *testing.T) {
	space(t)
	const flows, rings = 60, 3
	s := open(t, Options{Interface: "vb", Rings: rings}, "udp")
	there, back := sender(t, "va"), sender(t, "vb")
	for i := range uint16(flows) {
		there(datagram(40000+i, 53, 100))
		back(datagram(53, 40000+i, 100))
	}
	s.Stop()
	of := map[uint16]int{}
	used := map[int]bool{}
	for ring, l := range s.order.in {
		for b := range l.slabs {
			for _, f := range b.frames {
				port := max(binary.BigEndian.Uint16(f.Data[34:]), binary.BigEndian.Uint16(f.Data[36:]))
				if before, seen := of[port]; seen && before != ring {
					t.Errorf("the flow of port %d is in rings %d and %d", port, before, ring)
				}
				of[port] = ring
				used[ring] = true
			}
		}
	}
	if len(of) != flows || len(used) != rings {
		t.Errorf("%d flows in %d rings", len(of), len(used))
	}
}

// TestRingsInOrder checks the order of time over several rings.
func TestRingsInOrder(t *testing.T) {
	space(t)
	s := open(t, Options{Interface: "vb", Rings: 3}, "udp")
	send := sender(t, "va")
	const sent = 5000
	for i := range sent {
		send(datagram(uint16(1024+i), 53, 10))
	}
	s.Stop()
	frames := rest(t, s)
	for i := 1; i < len(frames); i++ {
		if frames[i].Time < frames[i-1].Time {
			t.Fatalf("frame %d is %d ns earlier than the one before", i+1, frames[i-1].Time-frames[i].Time)
		}
	}
	if len(frames) != sent {
		t.Errorf("%d of %d", len(frames), sent)
	}
}

// TestOffload checks that a checksum that nobody has computed is known as such, and
// that a frame is seen once on the loopback interface, and by libpcap as well.
func TestOffload(t *testing.T) {
	space(t)
	s, cooked := open(t, Options{Interface: "lo"}, "udp port 5353"), open(t, Options{Interface: AnyInterface}, "udp port 5353")
	c, err := net.Dial("udp", "127.0.0.1:5353")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("where and why")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(watchEvery)
	s.Stop()
	cooked.Stop()
	if frames := rest(t, s); len(frames) != 1 || frames[0].Offload != capture.OffloadPending || frames[0].Link != capture.LinkEthernet {
		t.Errorf("lo: %+v", frames)
	}
	if frames := rest(t, cooked); len(frames) != 1 || frames[0].Link != capture.LinkLinuxSLL2 || !bytes.HasSuffix(frames[0].Data, []byte("why")) {
		t.Errorf("any: %+v", frames)
	}
}
