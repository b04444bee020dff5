package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	microsecond = int64(time.Microsecond)
	millisecond = int64(time.Millisecond)

	finPackets   = 3
	fullSegment  = 1448 // 1500 less the headers of IPv4 and TCP with timestamps
	smallSegment = 30   // a frame of 96 octets
)

// pkt is a packet that passes the tap, or would have.
type pkt struct {
	at      int64
	dir     uint8
	flags   uint8
	unseen  bool // lost before the tap
	doomed  bool // lost behind it
	octets  int
	seq     uint32 // from the first sequence number of its direction
	ack     uint32
	sent    int64 // when its sender sent it
	echoes  int64 // TSecr is the TSVal of what was sent then
	sacks   [3][2]uint32
	numSACK int
}

// conn is one connection. Data goes one way, in rounds; a request goes before.
type conn struct {
	rand    *rand.Rand
	key     key
	data    uint8    // direction of the data
	delay   [2]int64 // from the end that sends in a direction to the tap
	ids     [2]uint16
	isn     [2]uint32
	stamps  [2]uint32
	next    [2]uint32 // sequence number, from 0
	echo    int64     // when the newest packet of the data's receiver was sent
	now     int64
	idle    int64 // between rounds
	budget  int   // packets still to be planned
	loss    float64
	size    string
	planned []pkt
	taken   int
	ended   bool
}

func newConn(r *rand.Rand, i int, o options) *conn {
	c := &conn{rand: r, key: newKey(i, o), loss: o.loss, size: o.size}
	if r.Float64() < 0.8 {
		c.data = 1 // most connections are downloads
	}
	c.delay = [2]int64{millisecond/4 + r.Int64N(5*millisecond), 2*millisecond + r.Int64N(30*millisecond)}
	for d := range 2 {
		c.ids[d], c.isn[d], c.stamps[d] = uint16(r.Uint32()), r.Uint32(), r.Uint32()
	}
	return c
}

// rtt is the round trip time between the ends.
func (c *conn) rtt() int64 { return 2 * (c.delay[0] + c.delay[1]) }

// begin plans the handshake and the request.
func (c *conn) begin(at int64) {
	up, down := c.delay[0], c.delay[1]
	t := at + up
	back := t + 2*down
	c.planned = append(c.planned,
		pkt{at: t, dir: 0, flags: flagSYN, sent: at},
		pkt{at: back, dir: 1, flags: flagSYN | flagACK, ack: 1, sent: back - down, echoes: at},
		pkt{at: back + 2*up, dir: 0, flags: flagACK, seq: 1, ack: 1, sent: back + up, echoes: back - down})
	c.next = [2]uint32{1, 1}
	c.now = back + 2*up
	c.echo = back - down
	if c.data == 1 {
		// A request, and at once its acknowledgement by the first round's data.
		c.planned = append(c.planned, pkt{at: c.now + 50*microsecond, dir: 0, flags: flagACK | flagPSH, octets: 200,
			seq: 1, ack: 1, sent: c.now + 50*microsecond - up, echoes: back - down})
		c.next[0] += 200
		c.echo = c.now + 50*microsecond - up
		c.now += 50*microsecond + 2*down
	}
	c.budget -= len(c.planned)
}

// pace spreads the rounds that the budget allows over span.
func (c *conn) pace(span int64, o options) {
	rounds := max(int64(c.budget)/roundPackets, 1)
	c.idle = max(span*9/10/rounds-2*c.rtt(), 0)
}

// head is the next packet.
func (c *conn) head() *pkt { return &c.planned[c.taken] }

// over reports whether the connection has no more packets.
func (c *conn) over() bool { return c.taken == len(c.planned) }

// take removes the next packet, and plans more when it was the last one.
func (c *conn) take() pkt {
	p := c.planned[c.taken]
	c.taken++
	if c.over() && !c.ended {
		c.planned, c.taken = c.planned[:0], 0
		if c.budget > 0 {
			c.round()
		} else {
			c.finish()
		}
	}
	return p
}

// finish plans the FINs.
func (c *conn) finish() {
	c.ended = true
	d, r := c.data, 1-c.data
	t := c.now
	sent := t - c.delay[d]
	answer := t + 2*c.delay[r]
	c.planned = append(c.planned,
		pkt{at: t, dir: d, flags: flagFIN | flagACK, seq: c.next[d], ack: c.next[r], sent: sent, echoes: c.echo},
		pkt{at: answer, dir: r, flags: flagFIN | flagACK, seq: c.next[r], ack: c.next[d] + 1, sent: answer - c.delay[r], echoes: sent},
		pkt{at: answer + 2*c.delay[d], dir: d, flags: flagACK, seq: c.next[d] + 1, ack: c.next[r] + 1,
			sent: answer + c.delay[d], echoes: answer - c.delay[r]})
}

// Segments in a round, and packets in a mean one: with an acknowledgement for
// every second segment.
const (
	minRound     = 8
	maxRound     = 40
	roundPackets = (minRound + maxRound) / 2 * 3 / 2
)

// sortPlan puts the packets in the order in which they pass the tap.
func (c *conn) sortPlan() {
	slices.SortStableFunc(c.planned, func(a, b pkt) int { return cmp.Compare(a.at, b.at) })
}
