package scenario

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whydrop/capture"
	"whydrop/capture/pcapfile"
)

func parse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("x.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const handshake = `
a = 10.0.0.1:40000 isn 1000
b = 10.0.0.2:443 isn 2000
0.000  a > b  S   0:0         win 64240  mss 1460 ws 7 sackok
+.020  b > a  S.  0:0    a1   win 65160  mss 1460 ws 7 sackok
+.000  a > b  .   +0     a*
`

// TestOctets compares one frame with what was written out by hand.
func TestOctets(t *testing.T) {
	s := parse(t, handshake+"+.001 a > b P. 1:5 a1 win 502\n")
	frames := s.Frames()
	if len(frames) != 4 {
		t.Fatalf("%d frames, want 4", len(frames))
	}
	want := strings.Join([]string{
		"020000000001 020000000000 0800",                  // Ethernet
		"4500 002c 03ea 4000 4006 22e0 0a000001 0a000002", // ID: the third packet of a
		"9c40 01bb 000003e9 000007d1 5018 01f6 7765 0000", // 1001, acknowledges 2001
		"9e3cda78 0000", // payload, padding
	}, "")
	got := frames[3]
	if w, err := hex.DecodeString(strings.ReplaceAll(want, " ", "")); err != nil || !bytes.Equal(got.Data, w) {
		t.Errorf("got  %x\nwant %x", got.Data, w)
	}
	if len(got.Data) != minFrame {
		t.Errorf("%d octets, want %d: the frame is padded", len(got.Data), minFrame)
	}
	if got.Time != epoch+21e6 || got.Number != 4 {
		t.Errorf("time %d, number %d", got.Time-epoch, got.Number)
	}
}

// TestSumsAreRight adds up every packet, with code that shares nothing with the writer's.
func TestSumsAreRight(t *testing.T) {
	s := parse(t, handshake+`
u = 10.0.0.1:5000
v = 10.0.0.2:5001
c = [2001:db8::1]:40000
d = [2001:db8::2]:53
+.001 a > b P. 1:1462 a1 sack 1:2 3:4
+.001 u > v udp 101 as p
+.001 c > d udp 33 as q
+.001 c > d . 1:1000 a1 ts 5:6
+.001 d > c icmp 1/4 quotes q
`)
	for _, f := range s.Frames() {
		ip := f.Data[14:]
		var pseudo, body []byte
		if ip[0]>>4 == 4 {
			n := int(binary.BigEndian.Uint16(ip[2:]))
			if got := ones(ip[:20]); got != 0xffff {
				t.Errorf("frame %d: IPv4 header adds up to %#x", f.Number, got)
			}
			body = ip[20:n]
			pseudo = append(append(pseudo, ip[12:20]...), 0, ip[9], byte(len(body)>>8), byte(len(body)))
		} else {
			body = ip[40 : 40+int(binary.BigEndian.Uint16(ip[4:]))]
			pseudo = append(append(pseudo, ip[8:40]...), 0, 0, byte(len(body)>>8), byte(len(body)), 0, 0, 0, ip[6])
		}
		if got := ones(append(pseudo, body...)); got != 0xffff {
			t.Errorf("frame %d: transport adds up to %#x", f.Number, got)
		}
	}
}

func ones(b []byte) int {
	n := 0
	for i, o := range b {
		n += int(o) << (8 * (1 - i%2))
		n = n%0x10000 + n/0x10000
	}
	return n
}

// TestRetransmissionCarriesTheSameOctets is what makes a repair a repair.
func TestRetransmissionCarriesTheSameOctets(t *testing.T) {
	f := parse(t, handshake+`
+.001 a > b . 1:101 a1
+.001 a > b . 101:201 a1
+.200 a > b . 51:151 a1
`).Frames()
	first, second, again := f[3].Data[54:], f[4].Data[54:], f[5].Data[54:]
	if !bytes.Equal(again[:50], first[50:100]) || !bytes.Equal(again[50:100], second[:50]) {
		t.Error("octets 51-150 differ between their two transmissions")
	}
	if bytes.Equal(first, second) {
		t.Error("neighbours carry the same octets")
	}
}

func TestUnseenTakesNumbers(t *testing.T) {
	f := parse(t, handshake+`
+.001 a > b . +100 a1 unseen as x
+.001 a > b . +100 a1
+.001 = x ttl 63
`).Frames()
	if len(f) != 5 {
		t.Fatalf("%d frames, want 5", len(f))
	}
	id := func(i int) uint16 { return binary.BigEndian.Uint16(f[i].Data[18:]) }
	seq := func(i int) uint32 { return binary.BigEndian.Uint32(f[i].Data[38:]) }
	if id(3) != id(4)+1 || seq(3) != seq(4)+100 {
		t.Errorf("IDs %d, %d, sequence numbers %d, %d: the late one was sent first", id(3), id(4), seq(3), seq(4))
	}
	if ones(f[4].Data[14:34]) != 0xffff || f[4].Data[22] != 63 {
		t.Error("the copy has another TTL and a right header checksum")
	}
}

func TestTimestampsFollowTheClock(t *testing.T) {
	f := parse(t, `
a = 10.0.0.1:1 ts 100
b = 10.0.0.2:2 ts 900
0.000 a > b S 0:0
+.010 b > a S. 0:0 a1
+.010 a > b . 1:101 a1
+.010 a > b . 101:201 a1
+.010 b > a . 1:1 a101
+.200 a > b . 101:201 a1 ts 7
clock -1
+.010 a > b . 201:301 a1
`).Frames()
	want := [][2]uint32{{100, 0}, {910, 100}, {120, 910}, {130, 910}, {940, 120}, {7, 940}, {350, 940}}
	for i, w := range want {
		at := bytes.Index(f[i].Data[54:], []byte{1, 1, 8, 10}) + 58
		val, echo := binary.BigEndian.Uint32(f[i].Data[at:]), binary.BigEndian.Uint32(f[i].Data[at+4:])
		if val != w[0] || echo != w[1] {
			t.Errorf("frame %d: TSval %d TSecr %d, want %d and %d", i+1, val, echo, w[0], w[1])
		}
	}
	if d := f[6].Time - f[5].Time; d != -990e6 {
		t.Errorf("the clock of the tap went %d ns, want 10 ms - 1 s", d)
	}
}

func TestRotatedAndShifted(t *testing.T) {
	s := parse(t, handshake)
	a, b := s.Frames(), s.Rotated(0xffffffff).Shifted(time.Hour).Frames()
	for i := range a {
		if d := binary.BigEndian.Uint32(b[i].Data[38:]) - binary.BigEndian.Uint32(a[i].Data[38:]); d != 0xffffffff {
			t.Errorf("frame %d: sequence number moved by %#x", i+1, d)
		}
		if b[i].Time-a[i].Time != int64(time.Hour) {
			t.Errorf("frame %d: time moved by %d", i+1, b[i].Time-a[i].Time)
		}
	}
}

func TestLoopsRunOn(t *testing.T) {
	f := parse(t, handshake+`
repeat 3
+.001 a > b . +100 a1
+.001 b > a . +0 a*
end
`).Frames()
	if len(f) != 9 {
		t.Fatalf("%d frames, want 9", len(f))
	}
	if ack := binary.BigEndian.Uint32(f[8].Data[42:]); ack != 1000+301 {
		t.Errorf("the last acknowledgement is %d, want 1301", ack)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0 a > b S 0:0", `x.txt:1: no endpoint is called "a"`},
		{"\n\na = 10.0.0.300:1", `x.txt:3: "10.0.0.300:1" is not an address, nor address:port`},
		{"story\n-- capture --\na = 10.0.0.1:1\n0 a > a Q 0:0", `x.txt:4: "Q": want udp, icmp or TCP flags out of SFRP.UEW`},
		{"a = 10.0.0.1:1\n0 a > a . 5:1 a1", "x.txt:2: 5:1 goes backwards"},
		{"a = 10.0.0.1:1\n0 a > a . 1:1", "x.txt:2: a segment with the ACK flag needs aN or a*"},
		{"a = 10.0.0.1:1\n0 a > a S 0:0 colour red", `x.txt:2: a frame has no "colour"`},
		{"a = 10.0.0.1:1\nb = [::1]:1\n0 a > b S 0:0", "x.txt:3: one address is IPv4, the other is IPv6"},
		{"a = 10.0.0.1:1\nrepeat 2000\n0 a > a . +65000 a* unseen\nend\n", "x.txt:3: more than 67108864 octets of packets"},
		{"0 = x", `x.txt:1: no packet above is called "x"`},
		{"repeat 5", "x.txt:1: repeat without end"},
		{"a = 10.0.0.1:1\nrepeat 200001\n", `x.txt:2: "200001" is not a number from 0 to 200000`},
		{"a = 10.0.0.1:1\n0 a > a udp 5 rtp 1", "x.txt:2: RTP needs 12 octets"},
		{"a = 10.0.0.1:1\n0 a > a S 0:0 ts 1 sack 1:2 3:4 5:6 7:8", "x.txt:2: 48 octets of options; 40 is the most"},
	}
	for _, tt := range tests {
		_, err := Parse("x.txt", []byte(tt.text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != tt.want {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestSections(t *testing.T) {
	s := parse(t, "A story.\n\n-- capture --\na = 10.0.0.1:1\n0 a > a S 0:0\n-- want --\nnothing\n")
	if s.Story != "A story.\n\n" || s.Want != "nothing\n" || len(s.Frames()) != 1 {
		t.Errorf("story %q, want %q, %d frames", s.Story, s.Want, len(s.Frames()))
	}
}

func TestSourceCounts(t *testing.T) {
	s := parse(t, handshake+"drops os 5 0.001 0.002\nsnap 54\n+.1 a > b . 1:500 a1\n")
	src := s.Source(2)
	frames := 0
	for {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(b.Frames); n == 0 || n > 2 {
			t.Errorf("a batch of %d frames", n)
		}
		frames += len(b.Frames)
		b.Release()
	}
	in := src.Inputs()[0]
	os, _ := in.Stats.OSDrops.Value()
	if frames != 4 || in.Frames != 4 || os != 5 || in.SnapLength != 54 || len(in.Stats.Spans) != 1 {
		t.Errorf("%d frames; input %+v", frames, in)
	}
	if in.First != epoch || in.Last != epoch+120e6 {
		t.Errorf("from %d to %d", in.First-epoch, in.Last-epoch)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpensInWireshark writes a scenario to a file and reads it back.
func TestOpensInWireshark(t *testing.T) {
	s := parse(t, handshake+"+.001 a > b P. 1:5 a1\n")
	path := filepath.Join(t.TempDir(), "x.pcapng")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pcapfile.NewWriter(file, pcapfile.WriterOptions{Interfaces: []pcapfile.Interface{{Link: capture.LinkEthernet}}})
	if err != nil {
		t.Fatal(err)
	}
	frames := s.Frames()
	for i := range frames {
		if err := w.Write(&frames[i], pcapfile.Remarks{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	src, err := pcapfile.Open([]string{path}, pcapfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	b, err := src.Next()
	if err != nil || len(b.Frames) != len(frames) {
		t.Fatalf("read %v, %v", b, err)
	}
	for i, f := range b.Frames {
		if !bytes.Equal(f.Data, frames[i].Data) || f.Time != frames[i].Time || f.WireLength != frames[i].WireLength {
			t.Errorf("frame %d comes back as %+v", i+1, f)
		}
	}
	b.Release()
}

func TestFragmentsAddUp(t *testing.T) {
	f := parse(t, `
u = 10.0.0.1:5000
v = 10.0.0.2:5001
0 u > v udp 3000 unseen as d
+.001 = d frag 0:1480
+.001 = d frag 1480:2960
+.001 = d frag 2960:9000
`).Frames()
	total, last := 0, false
	for _, fr := range f {
		ip := fr.Data[14:]
		off := binary.BigEndian.Uint16(ip[6:])
		if int(off&0x1fff)*8 != total {
			t.Errorf("fragment at %d, want %d", off&0x1fff*8, total)
		}
		total += int(binary.BigEndian.Uint16(ip[2:])) - 20
		last = off&0x2000 == 0
	}
	if total != 3008 || !last {
		t.Errorf("%d octets, last %v", total, last)
	}
}

// FuzzParse feeds it anything; what it accepts it must be able to play.
func FuzzParse(f *testing.F) {
	f.Add([]byte(handshake))
	f.Add([]byte("a = [::1]:1 ts 5 id random\nwith vlan 5\n0 a > a udp 40 rtp 5 as x\n+1 = x frag 0:16\n+1 a > a icmp 3/4 quotes x\n"))
	f.Add([]byte("a = 10.0.0.1:1\nrepeat 3\n0 a > a . +1 a* vxlan a a 7 bad tcp flip 3\nend\ndrops ring 1 0 1\nclock -1\nsnap 9\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 || bytes.Count(text, []byte("repeat")) > 0 && len(text) > 300 {
			t.Skip("bounded by maxSteps and maxOctets, but slow")
		}
		s, err := Parse("fuzz", text)
		if err != nil {
			return
		}
		for i, fr := range s.Frames() {
			if fr.Number != uint64(i+1) || len(fr.Data) > int(fr.WireLength) || len(fr.Data) == 0 && fr.Link != capture.LinkRaw {
				t.Fatalf("frame %d: %+v", i, fr)
			}
		}
	})
}
