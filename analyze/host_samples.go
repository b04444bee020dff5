package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/capture"
)

// placeSamples says in which input the frames of the kernels' drops are, and under which
// number: a host counts through all files of a rotated set, and speaks in the last one.
// A frame of a file that is not there has no number. What the inputs share stays as it is.
func placeSamples(inputs []capture.Input) {
	for i := range inputs {
		if inputs[i].Testimony == nil {
			continue
		}
		t := *inputs[i].Testimony
		t.Drops = slices.Clone(t.Drops)
		for d := range t.Drops {
			drop := &t.Drops[d]
			drop.Samples = slices.Clone(drop.Samples)
			for s := range drop.Samples {
				placeSample(&drop.Samples[s], inputs, i)
			}
		}
		inputs[i].Testimony = &t
	}
}

// placeSample does so for one drop that input i tells of.
func placeSample(s *capture.DropSample, inputs []capture.Input, i int) {
	s.File = uint16(i)
	if inputs[i].Part == nil || s.Frame == 0 {
		return
	}
	for n := range inputs {
		p := inputs[n].Part
		if p != nil && p.Set == inputs[i].Part.Set && s.Frame > p.Before && s.Frame-p.Before <= p.Frames {
			s.File, s.Frame = uint16(n), s.Frame-p.Before
			return
		}
	}
	s.Frame = 0
}

// frameOf is the frame that s is of; its number is 0 if none is known.
func frameOf(s *capture.DropSample) flow.FrameRef {
	return flow.FrameRef{Number: s.Frame, File: s.File}
}
