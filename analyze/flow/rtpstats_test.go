package flow

import (
	"math"
	"testing"
)

// TestBursts holds the figures of RFC 3611 §4.7.2 and of Gilbert's model on
// losses that can be counted by hand.
func TestBursts(t *testing.T) {
	hole := func(from, to int64) serialGap { return serialGap{from: from, to: to} }
	tests := []struct {
		name  string
		holes []serialGap
		want  Bursts
	}{
		{"nothing lost", nil, Bursts{}},
		{"one alone", []serialGap{hole(50, 51)}, Bursts{Lost: 1, Runs: 1, Longest: 1, Begins: 1. / 99, Ends: 1, GapDensity: 1. / 100}},
		{"two, far apart", []serialGap{hole(20, 21), hole(37, 38)}, Bursts{Lost: 2, Runs: 2, Longest: 1, Begins: 2. / 98, Ends: 1, GapDensity: 2. / 100}},
		{"two, 15 arrivals between", []serialGap{hole(20, 21), hole(36, 37)},
			Bursts{Lost: 2, Runs: 2, Longest: 1, Begins: 2. / 98, Ends: 1, InBursts: 2, BurstDensity: 2. / 17}},
		{"a run of four, and one alone", []serialGap{hole(20, 24), hole(80, 81)},
			Bursts{Lost: 5, Runs: 2, Longest: 4, Begins: 2. / 95, Ends: 2. / 5, InBursts: 4, BurstDensity: 1, GapDensity: 1. / 96}},
		{"one run in two pieces", []serialGap{hole(20, 22), hole(22, 24)},
			Bursts{Lost: 4, Runs: 1, Longest: 4, Begins: 1. / 96, Ends: 1. / 4, InBursts: 4, BurstDensity: 1}},
	}
	for _, tt := range tests {
		if got := burstsOf(tt.holes, 1, 100); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestJitter follows RFC 3550 A.8: what arrives like clockwork has none, and one
// packet that is late by 16 ms counts 1 ms, and as much again when the next is not.
func TestJitter(t *testing.T) {
	var j jitter
	for i := range int64(100) {
		j.take(0, uint32(160*i), 20*i*millisecond)
	}
	if !j.priced || j.now != 0 {
		t.Errorf("like clockwork: %v", j.now)
	}
	j.take(0, 160*100, 20*100*millisecond+16*millisecond)
	if j.now != float64(millisecond) {
		t.Errorf("one late packet: %v ns", j.now)
	}
	j.take(0, 160*101, 20*101*millisecond)
	if want := 15./16*1e6 + 1e6; math.Abs(j.now-want) > 1 {
		t.Errorf("and the next: %v ns, want %v", j.now, want)
	}
}

// TestClockRate checks that the rate of a dynamic payload type is found, and
// that no jitter is told where none fits.
func TestClockRate(t *testing.T) {
	for _, tt := range []struct{ ticks, want float64 }{{48000, 48000}, {90000, 90000}, {12345, 0}} {
		var j jitter
		for i := range int64(300) {
			j.take(96, uint32(float64(i)*tt.ticks/50), 20*i*millisecond)
		}
		if j.rate != tt.want || j.priced != (tt.want > 0) {
			t.Errorf("%v ticks: rate %v, priced %t", tt.ticks, j.rate, j.priced)
		}
	}
}
