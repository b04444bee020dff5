package pcapfile

import (
	"bytes"
	"testing"

	"whydrop/capture"
)

// judge reads octets twice, in different portions, and checks what must hold of any
// input: no panic, frames that make sense, the same answer.
func judge(t *testing.T, octets []byte) {
	t.Helper()
	first, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets), BlockOctets: 1 << 12})
	if err != nil {
		return
	}
	frames := drain(t, first)
	in := first.Inputs()[0]
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	var total uint64
	for i, f := range frames {
		total += uint64(len(f.Data))
		if f.Number != uint64(i+1) || int(f.WireLength) < len(f.Data) || f.File != 0 {
			t.Fatalf("frame %d: %+v", i, f)
		}
		if f.HasTime && (f.Time < in.First || f.Time > in.Last) {
			t.Fatalf("frame %d at %d is outside %d to %d", i, f.Time, in.First, in.Last)
		}
	}
	if in.Frames != uint64(len(frames)) || in.Octets != total || len(in.Notes) > maxNotes || len(in.Stats.Spans) > maxSpans {
		t.Fatalf("%d frames of %d octets, but %+v", len(frames), total, in)
	}
	if in.Compression == "" && in.Damage != nil && in.Damage.Offset > uint64(len(octets)) {
		t.Fatalf("damage at %d of %d", in.Damage.Offset, len(octets))
	}
	again, inAgain := read(t, octets, Options{BatchFrames: 3, BlockOctets: 40})
	if len(again) != len(frames) || (in.Damage == nil) != (inAgain.Damage == nil) {
		t.Fatalf("%d frames and %+v, in small portions %d and %+v", len(frames), in.Damage, len(again), inAgain.Damage)
	}
	for i := range frames {
		if !same(frames[i], again[i]) {
			t.Fatalf("frame %d: %+v, in small portions %+v", i, frames[i], again[i])
		}
	}
}

// written are captures made by our own writer.
func written(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for _, format := range []string{"pcap", "pcapng"} {
		var b bytes.Buffer
		w, err := NewWriter(&b, WriterOptions{Format: format, Interfaces: []Interface{{Name: "eth0", Link: capture.LinkEthernet}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(4) {
			f := capture.Frame{Data: make([]byte, 20*i), Time: 1700000000e9 + i, HasTime: i != 2, WireLength: uint32(20 * i),
				Link: capture.LinkEthernet, Direction: capture.Direction(i % 3), Offload: capture.Offload(i % 3)}
			if err := w.Write(&f, Remarks{Comment: "seed", Drops: capture.Known(uint64(i))}); err != nil {
				t.Fatal(err)
			}
		}
		if format == "pcapng" {
			s := InterfaceStats{Start: 1, End: 2, Received: capture.Known(4), OSDrops: capture.Known(1)}
			if err := w.WriteStats(0, 1700000001e9, s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}

func FuzzPcap(f *testing.F) {
	for _, name := range []string{"pcap", "nanosecond", "Kuznetzov", "IXIA"} {
		f.Add(specimens()[name])
	}
	f.Add(written(f)[0])
	f.Fuzz(judge)
}

func FuzzPcapng(f *testing.F) {
	f.Add(specimens()["pcapng"])
	f.Add(specimens()["pcapng, big-endian"])
	f.Add(written(f)[1])
	f.Fuzz(judge)
}

// FuzzOpen starts from compressed files and from strangers.
func FuzzOpen(f *testing.F) {
	for _, octets := range packed(f, sample(600)) {
		f.Add(octets)
	}
	f.Add([]byte("snoop\x00\x00\x00"))
	f.Fuzz(judge)
}
