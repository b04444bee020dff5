package flow

import "slices"

// A moment is what the acknowledgements had said up to a time.
type moment struct {
	t    int64
	una  int64
	sack uint32 // highest octet reported by SACK, beyond una
	dups int32
}

// history answers what a sender can have known some time ago. Old moments are
// thinned out rather than cut off, until they are older than anybody asks: the
// error is a small share of the age.
type history struct {
	list []past
}

// A past is a moment in little room: the lower half of una, and the octets of
// SACK with up to three duplicates, beyond which nobody counts.
type past struct {
	t    int64
	una  uint32
	rest uint32
}

const (
	dupBits = 2
	mostDup = 1<<dupBits - 1
)

func pastOf(m moment) past {
	return past{m.t, uint32(m.una), min(m.sack, 1<<(32-dupBits)-1)<<dupBits | uint32(min(max(m.dups, 0), mostDup))}
}

// moment unpacks p; near is an acknowledgement within 2 GiB of that of p.
func (p past) moment(near int64) moment {
	return moment{p.t, near + int64(int32(p.una-uint32(near))), p.rest >> dupBits, int32(p.rest & mostDup)}
}

// add notes what is known now; nobody asks for more than keep ago.
func (h *history) add(m moment, keep int64) {
	if len(h.list) == cap(h.list) {
		h.forget(m.t - keep)
	}
	if len(h.list) >= maxHistory {
		for grain := int64(finest); grain > 0 && len(h.list) > maxHistory*3/4; grain /= 2 {
			h.thin(m.t, keep, grain)
		}
		if n := len(h.list); n > maxHistory*3/4 { // all at one time
			h.list = slices.Delete(h.list, 0, n/2)
		}
	}
	if h.list == nil {
		h.list = make([]past, 0, maxHistory/8)
	}
	h.list = append(h.list, pastOf(m))
}

// forget drops what was over before t.
func (h *history) forget(t int64) {
	n := 0
	for n+1 < len(h.list) && h.list[n+1].t <= t {
		n++
	}
	h.list = slices.Delete(h.list, 0, n)
}

// finest is the share of their age, as a divisor, by which moments stay apart.
const finest = 8

// thin drops, from the youngest back, every moment whose neighbours would not be
// further apart without it than their age / grain.
func (h *history) thin(now, keep, grain int64) {
	l := h.list
	k := len(l)
	last := now
	for i := len(l) - 1; i >= 0; i-- {
		age := now - l[i].t
		if i > 0 && age <= keep && last-l[i-1].t <= age/grain {
			continue
		}
		k--
		l[k], last = l[i], l[i].t
		if age > keep {
			break
		}
	}
	h.list = slices.Delete(l, 0, k)
}

// at returns the newest moment not after t. una is what is acknowledged now.
func (h *history) at(t, una int64) (moment, bool) {
	i, j := 0, len(h.list)
	for i < j {
		if m := (i + j) / 2; h.list[m].t > t {
			j = m
		} else {
			i = m + 1
		}
	}
	if i == 0 {
		return moment{}, false
	}
	return h.list[i-1].moment(una), true
}
