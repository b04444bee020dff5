package detect

import (
	"reflect"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Segments wait in their connection until there are enough of them to
// calibrate its IP IDs, and so that a connection is worked on while it is in
// the cache.
const (
	firstLook  = 32 // before the first segment is judged
	nextLook   = 16 // after that
	smallBlock = 2
	fullBlock  = 8

	// maxFree blocks of a size are kept for the next connections.
	maxFree = 1 << 13
)

// A block is some waiting segments.
type block struct {
	next *block
	list []flow.Segment          // fixed capacity
	sack *[fullBlock]flow.Blocks // of the same places; nil until one has any
}

// add puts p, which travels in direction dir, behind the segments of b, which has room.
func (b *block) add(p *decode.Packet, dir uint8) {
	n := len(b.list)
	b.list = b.list[:n+1]
	flow.SegmentOf(p, dir, &b.list[n])
	if b.list[n].NumSACK > 0 {
		if b.sack == nil {
			b.sack = new([fullBlock]flow.Blocks)
		}
		b.sack[n] = p.SACK
	}
}

// take takes the segments of a, which is smaller, into b, which is empty.
func (b *block) take(a *block) {
	b.list = append(b.list, a.list...)
	if a.sack != nil {
		if b.sack == nil {
			b.sack = new([fullBlock]flow.Blocks)
		}
		copy(b.sack[:], a.sack[:len(a.list)])
	}
}

// blocks are the SACK blocks of segment i, if it has any.
func (b *block) blocks(i int) *flow.Blocks {
	if b.list[i].NumSACK == 0 {
		return nil
	}
	return &b.sack[i]
}

// blocks lends blocks of two sizes: most connections of a scan have one packet.
type blocks struct {
	small, full *block
	free        [2]int // how many, small and full
	lent        [2]int
}

// octets are what the lent ones take.
func (b *blocks) octets() int64 {
	return int64(b.lent[0])*blockOctets(smallBlock) + int64(b.lent[1])*blockOctets(fullBlock)
}

func blockOctets(n int) int64 {
	return int64(reflect.TypeFor[block]().Size()) + int64(n)*int64(reflect.TypeFor[flow.Segment]().Size())
}

func (b *blocks) get(small bool) *block {
	from, size := &b.full, fullBlock
	if small {
		from, size = &b.small, smallBlock
	}
	x := *from
	if x == nil {
		x = &block{list: make([]flow.Segment, 0, size)}
	} else {
		*from = x.next
		x.next = nil
		b.free[sizeOf(x)]--
	}
	b.lent[sizeOf(x)]++
	return x
}

func (b *blocks) put(x *block) {
	to := &b.full
	if cap(x.list) == smallBlock {
		to = &b.small
	}
	b.lent[sizeOf(x)]--
	if b.free[sizeOf(x)] == maxFree {
		return
	}
	b.free[sizeOf(x)]++
	x.list = x.list[:0]
	x.next = *to
	*to = x
}

func sizeOf(x *block) int {
	if cap(x.list) == smallBlock {
		return 0
	}
	return 1
}

// A queue of indices, first in, first out, with the times they are due.
type queue struct {
	list []due
	head int
}

type due struct {
	at     int64
	index  int32
	number uint32 // of the flow: an index may have been used again
}

func (q *queue) push(d due) {
	if q.head > 1024 && q.head*2 > len(q.list) {
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, d)
}

// pop returns the first entry if it is due.
func (q *queue) pop(now int64) (due, bool) {
	if q.head == len(q.list) || q.list[q.head].at > now {
		return due{}, false
	}
	q.head++
	return q.list[q.head-1], true
}

// idlest takes out, of some that are due first, the one that was seen longest ago;
// the others are due again then. seen says when one was, and whether it is still there.
func (q *queue) idlest(then int64, seen func(d due) (last int64, live bool)) (best due, ok bool) {
	oldest := int64(0)
	for n := 0; n < secondChances; {
		d, any := q.pop(1<<63 - 1)
		if !any {
			break
		}
		last, live := seen(d)
		if !live {
			continue
		}
		n++
		if ok && last >= oldest {
			q.push(due{then, d.index, d.number})
			continue
		}
		if ok {
			q.push(due{then, best.index, best.number})
		}
		best, oldest, ok = d, last, true
	}
	return best, ok
}
