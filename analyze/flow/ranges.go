package flow

import "sort"

// A span is the octets from lo up to, not including, hi.
type span struct{ lo, hi int64 }

// ranges is a set of octets: spans in order that neither overlap nor touch.
type ranges []span

// add puts [lo, hi) into the set.
func (r *ranges) add(lo, hi int64) {
	s := *r
	if hi <= lo {
		return
	}
	if n := len(s); n == 0 || lo > s[n-1].hi {
		*r = append(s, span{lo, hi})
		return
	} else if lo >= s[n-1].lo {
		s[n-1].hi = max(s[n-1].hi, hi)
		return
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].hi >= lo })
	j := i
	for j < len(s) && s[j].lo <= hi {
		lo, hi = min(lo, s[j].lo), max(hi, s[j].hi)
		j++
	}
	if i == j {
		s = append(s, span{})
		copy(s[i+1:], s[i:])
	} else {
		s = append(s[:i+1], s[j:]...)
	}
	s[i] = span{lo, hi}
	*r = s
}

// remove takes [lo, hi) out of the set.
func (r *ranges) remove(lo, hi int64) {
	var out ranges
	for _, x := range *r {
		if x.hi <= lo || x.lo >= hi {
			out = append(out, x)
			continue
		}
		if x.lo < lo {
			out = append(out, span{x.lo, lo})
		}
		if x.hi > hi {
			out = append(out, span{hi, x.hi})
		}
	}
	*r = out
}

// find returns the index of the first span that ends behind at.
func (r ranges) find(at int64) int {
	i := 0
	for j := len(r); i < j; {
		if m := (i + j) / 2; r[m].hi > at {
			j = m
		} else {
			i = m + 1
		}
	}
	return i
}

// covers reports whether all of [lo, hi) is in the set.
func (r ranges) covers(lo, hi int64) bool {
	i := r.find(lo)
	return i < len(r) && r[i].lo <= lo && r[i].hi >= hi
}

// touches reports whether some of [lo, hi) is in the set.
func (r ranges) touches(lo, hi int64) bool {
	i := r.find(lo)
	return i < len(r) && r[i].lo < hi
}

// missing calls f for every part of [lo, hi) that is not in the set.
func (r ranges) missing(lo, hi int64, f func(lo, hi int64)) {
	for i := r.find(lo); lo < hi; i++ {
		if i == len(r) || r[i].lo >= hi {
			f(lo, hi)
			return
		}
		if r[i].lo > lo {
			f(lo, r[i].lo)
		}
		lo = r[i].hi
	}
}

// forget takes everything below at out of the set.
func (r *ranges) forget(at int64) {
	s := *r
	i := s.find(at)
	if i > 0 {
		s = append(s[:0], s[i:]...)
	}
	if len(s) > 0 && s[0].lo < at {
		s[0].lo = at
	}
	*r = s
}

// size is how many octets are in the set.
func (r ranges) size() int64 {
	var n int64
	for _, x := range r {
		n += x.hi - x.lo
	}
	return n
}
