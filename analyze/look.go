package analyze

import (
	"context"
	"errors"
	"io"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// A Sight is a frame of a second look at a capture: what Run concluded from it
// is known, and now it is shown.
type Sight struct {
	decode.Packet
	Ours bool  // a packet of the flow in question
	Dir  uint8 // then its direction: 0 is from the originator
}

// Ref names the frame.
func (s *Sight) Ref() flow.FrameRef { return flow.FrameRef{Number: s.Number, File: s.File} }

// Look reads src once more, from its beginning, and shows the packets of f, and
// the frames that are named, in the order of the file, until show returns
// false. The Result that names them came from the same files.
func Look(ctx context.Context, src capture.Source, f *flow.Facts, named map[flow.FrameRef]bool, show func(*Sight) bool) error {
	hash := decode.PairHash(f.Originator.Addr, f.Responder.Addr)
	return again(ctx, src, func(p *decode.Packet) bool {
		s := Sight{Packet: *p}
		if p.PairHash == hash && p.IPVersion != 0 && p.Time >= f.First && p.Time <= f.Last {
			s.Dir, s.Ours = belongs(p, f)
		}
		return !s.Ours && !named[s.Ref()] || show(&s)
	})
}

// again reads src from its beginning and hands each packet on, in the order of the
// file and with the time that Run gave it, until see returns false.
func again(ctx context.Context, src capture.Source, see func(*decode.Packet) bool) error {
	dec := decode.NewDecoder()
	var decoded decode.Decoded
	for ctx.Err() == nil {
		batch, err := src.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		dec.Batch(batch, &decoded)
		batch.Release()
		for i := range decoded.Packets {
			p := &decoded.Packets[i]
			p.Time = min(max(p.Time, minTime), maxTime)
			if !see(p) {
				return nil
			}
		}
	}
	return ctx.Err()
}

// belongs reports whether p is a packet of f, and in which direction it goes.
func belongs(p *decode.Packet, f *flow.Facts) (dir uint8, yes bool) {
	if p.Protocol != f.Protocol {
		return 0, false
	}
	src, dst := flow.Endpoint{Addr: p.Src, Port: p.SrcPort}, flow.Endpoint{Addr: p.Dst, Port: p.DstPort}
	if p.IPFlags&decode.Fragment != 0 && p.IPFlags&decode.FirstFragment == 0 { // it has no ports
		src.Port, dst.Port = f.Originator.Port, f.Responder.Port
		if p.Src != f.Originator.Addr {
			src.Port, dst.Port = dst.Port, src.Port
		}
	}
	switch {
	case src == f.Originator && dst == f.Responder:
		return 0, true
	case src == f.Responder && dst == f.Originator:
		return 1, true
	}
	return 0, false
}
