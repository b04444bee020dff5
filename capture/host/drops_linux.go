package host

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// gatherEvery is how often the ring of samples is emptied. Nobody is woken for
	// a drop: at the budget of a million a second, waking would cost most.
	gatherEvery = 25 * time.Millisecond
	// clockEvery is after how many of these the clocks are compared again, and the
	// table of the kernel looked after: a second.
	clockEvery = 40
	// mostSamples bounds the drops that are kept one by one: 20 MB.
	mostSamples = 1 << 16
)

// dropOptions say which drops are wanted.
type dropOptions struct {
	netns uint32 // inode of the network namespace
	every bool   // sample all, not only the first of each kind
}

// A dropWatch gathers the kernel's drop events.
type dropWatch struct {
	name    func(index int) string // of an interface
	reasons *reasonNames
	program *program
	ring    *ringbuf.Reader
	traced  *tracedDrops // the fallback without BPF
	joiner  *joiner      // nil: there are no samples
	named   chan *symbols
	offset  atomic.Int64 // of CLOCK_REALTIME from CLOCK_MONOTONIC
	stop    chan struct{}
	over    sync.WaitGroup

	// Of the goroutine that gathers, until it is over.
	samples map[dropKey][]*sampled
	kept    int
	spilled map[dropKey]*sums // what was taken out of the kernel's table
	made    uint64            // keys that were made until then
}

// openDrops is called on the thread of the witness, in its namespace, before the
// first look and before privileges are dropped. What it cannot have it tells e.
func openDrops(_ context.Context, o Options, e *eye) *dropWatch {
	d := &dropWatch{name: e.links.name, stop: make(chan struct{}), samples: map[dropKey][]*sampled{}, spilled: map[dropKey]*sums{}}
	var space unix.Stat_t
	err := unix.Stat("/proc/thread-self/ns/net", &space)
	if err == nil {
		err = d.open(dropOptions{netns: uint32(space.Ino), every: o.EveryDrop})
	}
	if err != nil {
		d.program, d.joiner = nil, nil
		d.fallBack(err, e)
		return d
	}
	if !d.readSymbols() {
		e.lacks("names of kernel functions", "needs CAP_SYSLOG, or kernel.kptr_restrict=0",
			"where the kernel gives no reason, or one for several causes, the cause cannot be told")
	}
	return d
}

// open loads the program and starts gathering.
func (d *dropWatch) open(o dropOptions) error {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	if d.reasons, err = readReasons(spec); err != nil {
		return err
	}
	d.offset.Store(clockOffset())
	if d.program, err = load(d.reasons, o); err != nil {
		return err
	}
	if d.ring, err = ringbuf.NewReader(d.program.maps.Samples); err != nil {
		d.program.close()
		return err
	}
	d.joiner = newJoiner(joinFrames)
	d.over.Go(d.gather)
	return nil
}

// fallBack does what can be done without BPF: reasons and functions, counted.
func (d *dropWatch) fallBack(why error, e *eye) {
	var err error
	if d.traced, err = traceDrops(); err == nil {
		e.lacks("addresses of kernel drop events", whyNot(why),
			"drops are known by reason and function only, for the whole host, and no captured frame is named")
		return
	}
	e.lacks("kernel drop events", whyNot(why),
		"drops without a counter (firewall rules without one, blackhole routes, martians) cannot be proven, and no captured frame is named")
}

// readSymbols opens the table of functions while privileged, and reads it in the
// background: that takes a tenth of a second.
func (d *dropWatch) readSymbols() bool {
	if !symbolsReadable() {
		return false
	}
	f, err := os.Open(kallsyms)
	if err != nil {
		return false
	}
	d.named = make(chan *symbols, 1)
	go func() {
		defer f.Close()
		s, _ := readSymbols(f)
		d.named <- s
	}()
	return true
}

// Frame takes a captured frame: its number, time, octets, and where it was captured.
// The data is not kept. It is called from one goroutine.
func (w *Witness) Frame(number uint64, time int64, data []byte, link capture.LinkType, iface string) {
	if j := w.drops.joiner; j != nil {
		j.frame(number, time, network(link, data))
	}
}

// gather empties the ring of samples until it is told to stop.
func (d *dropWatch) gather() {
	tick := time.NewTicker(gatherEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-d.stop:
			return
		case <-tick.C:
			d.empty()
			if n%clockEvery == 0 {
				d.offset.Store(clockOffset())
				d.makeRoom(fullTable)
			}
		}
	}
}

// empty takes all samples out of the ring.
func (d *dropWatch) empty() {
	d.ring.SetDeadline(time.Unix(1, 0)) // long past: do not wait
	var record ringbuf.Record
	for {
		if d.ring.ReadInto(&record) != nil {
			return // all were read: the deadline is over
		}
		if d.kept == mostSamples {
			continue
		}
		key, s, ok := readSample(record.RawSample, d.offset.Load())
		if !ok {
			continue
		}
		d.kept++
		d.samples[key] = append(d.samples[key], s)
		d.joiner.wait(&s.waiter)
	}
}

// detach ends the events.
func (d *dropWatch) detach() {
	switch {
	case d.traced != nil:
		d.traced.disable()
	case d.program != nil:
		d.program.detach()
	}
}

// finish adds the drop events to the testimony.
func (d *dropWatch) finish(t *capture.Testimony) {
	if d.traced != nil {
		t.Drops = d.traced.finish()
		return
	}
	if d.program == nil {
		return
	}
	d.program.detach()
	close(d.stop)
	d.over.Wait()
	d.empty()
	d.joiner.settle(math.MaxInt64)
	c := &collection{watch: d, offset: d.offset.Load(), stacks: map[int32][]string{}}
	if d.named != nil {
		c.symbols = <-d.named
	}
	t.Drops, t.DropsLost = c.collect()
	if n := d.program.sum(func(w *dropWork) uint64 { return w.Nameless }); n > 0 {
		t.Absent = append(t.Absent, capture.Absent{What: "addresses of some kernel drop events",
			Why:   fmt.Sprintf("%d of them came faster than so many flows can be told apart", n),
			Costs: "those are counted by reason and interface, and charged to no flow"})
	}
	_ = d.ring.Close()
	d.program.close()
}
