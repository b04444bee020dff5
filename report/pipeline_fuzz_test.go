package report_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/pcapfile"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// kernelCaptures are captures of real kernels that the fuzzer changes, each with another story.
var kernelCaptures = []string{
	"loss-sender.pcapng.gz", "clean-receiver.pcap.gz", "damage-receiver.pcapng.gz", "datagrams-middle.pcap.gz", "refused-client.pcap", "syn-receiver.pcap", "heavy6-middle.pcapng.gz",
}

// readFrames are the first frames of a capture.
func readFrames(t testing.TB, path string) []capture.Frame {
	t.Helper()
	src, err := pcapfile.Open([]string{path}, pcapfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	var out []capture.Frame
	const most = 90
	for len(out) < most {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range b.Frames {
			f.Data = slices.Clone(f.Data)
			out = append(out, f)
		}
		b.Release()
	}
	return out[:min(len(out), most)]
}

// A held source gives frames that are in memory, in batches.
type held struct {
	frames []capture.Frame
	batch  int
	at     int
}

func (h *held) Next() (*capture.Batch, error) {
	if h.at == len(h.frames) {
		return nil, io.EOF
	}
	end := min(h.at+h.batch, len(h.frames))
	piece := slices.Clone(h.frames[h.at:end]) // with -tags poison they are overwritten
	for i := range piece {
		piece[i].Data = slices.Clone(piece[i].Data)
	}
	h.at = end
	return capture.NewBatch(piece, nil), nil
}

func (h *held) Inputs() []capture.Input {
	return []capture.Input{{Path: "x", Format: "pcap", Frames: uint64(len(h.frames)), LinkTypes: []capture.LinkType{capture.LinkEthernet}}}
}

func (h *held) Close() error { return nil }

// FuzzPipeline changes captures of real kernels, and stories, as whoever writes a file could,
// and has them judged and told in every format. Nothing may panic, the books must balance, no
// octet may move the cursor, and neither workers nor batches may change a word.
func FuzzPipeline(f *testing.F) {
	var bases [][]capture.Frame
	for _, name := range kernelCaptures {
		bases = append(bases, readFrames(f, filepath.Join("../testdata/pcap", name)))
	}
	text, err := os.ReadFile(filepath.Join(scenarioDir, "dropped-on-the-receiver.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	story, err := scenario.Parse("x", text)
	if err != nil {
		f.Fatal(err)
	}
	bases = append(bases, story.Frames())
	for base := range bases {
		for what := range changes {
			step := []byte{byte(what), 0, 0, byte(20 + base), 0x3f, 0xf5, 0xa5, byte(what*37 + base)}
			f.Add(uint8(base), slices.Concat(step, []byte{byte(what + 1), 0, 0, 40, 0xff, 0xff, 0, 40}, step))
		}
	}
	f.Fuzz(func(t *testing.T, base uint8, steps []byte) {
		const most = 32 * octetsPerStep
		frames := mutated(bases[int(base)%len(bases)], steps[:min(len(steps), most)])
		one := told(t, &held{frames: frames, batch: 1000}, analyze.Options{Workers: 1}, true)
		if three := told(t, &held{frames: frames, batch: 7}, analyze.Options{Workers: 3}, false); !bytes.Equal(one, three) {
			t.Errorf("three workers say\n%s\none says\n%s", three, one)
		}
		told(t, &held{frames: frames, batch: 100}, analyze.Options{Workers: 2, MaxFlows: 3, MaxSymptoms: 5, MaxTrails: 10}, false)
	})
}

// told is what is said of src, as JSON and NDJSON; with people, in every other format, too,
// of which the screen is looked at.
func told(t *testing.T, src capture.Source, o analyze.Options, people bool) []byte {
	t.Helper()
	res, err := analyze.Run(context.Background(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Build(res, report.BuildOptions{})
	balance(t, res, r)
	var machines, screen, page bytes.Buffer
	err = errors.Join(report.JSON(&machines, r), report.NDJSON(&machines, res, r))
	if people {
		err = errors.Join(err, report.FlowsCSV(&page, res), report.ChargesCSV(&page, r), report.HTML(&page, res, r, report.HTMLOptions{}),
			report.Text(&screen, r, report.TextOptions{Verbose: 2, Flows: true}), report.Markdown(&screen, r, true))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range screen.String() {
		if c < ' ' && c != '\n' || c == 0x7f || c == utf8.RuneError {
			t.Fatalf("%U reaches the terminal", c)
		}
	}
	return machines.Bytes()
}
