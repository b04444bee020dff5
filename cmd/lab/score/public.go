package score

import (
	"maps"
	"slices"

	"whydrop/cmd/lab/truth"
)

// A View is a run as one of its captures could see it, for those who judge
// other programs.
type View struct{ *view }

// NewView is the view of a point: 0, 1, 2 for a, m, b.
func NewView(f *truth.Fates, point int) *View { return &View{newView(f, point)} }

// A Frame is what a frame is.
type Frame struct {
	Resent   bool // it carries octets again
	Unneeded bool
	Late     bool // packets that were sent later had passed
	Copy     bool // the network's second copy
	Seen     bool // octets of it had passed before
	Above    bool // octets above it had passed before
}

// Frames are the numbers of the frames, in order.
func (v *View) Frames() []int { return slices.Sorted(maps.Keys(v.byFrame)) }

// Judge says what frame n is, and at which stage it was captured: -1 if it is not TCP.
func (v *View) Judge(n int) (stage int, is Frame) {
	packets := v.byFrame[n]
	if len(packets) == 0 || packets[0].Protocol != "tcp" {
		return -1, is
	}
	for _, p := range packets {
		is.Resent = is.Resent || p.Retx && !v.hiddenRetx(p) && !p.Copy
		is.Unneeded = is.Unneeded || p.Unneeded
		is.Copy = is.Copy || p.Copy
		is.Late = is.Late || p.Late[v.point] && p.Octets > 0 && !p.Retx && !p.Copy
		if !p.Retx && !p.Copy {
			continue
		}
		for _, q := range v.flows[key(p.Src, p.Dst)] {
			if q.ID >= p.ID {
				break
			}
			if m := q.Frame[v.point]; m > 0 && m < n {
				is.Seen = is.Seen || overlaps(p, q)
				is.Above = is.Above || q.Octets > 0 && int32(q.Seq-end(p)) >= 0
			}
		}
	}
	return v.stage(packets[0]), is
}

// A Direction counts what passed of one direction.
type Direction struct{ Resent, Late int }

// Directions counts by "source destination".
func (v *View) Directions() map[string]Direction {
	all := map[string]Direction{}
	for name, packets := range v.flows {
		if packets[0].Protocol != "tcp" {
			continue
		}
		var d Direction
		for _, p := range packets {
			if p.Frame[v.point] == 0 || p.Octets == 0 {
				continue
			}
			if p.Retx {
				d.Resent++
			} else if p.Late[v.point] {
				d.Late++
			}
		}
		all[name] = d
	}
	return all
}
