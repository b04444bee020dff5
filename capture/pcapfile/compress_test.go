package pcapfile

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// sample is a small pcapng with a little of everything.
func sample(octets int) []byte {
	b := le().shb().idb(1, 0, nil).idb(276, 96, func(b *oct) { b.opt(ifTSResolution, "\x09") })
	for i := uint64(0); len(b.b) < octets; i++ {
		data := fmt.Sprintf("packet %d", i*i*i*7919)
		b.epb(uint32(i%2), i*1000, data, 100, func(b *oct) { b.u16(epbFlags, 4).u32(1).opt64(epbDropCount, i%3) })
		if i%5 == 0 {
			b.block(blockSimple, func(b *oct) { b.u32(4).padded("none") }).
				isb(1, i*1000, func(b *oct) { b.opt64(isbInterfaceDrops, i) })
		}
	}
	return b.b
}

// classicSample is a small pcap.
func classicSample(records int) []byte {
	b := be().pcap(0xa1b2c3d4, 96, 1)
	for i := range uint32(records) {
		b.rec(1700000000+i/7, i, strings.Repeat("x", int(i)%90), 100)
	}
	return b.b
}

func gz(t testing.TB, octets []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(octets); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, octets []byte, o ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(octets, nil)
}

func lz(t testing.TB, octets []byte, o ...lz4.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(o...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(octets); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packed is sample in every compression.
func packed(t testing.TB, octets []byte) map[string][]byte {
	half := len(octets) / 2
	skippable := []byte("\x53\x2a\x4d\x18\x04\x00\x00\x00note")
	return map[string][]byte{
		"gzip":                           gz(t, octets),
		"gzip, members":                  append(gz(t, octets[:half]), gz(t, octets[half:])...),
		"zstd":                           zst(t, octets),
		"zstd, frames":                   append(zst(t, octets[:half]), zst(t, octets[half:])...),
		"zstd, checksum":                 zst(t, octets, zstd.WithEncoderCRC(true)),
		"zstd, skippable frame":          append(skippable, zst(t, octets)...),
		"lz4":                            lz(t, octets),
		"lz4, frames":                    append(lz(t, octets[:half]), lz(t, octets[half:])...),
		"lz4, small blocks and checksum": lz(t, octets, lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true)),
		"lz4, legacy":                    lz(t, octets, lz4.LegacyOption(true)),
	}
}

func TestCompressed(t *testing.T) {
	for _, plain := range [][]byte{sample(500_000), sample(300), classicSample(3000)} {
		want, _ := read(t, plain, Options{})
		for name, octets := range packed(t, plain) {
			got, in := read(t, octets, Options{})
			codec, _, _ := strings.Cut(name, ",")
			if len(got) != len(want) || in.Damage != nil || in.Compression != codec {
				t.Errorf("%s: %d frames of %d, damage %+v, compression %q", name, len(got), len(want), in.Damage, in.Compression)
				continue
			}
			for i := range want {
				if !same(got[i], want[i]) {
					t.Errorf("%s: frame %d: got %+v, want %+v", name, i, got[i], want[i])
				}
			}
		}
	}
}

// TestCompressedCut checks that everything before the cut of a compressed file is read.
func TestCompressedCut(t *testing.T) {
	plain := sample(2_000_000)
	want, _ := read(t, plain, Options{})
	for name, octets := range packed(t, plain) {
		most := 0
		for _, part := range []int{5, 8, 9} {
			cut := octets[:len(octets)*part/10]
			if _, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(cut)}); err != nil {
				continue // not one block is whole
			}
			got, in := read(t, cut, Options{})
			if in.Damage == nil || !in.Damage.Cut || in.Damage.Frame != uint64(len(got)+1) || in.Damage.Offset > uint64(len(plain)) {
				if !strings.HasPrefix(name, "lz4, legacy") || part == 9 { // has no end mark
					t.Errorf("%s, %d/10: %d frames, damage %+v", name, part, len(got), in.Damage)
				}
			}
			for i := range got {
				if !same(got[i], want[i]) {
					t.Fatalf("%s, %d/10: frame %d: got %+v, want %+v", name, part, i, got[i], want[i])
				}
			}
			most = max(most, len(got))
		}
		if most == 0 && name != "lz4" && name != "lz4, legacy" { // of 4 and 8 MiB blocks
			t.Errorf("%s: nothing was read of a file cut at nine tenths", name)
		}
	}
}

