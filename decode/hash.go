package decode

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"whydrop/decode/checksum"
)

// Odd constants with well mixed bits: the fractional parts of the golden ratio
// and of √2, times 2^64.
const (
	mixGolden = 0x9e3779b97f4a7c15
	mixSqrt2  = 0x6a09e667f3bcc909
)

// mix multiplies to 128 bits and folds the halves: every bit of the result
// depends on every bit of both.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^mixSqrt2, b^mixGolden)
	return hi ^ lo
}

// seed is another in every process, so that nobody can write a capture whose
// connections all fall into one place of a table, or into one shard.
var seed = [2]uint64{rand.Uint64(), rand.Uint64()}

// seeded is mix with constants that nobody outside of this process knows.
func seeded(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^seed[0], b^seed[1])
	return hi ^ lo
}

// PairHash is the hash of two addresses, the same in either order. It differs
// from process to process. The shard of a pair follows from it, so a report
// depends on it where a limit of a shard is reached, and nowhere else.
func PairHash(a, b Addr) uint32 {
	ha := seeded(binary.LittleEndian.Uint64(a[0:8]), binary.LittleEndian.Uint64(a[8:16]))
	hb := seeded(binary.LittleEndian.Uint64(b[0:8]), binary.LittleEndian.Uint64(b[8:16]))
	// The product is symmetric. A sum is, too, but of hosts that are numbered in a row many
	// pairs have the same one, whatever the seed: of 10.0.0.1 and 2, and of 10.0.0.0 and 3.
	hi, lo := bits.Mul64(ha^mixGolden, hb^mixGolden)
	return uint32((hi ^ lo) >> 32)
}

// hashPayload makes a hash of an unfolded sum, which the checksum needed
// anyway, and the number of octets summed. It tells payloads apart as well as a
// 64-bit sum of 64-bit words does: it does not see words that changed places.
// That serves to recognise copies, of which every header field agrees as well.
func hashPayload(s checksum.Sum, n int) uint32 {
	if n == 0 {
		return 0
	}
	return uint32(mix(uint64(s), uint64(n)) >> 32)
}

// HashOfZeros is the PayloadHash of n octets that are all zero.
func HashOfZeros(n uint32) uint32 { return hashPayload(checksum.Sum(0), int(n)) }

// hashMACs hashes the twelve octets of both MAC addresses.
func hashMACs(b []byte) uint32 {
	return uint32(mix(binary.LittleEndian.Uint64(b[0:8]), uint64(binary.LittleEndian.Uint32(b[8:12]))) >> 32)
}
