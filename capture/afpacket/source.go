//go:build linux && cgo

package afpacket

import (
	"errors"
	"fmt"
	"io"
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

// A Source captures on one interface.
type Source struct {
	o        Options
	rings    []*ring
	watch    *watch
	slabs    *slabs
	out      []chan *slab
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
	var err error
	if s.watch, err = openWatch(&o); err != nil {
		return nil, err
	}
	if err := s.openRings(); err != nil {
		s.watch.close()
		for _, r := range s.rings {
			r.socket.Close()
		}
		return nil, err
	}
	for i, r := range s.rings {
		out := make(chan *slab, queued)
		s.out = append(s.out, out)
		_ = i
		s.workers.Go(func() { s.read(r, out) })
	}
	s.workers.Go(func() { s.watch.run(s) })
	return s, nil
}

// openRings opens every ring, with its filter, and notes the time from which on frames
// count.
func (s *Source) openRings() error {
	program := program(&s.o, s.watch.loopback)
	for range s.o.Rings {
		r, err := openRing(&s.o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.o.Interface, err)
		}
		r.known = !s.watch.loopback
		s.rings = append(s.rings, r)
		if err := r.filter(program); err != nil {
			return fmt.Errorf("%s: the kernel refuses the filter: %w", s.o.Interface, err)
		}
	}
	if err := s.fanOut(); err != nil {
		return err
	}
	from := s.o.Now().Add(settle)
	time.Sleep(settle)
	for _, r := range s.rings {
		r.from = from.UnixNano()
	}
	return s.watch.begin(s.rings, from.UnixNano())
}

// fanOut spreads flows over the rings, if there are several.
func (s *Source) fanOut() error { return nil }

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
func (s *Source) read(r *ring, out chan<- *slab) {
	defer r.socket.Close()
	defer close(out)
	defer s.watch.last(r)
	for {
		stopping := s.stop.Load()
		b := s.slabs.get()
		err := r.fill(b)
		if stopping {
			until := s.stopped.Load()
			kept := slices.IndexFunc(b.frames, func(f capture.Frame) bool { return f.Time > until })
			if kept >= 0 {
				b.frames = b.frames[:kept]
			}
			if kept >= 0 || err != nil {
				s.send(out, b)
				return
			}
		}
		if !s.send(out, b) {
			return
		}
		switch {
		case err == nil, errors.Is(err, afpacket.ErrTimeout):
		case errors.Is(err, afpacket.ErrPoll):
			if !s.watch.trouble(r) {
				return
			}
		default:
			s.watch.note(fmt.Sprintf("the ring cannot be read: %v", err))
			return
		}
	}
}

// send hands b on, and reports whether there is anybody to take it.
func (s *Source) send(out chan<- *slab, b *slab) bool {
	if len(b.frames) == 0 {
		s.slabs.put(b)
		return true
	}
	select {
	case out <- b:
		return true
	case <-s.closing:
		return false
	}
}

// Next returns the next batch.
func (s *Source) Next() (*capture.Batch, error) {
	b, ok := s.next()
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

// next returns the next slab, by time.
func (s *Source) next() (*slab, bool) {
	b, ok := <-s.out[0]
	return b, ok
}

// Inputs describes the interface and what the capture itself lost.
func (s *Source) Inputs() []capture.Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.input
	s.watch.describe(&in)
	return []capture.Input{in}
}

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
		s.workers.Wait()
		s.watch.close()
	})
	return nil
}
