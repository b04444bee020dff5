package report

import (
	"math"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"},
		{count(999), "999"},
		{count(1000), "1 000"},
		{count(26656), "26 656"},
		{count(1_000_001), "1 000 001"},
		{count(math.MaxUint64), "18 446 744 073 709 551 615"},
		{counted(1, "packet"), "1 packet"},
		{counted(0, "packet"), "0 packets"},
		{counted(2300, "flow"), "2 300 flows"},
		{percent(0, 100), "0"},
		{percent(5, 0), "0"},
		{percent(103, 3390), "3.04 %"},
		{percent(1, 1_000_000), "<0.01 %"},
		{percent(7, 7), "100.00 %"},
		{share(48, 2207), "2.2 %"},
		{share(12, 100), "12 %"},
		{share(1, 1_000_000), "<0.1 %"},
		{octets(0), "0 B"},
		{octets(999), "999 B"},
		{octets(1000), "1 kB"},
		{octets(729_400), "729 kB"},
		{octets(999_499), "999 kB"},
		{octets(999_500), "1.0 MB"},
		{octets(3_400_000), "3.4 MB"},
		{octets(1_300_000_000), "1.3 GB"},
		{octets(999_960_000), "1.0 GB"},
		{octets(math.MaxUint64), "18.4 EB"},
		{duration(0), "0 s"},
		{duration(-5), "0 s"},
		{duration(120_400), "120 µs"},
		{duration(75_700_000), "75.7 ms"},
		{duration(450_000_000), "450 ms"},
		{duration(999_600), "1.0 ms"},
		{duration(99_970_000), "100 ms"},
		{duration(999_800_000), "1.0 s"},
		{duration(3_200_000_000), "3.2 s"},
		{duration(int64(72 * time.Minute)), "1 h 12 min"},
		{duration(int64(4 * time.Minute)), "4 min"},
		{duration(math.MaxInt64), "2 562 047 h 47 min"},
		{rtt(0.24), "0.2 ms"},
		{rtt(9.94), "9.9 ms"},
		{rtt(9.96), "10 ms"},
		{rtt(41.5), "42 ms"},
		{seconds(t0, t0+130_996_999), "0.130996"},
		{seconds(t0, t0-1_500_000_000), "-1.500000"},
		{seconds(0, 3_600_000_000_001), "3600.000000"},
		{proseSeconds(131_999_999), "0.13"},
		{timestamp(0), "1970-01-01T00:00:00.000000000Z"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if r := rate(1, 0); r != 0 {
		t.Errorf("a rate of nothing is %v, want 0", r)
	}
}

func TestSparklineShowsASingleLoss(t *testing.T) {
	for _, c := range []struct {
		counts      []uint32
		utf8, ascii string
	}{
		{[]uint32{0, 1, 40}, " ▂█", " :@"},
		{[]uint32{0, 0, 0}, "   ", "   "},
		{[]uint32{1, math.MaxUint32}, "▁█", ".@"},
		{[]uint32{1, 4, 9, 16}, "▃▅▇█", "-+#@"},
		{nil, "", ""},
	} {
		if got := sparkline(c.counts, false); got != c.utf8 {
			t.Errorf("%v: got %q, want %q", c.counts, got, c.utf8)
		}
		if got := sparkline(c.counts, true); got != c.ascii {
			t.Errorf("%v: got %q, want %q", c.counts, got, c.ascii)
		}
	}
}
