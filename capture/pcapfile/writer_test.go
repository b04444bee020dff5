package pcapfile

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"

	"whydrop/capture"
)

// frames draws frames of the interfaces of a writer. None is at the very beginning
// of the epoch: a record that is all zeros is padding to the reader.
func frames(t *rapid.T, interfaces []Interface, ng bool) []capture.Frame {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) capture.Frame {
		i := rapid.IntRange(0, len(interfaces)-1).Draw(t, "interface")
		f := capture.Frame{
			Data:      rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "data"),
			Time:      rapid.Int64Range(1e3, 1<<32*1e9-1).Draw(t, "time"),
			Interface: uint32(i),
			Link:      interfaces[i].Link,
			HasTime:   true,
		}
		f.WireLength = uint32(len(f.Data)) + rapid.Uint32Range(0, 2000).Draw(t, "cut")
		if ng {
			f.Direction = capture.Direction(rapid.IntRange(0, 2).Draw(t, "direction"))
			f.Offload = capture.Offload(rapid.IntRange(0, 2).Draw(t, "offload"))
			f.LinkErrors = capture.LinkErrors(rapid.Uint16().Draw(t, "errors"))
		}
		return f
	}), 0, 40).Draw(t, "frames")
}

// TestWhatIsWrittenIsRead checks that reading is the inverse of writing.
func TestWhatIsWrittenIsRead(t *testing.T) {
	links := rapid.SampledFrom([]capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkLinuxSLL2, 40000})
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]string{"pcap", "pcapng"}).Draw(t, "format")
		n := 1
		if format == "pcapng" {
			n = rapid.IntRange(1, 4).Draw(t, "interfaces")
		}
		interfaces := make([]Interface, n)
		for i := range interfaces {
			interfaces[i] = Interface{Name: "eth0"[:rapid.IntRange(0, 4).Draw(t, "name")], Link: links.Draw(t, "link")}
		}
		want := frames(t, interfaces, format == "pcapng")
		var b bytes.Buffer
		w, err := NewWriter(&b, WriterOptions{Format: format, Interfaces: interfaces})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			remarks := Remarks{Comment: rapid.StringN(0, 9, -1).Draw(t, "comment")}
			if err := w.Write(&want[i], remarks); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		got, in := read(t, b.Bytes(), Options{BatchFrames: rapid.IntRange(1, 9).Draw(t, "batch")})
		if in.Damage != nil || in.Format != format || in.Frames != uint64(len(want)) {
			t.Fatalf("read %+v, want %d frames of %s", in, len(want), format)
		}
		for i := range want {
			want[i].Number = uint64(i + 1)
			if !same(got[i], want[i]) {
				t.Fatalf("frame %d: got %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

func TestWriterRefuses(t *testing.T) {
	ether := []Interface{{Link: capture.LinkEthernet}}
	if _, err := NewWriter(io.Discard, WriterOptions{Format: "pcap"}); err == nil {
		t.Error("a pcap without an interface was begun")
	}
	if _, err := NewWriter(io.Discard, WriterOptions{Format: "snoop", Interfaces: ether}); err == nil {
		t.Error("a snoop file was begun")
	}
	w, err := NewWriter(io.Discard, WriterOptions{Interfaces: ether})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]capture.Frame{
		"of an unknown interface": {Interface: 1, Link: capture.LinkEthernet},
		"of another link type":    {Link: capture.LinkRaw},
		"before 1970":             {Link: capture.LinkEthernet, HasTime: true, Time: -1},
	} {
		if err := w.Write(&f, Remarks{}); err == nil {
			t.Errorf("a frame %s was written", name)
		}
	}
	if err := w.WriteStats(1, 0, InterfaceStats{}); err == nil {
		t.Error("statistics of an unknown interface were written")
	}
}