// TestBomb checks that millions of zeroes in a small file costs no memory, neither
// as one impossible packet nor as many possible ones.
func TestBomb(t *testing.T) {
	zeroes := make([]byte, maxBlock+1<<20)
	claims := le().shb().idb(1, 0, nil).u32(blockEnhanced, maxBlock).b // one packet as long as may be
	blocks := le().shb()
	for range 1 << 16 { // unknown blocks, without end
		blocks.block(99, func(*oct) {})
	}
	for name, plain := range map[string][]byte{
		"one packet": append(claims, zeroes...),
		"blocks":     blocks.b,
	} {
		for codec, octets := range map[string][]byte{"gzip": gz(t, plain), "zstd": zst(t, plain), "lz4": lz(t, plain)} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, in := read(t, octets, Options{})
			runtime.ReadMemStats(&after)
			if name == "one packet" && (in.Damage == nil || in.Damage.Cut) {
				t.Errorf("%s, %s: damage %+v", name, codec, in.Damage)
			}
			const most = 4*maxBlock + 16<<20 // growing a block by doubling allocates twice its size
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("%s, %s: %d octets allocated", name, codec, used)
			}
		}
	}
}

// TestWindow checks that zstd may not ask for any window it likes.
func TestWindow(t *testing.T) {
	// A frame header with a window of 2^41 (RFC 8878 §3.1.1.1.2), then an empty last block.
	octets := []byte("\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00")
	_, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets)})
	if err == nil || !strings.Contains(err.Error(), "its zstd window is above the limit") {
		t.Errorf("got %v", err)
	}
}

// TestTrailingNoise checks that what stands behind gzip data is ignored and said,
// as gzip(1) does; a member that is cut is damage all the same.
func TestTrailingNoise(t *testing.T) {
	plain := sample(3000)
	want, _ := read(t, plain, Options{})
	const note = "octets behind the gzip data were ignored"
	for _, noise := range []string{"noise behind the end", "x", "\x00\x00\x00"} {
		got, in := read(t, append(gz(t, plain), noise...), Options{})
		if len(got) != len(want) || in.Damage != nil || !slices.Contains(in.Notes, note) {
			t.Errorf("%q: %d frames of %d, damage %+v, notes %q", noise, len(got), len(want), in.Damage, in.Notes)
		}
	}
	got, in := read(t, append(gz(t, plain), gz(t, plain)[:5]...), Options{})
	if len(got) != len(want) || in.Damage == nil || !in.Damage.Cut {
		t.Errorf("second member cut: %d frames of %d, damage %+v", len(got), len(want), in.Damage)
	}
}

// TestCutInTheFirstBlock checks that what is cut before anything comes out is a
// capture that ends too early, in every compression, and not an unreadable file.
func TestCutInTheFirstBlock(t *testing.T) {
	plain := sample(3000)
	for name, octets := range map[string][]byte{"gzip": gz(t, plain), "zstd": zst(t, plain), "lz4": lz(t, plain)} {
		for _, n := range []int{5, 9, len(octets) / 3} {
			got, in := read(t, octets[:n], Options{})
			if name == "gzip" && len(got) > 0 && in.Damage != nil {
				continue // its blocks are small
			}
			if len(got) != 0 || in.Damage == nil || !in.Damage.Cut || in.Compression != name {
				t.Errorf("%s cut at %d: %d frames, compression %q, damage %+v", name, n, len(got), in.Compression, in.Damage)
			}
		}
	}
}
