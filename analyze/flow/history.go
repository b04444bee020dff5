package flow

// A moment is what the acknowledgements had said up to a time.
type moment struct {
	t    int64
	una  int64
	sack uint32 // highest octet reported by SACK, beyond una
	dups int32
}

// history answers what a sender can have known some time ago. Old moments are
// thinned out rather than cut off: the resolution is a small share of the age.
type history struct {
	list []moment
}

func (h *history) add(m moment, keep int64) {
	l := h.list
	if len(l) >= maxHistory {
		old := 0
		for old < len(l)/2 && l[old+1].t < m.t-keep {
			old++
		}
		if old == 0 {
			k := 0
			for i := range l {
				if i%2 == 1 || i >= len(l)/2 {
					l[k] = l[i]
					k++
				}
			}
			l = l[:k]
		} else {
			l = l[:copy(l, l[old:])]
		}
	}
	h.list = append(l, m)
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
