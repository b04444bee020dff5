package netsim

import "math"

// CUBIC, RFC 9438.
const (
	cubicC    = 0.4 // §5.1, segments/s³
	cubicBeta = 7   // tenths, §4.6
	renoBeta  = 5   // tenths, RFC 5681 §3.1
)

// Linux' HyStart leaves slow start when the round trip has grown by an eighth,
// within these bounds (net/ipv4/tcp_cubic.c: HYSTART_DELAY_THRESH).
const (
	hystartLeast  = 4 * Millisecond
	hystartMost   = 16 * Millisecond
	hystartWindow = 16 // segments
)

// control is the congestion control of a sender.
type control struct {
	cwnd     int
	ssthresh int
	grown    int     // ACKs counted towards the next cwnd
	most     float64 // cwnd when something was last lost
	since    int64   // when congestion avoidance began; 0 = it has not
	origin   float64 // the cwnd that CUBIC's curve is flat at
	reach    float64 // s until it is
	friendly float64 // what Reno would have
	limited  bool    // cwnd alone kept the sender from sending more

	prrDelivered, prrOut int // segments since recovery began
}

// grow opens cwnd by the segments that were acknowledged now.
func (h *host) grow(acked int) {
	c := &h.control
	if h.phase == recovery || acked == 0 {
		return
	}
	// Linux tcp_is_cwnd_limited: a window that is not used does not grow.
	slow := c.cwnd < c.ssthresh
	if !c.limited && (!slow || c.cwnd >= 2*(len(h.queue)+acked)) {
		return
	}
	if slow {
		c.cwnd += acked
		if !h.f.Reno && c.cwnd >= hystartWindow && h.phase == open &&
			h.rack.rtt > h.minRTT+min(max(h.minRTT/8, hystartLeast), hystartMost) {
			c.ssthresh = c.cwnd
		}
		return
	}
	c.grown += acked
	for every := h.growEvery(acked); c.grown >= every; c.grown -= every {
		c.cwnd++
	}
}

// growEvery is how many segments must be acknowledged for cwnd to grow by one.
func (h *host) growEvery(acked int) int {
	c := &h.control
	if h.f.Reno {
		return c.cwnd
	}
	cwnd := float64(c.cwnd)
	if c.since == 0 {
		c.since, c.friendly = h.s.now, cwnd
		c.origin, c.reach = max(c.most, cwnd), 0
		if c.most > cwnd {
			c.reach = math.Cbrt((c.most - cwnd) / cubicC)
		}
	}
	// §4.3: where Reno would have more, be no worse.
	c.friendly += 3 * (1 - 0.7) / (1 + 0.7) * float64(acked) / cwnd
	t := float64(h.s.now-c.since+h.minRTT)/float64(Second) - c.reach
	target := max(c.origin+cubicC*t*t*t, c.friendly)
	if target <= cwnd {
		return 100 * c.cwnd
	}
	return max(int(cwnd/(target-cwnd)), 2) // Linux bictcp_update: at most 1.5 a round trip
}

// shrink answers a loss.
func (c *control) shrink(reno bool) {
	beta := cubicBeta
	if reno {
		beta = renoBeta
	}
	// §4.7, fast convergence: another flow wants its share.
	if cwnd := float64(c.cwnd); cwnd < c.most && !reno {
		c.most = cwnd * (10 + cubicBeta) / 20
	} else {
		c.most = cwnd
	}
	c.ssthresh = max(c.cwnd*beta/10, 2)
	c.since, c.grown = 0, 0
}

// reduce sets cwnd while the sender recovers, so that it sends about what has
// arrived: RFC 6937, Linux tcp_cwnd_reduction.
func (h *host) reduce(delivered int, growing bool) {
	c := &h.control
	if delivered == 0 {
		return
	}
	c.prrDelivered += delivered
	flying := h.inFlight()
	send := 0
	if room := c.ssthresh - flying; room < 0 {
		send = (c.ssthresh*c.prrDelivered+h.prior-1)/h.prior - c.prrOut
	} else {
		send = max(c.prrDelivered-c.prrOut, delivered)
		if growing {
			send++
		}
		send = min(send, room)
	}
	if c.prrOut == 0 {
		send = max(send, 1) // the first repair always goes
	}
	c.cwnd = flying + max(send, 0)
}
