package pcapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"whydrop/capture"
)

// bigCapture is a capture of n packets of this many octets.
func bigCapture(t testing.TB, format string, n, octets int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, WriterOptions{Format: format, Interfaces: []Interface{{Link: capture.LinkEthernet}}})
	if err != nil {
		t.Fatal(err)
	}
	f := capture.Frame{Data: make([]byte, octets), WireLength: uint32(octets), Link: capture.LinkEthernet, HasTime: true}
	if format == "pcapng" {
		f.Direction = capture.Inbound // an option to parse
	}
	for i := range n {
		f.Time = 1700000000e9 + int64(i)*1000
		if err := w.Write(&f, Remarks{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readOver reads and releases all batches and returns the number of frames.
func readOver(t testing.TB, src capture.Source) int {
	t.Helper()
	n := 0
	for {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n += len(b.Frames)
		b.Release()
	}
}

// TestReadingDoesNotAllocate checks that a batch costs no allocation once the pools
// are warm, for one file and for two that are merged frame by frame.
func TestReadingDoesNotAllocate(t *testing.T) {
	for _, format := range []string{"pcap", "pcapng"} {
		octets := bigCapture(t, format, 60_000, 200)
		one, two := save(t, "a", octets), save(t, "b", octets)
		for _, paths := range [][]string{{one}, {one, two}} {
			src, err := Open(paths, Options{})
			if err != nil {
				t.Fatal(err)
			}
			next := func() {
				b, err := src.Next()
				if err != nil {
					t.Fatal(err)
				}
				b.Release()
			}
			for range 20 { // both files open, pools warm
				next()
			}
			if n := testing.AllocsPerRun(50, next); n != 0 {
				t.Errorf("%s, %d files: %v allocations per batch, want 0", format, len(paths), n)
			}
			src.Close()
		}
	}
}

func benchmarkRead(b *testing.B, octets []byte, frames, files int, o Options) {
	var paths []string
	for i := range files {
		path := filepath.Join(b.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(path, octets, 0o600); err != nil {
			b.Fatal(err)
		}
		paths = append(paths, path)
	}
	b.SetBytes(int64(len(octets) * files))
	b.ReportAllocs()
	for b.Loop() {
		src, err := Open(paths, o)
		if err != nil {
			b.Fatal(err)
		}
		if n := readOver(b, src); n != frames*files {
			b.Fatalf("%d frames, want %d", n, frames*files)
		}
		src.Close()
	}
	b.ReportMetric(float64(frames*files*b.N)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
}

func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"pcap", "pcapng"} {
		for _, size := range []int{80, 850} {
			n := 64 << 20 / size
			octets := bigCapture(b, format, n, size)
			b.Run(fmt.Sprintf("%s/%d octets", format, size), func(b *testing.B) { benchmarkRead(b, octets, n, 1, Options{}) })
			if size == 80 {
				b.Run(fmt.Sprintf("%s/%d octets/two files merged", format, size), func(b *testing.B) {
					benchmarkRead(b, octets, n, 2, Options{})
				})
			}
		}
	}
}

// BenchmarkBlock compares block sizes.
func BenchmarkBlock(b *testing.B) {
	const n, size = 64 << 20 / 850, 850
	octets := bigCapture(b, "pcap", n, size)
	for kib := 64; kib <= 4096; kib *= 2 {
		b.Run(fmt.Sprintf("%d KiB", kib), func(b *testing.B) { benchmarkRead(b, octets, n, 1, Options{BlockOctets: kib << 10}) })
	}
}

// BenchmarkCompressed reads a capture that compresses about as real ones do.
func BenchmarkCompressed(b *testing.B) {
	octets := sample(16 << 20)
	frames, _ := read(b, octets, Options{})
	for name, packed := range map[string][]byte{"gzip": gz(b, octets), "zstd": zst(b, octets), "lz4": lz(b, octets)} {
		b.Run(name, func(b *testing.B) {
			benchmarkRead(b, packed, len(frames), 1, Options{})
			b.ReportMetric(float64(len(octets)*b.N)/b.Elapsed().Seconds()/1e6, "MB/s-out")
		})
	}
}
