package flow

import "reflect"

// A sent is one transmission that passed the tap.
type sent struct {
	t     int64
	lo    int64  // first octet
	n     uint32 // sequence space
	tsval uint32
	id    int32  // unwrapped IP ID
	cov   uint32 // µs until it was covered by ACK or SACK, at least 1; 0 = not yet
	key   uint32 // of everything else that copies share
	frame uint32
	file  uint16
	is    sentMarks
	sum   uint16 // checksum, and what would be right, of a damaged one
	right uint16
}

type sentMarks uint16

const (
	sentTS      sentMarks = 1 << iota // tsval is valid
	sentID                            // id is valid
	sentBad                           // damaged: it was sent, it did not arrive
	sentSYN                           //
	sentFIN                           //
	sentACK                           //
	sentKept                          // of a queue: also in the odd list
	sentOld                           // its timestamp was too old for the receiver (PAWS)
	sentRefused                       // an ICMP error quoted it
	sentBadIP                         // damaged in the IP header
	sentSample                        // cov is a round trip: the newest that its acknowledgement covered
	sentLone                          // and the only one, without SACK
)

// before reports whether x passed before y. Where a clock ticks too seldom to
// tell, the file does: it is in the order in which frames came.
func (x *sent) before(y *sent) bool {
	if x.t != y.t {
		return x.t < y.t
	}
	return x.file < y.file || x.file == y.file && x.frame < y.frame
}

func (x *sent) hi() int64 { return x.lo + int64(x.n) }

// payload is the octets of data that x carries.
func (x *sent) payload() int64 {
	n := int64(x.n)
	if x.is&sentSYN != 0 {
		n--
	}
	if x.is&sentFIN != 0 {
		n--
	}
	return n
}

func (x *sent) ref() FrameRef { return FrameRef{Number: uint64(x.frame), File: x.file} }

// what says what kind of packet x is.
func (x *sent) what() What {
	switch {
	case x.is&sentSYN != 0:
		return SYNPacket
	case x.payload() > 0:
		return DataPacket
	case x.is&sentFIN != 0:
		return FINPacket
	}
	return OtherPacket
}

// covered is the time x was covered; it is valid if cov is not 0.
func (x *sent) covered() int64 { return x.t + int64(x.cov)*1000 }

func (x *sent) cover(t int64) {
	x.cov = uint32(min(max((t-x.t)/1000, 1), 1<<32-1))
}

// chunkSent is how many transmissions are allocated at once: a compromise
// between short flows and the cost of following a pointer.
const chunkSent = 16

type sentChunk [chunkSent]sent

// A queue holds the transmissions that each went beyond all before them, in
// order: sorted by time and by octets at once.
type queue struct {
	chunks []*sentChunk
	first  int // of the first chunk: entries before it are forgotten
	length int
}

func (q *queue) at(i int) *sent {
	i += q.first
	return &q.chunks[uint(i)/chunkSent][uint(i)%chunkSent]
}

func (q *queue) push(x *sent, pool *Pool) {
	i := q.first + q.length
	if i == len(q.chunks)*chunkSent {
		q.chunks = append(q.chunks, pool.chunk())
	}
	q.chunks[uint(i)/chunkSent][uint(i)%chunkSent] = *x
	q.length++
}

// pop forgets the first entry. It returns the chunk that is no longer needed
// then, if any.
func (q *queue) pop() *sentChunk {
	q.first++
	q.length--
	if q.first < chunkSent {
		return nil
	}
	old := q.chunks[0]
	copy(q.chunks, q.chunks[1:])
	q.chunks = q.chunks[:len(q.chunks)-1]
	q.first = 0
	return old
}

// search returns the first entry that ends behind at.
func (q *queue) search(at int64) int {
	i := 0
	for j := q.length; i < j; {
		if m := int(uint(i+j) / 2); q.at(m).hi() > at {
			j = m
		} else {
			i = m + 1
		}
	}
	return i
}

func (q *queue) reset(pool *Pool) {
	for _, c := range q.chunks {
		pool.put(c)
	}
	clear(q.chunks)
	q.chunks, q.first, q.length = q.chunks[:0], 0, 0
}

// A Pool lends memory to the conversations of one engine.
type Pool struct {
	free       []*sentChunk
	conns      []*Conn
	freeCrumbs []*crumbChunk
	lent       int // chunks of crumbs
	inUse      int // conversations
	sent       int // chunks of transmissions that are in use
}

// connExtra is about what a conversation keeps beside its Conn and its chunks:
// histories, rings and delays.
const connExtra = 4096

// Octets are about what everything takes that the pool has lent.
func (p *Pool) Octets() int64 {
	return int64(p.inUse)*(int64(reflect.TypeFor[Conn]().Size())+connExtra) +
		int64(p.sent)*int64(reflect.TypeFor[sentChunk]().Size()) + int64(p.lent)*int64(reflect.TypeFor[crumbChunk]().Size())
}

func (p *Pool) chunk() *sentChunk {
	p.sent++
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c
	}
	return new(sentChunk)
}

func (p *Pool) put(c *sentChunk) {
	p.sent--
	if len(p.free) < maxFree {
		p.free = append(p.free, c)
	}
}
