//go:build linux && cgo

package afpacket

import (
	"errors"
	"fmt"
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
	rings   []*counter
	before  Moment
	losses  []Loss
	omitted uint64
	down    bool
	gone    bool
	events  []capture.HostEvent
	notes   []string
	dead    chan struct{} // closed when gone
}

// A counter is what the kernel counted for one ring. Reading it sets it to zero there;
// the library adds up in 32 bits, which run over.
type counter struct {
	ring                        *ring
	done                        bool
	wasMatched, wasDrops, wasFz uint
	matched, drops, freezes     uint64
}

func openWatch(o *Options) (*watch, error) {
	w := &watch{o: o, quit: make(chan struct{}), dead: make(chan struct{})}
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
func (w *watch) begin(rings []*ring, now int64) error {
	for _, r := range rings {
		c := &counter{ring: r}
		if err := c.read(); err != nil {
			return err
		}
		c.matched, c.drops, c.freezes = 0, 0, 0
		w.rings = append(w.rings, c)
	}
	w.before = Moment{Time: now}
	return nil
}

// read adds what the kernel counted since the last time.
func (c *counter) read() error {
	_, s, err := c.ring.socket.SocketStats()
	if err != nil {
		return err
	}
	matched, drops, freezes := s.Packets(), s.Drops(), s.QueueFreezes()
	c.matched += uint64(uint32(matched - c.wasMatched))
	c.drops += uint64(uint32(drops - c.wasDrops))
	c.freezes += uint64(uint32(freezes - c.wasFz))
	c.wasMatched, c.wasDrops, c.wasFz = matched, drops, freezes
	return nil
}

// run looks until the watch is closed.
func (w *watch) run(s *Source) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-s.closing:
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
	for _, c := range w.rings {
		if !c.done {
			_ = c.read() // of a socket that is open
		}
	}
	w.account()
	w.state()
}

// last reads the counters of a ring for the last time, before it is closed.
func (w *watch) last(r *ring) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.rings {
		if c.ring == r {
			_ = c.read()
			c.done = true
		}
	}
	w.account()
}

// account notes what was lost since the last look.
func (w *watch) account() {
	now := Moment{Time: w.o.Now().UnixNano()}
	for _, c := range w.rings {
		now.Matched += c.matched
		now.Dropped += c.drops
		now.Freezes += c.freezes
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

// state looks whether the link is up and the interface there.
func (w *watch) state() {
	r, err := unix.NewIfreq(w.o.Interface)
	if err != nil || w.gone {
		return
	}
	r.SetUint32(uint32(w.index)) // it may have been renamed
	if err := unix.IoctlIfreq(w.socket, unix.SIOCGIFNAME, r); err != nil {
		if errors.Is(err, unix.ENODEV) {
			w.gone = true
			w.event("interface-gone")
			close(w.dead)
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
func (w *watch) trouble(r *ring) bool {
	// The error is kept until somebody asks for it; until then every poll fails.
	_, _ = unix.GetsockoptInt(r.descriptor(), unix.SOL_SOCKET, unix.SO_ERROR)
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
	_ = unix.Close(w.socket)
}
