//go:build linux && cgo

package afpacket

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/afpacket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// queued is how many slabs may wait for the analysis per ring. The ring itself is the
// larger buffer: what waits there costs no copy if it is dropped.
const queued = 8

// settle is how long frames are passed over once the filter is there: those that the
// kernel was about to put into the ring when it came.
const settle = time.Millisecond

// An engine reads frames from the kernel, on one goroutine, which also closes it.
type engine interface {
	fill(b *slab) error         // errQuiet, errTrouble, or what ends it
	counted() (Counters, error) // asked by the watch
	calm()                      // after errTrouble
	close()
}

var (
	errQuiet   = errors.New("nothing arrived")
	errTrouble = errors.New("the link is down")
)

// A Source captures on one interface.
type Source struct {
	o        Options
	engines  []engine
	watch    *watch
	slabs    *slabs
	order    order
	stop     atomic.Bool
	stopped  atomic.Int64 // ns since the epoch: frames from then on are not wanted
	closing  chan struct{}
	workers  sync.WaitGroup
	closeOne sync.Once

	mu     sync.Mutex // for what follows
	input  capture.Input
	number uint64
}

// Open begins to capture. Frames that arrive after it returned are not missed.
func Open(o Options) (*Source, error) {
	if o.Rings <= 0 {
		o.Rings = 1
	}
	if o.Buffer <= 0 {
		o.Buffer = defaultBuffer
	}
	if o.SnapLength <= 0 {
		o.SnapLength = WholeFrame
	}
	s := &Source{o: o, slabs: newSlabs(), closing: make(chan struct{})}
	s.input = capture.Input{Path: o.Interface, Format: "live", SnapLength: uint32(o.SnapLength), LinkTypes: []capture.LinkType{o.Link}}
	s.order.slabs = s.slabs
	if o.Interface == AnyInterface {
		s.input.LinkTypes[0] = capture.LinkLinuxSLL2
	}
	var err error
	if s.watch, err = openWatch(&o); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		s.watch.close()
		for _, e := range s.engines {
			e.close()
		}
		return nil, err
	}
	for _, e := range s.engines {
		l := s.order.add()
		s.workers.Go(func() { s.read(e, l) })
	}
	s.workers.Go(func() { s.watch.run() })
	return s, nil
}

// open opens the engines, with their filter, and notes the time from which on frames
// count.
func (s *Source) open() error {
	if s.o.cooked() {
		c, err := openCooked(&s.o)
		if err != nil {
			return err
		}
		s.engines = append(s.engines, c)
		return s.watch.begin(s.engines, s.o.Now().UnixNano())
	}
	program := program(&s.o, s.watch.loopback)
	var rings []*ring
	for range s.o.Rings {
		r, err := openRing(&s.o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.o.Interface, err)
		}
		r.known = !s.watch.loopback
		rings = append(rings, r)
		s.engines = append(s.engines, r)
		if err := r.filter(program); err != nil {
			return fmt.Errorf("%s: the kernel refuses the filter: %w", s.o.Interface, err)
		}
	}
	if err := fanOut(rings); err != nil {
		return fmt.Errorf("%s: the kernel does not spread flows over rings: %w", s.o.Interface, err)
	}
	from := s.o.Now().Add(settle)
	time.Sleep(settle)
	for _, r := range rings {
		r.from = from.UnixNano()
	}
	return s.watch.begin(s.engines, from.UnixNano())
}

