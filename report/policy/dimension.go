package policy

import (
	"fmt"
	"strings"
)

// A dimension is what kind of thing a value is.
type dimension uint8

const (
	pure    dimension = iota // a number without a unit: fits counts, shares and ratios
	count                    // packets, frames, octets
	share                    // a part of a whole, 0 to 1
	ratio                    // a quotient
	elapsed                  // ms
	text
	truth
)

var dimensionNames = [...]string{"a number", "a count", "a share", "a ratio", "a time", "a word", "true or false"}

func (d dimension) String() string { return dimensionNames[d] }

func (d dimension) numeric() bool { return d <= elapsed }

// comparableWith reports whether l and r can stand on the two sides of a comparison, and
// with what remedy if they cannot.
func comparableWith(l, r node, op string) error {
	a, b := l.dimension(), r.dimension()
	switch {
	case a.numeric() != b.numeric() || !a.numeric() && a != b:
		return fmt.Errorf("%s is %s, and %s is %s", l, a, r, b)
	case !a.numeric() && op != "==" && op != "!=":
		return fmt.Errorf("%s cannot be less or more than %s: only == and != go with words", l, r)
	case a == elapsed && b == elapsed, a == b && a != share:
		return nil
	case a == elapsed || b == elapsed:
		if zero(l) || zero(r) {
			return nil
		}
		return timeNeeded(l, r)
	case a == share && wrongShare(r):
		return fmt.Errorf("%s is a share, at most 1: did you mean %s%%", l, r)
	case b == share && wrongShare(l):
		return fmt.Errorf("%s is a share, at most 1: did you mean %s%%", r, l)
	case a == share && b == count, a == count && b == share:
		return fmt.Errorf("%s is %s, and %s is %s", l, a, r, b)
	}
	return nil
}

func timeNeeded(l, r node) error {
	if l.dimension() != elapsed {
		l, r = r, l
	}
	if r.dimension() == pure {
		return fmt.Errorf("%s is a time: write %sms or %ss", l, r, r)
	}
	return fmt.Errorf("%s is a time, and %s is %s", l, r, r.dimension())
}

// zero needs no unit.
func zero(n node) bool {
	l, ok := n.(*literal)
	return ok && l.dim == pure && l.n == 0
}

// wrongShare sees a number that no share can reach: a rule with it says nothing.
func wrongShare(n node) bool {
	l, ok := n.(*literal)
	return ok && l.n > 1
}

// combined is the dimension of l op r.
func combined(op byte, l, r node) (dimension, error) {
	a, b := l.dimension(), r.dimension()
	bad := fmt.Errorf("%s %c %s: %s and %s do not go together", l, op, r, a, b)
	if !a.numeric() || !b.numeric() {
		return 0, bad
	}
	switch op {
	case '+', '-':
		switch {
		case a == b:
			return a, nil
		case a == pure && b != elapsed:
			return b, nil
		case b == pure && a != elapsed:
			return a, nil
		}
	case '*':
		switch {
		case a == pure, a == ratio, a == share:
			return b, nil
		case b == pure, b == ratio, b == share:
			return a, nil
		}
	case '/':
		switch {
		case a == b:
			return ratio, nil
		case b == pure, b == ratio:
			return a, nil
		case a == count && b == elapsed:
			return 0, fmt.Errorf("%s / %s: rates in time are not known here", l, r)
		}
	}
	return 0, bad
}

// units are what may stand behind a number: its factor and dimension.
var units = map[string]struct {
	factor float64
	dim    dimension
}{
	"%": {0.01, share}, "us": {0.001, elapsed}, "ms": {1, elapsed}, "s": {1000, elapsed}, "min": {60_000, elapsed},
	"k": {1e3, count}, "M": {1e6, count}, "G": {1e9, count},
}

const unitList = "%, us, ms, s, min, k, M, G"

// quotedWord is s as it is written in an expression.
func quotedWord(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
