package pcapfile

import (
	"math"
	"math/bits"
)

// A clock turns the ticks of an interface into nanoseconds since the epoch, by
// if_tsresol and if_tsoffset (draft-ietf-opsawg-pcapng §4.2).
type clock struct {
	multiply uint64 // nanoseconds in a tick, or 0
	divide   uint64 // ticks in a nanosecond, or 0
	shift    uint   // ticks in a second are 2^shift, if both are 0
	offset   int64  // seconds to add
}

// microseconds is the clock of an interface that does not say.
var microseconds = clock{multiply: 1000}

// newClock reads if_tsresol: the high bit makes it a power of two, else it is one of
// ten. Any value is accepted; a tick too short for a nanosecond count is time zero.
func newClock(resolution byte, offset int64) clock {
	const binary, nano, tooFine = 0x80, 9, 19 // 10^19 is the last power of ten below 2^64
	exponent := uint(resolution &^ binary)
	switch {
	case resolution&binary != 0:
		return clock{shift: exponent, offset: offset}
	case exponent <= nano:
		return clock{multiply: power10(nano - exponent), offset: offset}
	case exponent-nano <= tooFine:
		return clock{divide: power10(exponent - nano), offset: offset}
	}
	return clock{divide: math.MaxUint64, offset: offset}
}

func power10(n uint) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// time returns the time of a count of ticks. What does not fit in 64 bits of
// nanoseconds (years 1677 to 2262) is the end it ran over.
func (c *clock) time(ticks uint64) int64 {
	var hi, lo uint64
	switch {
	case c.multiply > 0:
		hi, lo = bits.Mul64(ticks, c.multiply)
	case c.divide > 0:
		lo = ticks / c.divide
	default:
		// ticks * 10^9 / 2^shift in 128 bits: below 2^94, so nothing is lost.
		hi, lo = bits.Mul64(ticks, 1e9)
		if c.shift >= 64 {
			hi, lo = 0, hi>>(c.shift-64)
		} else {
			hi, lo = hi>>c.shift, lo>>c.shift|hi<<(64-c.shift)
		}
	}
	if c.offset == 0 && hi == 0 && lo <= math.MaxInt64 {
		return int64(lo)
	}
	return saturate(hi, lo, c.offset)
}

// saturate returns hi:lo nanoseconds and offset seconds, within int64.
func saturate(hi, lo uint64, offset int64) int64 {
	negative := offset < 0
	size := uint64(offset)
	if negative {
		size = -size
	}
	moveHi, moveLo := bits.Mul64(size, 1e9)
	var carry uint64
	if negative {
		lo, carry = bits.Sub64(lo, moveLo, 0)
		hi, _ = bits.Sub64(hi, moveHi, carry)
		if int64(hi) < 0 { // below zero, in two's complement
			if hi == math.MaxUint64 && int64(lo) < 0 {
				return int64(lo)
			}
			return math.MinInt64
		}
	} else {
		lo, carry = bits.Add64(lo, moveLo, 0)
		hi, _ = bits.Add64(hi, moveHi, carry)
	}
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}
