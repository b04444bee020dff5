package main

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// trace hands out frames of all connections in time order.
type trace struct {
	rand  *rand.Rand
	open  byTime
	frame []byte
	text  *text
	tally tally
}

// tally is what was written, and what was lost of it on the way.
type tally struct {
	packets, octets, before, behind int
}

var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC).UnixNano()

// startSpread is the share of the capture within which all connections begin.
const startSpread = 0.05

func newTrace(o options) *trace {
	t := &trace{rand: rand.New(rand.NewPCG(o.seed, 0x7472_6163_6567_656e)), text: newText(o.seed)}
	span := int64(o.seconds) * int64(time.Second)
	for i := range o.flows {
		c := newConn(t.rand, i, o)
		// A round is planned while the budget lasts: on average half of one too many.
		c.budget = max(o.packets/o.flows-finPackets-roundPackets/2, 1)
		c.begin(epoch + int64(startSpread*float64(span)*t.rand.Float64()))
		c.pace(span, o)
		t.open = append(t.open, c)
	}
	heap.Init(&t.open)
	return t
}

// next returns the next frame, valid until the call after, and its time.
func (t *trace) next() (data []byte, at int64, ok bool) {
	for len(t.open) > 0 {
		c := t.open[0]
		p := c.take()
		if c.over() {
			heap.Pop(&t.open)
		} else {
			heap.Fix(&t.open, 0)
		}
		if p.unseen {
			c.ids[p.dir]++ // it was sent: its number is missing here
			t.tally.before++
			continue
		}
		t.frame = c.appendFrame(t.frame[:0], &p, t.text)
		t.tally.packets++
		t.tally.octets += len(t.frame)
		if p.doomed {
			t.tally.behind++
		}
		return t.frame, p.at, true
	}
	return nil, 0, false
}

// byTime is a heap of connections by the time of their next packet.
type byTime []*conn

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].head().at < b[j].head().at }
func (b byTime) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byTime) Push(x any)        { *b = append(*b, x.(*conn)) }
func (b *byTime) Pop() any {
	old := *b
	last := old[len(old)-1]
	*b = old[:len(old)-1]
	return last
}
