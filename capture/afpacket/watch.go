//go:build linux && cgo

package afpacket

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	mostSpans = 4096 // stretches of loss that are kept
	mostNotes = 20   // and things to tell
)

// A watch looks at the counters of the kernel and at the state of the link, often
// enough that a loss of the capture has a time.
type watch struct {
	o        *Options
	socket   int // holds the membership in promiscuous mode, and asks for flags
	index    int
	loopback bool
	quit     chan struct{}

	mu      sync.Mutex // for what follows
	engines []*counted
	before  Moment
	losses  []Loss
	omitted uint64
	down    bool
	gone    bool
	events  []capture.HostEvent
	notes   []string
}

// A counted is an engine and what it counted before the capture began.
type counted struct {
	engine engine
	closed bool
	base   Counters
	now    Counters
}

func openWatch(o *Options) (*watch, error) {
	w := &watch{o: o, quit: make(chan struct{})}
	if o.Interface == AnyInterface {
		w.socket = -1
		return w, nil
	}
	var err error
	// Protocol 0: it receives nothing.
	if w.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if err = w.find(); err == nil && o.Promiscuous && !w.loopback {
		err = unix.SetsockoptPacketMreq(w.socket, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(w.index), Type: unix.PACKET_MR_PROMISC})
	}
	if err != nil {
		w.close()
		return nil, fmt.Errorf("%s: %w", o.Interface, err)
	}
	return w, nil
}

// find looks the interface up.
func (w *watch) find() error {
	r, err := unix.NewIfreq(w.o.Interface)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(w.socket, unix.SIOCGIFINDEX, r); err != nil {
		return err
	}
	w.index = int(r.Uint32())
	if err := unix.IoctlIfreq(w.socket, unix.SIOCGIFFLAGS, r); err != nil {
		return err
	}
	w.loopback = r.Uint16()&unix.IFF_LOOPBACK != 0
	return nil
}

// begin starts counting: what came before is not of the capture.
func (w *watch) begin(engines []engine, now int64) error {
	for _, e := range engines {
		c, err := e.counted()
		if err != nil {
			return err
		}
		w.engines = append(w.engines, &counted{engine: e, base: c, now: c})
	}
	w.before = Moment{Time: now}
	return nil
}

// run looks until the watch is closed.
func (w *watch) run() {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-every.C:
			w.look()
		}
	}
}

// look reads all counters and the state of the link.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.account()
	w.state()
}

// closing reads the counters of an engine for the last time and closes it.
func (w *watch) closing(e engine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.account()
	for _, c := range w.engines {
		if c.engine == e {
			c.closed = true
		}
	}
	e.close()
}

// account notes what was lost since the last look.
func (w *watch) account() {
	now := Moment{Time: w.o.Now().UnixNano()}
	for _, c := range w.engines {
		if !c.closed {
			c.now, _ = c.engine.counted() // of a socket that is open
		}
		now.Matched += c.now.Matched - c.base.Matched
		now.Dropped += c.now.Dropped - c.base.Dropped
		now.Freezes += c.now.Freezes - c.base.Freezes
	}
	if now.Dropped > w.before.Dropped {
		if len(w.losses) < mostSpans {
			w.losses = append(w.losses, Loss{From: w.before, To: now})
		} else {
			w.omitted++
		}
	}
	w.before = now
}

func (w *watch) counters() Counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.before.Counters
}

func (w *watch) lossesFrom(n int) []Loss {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.losses[n:])
}

func (w *watch) happened() []capture.HostEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// state looks whether the link is up and the interface there.
func (w *watch) state() {
	r, err := unix.NewIfreq(w.o.Interface)
	if err != nil || w.gone || w.socket < 0 {
		return
	}
	r.SetUint32(uint32(w.index)) // it may have been renamed
	if err := unix.IoctlIfreq(w.socket, unix.SIOCGIFNAME, r); err != nil {
		if errors.Is(err, unix.ENODEV) {
			w.gone = true
			w.event("interface-gone")
		}
		return
	}
	if err := unix.IoctlIfreq(w.socket, unix.SIOCGIFFLAGS, r); err != nil {
		return
	}
	const running = unix.IFF_UP | unix.IFF_RUNNING
	switch down := r.Uint16()&running != running; {
	case down && !w.down:
		w.event("link-down")
		w.down = true
	case !down && w.down:
		w.event("link-up")
		w.down = false
	}
}

// mostEvents bounds what a link that flaps is worth.
const mostEvents = 1000

func (w *watch) event(what string) {
	if len(w.events) < mostEvents {
		w.events = append(w.events, capture.HostEvent{Time: w.o.Now().UnixNano(), What: what, Of: w.o.Interface})
	}
}

// trouble is asked when a ring reports an error: the link went down, or the interface
// is gone. It reports whether to go on.
func (w *watch) trouble(e engine) bool {
	e.calm()
	w.mu.Lock()
	w.state()
	gone := w.gone
	w.mu.Unlock()
	if gone {
		return false
	}
	time.Sleep(pollTimeout)
	return true
}

func (w *watch) note(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.notes) < mostNotes {
		w.notes = append(w.notes, text)
	}
}

// describe adds what the watch knows to the description of the capture.
func (w *watch) describe(in *capture.Input) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in.Stats = capture.Stats{
		FilterAccepted: capture.Known(w.before.Matched), OSDrops: capture.Known(w.before.Dropped), Delivered: capture.Known(in.Frames),
		SpansOmitted: w.omitted,
	}
	for _, l := range w.losses {
		in.Stats.Spans = append(in.Stats.Spans, capture.DropSpan{From: l.From.Time, To: l.To.Time, Packets: l.To.Dropped - l.From.Dropped, Kind: "os"})
	}
	in.Notes = append(in.Notes, w.notes...)
}

func (w *watch) close() {
	if w.socket >= 0 {
		_ = unix.Close(w.socket)
	}
}
