package analyze

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"whydrop/decode"
)

// drive sends packets with these times, in this order, through a dispatcher
// with one shard, in jobs of size batch, and returns the order in which the
// shard gets them (by index), and the ticks with how many packets came before.
func drive(times []int64, batch int) (order []int, ticks [][2]int64) {
	p := &pipeline{workers: 1, shards: []chan *parcel{make(chan *parcel, 1)}}
	p.order.init(p)
	ready := make(chan *job, 1)
	var all sync.WaitGroup
	all.Go(func() {
		var jobs []*job
		for number := uint64(0); len(times) > 0; number++ {
			n := min(batch, len(times))
			j := &job{number: number}
			for _, t := range times[:n] {
				j.decoded.Packets = append(j.decoded.Packets, decode.Packet{Time: t, Number: uint64(len(order))})
			}
			times = times[n:]
			jobs = append(jobs, j)
		}
		index := uint64(0)
		for _, j := range jobs {
			for i := range j.decoded.Packets {
				j.decoded.Packets[i].Number = index
				index++
			}
		}
		// Decoders finish in any order.
		for i := 0; i+1 < len(jobs); i += 2 {
			jobs[i], jobs[i+1] = jobs[i+1], jobs[i]
		}
		for _, j := range jobs {
			ready <- j
		}
		close(ready)
	})
	all.Go(func() { p.order.dispatchAll(ready) })
	for parcel := range p.shards[0] {
		for _, r := range parcel.refs {
			order = append(order, int(r.packet.Number))
		}
		if parcel.tick != 0 {
			ticks = append(ticks, [2]int64{int64(len(order)), parcel.tick})
		}
	}
	all.Wait()
	return order, ticks
}

func TestDispatcherSortsStablyWithinItsWindow(t *testing.T) {
	tests := []struct {
		name  string
		times []int64
		want  []int
	}{
		{"in order", []int64{1, 2, 3}, []int{0, 1, 2}},
		{"one late", []int64{1, 3, 4, 2, 5}, []int{0, 3, 1, 2, 4}},
		{"equal times stay", []int64{2, 2, 1, 1, 2}, []int{2, 3, 0, 1, 4}},
		{"clock set back", []int64{900e6, 901e6, 400e6, 402e6, 401e6}, []int{0, 1, 2, 4, 3}},
		{"reversed", []int64{5, 4, 3, 2, 1}, []int{4, 3, 2, 1, 0}},
	}
	for _, tt := range tests {
		for _, batch := range []int{1, 2, 64} {
			if got, _ := drive(slices.Clone(tt.times), batch); !slices.Equal(got, tt.want) {
				t.Errorf("%s, batches of %d: times %v came out as %v, want %v", tt.name, batch, tt.times, got, tt.want)
			}
		}
	}
}

// TestDispatcherIgnoresBatches checks that order and ticks are functions of
// the frames, also for frames later than the window can mend.
func TestDispatcherIgnoresBatches(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	times := make([]int64, 5*window)
	for i := range times {
		times[i] = int64(i)*3e6 + rng.Int64N(100e6)
		if i%500 == 499 {
			times[i] -= 20e9 // a clock step no window can mend
		}
	}
	order, ticks := drive(slices.Clone(times), 1)
	if len(order) != len(times) || len(ticks) < 10 {
		t.Fatalf("%d packets and %d ticks came out of %d packets over %d s", len(order), len(ticks), len(times), 5*window*3/1000)
	}
	for _, batch := range []int{7, 256, 100000} {
		o, k := drive(slices.Clone(times), batch)
		if !slices.Equal(o, order) || !slices.Equal(k, ticks) {
			t.Errorf("batches of %d change the order or the ticks", batch)
		}
	}
}

// TestDispatcherKnowsWhatItCannotSort: neighbours that changed places are put
// into order; a file written backwards is not.
func TestDispatcherKnowsWhatItCannotSort(t *testing.T) {
	swapped, backwards := make([]int64, 4*window), make([]int64, 4*window)
	for i := range swapped {
		swapped[i] = int64(i^1) * 1e6
		backwards[i] = int64(len(backwards)-i) * 1e6
	}
	for _, tt := range []struct {
		name  string
		times []int64
		min   uint64
		max   uint64
	}{{"neighbours swapped", swapped, 0, 0}, {"backwards", backwards, setbacks + 1, 4 * window}} {
		p := &pipeline{workers: 1, shards: []chan *parcel{make(chan *parcel, 64)}}
		p.order.init(p)
		j := new(job)
		for _, at := range tt.times {
			j.decoded.Packets = append(j.decoded.Packets, decode.Packet{Time: at})
		}
		ready := make(chan *job, 1)
		ready <- j
		close(ready)
		p.order.dispatchAll(ready)
		if n := p.order.unsorted; n < tt.min || n > tt.max {
			t.Errorf("%s: %d frames are called unsorted, want %d to %d", tt.name, n, tt.min, tt.max)
		}
	}
}

func TestDispatcherCountsDisorder(t *testing.T) {
	var o dispatcher
	for _, at := range []int64{10, 20, 15, 15, 5, 30} {
		o.watch(at)
	}
	if o.disorder != 2 || o.first != 5 || o.last != 30 {
		t.Errorf("disorder %d, first %d, last %d; want 2, 5, 30", o.disorder, o.first, o.last)
	}
}

// TestDispatcherCountsLeaps checks that only what is far ahead of all before counts.
func TestDispatcherCountsLeaps(t *testing.T) {
	var o dispatcher
	for _, minutes := range []int64{0, 5, 15, 26, 15, 26, 90} {
		o.watch(minutes * minute)
	}
	if o.leaps != 2 || o.leap != 64*minute {
		t.Errorf("%d leaps, the longest of %d minutes; want 2, 64", o.leaps, o.leap/minute)
	}
}
