package flow

// Linux draws the IP IDs of what it does not send from a connected socket from
// counters that many destinations share, and lets such a counter jump forward at
// random when it has stood still: by less than the jiffies since its last use
// (net/ipv4/route.c:ip_idents_reserve). A burst behind a pause of half a second
// begins up to 500 numbers further, and nothing was lost.
//
// A counter of a socket's own (inet_sk(sk)->inet_id) never jumps. It is known by
// its pauses: of the other kind few of several jiffies go by without a jump.

// jiffies, ns, are the lengths that Linux is built with: CONFIG_HZ 1000, 300 (with
// which 250 fits as well) and 100.
var jiffies = [...]int64{second / 1000, second / 300, second / 100}

const (
	idlePause = 2 // jiffies of a pause that brings a jump half of the time, or more often
	idleStill = 8 // such pauses without a jump that are needed to trust a counter, …
	idleTimes = 4 // … and how many for each with one

	// Jumps are spread evenly from none to as many as there were jiffies. So many that
	// keep to a tenth of that, with hardly a pause without one, are none.
	idleAlike  = 12
	idleSpread = 0.1
)

// pauses counts those of a numbered sender, by the length of a jiffy, in which its
// counter stood still, and those in which it may have jumped.
type pauses struct {
	still, jumped [len(jiffies)]uint32
	least, most   float32 // numbers for each jiffy of the first kind, in those with a jump
}

// step notes that a packet passed took after the one whose number is less by n.
func (p *pauses) step(took, n int64) {
	for i, j := range jiffies {
		switch {
		case took < idlePause*j:
			return
		case n == 1:
			p.still[i]++
		case mayJump(took, n, j):
			p.jumped[i]++
			if i > 0 {
				continue
			}
			share := float32((n-1)*j) / float32(took)
			if p.jumped[i] == 1 {
				p.least = share
			}
			p.least, p.most = min(p.least, share), max(p.most, share)
		}
	}
}

// jumps reports whether the counter may be one that jumps, where jiffies are of the
// i-th length.
func (p *pauses) jumps(i int) bool {
	if p.jumped[i] >= idleAlike && idleTimes*p.still[i] <= p.jumped[i] && (p.most-p.least)*float32(jiffies[i])/float32(jiffies[0]) <= idleSpread {
		return false
	}
	return p.still[i] < idleStill || p.still[i] < idleTimes*p.jumped[i]
}

// mayJump reports whether a counter may have jumped by n, for its last use was took ago.
func mayJump(took, n, jiffy int64) bool { return (n-1)*jiffy <= took }

// skipped reports whether the numbers of g may never have been sent: the counter
// may be one that jumps, and the time of so many packets is not empty, neither here
// nor on the whole.
func (s *serial) skipped(g *serialGap) bool {
	took, n := g.t1-g.t0, g.missing()+1
	for i, j := range jiffies {
		if mayJump(took, n, j) && s.pauses.jumps(i) {
			return !s.pace.empty(took, n) && !s.pace.gapsEmpty()
		}
	}
	return false
}
