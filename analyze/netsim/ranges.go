package netsim

import "slices"

// ranges is a set of octets: disjoint, not touching, in order.
type ranges [][2]uint64

// add puts [lo, hi) into r and returns the range that now holds it.
func (r *ranges) add(lo, hi uint64) [2]uint64 {
	s := *r
	i := 0
	for i < len(s) && s[i][1] < lo {
		i++
	}
	j := i
	for j < len(s) && s[j][0] <= hi {
		lo, hi = min(lo, s[j][0]), max(hi, s[j][1])
		j++
	}
	*r = slices.Replace(s, i, j, [2]uint64{lo, hi})
	return [2]uint64{lo, hi}
}

// contains reports whether all of [lo, hi) is in r.
func (r ranges) contains(lo, hi uint64) bool {
	for _, x := range r {
		if x[0] <= lo && hi <= x[1] {
			return true
		}
	}
	return lo == hi
}

// below forgets everything below lo.
func (r *ranges) below(lo uint64) {
	s := *r
	for len(s) > 0 && s[0][1] <= lo {
		s = s[1:]
	}
	if len(s) > 0 && s[0][0] < lo {
		s[0][0] = lo
	}
	*r = s
}

// octets is how many octets are in r.
func (r ranges) octets() uint64 {
	var n uint64
	for _, x := range r {
		n += x[1] - x[0]
	}
	return n
}
