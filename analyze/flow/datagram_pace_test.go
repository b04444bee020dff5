package flow

import "testing"

// TestPace: missing numbers that left their time empty were packets of the same
// sender; those of a counter that others share were not.
func TestPace(t *testing.T) {
	const every = 10 * millisecond
	tests := []struct {
		name string
		took func(i int, n int64) int64 // between numbers that are n apart
		want bool
	}{
		{"an even sender, lost", func(_ int, n int64) int64 { return n * every }, true},
		{"a little uneven", func(i int, n int64) int64 { return n*every + int64(i%3-1)*every/4 }, true},
		{"a counter that others share", func(int, int64) int64 { return every }, false},
		{"a queue evens everything out", func(int, int64) int64 { return every * 11 / 10 }, false},
		{"in pairs", func(i int, n int64) int64 { return n * every * int64(i%2) * 2 }, false},
		{"clock set back", func(int, int64) int64 { return -1 }, false},
	}
	for _, tt := range tests {
		var p pace
		for i := range 300 {
			n := int64(1)
			if i%3 == 2 {
				n = 2 + int64(i%2)
			}
			p.step(tt.took(i, n), n)
		}
		if got := p.counts(); got != tt.want {
			t.Errorf("%s: %t (%+v)", tt.name, got, p)
		}
	}
	var few pace
	for range paceFewest - 1 {
		few.step(every, 1)
		few.step(2*every, 2)
	}
	if few.counts() {
		t.Errorf("too few of them: %+v", few)
	}
}
