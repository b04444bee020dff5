package pcapfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whydrop/capture"
)

// at makes a pcap of packets seen at these microseconds, with data that names them.
func at(name string, micros ...uint32) []byte {
	b := le().pcap(0xa1b2c3d4, 96, 1)
	for i, us := range micros {
		b.rec(us/1e6, us%1e6, fmt.Sprintf("%s%d", name, i), 96)
	}
	return b.b
}

// data joins what frames hold.
func data(frames []capture.Frame) string {
	var b bytes.Buffer
	for _, f := range frames {
		b.Write(f.Data)
		b.WriteByte(' ')
	}
	return b.String()
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name  string
		files [][]byte
		want  string
	}{
		{"rotated, any order", [][]byte{at("c", 9, 9), at("a", 1, 2, 3), at("b", 4, 8)}, "a0 a1 a2 b0 b1 c0 c1 "},
		{"overlapping", [][]byte{at("a", 1, 4, 6), at("b", 2, 3, 7)}, "a0 b0 b1 a1 a2 b2 "},
		{"at the same time, the first file is first", [][]byte{at("a", 5, 5), at("b", 5, 5)}, "a0 a1 b0 b1 "},
		{"back and forth inside a file", [][]byte{at("a", 5, 1, 6), at("b", 4, 7)}, "b0 a0 a1 a2 b1 "},
		{"without packets", [][]byte{at("a"), at("b", 1), at("c")}, "b0 "},
		{"three, one inside another", [][]byte{at("a", 1, 100), at("b", 10, 11), at("c", 50)}, "a0 b0 b1 c0 a1 "},
	}
	for _, tt := range tests {
		for _, o := range []Options{{}, {BatchFrames: 1}, {BatchFrames: 2}} {
			var paths []string
			for i, f := range tt.files {
				paths = append(paths, save(t, fmt.Sprintf("%d.pcap", i), f))
			}
			frames, inputs := readAll(t, paths, o)
			if got := data(frames); got != tt.want {
				t.Errorf("%s, %+v: got %s, want %s", tt.name, o, got, tt.want)
			}
			if len(inputs) != len(tt.files) {
				t.Errorf("%s: %d inputs", tt.name, len(inputs))
			}
			for _, f := range frames {
				if in := inputs[f.File]; f.Number > in.Frames || f.Time < in.First || f.Time > in.Last {
					t.Errorf("%s: frame %+v is not of its input %+v", tt.name, f, in)
				}
			}
		}
	}
}

// TestMergeIsAStableSort checks merging against sorting, with files that are sorted inside.
func TestMergeIsAStableSort(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.SliceOfN(rapid.SliceOfN(rapid.Uint32Range(0, 40), 0, 30), 1, 6).Draw(t, "files")
		type packet struct {
			file, at uint32
		}
		var want []packet
		var paths []string
		slices.SortStableFunc(files, func(a, b []uint32) int { // as Inputs are: empty first, then by first packet
			slices.Sort(a)
			slices.Sort(b)
			return slices.Compare(a[:min(1, len(a))], b[:min(1, len(b))])
		})
		for i, f := range files {
			slices.Sort(f)
			path := filepath.Join(dir, fmt.Sprintf("%d.pcap", i))
			if err := os.WriteFile(path, at("p", f...), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
			for _, us := range f {
				want = append(want, packet{uint32(i), us})
			}
		}
		slices.SortStableFunc(want, func(a, b packet) int { return int(a.at) - int(b.at) })
		o := Options{BatchFrames: rapid.IntRange(1, 20).Draw(t, "batch"), BlockOctets: rapid.IntRange(1, 300).Draw(t, "block")}
		frames, _ := readAll(t, paths, o)
		if len(frames) != len(want) {
			t.Fatalf("%d frames, want %d", len(frames), len(want))
		}
		for i, f := range frames {
			if got := (packet{uint32(f.File), uint32(f.Time / 1000)}); got != want[i] {
				t.Fatalf("frame %d: got %+v, want %+v", i, got, want[i])
			}
		}
	})
}

// TestThousandsOfFiles checks that rotated files are opened one after the other. The
// test would need more descriptors than it counts if they were all open.
func TestThousandsOfFiles(t *testing.T) {
	const files = 1000
	dir := t.TempDir()
	var paths []string
	for i := range uint32(files) {
		path := filepath.Join(dir, fmt.Sprintf("%04d.pcap", i))
		if err := os.WriteFile(path, at("p", 10*i, 10*i+5, 10*i+11), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(files, func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	src, err := Open(paths, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	most, last, n := 0, int64(0), 0
	for {
		b, err := src.Next()
		if err != nil {
			break
		}
		for _, f := range b.Frames {
			if f.Time < last {
				t.Fatalf("frame %d of file %d is late", f.Number, f.File)
			}
			last = f.Time
		}
		n += len(b.Frames)
		b.Release()
		most = max(most, len(src.(*Reader).active))
	}
	if n != 3*files || most > 3 {
		t.Errorf("%d frames of %d, %d files open at once", n, 3*files, most)
	}
	if read, total := src.(*Reader).Progress(); read != total || total == 0 {
		t.Errorf("progress %d of %d at the end", read, total)
	}
}

// TestDamageThenNext checks that a damaged file does not keep the next from being read.
func TestDamageThenNext(t *testing.T) {
	whole := at("a", 1, 2, 3)
	paths := []string{save(t, "b.pcap", at("b", 5)), save(t, "a.pcap", whole[:len(whole)-1])}
	frames, inputs := readAll(t, paths, Options{})
	if got := data(frames); got != "a0 a1 b0 " {
		t.Errorf("got %s", got)
	}
	if inputs[0].Path != paths[1] || inputs[0].Damage == nil || inputs[1].Damage != nil {
		t.Errorf("inputs %+v", inputs)
	}
}

// TestStdinAmongFiles checks that standard input takes its turn.
func TestStdinAmongFiles(t *testing.T) {
	paths := []string{save(t, "a.pcap", at("a", 3, 9)), "-"}
	frames, inputs := readAll(t, paths, Options{Stdin: bytes.NewReader(gz(t, at("s", 1, 5)))})
	if got := data(frames); got != "s0 a0 s1 a1 " || inputs[0].Compression != "gzip" {
		t.Errorf("got %s, inputs %+v", got, inputs)
	}
}

// TestFileGone checks a file that disappears between the look and its turn.
func TestFileGone(t *testing.T) {
	first, second := save(t, "a.pcap", at("a", 1)), save(t, "b.pcap", at("b", 2))
	src, err := Open([]string{first, second}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	if got := data(drain(t, src)); got != "a0 " {
		t.Errorf("got %s", got)
	}
	if in := src.Inputs(); len(in) != 2 || in[1].Damage == nil || in[1].Path != second {
		t.Errorf("inputs %+v", in)
	}
}

// TestCloseEarly checks that closing in the middle releases what is held.
func TestCloseEarly(t *testing.T) {
	paths := []string{save(t, "a.pcap", at("a", 1, 5, 9)), save(t, "b.pcap", at("b", 2, 6)), save(t, "c.pcap", at("c", 20))}
	src, err := Open(paths, Options{BatchFrames: 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := src.Next()
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if _, err := src.Next(); err == nil {
		t.Error("a closed source has a next batch")
	}
}
