package host

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// A Witness watches the host.
type Witness struct {
	options Options
	drops   *dropWatch

	mu      sync.Mutex // guards summary
	summary Summary

	stop   context.CancelFunc
	closed sync.Once
	halt   chan struct{} // closed when the capture takes no more frames
	halted sync.Once
	asks   chan chan *capture.Testimony // of SoFar
	done   chan struct{}                // closed when the watching is over, and result is set
	result *capture.Testimony
}

// Open takes the first look and starts watching. It watches until Close, or until
// ctx is done, and then takes the last look at once. It fails only if nothing at
// all can be had.
func Open(ctx context.Context, o Options) (*Witness, error) {
	if o.Interval <= 0 {
		o.Interval = interval
	}
	runtime.LockOSThread()
	space, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	runtime.UnlockOSThread()
	if err != nil {
		return nil, fmt.Errorf("cannot tell the network namespace: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	w := &Witness{options: o, stop: stop, halt: make(chan struct{}), asks: make(chan chan *capture.Testimony), done: make(chan struct{})}
	ready := make(chan error)
	go w.watch(ctx, space, ready)
	if err := <-ready; err != nil {
		stop()
		return nil, err
	}
	return w, nil
}

// Now says what moved so far. It may be called from any goroutine.
func (w *Witness) Now() Summary {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.summary
}

// Halt takes the last look now: what happens from now on is no longer of the capture. The
// frames that were captured before may still be shown. It may be called from any goroutine.
func (w *Witness) Halt() { w.halted.Do(func() { close(w.halt) }) }

// Close takes the last look, unless Halt did, and returns everything. No call to Frame may be under
// way, or follow.
func (w *Witness) Close() (*capture.Testimony, error) {
	w.closed.Do(w.stop)
	<-w.done
	if w.result == nil {
		return nil, fmt.Errorf("the watching of the host ended early")
	}
	return w.result, nil
}

// watch is the goroutine that does all the looking. It keeps its thread, since
// a network namespace is a matter of threads, and leaves a thread that it moved to
// another namespace locked, so that it dies with the goroutine.
func (w *Witness) watch(ctx context.Context, space int, ready chan<- error) {
	defer close(w.done)
	runtime.LockOSThread()
	moved, err := enter(space)
	_ = unix.Close(space)
	if err != nil {
		ready <- err
		return
	}
	if !moved {
		defer runtime.UnlockOSThread()
	}
	e := openEye(ctx, w.options)
	defer e.close()
	w.drops = openDrops(ctx, w.options, e)
	e.first()
	w.publish(e)
	ready <- nil

	ticks := time.NewTicker(w.options.Interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			w.result = w.finish(e)
			return
		case <-w.halt:
			t := w.lastLook(e)
			for open := true; open; {
				select {
				case <-ctx.Done():
					open = false
				case reply := <-w.asks:
					part := *t
					part.Absent = slices.Clone(t.Absent)
					reply <- unsummed(&part)
				}
			}
			w.drops.finish(t)
			w.result = t
			return
		case reply := <-w.asks:
			reply <- w.soFar(e)
		case u, open := <-e.links.updates:
			if !open {
				e.links.updates = nil // the subscription broke: the looks go on
			}
			e.links.changed(realtime(), u)
		case u, open := <-e.neighbours.updates:
			if !open {
				e.neighbours.updates = nil
			}
			e.neighbours.changed(u)
		case <-ticks.C:
			e.look(realtime(), false)
			w.publish(e)
		}
	}
}

// finish takes the last look and writes the testimony.
func (w *Witness) finish(e *eye) *capture.Testimony {
	t := w.lastLook(e)
	w.drops.finish(t)
	return t
}

// lastLook ends the events, and looks at the counters then.
func (w *Witness) lastLook(e *eye) *capture.Testimony {
	w.drops.detach()
	for len(e.links.updates) > 0 { // what was told already
		e.links.changed(realtime(), <-e.links.updates)
	}
	for len(e.neighbours.updates) > 0 {
		e.neighbours.changed(<-e.neighbours.updates)
	}
	return e.testimony()
}

func (w *Witness) publish(e *eye) {
	lost := e.counters.lost()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.summary = Summary{Looks: e.counters.looks, Lost: lost}
}

// enter moves the thread into a network namespace, if it is in another one.
func enter(space int) (moved bool, err error) {
	var there, here unix.Stat_t
	if err := unix.Fstat(space, &there); err != nil {
		return false, fmt.Errorf("cannot tell the network namespace: %w", err)
	}
	if err := unix.Stat("/proc/thread-self/ns/net", &here); err != nil {
		return false, fmt.Errorf("cannot tell the network namespace: %w", err)
	}
	if there.Ino == here.Ino && there.Dev == here.Dev {
		return false, nil
	}
	if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
		return false, fmt.Errorf("cannot enter the network namespace: %w", err)
	}
	return true, nil
}

// realtime is the time of day in ns since the epoch, on the clock of captures.
func realtime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &t) != nil {
		return 0
	}
	return t.Nano()
}

// used is how long this thread was on a processor, in ns.
func used() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return t.Nano()
}
