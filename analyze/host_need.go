package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/decode"
)

// correctNeed mends what the wire alone made of repairs. A repair of a segment that
// the kernel is known to have dropped was needed, however promptly its answer
// came, and no ACK was lost that would explain it otherwise.
func (res *Result) correctNeed(cases []*hostCase) {
	dropped := map[halfOf][]*hostCase{}
	for _, k := range cases {
		d := k.word.Drop
		if d != nil && k.left > 0 && k.flow != flow.NoFlow && d.Protocol == decode.ProtoTCP &&
			k.mean.Stage == kernel.Arrived && whatOf(d) == flow.DataPacket {
			h := halfOf{k.flow, k.dir}
			dropped[h] = append(dropped[h], k)
		}
	}
	if len(dropped) == 0 {
		return
	}
	used := map[*hostCase]uint64{}
	mended := map[flow.FrameRef]bool{}
	for i := range res.Symptoms {
		s := &res.Symptoms[i]
		if s.Kind != flow.Retransmission || s.Need == flow.Needed {
			continue
		}
		for _, k := range dropped[halfOf{s.Flow, s.Dir}] {
			if s.Time > k.first && used[k] < k.left {
				used[k] += uint64(max(s.Packets, 1))
				res.mend(s)
				mended[s.Frame] = true
				break
			}
		}
	}
	res.testified = slices.DeleteFunc(res.testified, func(x testified) bool {
		if x.Rule != flow.RuleAckLost || x.by != nil || !mended[x.Repair] {
			return false
		}
		res.Flows[x.Flow].Dir[x.Dir].Missing[x.Place] -= x.Packets
		return true
	})
}

// mend says of s that it was needed.
func (res *Result) mend(s *flow.Symptom) {
	h := &res.Flows[s.Flow].Dir[s.Dir]
	n := &h.UndecidedNeed
	if s.Need == flow.Unneeded {
		n = &h.Unneeded
	}
	*n -= min(*n, 1)
	s.Need = flow.Needed
}
