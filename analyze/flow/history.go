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
	list []moment
}

func (h *history) add(m moment, keep int64) {
	if len(h.list) >= maxHistory {
		for grain := int64(finest); grain > 0 && len(h.list) > maxHistory*3/4; grain /= 2 {
			h.thin(m.t, keep, grain)
		}
		if n := len(h.list); n > maxHistory*3/4 { // all at one time
			h.list = slices.Delete(h.list, 0, n/2)
		}
	}
	if h.list == nil {
		h.list = make([]moment, 0, maxHistory/8)
	}
	h.list = append(h.list, m)
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

// at returns the newest moment not after t.
func (h *history) at(t int64) (moment, bool) {
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
	return h.list[i-1], true
}
