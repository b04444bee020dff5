package policy

import (
	"math"
	"strconv"
	"strings"
)

// shown is v for a person, in the unit of f.
func shown(f *figure, v value) string {
	switch {
	case v.none != "":
		return "unknown"
	case f.dim == text:
		return v.word
	case f.dim == truth:
		return map[verdict]string{yes: "true", no: "false", unknown: "unknown"}[v.is]
	case v.lo == v.hi:
		return amount(f.dim, v.lo)
	case v.hi == unbounded(f.dim) && v.lo == 0:
		return "unknown"
	case v.hi == unbounded(f.dim):
		return "at least " + amount(f.dim, v.lo)
	}
	return amount(f.dim, v.lo) + " to " + amount(f.dim, v.hi)
}

// amount is x in the unit of its dimension.
func amount(d dimension, x float64) string {
	switch d {
	case share:
		return rounded(100*x) + " %"
	case elapsed:
		if x >= 10_000 {
			return rounded(x/1000) + " s"
		}
		return rounded(x) + " ms"
	}
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return grouped(x)
	}
	return rounded(x)
}

// rounded has four figures that count, and all of those before the point.
func rounded(x float64) string {
	digits := 3
	for y := math.Abs(x); y >= 10 && digits > 0; y /= 10 {
		digits--
	}
	for y := math.Abs(x); y != 0 && y < 1 && digits < 9; y *= 10 {
		digits++
	}
	s := strconv.FormatFloat(x, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// grouped is a whole number in groups of three.
func grouped(x float64) string {
	s := strconv.FormatFloat(x, 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return sign + s
}

// counted is a number with its noun.
func counted[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(float64(n)) + " " + noun + "s"
}

// clean makes text from outside harmless: no control characters, none that turn the
// direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}
