package main

import (
	"cmp"
	"slices"
)

// A seg is a data segment of a round.
type seg struct {
	lo, hi  uint32
	at      int64 // when it passes the tap, or would have
	lost    uint8 // 0 = arrives, 1 = lost before the tap, 2 = behind it
	arrives int64
	again   int64 // when its repair passes the tap
}

// An arrival is a segment at the receiver.
type arrival struct {
	at, sent int64
	seg      int
	repair   bool
}

// round plans a burst of data, its acknowledgements and its repairs: each lost
// segment is sent again when the SACK of the third segment behind it has come
// back (RFC 6675 §4, RFC 8985 §3), so the last few are never lost.
func (c *conn) round() {
	n := minRound + c.rand.IntN(maxRound-minRound+1)
	segs := make([]seg, n)
	d := c.data
	t := c.now
	for i := range segs {
		s := &segs[i]
		s.lo = c.next[d]
		c.next[d] += uint32(c.segmentSize())
		s.hi, s.at = c.next[d], t
		s.arrives = t + c.delay[1-d]
		if i < n-3 && c.rand.Float64() < c.loss {
			s.lost = 1 + uint8(c.rand.IntN(2))
		}
		t += 12*microsecond + c.rand.Int64N(40*microsecond)
		c.planned = append(c.planned, pkt{at: s.at, dir: d, flags: dataFlags(i, n), unseen: s.lost == 1, doomed: s.lost == 2,
			octets: int(s.hi - s.lo), seq: s.lo, ack: c.next[1-d], sent: s.at - c.delay[d], echoes: c.echo})
	}
	c.repairs(segs)
	last := c.acknowledge(segs, arrivals(segs, c.delay))
	c.sortPlan()
	c.budget -= len(c.planned)
	// The next round is at the tap when the last ACK has reached the sender.
	c.now = last + 2*c.delay[d] + c.idle/2 + c.rand.Int64N(c.idle+1)
}

func dataFlags(i, n int) uint8 {
	if i == n-1 {
		return flagACK | flagPSH
	}
	return flagACK
}

func (c *conn) segmentSize() int {
	switch {
	case c.size == "96":
		return smallSegment
	case c.size == "mixed" && c.rand.IntN(9) < 2:
		return 64 + c.rand.IntN(900)
	}
	return c.key.full
}

// repairs plans the second copy of every lost segment.
func (c *conn) repairs(segs []seg) {
	d := c.data
	for i := range segs {
		s := &segs[i]
		if s.lost == 0 {
			continue
		}
		var heard int64
		for j, behind := i+1, 0; j < len(segs) && behind < 3; j++ {
			if segs[j].lost == 0 {
				behind++
				heard = segs[j].arrives
			}
		}
		sent := heard + c.delay[0] + c.delay[1] + 60*microsecond + int64(i)*microsecond
		s.again = sent + c.delay[d]
		c.planned = append(c.planned, pkt{at: s.again, dir: d, flags: flagACK, octets: int(s.hi - s.lo),
			seq: s.lo, ack: c.next[1-d], sent: sent, echoes: c.echo})
	}
}

// arrivals lists what reaches the receiver, in order.
func arrivals(segs []seg, delay [2]int64) []arrival {
	var all []arrival
	for i := range segs {
		s := &segs[i]
		down := s.arrives - s.at
		if s.lost == 0 {
			all = append(all, arrival{at: s.arrives, sent: s.at - (delay[0] + delay[1] - down), seg: i})
		} else {
			all = append(all, arrival{at: s.again + down, sent: s.again - (delay[0] + delay[1] - down), seg: i, repair: true})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return all
}

// acknowledge plans the receiver's answers and returns when the last of them
// passes the tap. In order it acknowledges every second segment; a hole, and
// what fills one, at once (RFC 5681 §4.2).
func (c *conn) acknowledge(segs []seg, all []arrival) int64 {
	r := 1 - c.data
	got := make([]bool, len(segs))
	next, unacked := 0, 0
	var recent int64 // TS.recent: sent time of what came in order, RFC 7323 §4.3
	var at int64
	for i, a := range all {
		wasHole := next != a.seg
		got[a.seg] = true
		if !wasHole && unacked == 0 {
			recent = a.sent
		}
		filled := !wasHole && a.seg+1 < len(got) && got[a.seg+1]
		for next < len(got) && got[next] {
			next++
		}
		if !wasHole && !filled && !a.repair {
			unacked++
			if unacked < 2 && i < len(all)-1 {
				continue
			}
		}
		unacked = 0
		at = a.at + c.delay[r] + 20*microsecond
		p := pkt{at: at, dir: r, flags: flagACK, seq: c.next[r], ack: segs[0].lo, sent: at - c.delay[r], echoes: recent}
		if next > 0 {
			p.ack = segs[next-1].hi
		}
		if recent == 0 {
			p.echoes = c.lastEcho(segs)
		}
		p.addSACKs(segs, got, next, a.seg)
		c.planned = append(c.planned, p)
		c.echo = p.sent
	}
	return at
}

// lastEcho is what the receiver echoes while the first segment of a round is
// missing: the last segment of the round before.
func (c *conn) lastEcho(segs []seg) int64 { return segs[0].at - c.delay[c.data] - c.idle/2 - c.rtt() }

// addSACKs reports what came beyond a hole, the newest block first (RFC 2018 §4).
func (p *pkt) addSACKs(segs []seg, got []bool, next, newest int) {
	block := func(i int) (lo, hi int) {
		for lo = i; lo > next && got[lo-1]; lo-- {
		}
		for hi = i; hi+1 < len(got) && got[hi+1]; hi++ {
		}
		return lo, hi
	}
	if newest >= next {
		lo, hi := block(newest)
		p.sacks[0] = [2]uint32{segs[lo].lo, segs[hi].hi}
		p.numSACK = 1
	}
	for i := len(got) - 1; i > next && p.numSACK < len(p.sacks); i-- {
		if !got[i] {
			continue
		}
		lo, hi := block(i)
		b := [2]uint32{segs[lo].lo, segs[hi].hi}
		if p.numSACK == 0 || b != p.sacks[0] {
			p.sacks[p.numSACK] = b
			p.numSACK++
		}
		i = lo
	}
}
