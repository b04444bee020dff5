package policy

import "math"

func (l *logic) eval(s *sight) value {
	stop, all := no, yes
	if l.or {
		stop, all = yes, no
	}
	why := ""
	for _, n := range l.list {
		switch v := n.eval(s); v.is {
		case stop:
			return value{is: stop}
		case unknown:
			all = unknown
			if why == "" {
				why = v.none
			}
		}
	}
	return value{is: all, none: why}
}

func (n *negation) eval(s *sight) value {
	v := n.of.eval(s)
	v.is = v.is.not()
	return v
}

func (c *comparison) eval(s *sight) value {
	l, r := c.left.eval(s), c.right.eval(s)
	switch {
	case l.none != "":
		return value{none: l.none}
	case r.none != "":
		return value{none: r.none}
	}
	switch c.left.dimension() {
	case text:
		return value{is: verdictOf((l.word == r.word) == (c.op == "=="))}
	case truth:
		same := l.is
		switch r.is {
		case no:
			same = l.is.not()
		case unknown:
			same = unknown
		}
		if c.op == "!=" {
			same = same.not()
		}
		return value{is: same}
	}
	return value{is: compareNumbers(c.op, l, r)}
}

// compareNumbers decides where the bounds of both sides leave no choice.
func compareNumbers(op string, l, r value) verdict {
	switch op {
	case "<":
		return decided(l.hi < r.lo, l.lo >= r.hi)
	case "<=":
		return decided(l.hi <= r.lo, l.lo > r.hi)
	case ">":
		return decided(l.lo > r.hi, l.hi <= r.lo)
	case ">=":
		return decided(l.lo >= r.hi, l.hi < r.lo)
	}
	apart := l.hi < r.lo || l.lo > r.hi
	v := decided(l.lo == l.hi && r.lo == r.hi && l.lo == r.lo, apart)
	if op == "!=" {
		return v.not()
	}
	return v
}

func decided(holds, not bool) verdict {
	switch {
	case holds:
		return yes
	case not:
		return no
	}
	return unknown
}

func (a *arithmetic) eval(s *sight) value {
	l, r := a.left.eval(s), a.right.eval(s)
	switch {
	case l.none != "":
		return l
	case r.none != "":
		return r
	}
	var lo, hi float64
	switch a.op {
	case '+':
		lo, hi = l.lo+r.lo, l.hi+r.hi
	case '-':
		lo, hi = l.lo-r.hi, l.hi-r.lo
	case '*':
		lo, hi = corners(l, r, func(x, y float64) float64 { return x * y })
	case '/':
		if r.lo <= 0 && r.hi >= 0 {
			return value{none: a.right.String() + " is, or may be, 0: nothing can be divided by it"}
		}
		lo, hi = corners(l, r, func(x, y float64) float64 { return x / y })
	}
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return value{none: a.String() + " has no value"}
	}
	return value{lo: lo, hi: hi}
}

// corners are the least and the most that f makes of two ranges.
func corners(l, r value, f func(x, y float64) float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range [2]float64{l.lo, l.hi} {
		for _, y := range [2]float64{r.lo, r.hi} {
			z := f(x, y)
			if math.IsNaN(z) { // 0 times without bound, and the like
				z = 0
			}
			lo, hi = min(lo, z), max(hi, z)
		}
	}
	return lo, hi
}

func (l *literal) eval(*sight) value {
	if l.dim == text {
		return value{word: l.word}
	}
	return exactly(l.n)
}

func (f *figure) eval(s *sight) value { return s.cache[f] }

func (f *figure) dimension() dimension { return f.dim }

func (f *figure) String() string { return f.text }