// fanOut spreads flows over the rings, if there are several. By the kernel's hash both
// directions of a flow come to the same one. The number of the group is one for the
// whole network namespace, and other programs may have taken it.
func fanOut(rings []*ring) error {
	if len(rings) == 1 {
		return nil
	}
	const groups, tries = 1 << 16, 64
	first := os.Getpid()
	var err error
	for try := range tries {
		group := uint16((first + try*257) % groups)
		for _, r := range rings {
			if err = r.socket.SetFanout(afpacket.FanoutHash, group); err != nil {
				break
			}
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// program is the filter for the kernel: first the direction, then the expression. On
// the loopback interface every frame is seen twice, going and coming; only what comes
// is kept, as libpcap does.
func program(o *Options, loopback bool) []bpf.RawInstruction {
	const (
		loadByte     = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		jumpIfEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret          = unix.BPF_RET | unix.BPF_K
		offPacketTyp = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE, linux/filter.h
	)
	reject := bpf.RawInstruction{Op: ret}
	var p []bpf.RawInstruction
	switch {
	case loopback, o.Direction == capture.Inbound:
		p = []bpf.RawInstruction{{Op: loadByte, K: offPacketTyp}, {Op: jumpIfEqual, Jf: 1, K: unix.PACKET_OUTGOING}, reject}
	case o.Direction == capture.Outbound:
		p = []bpf.RawInstruction{{Op: loadByte, K: offPacketTyp}, {Op: jumpIfEqual, Jt: 1, K: unix.PACKET_OUTGOING}, reject}
	}
	if len(o.Program) == 0 {
		return append(p, bpf.RawInstruction{Op: ret, K: uint32(o.SnapLength)})
	}
	return append(p, o.Program...)
}

// read reads one ring until it is told to stop, and then what had arrived by then.
// Only this goroutine touches the memory of the ring, and so only it unmaps it.
func (s *Source) read(e engine, l *lane) {
	defer close(l.slabs)
	defer s.watch.closing(e)
	for {
		stopping := s.stop.Load()
		b := s.slabs.get()
		err := e.fill(b)
		if stopping {
			until := s.stopped.Load()
			kept := slices.IndexFunc(b.frames, func(f capture.Frame) bool { return f.Time > until })
			if kept >= 0 {
				b.frames = b.frames[:kept]
			}
			if kept >= 0 || err != nil {
				s.send(l, b)
				return
			}
		}
		if !s.send(l, b) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, errQuiet):
			l.quiet.Store(s.o.Now().Add(-quietFor).UnixNano())
		case errors.Is(err, errTrouble):
			if !s.watch.trouble(e) {
				return
			}
		default:
			s.watch.note(fmt.Sprintf("the capture ended early: %v", err))
			return
		}
	}
}

// send hands b on, and reports whether there is anybody to take it.
func (s *Source) send(l *lane, b *slab) bool {
	if len(b.frames) == 0 {
		s.slabs.put(b)
		return true
	}
	select {
	case l.slabs <- b:
		return true
	case <-s.closing:
		return false
	}
}

// Next returns the next batch.
func (s *Source) Next() (*capture.Batch, error) {
	b, ok := s.order.next()
	if !ok {
		return nil, io.EOF
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &s.input
	for i := range b.frames {
		f := &b.frames[i]
		s.number++
		f.Number = s.number
		in.Octets += uint64(len(f.Data))
		if in.Frames == 0 {
			in.First, in.Last = f.Time, f.Time
		}
		in.Frames++
		in.First, in.Last = min(in.First, f.Time), max(in.Last, f.Time)
	}
	return s.slabs.hand(b), nil
}

// Inputs describes the interface and what the capture itself lost.
func (s *Source) Inputs() []capture.Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.input
	s.watch.describe(&in)
	return []capture.Input{in}
}

// Counters are what the capture did so far. They may be asked for from any goroutine.
func (s *Source) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.watch.counters()
	c.Frames, c.Octets = s.input.Frames, s.input.Octets
	return c
}

// Losses are the stretches of loss from the given one on, in order.
func (s *Source) Losses(from int) []Loss { return s.watch.lossesFrom(from) }

// Events are what befell the link so far.
func (s *Source) Events() []capture.HostEvent { return s.watch.happened() }

// Stop ends the capture: Next returns what had arrived, and then io.EOF. It may be
// called from any goroutine, and more than once.
func (s *Source) Stop() {
	if s.stopped.CompareAndSwap(0, s.o.Now().UnixNano()) {
		s.stop.Store(true)
	}
}

// Close ends the capture at once.
func (s *Source) Close() error {
	s.closeOne.Do(func() {
		s.Stop()
		close(s.closing)
		close(s.watch.quit)
		s.workers.Wait()
		s.watch.close()
	})
	return nil
}
