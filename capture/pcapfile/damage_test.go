package pcapfile

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"

	"whydrop/capture"
)

// specimens are small files of every kind.
func specimens() map[string][]byte {
	sll := []byte{0, 0, 0, 2, 8, 0, 4, 0}
	return map[string][]byte{
		"pcapng": sample(900),
		"pcapng, big-endian": be().shb().idb(1, 0, nil).epb(0, 1, "abcd", 4, nil).
			isb(0, 2, func(b *oct) { b.opt64(isbReceived, 1) }).epb(0, 3, "efg", 3, nil).b,
		"pcap":       classicSample(12),
		"nanosecond": le().pcap(0xa1b23c4d, 96, 1).rec(1, 2, "abcd", 4).rec(3, 4, "efg", 3).b,
		"Kuznetzov":  le().pcap(0xa1b2cd34, 96, 1).rec(1, 2, "abcd", 4, sll...).rec(3, 4, "efg", 3, sll...).b,
		"IXIA":       be().pcap(0x1c0001ac, 96, 1).u32(9).rec(1, 2, "abcd", 4).rec(3, 4, "efg", 3).b,
	}
}

// TestCutAnywhere cuts files at every octet: what stands before the cut is read as ever,
// and the cut is said unless it falls between two records.
func TestCutAnywhere(t *testing.T) {
	for name, whole := range specimens() {
		want, _ := read(t, whole, Options{})
		frames := 0
		for n := headMagic; n <= len(whole); n++ {
			got, in := read(t, whole[:n], Options{})
			if len(got) < frames || len(got) > len(want) {
				t.Fatalf("%s cut at %d: %d frames after %d", name, n, len(got), frames)
			}
			frames = len(got)
			for i := range got {
				if !same(got[i], want[i]) {
					t.Fatalf("%s cut at %d: frame %d: got %+v, want %+v", name, n, i, got[i], want[i])
				}
			}
			if d := in.Damage; d != nil && (!d.Cut || d.Offset >= uint64(n) || d.Frame != uint64(frames+1)) {
				t.Fatalf("%s cut at %d: damage %+v", name, n, d)
			}
		}
		if frames != len(want) {
			t.Errorf("%s: %d frames uncut, want %d", name, frames, len(want))
		}
	}
}

// TestFlipAnywhere changes every octet of files: nothing panics, and frames before the
// record that was changed are read as ever.
func TestFlipAnywhere(t *testing.T) {
	for name, whole := range specimens() {
		ends := recordEnds(t, whole)
		want, _ := read(t, whole, Options{})
		for at := 0; at < len(whole); at += stride() {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				octets := bytes.Clone(whole)
				octets[at] ^= flip
				src, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets)})
				if err != nil {
					continue // the magic was hit
				}
				got := drain(t, src)
				for i := range want {
					if ends[i] > at || at < headerEnd(name) {
						break
					}
					if i >= len(got) || !same(got[i], want[i]) {
						t.Fatalf("%s with octet %d flipped: frame %d, which ends before, is not as it was", name, at, i)
					}
				}
				if d := src.Inputs()[0].Damage; d != nil && d.Offset > uint64(len(whole)) {
					t.Fatalf("%s with octet %d flipped: damage at %d of %d", name, at, d.Offset, len(whole))
				}
				src.Close()
			}
		}
	}
}

// headerEnd is where flips can no longer change what all frames mean.
func headerEnd(name string) int {
	if name == "pcapng" || name == "pcapng, big-endian" {
		return 0 // the interface descriptions come before the frames they govern
	}
	return classicHeader + 4
}

// recordEnds is where the record of each frame ends: the shortest prefix that has it.
func recordEnds(t *testing.T, whole []byte) []int {
	t.Helper()
	var ends []int
	for n := headMagic; n <= len(whole); n++ {
		for got, _ := read(t, whole[:n], Options{}); len(ends) < len(got); {
			ends = append(ends, n)
		}
	}
	return ends
}

// TestBatchAndBlockSizes checks that no answer depends on how much is read at once.
func TestBatchAndBlockSizes(t *testing.T) {
	files := specimens()
	files["long pcapng"] = sample(200_000)
	files["long pcap"] = classicSample(3000)
	files["a packet of many blocks"] = le().pcap(0xa1b2c3d4, 0, 1).rec(1, 1, string(make([]byte, 200_000)), 200_000).
		rec(2, 2, "small", 5).b
	files["damaged"] = append(sample(5000), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
	files["cut"] = sample(5000)[:4997]
	for name, octets := range files {
		want, wantIn := read(t, octets, Options{})
		for _, o := range []Options{
			{BatchFrames: 1}, {BatchFrames: 7, BlockOctets: 64}, {BlockOctets: 1}, {BlockOctets: 100}, {BlockOctets: 4096},
		} {
			got, in := read(t, octets, o)
			if len(got) != len(want) || in.Octets != wantIn.Octets || in.First != wantIn.First || in.Last != wantIn.Last ||
				(in.Damage == nil) != (wantIn.Damage == nil) || in.Damage != nil && *in.Damage != *wantIn.Damage {
				t.Errorf("%s, %+v: %+v, damage %+v, want %+v", name, o, in, in.Damage, wantIn)
				continue
			}
			for i := range want {
				if !same(got[i], want[i]) {
					t.Fatalf("%s, %+v: frame %d: got %+v, want %+v", name, o, i, got[i], want[i])
				}
			}
		}
	}
}

// TestHeldBatches checks that batches that are not released keep their octets, while
// reading goes on and others are released.
func TestHeldBatches(t *testing.T) {
	octets := classicSample(20_000)
	want, _ := read(t, octets, Options{})
	src, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets), BatchFrames: 50, BlockOctets: 8192})
	if err != nil {
		t.Fatal(err)
	}
	var held []*capture.Batch
	for n := 0; ; n++ {
		b, err := src.Next()
		if err != nil {
			break
		}
		if n%3 == 0 {
			b.Release()
			continue
		}
		held = append(held, b)
	}
	for _, b := range held {
		for _, f := range b.Frames {
			if !same(f, want[f.Number-1]) {
				t.Fatalf("frame %d: got %+v, want %+v", f.Number, f, want[f.Number-1])
			}
		}
		b.Release()
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}

// TestReleaseElsewhere releases batches from other goroutines, in any order, as the
// workers of a pipeline do; the race detector watches.
func TestReleaseElsewhere(t *testing.T) {
	octets := sample(3 << 20)
	want, _ := read(t, octets, Options{})
	src, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets), BatchFrames: 64, BlockOctets: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	batches := make(chan *capture.Batch, 32)
	var workers sync.WaitGroup
	var wrong, frames atomic.Int64
	for range 3 {
		workers.Go(func() {
			for b := range batches {
				for _, f := range b.Frames {
					frames.Add(1)
					if !same(f, want[f.Number-1]) {
						wrong.Add(1)
					}
				}
				b.Release()
			}
		})
	}
	for {
		b, err := src.Next()
		if err != nil {
			break
		}
		batches <- b
	}
	close(batches)
	workers.Wait()
	if wrong.Load() > 0 || int(frames.Load()) != len(want) {
		t.Errorf("%d of %d frames read, %d of them wrong", frames.Load(), len(want), wrong.Load())
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}

// rounds is how often something random is tried that is tried n times without -short.
func rounds(n int) int {
	if testing.Short() {
		return max(n/10, 1)
	}
	return n
}

// stride is how far apart the octets are that are changed: 1, or with -short a
// prime, so that every field of a record is met.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}
