package main

import (
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// leastMemory is what packets on their way and the report of a small capture take.
const leastMemory = 48 << 20

// A memory is the value of --max-memory: octets, 0 = a quarter of the machine's.
type memory int64

func (m *memory) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*m), 10)
}

// Type is called by the flag library.
func (*memory) Type() string { return "SIZE" }

// Set reads a number of octets with an optional K, M, G or T (powers of 1024), and
// an optional B or iB behind it.
func (m *memory) Set(s string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B"), "I")
	unit := 1.0
	if n := len(number); n > 0 {
		if k := strings.IndexByte("KMGT", number[n-1]); k >= 0 {
			number, unit = number[:n-1], math.Pow(1024, float64(k+1))
		}
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(x) || x < 0 || x*unit > 1<<60 {
		return &choiceError{fmt.Sprintf("%q is no size", s), "500M or 2G"}
	}
	if x*unit < leastMemory {
		return &choiceError{s + " is too little", fmt.Sprintf("at least %dM", leastMemory>>20)}
	}
	*m = memory(x * unit)
	return nil
}

// hold settles what the limit is, and has the collector of garbage keep it. A command
// begins with it; from then on m is the limit in octets, 0 if there is none.
func (m *memory) hold() {
	if *m == 0 {
		*m = memory(machineMemory() / 4)
	}
	if *m > 0 {
		debug.SetMemoryLimit(int64(*m))
	}
}

// share is what each of n analyses at the same time may take, octets.
func (m memory) share(n int) int64 { return int64(m) / int64(max(n, 1)) }

const maxMemoryHelp = "take about `SIZE` of memory at most, as 500M or 2G (default: a quarter of the machine's); what has no room is summed up, and counted in the report"

// The collector of Go lets garbage grow until it is as large as what is in use.
// Of a large heap that is too much: from spareHeap on, garbage is as large as
// that, or the least share of what is in use.
const (
	spareHeap     = 128 << 20
	leastGarbage  = 20 // percent
	usualGarbage  = 100
	lookAtGarbage = 50 * time.Millisecond
)

// tuneCollector keeps it so. It does not return.
func tuneCollector() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := usualGarbage
	for range time.Tick(lookAtGarbage) {
		metrics.Read(live)
		if want := garbageFor(live[0].Value.Uint64()); want != now {
			debug.SetGCPercent(want)
			now = want
		}
	}
}

// garbageFor is how many percent of live octets may be garbage, in steps of 5.
func garbageFor(live uint64) int {
	if live <= spareHeap {
		return usualGarbage
	}
	return max(int(usualGarbage*spareHeap/live)/5*5, leastGarbage)
}
