package analyze_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/scenario"
)

// bulk is a capture of several conversations between several pairs of hosts,
// with a gap, a repair and UDP beside them.
func bulk(t testing.TB) *scenario.Scenario {
	t.Helper()
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "a%d = 10.0.%d.1:40000\nb%d = 10.0.%d.2:443\n", i, i, i, i)
	}
	for i := range 8 {
		fmt.Fprintf(&b, "%.3f a%d > b%d S 0:0 win 64240 mss 1460 ws 7 sackok\n", float64(i)*0.3, i, i)
		fmt.Fprintf(&b, "+.020 b%d > a%d S. 0:0 a1 win 65160 mss 1460 ws 7 sackok\n", i, i)
		fmt.Fprintf(&b, "+.000 a%d > b%d . 1:1 a1 win 502\n", i, i)
		for s := 1; s < 14600; s += 1460 {
			fmt.Fprintf(&b, "+.0001 a%d > b%d P. %d:%d a1 win 502\n", i, i, s, s+1460)
		}
		fmt.Fprintf(&b, "+.020 b%d > a%d . 1:1 a14601 win 501\n", i, i)
	}
	s, err := scenario.Parse("bulk", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t testing.TB, src capture.Source, o analyze.Options) *analyze.Result {
	t.Helper()
	res, err := analyze.Run(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestResultDependsOnFramesOnly checks that neither workers nor batches change anything.
func TestResultDependsOnFramesOnly(t *testing.T) {
	s := bulk(t)
	want := run(t, s.Source(64), analyze.Options{Workers: 1})
	if want.Counts.Frames == 0 {
		t.Fatal("no frame was analysed")
	}
	for _, workers := range []int{1, 2, 5} {
		for _, batch := range []int{1, 7, 1000} {
			got := run(t, s.Source(batch), analyze.Options{Workers: workers})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d workers, batches of %d: the result differs:\n%+v\nwant\n%+v", workers, batch, got, want)
			}
		}
	}
}

// failing hands out some batches and then fails, or cancels.
type failing struct {
	capture.Source
	after int
	then  func() error
}

func (f *failing) Next() (*capture.Batch, error) {
	if f.after == 0 {
		if err := f.then(); err != nil {
			return nil, err
		}
	}
	f.after--
	return f.Source.Next()
}

func TestRunKeepsWhatCameBeforeAnError(t *testing.T) {
	broken := errors.New("input/output error")
	src := &failing{bulk(t).Source(10), 3, func() error { return broken }}
	res, err := analyze.Run(t.Context(), src, analyze.Options{})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if res == nil || res.Counts.Frames != 30 {
		t.Errorf("the result does not cover the 30 frames before the error: %+v", res)
	}
}

func TestRunStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := &failing{bulk(t).Source(10), 3, func() error { cancel(); return nil }}
	res, err := analyze.Run(ctx, src, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Interrupted || res.Counts.Frames != 40 {
		t.Errorf("interrupted %t after %d frames; want true after 40", res.Interrupted, res.Counts.Frames)
	}
}

func TestRunOfNothing(t *testing.T) {
	src := &failing{bulk(t).Source(10), 0, func() error { return io.EOF }}
	res := run(t, src, analyze.Options{})
	if res.Counts.Frames != 0 || res.Ledger.Missing() != 0 || len(res.Flows) != 0 {
		t.Errorf("no frames gave %d frames, %d missing, %d flows", res.Counts.Frames, res.Ledger.Missing(), len(res.Flows))
	}
}

// TestRunStoppedBeforeItBegan checks that what a source held already is told.
func TestRunStoppedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := analyze.Run(ctx, bulk(t).Source(10), analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Interrupted || res.Counts.Frames != 10 {
		t.Errorf("interrupted %t after %d frames; want true after the 10 of the first batch", res.Interrupted, res.Counts.Frames)
	}
}
