package main

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestMemorySizes(t *testing.T) {
	for s, want := range map[string]memory{
		"500M": 500 << 20, "2G": 2 << 30, "2g": 2 << 30, "2GiB": 2 << 30, "1.5GB": 3 << 29, "104857600": 100 << 20, "0.5T": 1 << 39,
	} {
		var m memory
		if err := m.Set(s); err != nil || m != want {
			t.Errorf("%s: %d (%v), want %d", s, m, err, want)
		}
	}
	for _, s := range []string{"", "M", "-1G", "lots", "NaN", "1e30", "10M", "0", "5X"} {
		var m memory
		if err := m.Set(s); err == nil {
			t.Errorf("%q is taken for %d octets", s, m)
		}
	}
}

// TestGarbage: the larger the heap, the smaller the share of it that may be garbage.
func TestGarbage(t *testing.T) {
	last := usualGarbage
	for live := uint64(1 << 20); live < 1<<40; live *= 2 {
		n := garbageFor(live)
		if n > last || n < leastGarbage {
			t.Errorf("%d%% of %d MiB may be garbage, %d%% of half of that", n, live>>20, last)
		}
		last = n
	}
	if garbageFor(spareHeap) != usualGarbage || last != leastGarbage {
		t.Errorf("%d%% of a small heap, %d%% of a large one", garbageFor(spareHeap), last)
	}
}

// TestMemoryHold: a command begins by telling the collector; what analyses share is no more.
func TestMemoryHold(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	m := memory(3 << 30)
	m.hold()
	if n := debug.SetMemoryLimit(-1); n != 3<<30 {
		t.Errorf("the collector keeps to %d octets", n)
	}
	if m.share(3) != 1<<30 || m.share(1) != 3<<30 {
		t.Errorf("of three, each has %d octets, one alone %d", m.share(3), m.share(1))
	}
	m = 0
	m.hold()
	if want := memory(machineMemory() / 4); m != want {
		t.Errorf("without a limit it is %d octets, want %d", m, want)
	}
}
