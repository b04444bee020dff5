//go:build cgo

package pcapfile

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/pcap"
)

// libpcap reads a file with libpcap; stopped is what it says of damage.
func libpcap(t *testing.T, path string, octets []byte) (times []int64, datas [][]byte, wires []int, stopped string) {
	t.Helper()
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := pcap.OpenOffline(path)
	if err != nil {
		return nil, nil, nil, err.Error()
	}
	defer h.Close()
	for {
		data, ci, err := h.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return times, datas, wires, ""
		}
		if err != nil {
			return times, datas, wires, err.Error() + ": " + h.Error().Error()
		}
		times = append(times, ci.Timestamp.UnixNano())
		datas, wires = append(datas, data), append(wires, ci.Length)
	}
}

// TestAgainstLibpcap checks good files: every frame as libpcap reads it.
func TestAgainstLibpcap(t *testing.T) {
	files := specimens()
	delete(files, "IXIA")   // libpcap does not know it
	delete(files, "pcapng") // nor several link types in one file
	files["pcap of pcapgo"] = theirWriter(t, "pcap", 300)
	files["pcap-ns of pcapgo"] = theirWriter(t, "pcap-ns", 300)
	files["ours, pcap"], files["ours, pcapng"] = written(t)[0], written(t)[1]
	path := filepath.Join(t.TempDir(), "x")
	for name, octets := range files {
		times, datas, wires, stopped := libpcap(t, path, octets)
		frames, in := read(t, octets, Options{})
		if stopped != "" || in.Damage != nil || len(frames) != len(times) {
			t.Errorf("%s: we read %d frames, libpcap %d; damage %+v, %q", name, len(frames), len(times), in.Damage, stopped)
			continue
		}
		for i, f := range frames {
			if f.HasTime && f.Time != times[i] || !bytes.Equal(f.Data, datas[i]) || int(f.WireLength) != max(wires[i], len(f.Data)) {
				t.Errorf("%s: frame %d: we read %+v, libpcap %d of %d", name, i, f, times[i], wires[i])
			}
		}
	}
}

// TestLibpcapMutated changes files at random. What libpcap reads we read, octet for
// octet, and where it finds the end in order so do we. It stops earlier at times: it
// refuses link types with reserved bits, and options that run past their block.
func TestLibpcapMutated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	bigEndian := specimens()["pcapng, big-endian"]
	for name, whole := range map[string][]byte{
		"pcap": classicSample(12), "pcap-ns": theirWriter(t, "pcap-ns", 12), "pcapng": written(t)[1], "big-endian": bigEndian,
	} {
		more, rng := 0, rand.New(rand.NewPCG(5, uint64(len(name))))
		for range rounds(300) {
			octets := bytes.Clone(whole)
			for range 1 + rng.IntN(2) {
				octets[headMagic+rng.IntN(len(octets)-headMagic)] ^= byte(1 << rng.IntN(8))
			}
			if rng.IntN(3) == 0 {
				octets = octets[:headMagic+rng.IntN(len(octets)-headMagic)]
			}
			times, datas, _, stopped := libpcap(t, path, octets)
			if _, err := Open([]string{"-"}, Options{Stdin: bytes.NewReader(octets)}); err != nil {
				if stopped == "" {
					t.Fatalf("%s %x: libpcap reads it, for us it %v", name, octets, err)
				}
				continue
			}
			frames, in := read(t, octets, Options{})
			if otherShape(in.Notes) {
				continue
			}
			if d := in.Damage; d != nil && d.Offset == 0 && strings.Contains(d.What, "do not agree") {
				continue // libpcap does not look at the second length of the section header
			}
			if len(frames) < len(times) || stopped == "" && in.Damage != nil {
				t.Fatalf("%s: we read %d frames, libpcap %d; damage %+v, %q, of %x", name, len(frames), len(times), in.Damage, stopped, octets)
			}
			if len(frames) > len(times) {
				more++
			}
			for i := range times {
				// libpcap cuts at the snap length what is longer; we keep what was captured.
				f := frames[i]
				if !bytes.HasPrefix(f.Data, datas[i]) || f.HasTime && !sameTime(f.Time, times[i]) {
					t.Fatalf("%s: frame %d: we read %+v, libpcap %x at %d, of %x", name, i, f, datas[i], times[i], octets)
				}
			}
		}
		if more > 200 {
			t.Errorf("%s: %d of 300 files had more for us than for libpcap", name, more)
		}
	}
}

// sameTime allows for what the others do differently: they take seconds and
// nanoseconds of pcap as signed, though they are not (draft-ietf-opsawg-pcap §5), and nanoseconds that do not
// fit in 64 bits wrap in package time, where ours stop at the end.
func sameTime(ours, libpcap int64) bool {
	const seconds, fraction = (1 << 32) * 1_000_000_000, 1 << 32
	behind := ours - libpcap
	return behind == 0 || behind == seconds || behind == fraction || behind == seconds+fraction || ours == math.MaxInt64 || ours == math.MinInt64
}

// otherShape reports whether another record layout made more sense than the declared one.
func otherShape(notes []string) bool {
	for _, n := range notes {
		if strings.HasPrefix(n, "record headers have") {
			return true
		}
	}
	return false
}
