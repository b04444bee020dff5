package detect

import (
	"math/rand/v2"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A pair is two addresses, in their order, and what all their connections know.
type pair struct {
	addr [2]decode.Addr
	hash uint32
	flow.Pair
	users  int32 // connections that are not over
	queued bool  // in Engine.noUsers
}

// A key names a connection within a pair: the ports, that of addr[0] first.
type key struct {
	pair  int32
	ports uint32
}

// A table finds things by a 32-bit hash: open addressing, linear probing. Its
// slots hold indices +1 into what the owner keeps; 0 is free.
type table struct {
	slots []slot
	used  int // slots that are or were in use
}

type slot struct {
	hash  uint32
	index int32 // +1; 0 = free, -1 = was used
}

const firstTable = 256

// find calls same for every candidate until it answers true.
func (t *table) find(hash uint32, same func(i int32) bool) (int32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	mask := uint32(len(t.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := &t.slots[at]
		if s.index == 0 {
			return 0, false
		}
		if s.hash == hash && s.index > 0 && same(s.index-1) {
			return s.index - 1, true
		}
	}
}

// add puts index i under hash. It must not be there.
func (t *table) add(hash uint32, i int32) {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	at := hash & mask
	for t.slots[at].index > 0 {
		at = (at + 1) & mask
	}
	if t.slots[at].index == 0 {
		t.used++
	}
	t.slots[at] = slot{hash, i + 1}
}

// remove takes index i out.
func (t *table) remove(hash uint32, i int32) {
	mask := uint32(len(t.slots) - 1)
	for at := hash & mask; t.slots[at].index != 0; at = (at + 1) & mask {
		if t.slots[at].index == i+1 {
			t.slots[at].index = -1
			return
		}
	}
}

func (t *table) grow() {
	old := t.slots
	live := 0
	for _, s := range old {
		if s.index > 0 {
			live++
		}
	}
	size := max(len(old), firstTable)
	for live*2 >= size {
		size *= 2
	}
	t.slots, t.used = make([]slot, size), live
	mask := uint32(size - 1)
	for _, s := range old {
		if s.index > 0 {
			at := s.hash & mask
			for t.slots[at].index != 0 {
				at = (at + 1) & mask
			}
			t.slots[at] = s
		}
	}
}

// portFactor spreads ports over a table, in every process in another way, as the hash of
// a pair is: nobody can write a capture whose connections meet in one place. Odd, so that
// no bit of the ports is lost.
var portFactor = rand.Uint32() | 1

// hashOf mixes the ports into the hash of a pair.
func hashOf(pairHash, ports uint32) uint32 {
	h := pairHash ^ ports*portFactor
	h ^= h >> 15
	h *= 0x85ebca77
	return h ^ h>>13
}

// compare orders addresses.
func compare(a, b *decode.Addr) int {
	for i := range a {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}
