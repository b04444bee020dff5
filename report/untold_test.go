package report_test

import (
	"context"
	"testing"

	"whydrop/analyze"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// TestUntold: where something is known to be lost, the first screen says of how
// many datagrams nobody knows. Requests that were answered are none of them.
func TestUntold(t *testing.T) {
	const ends = "-- capture --\na = 10.0.0.1:40000\nb = 10.0.0.2:5001\nc = 10.0.0.1:40001\nd = 10.0.0.9:5002\n" +
		"e = 10.0.0.1:40002\nf = 10.0.0.8:53\n"
	const refused = "0.000  a > b  udp 100  as p\n+.001  b > a  icmp 3/3 quotes p\n"
	for _, tt := range []struct{ name, lines, want string }{
		{"nothing else", refused, ""},
		{"two that nobody answers", refused + "+1  c > d  udp 50\n+1  c > d  udp 60\n",
			"Whether 2 UDP packets of 1 flow arrived, this capture does not tell."},
		{"the rest of the flow", refused + "+9  a > b  udp 100\n", "Whether 1 UDP packet of 1 flow arrived, this capture does not tell."},
		{"a request and its answer", refused + "+1  e > f  udp 40 head 000101000001\n+.01  f > e  udp 90 head 000181800001\n", ""},
	} {
		s, err := scenario.Parse(tt.name, []byte(ends+tt.lines+"-- want --\n"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := analyze.Run(context.Background(), s.Source(0), analyze.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Build(res, report.BuildOptions{}).Verdict.Aside; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
