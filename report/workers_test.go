package report_test

import (
	"fmt"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// lossyUploads is a capture of uploads between several pairs of hosts, each of
// which loses some segments behind the tap.
func lossyUploads(t *testing.T) *scenario.Scenario {
	t.Helper()
	const hosts, rounds, each = 14, 12, 3
	var b strings.Builder
	for i := range hosts {
		fmt.Fprintf(&b, "a%d = 10.0.%d.1:40000 ts 1000\nb%d = 10.0.%d.2:443 ts 5000\n", i, i, i, i%5)
	}
	for i := range hosts {
		fmt.Fprintf(&b, "%.3f a%d > b%d S 0:0 win 64240 mss 1460 ws 7 sackok\n", 0.01*float64(i), i, i)
		fmt.Fprintf(&b, "+.002 b%d > a%d S. 0:0 a1 win 65160 mss 1460 ws 7 sackok\n+.001 a%d > b%d . 1:1 a1\n", i, i, i, i)
	}
	for round := range rounds {
		for i := range hosts {
			at := 1 + 0.4*float64(round) + 0.015*float64(i)
			lo := 1 + 1000*each*round
			for k := range each {
				fmt.Fprintf(&b, "%.4f a%d > b%d . %d:%d a1\n", at+0.0001*float64(k), i, i, lo+1000*k, lo+1000*(k+1))
			}
			if (round+i)%3 == 0 {
				fmt.Fprintf(&b, "+.0020 b%d > a%d . 1:1 a%d sack %d:%d\n", i, i, lo, lo+1000, lo+2000)
				fmt.Fprintf(&b, "+.0001 b%d > a%d . 1:1 a%d sack %d:%d\n", i, i, lo, lo+1000, lo+3000)
				fmt.Fprintf(&b, "+.0010 a%d > b%d . %d:%d a1\n", i, i, lo, lo+1000)
			}
			fmt.Fprintf(&b, "+.0020 b%d > a%d . 1:1 a%d\n", i, i, lo+1000*each)
		}
	}
	s, err := scenario.Parse("uploads", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everything is a report in all its forms, and how many directions it gave up.
func everything(t *testing.T, s *scenario.Scenario, o analyze.Options) (string, uint64) {
	t.Helper()
	res, err := analyze.Run(t.Context(), s.Source(100), o)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Build(res, report.BuildOptions{})
	var b strings.Builder
	for _, err := range []error{
		report.JSON(&b, r), report.NDJSON(&b, res, r), report.Text(&b, r, report.TextOptions{Verbose: 2}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String(), r.Limits.Trails
}

// TestLimitsDoNotDependOnWorkers checks that what is given up for lack of room is
// the same however the flows are spread over shards.
func TestLimitsDoNotDependOnWorkers(t *testing.T) {
	s := lossyUploads(t)
	unlimited, _ := everything(t, s, analyze.Options{Workers: 1})
	for _, limits := range []analyze.Options{
		{}, {MaxTrails: 1}, {MaxTrails: 40}, {MaxTrails: 160}, {MaxTrails: 400}, {MaxFits: 1}, {MaxFits: 50}, {MaxFits: 130}, {MaxTrails: 300, MaxFits: 90},
	} {
		limits.Workers = 1
		want, gaveUp := everything(t, s, limits)
		if limited := limits.MaxTrails+limits.MaxFits > 0; limited != (gaveUp > 0) || limited == (want == unlimited) {
			t.Errorf("%+v: %d directions given up", limits, gaveUp)
		}
		for _, workers := range []int{2, 3, 7} {
			limits.Workers = workers
			if got, _ := everything(t, s, limits); got != want {
				t.Errorf("%+v: another report than of one worker", limits)
			}
		}
	}
}
