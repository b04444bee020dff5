package flow

import "reflect"

// A List grows without moving what it holds: for what is written once, in
// numbers that nobody knows before. The zero List is empty.
type List[T any] struct {
	parts [][]T
	n     int
}

// The parts of a List grow, so that a short one is small and a long one has few.
const (
	firstPart  = 16
	largerPart = 4
	lastPart   = 256 << 10 // octets
)

// Append adds v.
func (l *List[T]) Append(v T) {
	k := len(l.parts) - 1
	if k < 0 || len(l.parts[k]) == cap(l.parts[k]) {
		size := firstPart
		if k >= 0 {
			size = min(cap(l.parts[k])*largerPart, max(lastPart/int(reflect.TypeFor[T]().Size()), firstPart))
		}
		l.parts = append(l.parts, make([]T, 0, size))
		k++
	}
	l.parts[k] = append(l.parts[k], v)
	l.n++
}

// Len is how many values were added.
func (l *List[T]) Len() int { return l.n }

// Refs returns where the values are: they stay there, and may be written to.
func (l *List[T]) Refs() []*T {
	all := make([]*T, 0, l.n)
	for _, part := range l.parts {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	return all
}

// Take returns the values in one slice and empties l.
func (l *List[T]) Take() []T {
	var all []T
	switch len(l.parts) {
	case 0:
	case 1:
		all = l.parts[0]
	default:
		all = make([]T, 0, l.n)
		for i, part := range l.parts {
			all = append(all, part...)
			l.parts[i] = nil
		}
	}
	*l = List[T]{}
	return all
}
