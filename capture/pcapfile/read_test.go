package pcapfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"whydrop/capture"
)

// tb is what testing.TB and rapid.T have in common.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// read returns copies of all frames of a capture given as octets, through "-".
func read(t tb, octets []byte, o Options) ([]capture.Frame, capture.Input) {
	t.Helper()
	o.Stdin = bytes.NewReader(octets)
	frames, inputs := readAll(t, []string{"-"}, o)
	return frames, inputs[0]
}

func readAll(t tb, paths []string, o Options) ([]capture.Frame, []capture.Input) {
	t.Helper()
	src, err := Open(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	frames := drain(t, src)
	inputs := src.Inputs()
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	return frames, inputs
}

// drain returns copies of all frames of src.
func drain(t tb, src capture.Source) []capture.Frame {
	t.Helper()
	var all []capture.Frame
	for {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Frames) == 0 {
			t.Fatal("an empty batch")
		}
		for _, f := range b.Frames {
			f.Data = slices.Clone(f.Data)
			all = append(all, f)
		}
		b.Release()
	}
}

// same compares frames, octets included.
func same(a, b capture.Frame) bool {
	equal := bytes.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return equal && a.Number == b.Number && a.Time == b.Time && a.WireLength == b.WireLength &&
		a.Interface == b.Interface && a.File == b.File && a.Link == b.Link && a.LinkErrors == b.LinkErrors &&
		a.Direction == b.Direction && a.Offload == b.Offload && a.HasTime == b.HasTime
}

// save writes octets to a new file and returns its path.
func save(t testing.TB, name string, octets []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
