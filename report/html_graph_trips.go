package report

import "slices"

// A trip is a round trip from the tap to the receiver and back.
type trip struct {
	t  int64
	ms float64
}

// trips are those of data of direction d. What was sent twice tells nothing: RFC 6298 §3.
func (f *galleryFlow) trips(d int) []trip {
	type pending struct{ end, t int64 }
	var out []trip
	var wait []pending
	top, acked := int64(-1), int64(-1)
	segs, acks := f.segs[d], f.acks[d]
	for i, k := 0, 0; k < len(acks); {
		if i < len(segs) && segs[i].t <= acks[k].t {
			s := &segs[i]
			i++
			end := s.q + int64(s.l)
			if s.q < top { // it repeats something: nothing that is on its way is told apart from it
				wait = slices.DeleteFunc(wait, func(p pending) bool { return p.end > s.q })
				top = max(top, end)
				continue
			}
			wait, top = append(wait, pending{end, s.t}), max(top, end)
			continue
		}
		a := &acks[k]
		k++
		if a.a <= acked {
			continue
		}
		acked = a.a
		n := 0
		for n < len(wait) && wait[n].end <= a.a {
			n++
		}
		if n > 0 {
			out = append(out, trip{a.t, milliseconds(a.t - wait[n-1].t)})
			wait = wait[n:]
		}
	}
	return out
}
