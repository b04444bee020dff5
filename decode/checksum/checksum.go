// Package checksum computes the Internet checksum of RFC 1071: the one's
// complement sum of 16-bit words.
//
// It sums 64-bit words in the byte order of the machine's loads. RFC 1071
// §2 (B) allows that (the sum does not depend on the byte order, only its
// octets are swapped in the end) and §2 (C) the wider words, as long as every
// carry out of the top comes back in at the bottom.
package checksum

import (
	"encoding/binary"
	"math/bits"
)

// A Sum is a one's complement sum in progress, not yet folded to 16 bits.
// The zero Sum is ready to use. It cannot overflow: every carry is added back
// at once, so a Sum is its input modulo 2^64−1, and never returns to zero once
// it has left it.
//
// Octets lie in a Sum in little endian order; only Fold swaps them back.
type Sum uint64

// Add adds b. Every piece but the last must have an even number of octets; an
// odd last one counts as if a zero octet followed (RFC 1071 §1 (1)).
func (s Sum) Add(b []byte) Sum {
	a, c := uint64(s), uint64(0)
	for len(b) >= 64 {
		// One chain of additions with carry. The last carry is not lost: the
		// next chain takes it in, or the end of the function does.
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[0:8]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[8:16]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[16:24]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[24:32]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[32:40]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[40:48]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[48:56]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[56:64]), c)
		b = b[64:]
	}
	if len(b) >= 32 {
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[0:8]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[8:16]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[16:24]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[24:32]), c)
		b = b[32:]
	}
	if len(b) >= 16 {
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[0:8]), c)
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[8:16]), c)
		b = b[16:]
	}
	if len(b) >= 8 {
		a, c = bits.Add64(a, binary.LittleEndian.Uint64(b[0:8]), c)
		b = b[8:]
	}
	a, c = bits.Add64(a, tail(b), c)
	a, c = bits.Add64(a, 0, c)
	// If this last addition carried, a is 0: adding 1 cannot carry again.
	return Sum(a + c)
}

// tail reads the last 0 to 7 octets as the low end of a word.
func tail(b []byte) uint64 {
	var w uint64
	if len(b) >= 4 {
		w = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if len(b) >= 2 {
			w |= uint64(binary.LittleEndian.Uint16(b)) << 32
			if len(b) == 3 {
				w |= uint64(b[2]) << 48
			}
		} else if len(b) == 1 {
			w |= uint64(b[0]) << 32
		}
		return w
	}
	if len(b) >= 2 {
		w = uint64(binary.LittleEndian.Uint16(b))
		if len(b) == 3 {
			w |= uint64(b[2]) << 16
		}
	} else if len(b) == 1 {
		w = uint64(b[0])
	}
	return w
}

// Plus joins two sums over pieces of even length.
func (s Sum) Plus(t Sum) Sum {
	a, c := bits.Add64(uint64(s), uint64(t), 0)
	// If the addition carried, a ≤ 2^64−2: adding 1 cannot carry again.
	return Sum(a + c)
}

// AddUint32 adds the four octets of v in network byte order.
func (s Sum) AddUint32(v uint32) Sum { return s.Plus(Sum(bits.ReverseBytes32(v))) }

// Fold folds s to the 16 bits of a checksum field, not complemented.
func (s Sum) Fold() uint16 {
	v := uint64(s)
	v = v>>32 + v&0xffffffff // at most 0x1_ffff_fffe
	v = v>>32 + v&0xffffffff // at most 0xffff_ffff
	v = v>>16 + v&0xffff     // at most 0x1_fffe
	v = v>>16 + v&0xffff     // at most 0xffff
	return bits.ReverseBytes16(uint16(v))
}

// Valid reports whether s, taken over data and its checksum field, is right.
// RFC 1071 §1 (3): "If the result is all 1 bits ... the check succeeds."
func (s Sum) Valid() bool { return s.Fold() == 0xffff }
