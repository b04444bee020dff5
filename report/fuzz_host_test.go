package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// A witnessed source says of its frames what a file says that a host said.
type witnessed struct {
	capture.Source
	said *capture.Testimony
}

func (w *witnessed) Inputs() []capture.Input {
	in := w.Source.Inputs()
	in[0].Testimony = w.said
	return in
}

// FuzzTestimony lets a host say anything about a small capture: what it says comes
// from a file. No sum may run over, and the ledger must balance.
func FuzzTestimony(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(scenarioDir, "host-*.txtar"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if _, said, ok := strings.Cut(string(text), "-- host --\n"); ok {
			said, _, _ = strings.Cut(said, "-- want --")
			f.Add([]byte(said))
		}
	}
	text, err := os.ReadFile(filepath.Join(scenarioDir, "dropped-on-the-receiver.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	s, err := scenario.Parse("x", text)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		host := new(capture.Testimony)
		if json.Unmarshal(said, host) != nil {
			t.Skip()
		}
		res, err := analyze.Run(context.Background(), &witnessed{s.Source(0), host}, analyze.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		l := &res.Ledger
		if l.Lost()+l.CaptureOnly()+l.Unexplained() != l.Missing() {
			t.Errorf("%d lost + %d only here + %d unexplained are not %d missing", l.Lost(), l.CaptureOnly(), l.Unexplained(), l.Missing())
		}
		r := report.Build(res, report.BuildOptions{})
		var b bytes.Buffer
		if err := report.Text(&b, r, report.TextOptions{Verbose: 2}); err != nil {
			t.Fatal(err)
		}
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := report.NDJSON(&b, res, r); err != nil {
			t.Fatal(err)
		}
	})
}
