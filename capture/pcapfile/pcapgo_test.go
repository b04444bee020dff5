package pcapfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// Differential tests against gopacket's readers and writers, which share no line with
// ours. Where the two differ by design, the test says so.

// theirWriter writes n packets with pcapgo and returns the file.
func theirWriter(t *testing.T, format string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	var write func(gopacket.CaptureInfo, []byte) error
	switch format {
	case "pcap", "pcap-ns":
		w := pcapgo.NewWriter(&b)
		if format == "pcap-ns" {
			w = pcapgo.NewWriterNanos(&b)
		}
		if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
			t.Fatal(err)
		}
		write = w.WritePacket
	case "pcapng":
		w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddInterface(pcapgo.NgInterface{Name: "raw", LinkType: layers.LinkTypeIPv4, SnapLength: 96}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		write = func(ci gopacket.CaptureInfo, data []byte) error {
			ci.InterfaceIndex = rng.IntN(2)
			if err := w.WritePacket(ci, data); err != nil {
				return err
			}
			return w.Flush()
		}
	}
	for i := range n {
		data := make([]byte, rng.IntN(90))
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		ci := gopacket.CaptureInfo{
			Timestamp:     time.Unix(1700000000+int64(i), int64(rng.IntN(1e9))).UTC(),
			CaptureLength: len(data),
			Length:        len(data) + rng.IntN(1000),
		}
		if err := write(ci, data); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// theirReader reads a file with pcapgo; err is why it stopped.
func theirReader(octets []byte) (cis []gopacket.CaptureInfo, datas [][]byte, err error) {
	var next func() ([]byte, gopacket.CaptureInfo, error)
	if len(octets) >= 4 && binary.BigEndian.Uint32(octets) == pcapngMagic {
		r, err := pcapgo.NewNgReader(bytes.NewReader(octets), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			return nil, nil, err
		}
		next = r.ReadPacketData
	} else {
		r, err := pcapgo.NewReader(bytes.NewReader(octets))
		if err != nil {
			return nil, nil, err
		}
		r.SetSnaplen(maxCaptured)
		next = r.ReadPacketData
	}
	for {
		data, ci, err := next()
		if errors.Is(err, io.EOF) {
			return cis, datas, nil
		}
		if err != nil {
			return cis, datas, err
		}
		cis, datas = append(cis, ci), append(datas, data)
	}
}

// TestAgainstPcapgo checks that we read what pcapgo writes as pcapgo does.
func TestAgainstPcapgo(t *testing.T) {
	for _, format := range []string{"pcap", "pcap-ns", "pcapng"} {
		for _, n := range []int{0, 1, 50, 3000} {
			octets := theirWriter(t, format, n)
			cis, datas, err := theirReader(octets)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, fmt.Sprintf("%s of %d", format, n), octets, cis, datas)
		}
	}
}

// TestPcapgoReadsOurs checks that pcapgo reads what we write as we do.
func TestPcapgoReadsOurs(t *testing.T) {
	for i, octets := range written(t) {
		cis, datas, err := theirReader(octets)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			continue // its simple packets have the time 1 second before 1970 there, see ours in TestPacketKinds
		}
		agree(t, "ours", octets, cis, datas)
	}
}

func agree(t *testing.T, name string, octets []byte, cis []gopacket.CaptureInfo, datas [][]byte) {
	t.Helper()
	frames, in := read(t, octets, Options{})
	if len(frames) != len(cis) || in.Damage != nil {
		t.Fatalf("%s: we read %d frames, pcapgo %d; damage %+v", name, len(frames), len(cis), in.Damage)
	}
	for i, f := range frames {
		ci := cis[i]
		if f.Time != ci.Timestamp.UnixNano() || int(f.WireLength) != ci.Length || int(f.Interface) != ci.InterfaceIndex ||
			!bytes.Equal(f.Data, datas[i]) {
			t.Errorf("%s: frame %d: we read %+v, pcapgo %+v", name, i, f, ci)
		}
	}
}

// TestPcapgoMutated changes octets of files. Where both read a frame in spite of it,
// they must read the same; pcapgo may stop earlier, for it refuses what we tolerate.
func TestPcapgoMutated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, format := range []string{"pcap", "pcap-ns"} {
		whole := theirWriter(t, format, 20)
		for range rounds(3000) {
			octets := bytes.Clone(whole)
			at := classicHeader + rng.IntN(len(octets)-classicHeader)
			octets[at] ^= byte(1 + rng.IntN(255))
			cis, datas, _ := theirReader(octets)
			frames, in := read(t, octets, Options{})
			if len(in.Notes) > 0 {
				continue // another record layout made more sense
			}
			if len(frames) < len(cis) {
				t.Fatalf("%s, octet %d: we read %d frames, pcapgo %d; damage %+v", format, at, len(frames), len(cis), in.Damage)
			}
			for i, ci := range cis {
				// pcapgo multiplies a fraction of more than four seconds in 32 bits, which wraps.
				f := frames[i]
				if wraps := (f.Time - ci.Timestamp.UnixNano()) % (1 << 32); wraps != 0 || !bytes.Equal(f.Data, datas[i]) {
					t.Fatalf("%s, octet %d: frame %d: we read %+v, pcapgo %+v", format, at, i, f, ci)
				}
			}
		}
	}
}
