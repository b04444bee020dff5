package analyze

import (
	"context"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// A Survey is a second look at a capture for several flows at once.
type Survey struct {
	Flows []*flow.Facts
	Named map[flow.FrameRef]bool
	// Every sees each packet, in the order of the file.
	Every func(*decode.Packet)
	// Show gets the packets of Flows, each with the index of its flow, and named frames
	// that are of none of them with -1.
	Show func(i int, s *Sight)
}

// Look reads src once more, from its beginning, as the function of that name does.
func (v *Survey) Look(ctx context.Context, src capture.Source) error {
	pairs := map[uint32][]int{}
	for i, f := range v.Flows {
		hash := decode.PairHash(f.Originator.Addr, f.Responder.Addr)
		pairs[hash] = append(pairs[hash], i)
	}
	return again(ctx, src, func(p *decode.Packet) bool {
		v.Every(p)
		v.packet(p, pairs[p.PairHash])
		return true
	})
}

// packet shows p to whom it concerns.
func (v *Survey) packet(p *decode.Packet, candidates []int) {
	if p.IPVersion != 0 {
		for _, i := range candidates {
			f := v.Flows[i]
			if p.Time < f.First || p.Time > f.Last {
				continue
			}
			if dir, yes := belongs(p, f); yes {
				v.Show(i, &Sight{Packet: *p, Ours: true, Dir: dir})
				return
			}
		}
	}
	if v.Named[flow.FrameRef{Number: p.Number, File: p.File}] {
		v.Show(-1, &Sight{Packet: *p})
	}
}
