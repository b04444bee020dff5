package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture/pcapfile"
)

// written makes a capture in a file, and says what is in it.
func written(t testing.TB, o options) (name string, wrote tally) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "capture")
	wrote, err := writeFile(name, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return name, wrote
}

func analysed(t testing.TB, name string, workers int) *analyze.Result {
	t.Helper()
	src, err := pcapfile.Open([]string{name}, pcapfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestWhydropFindsTheLoss: the capture that whydrop is timed on is one whose
// losses it finds, every one, on the right side of the tap.
func TestWhydropFindsTheLoss(t *testing.T) {
	// Full segments, and IPv4: of small ones beside each other in one gap, octets
	// say only that there was one at least.
	for _, o := range []options{small("1500", "pcap"), small("1500", "pcapng"), small("mixed", "pcapng")} {
		o.ipv6 = 0
		name, wrote := written(t, o)
		res := analysed(t, name, 2)
		var before, behind int
		for _, l := range res.Ledger.Losses {
			switch l.Place {
			case flow.BeforeTap:
				before += int(l.Packets)
			case flow.AfterTap, flow.InReceiver:
				behind += int(l.Packets)
			default:
				t.Errorf("%s %s: %d packets %v", o.size, o.format, l.Packets, l.Place)
			}
		}
		if before != wrote.before || behind != wrote.behind {
			t.Errorf("%s %s: found %d lost before the tap and %d behind it; %d and %d were",
				o.size, o.format, before, behind, wrote.before, wrote.behind)
		}
	}
}

// BenchmarkWhole is a file from its first octet to the ledger.
func BenchmarkWhole(b *testing.B) {
	for _, bench := range []struct {
		name string
		o    options
	}{
		{"mixed", options{packets: 200_000, flows: 700, pairs: 300, loss: .003, size: "mixed", format: "pcap", seed: 1, seconds: 20, ipv6: .1}},
		{"small", options{packets: 200_000, flows: 700, pairs: 300, loss: .003, size: "96", format: "pcapng", seed: 1, seconds: 20, ipv6: .1}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			name, wrote := written(b, bench.o)
			info, err := os.Stat(name)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				analysed(b, name, 0)
			}
			b.ReportMetric(float64(wrote.packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
