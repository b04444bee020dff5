package netsim

// A Queue is the output of a router: packets wait for a line of Rate bit/s, and
// one that finds no room among Octets is dropped (drop-tail). With MaxP it drops
// early, too: RED, Floyd and Jacobson 1993.
type Queue struct {
	Rate     int64 // bit/s
	Octets   int64 // that may wait
	Min, Max int64 // RED: from Min octets on average it drops, from Max all
	MaxP     float64
}

// redWeight is the share of the newest length in the average: Floyd and
// Jacobson's 0.002 is for faster lines than ours.
const redWeight = 0.02

func (q *Queue) place() stage { return &queue{Queue: q} }

type queue struct {
	*Queue
	drain
	average float64
	since   int // packets since the last early drop
}

func (q *queue) take(s *sim, g *segment) (int64, Cause) {
	q.run(s.now, q.Rate)
	length := int64(g.wireLength())
	if q.level+length*octet > q.Octets*octet {
		return 0, QueueFull
	}
	if q.MaxP > 0 && q.early(s, q.level/octet) {
		return 0, Early
	}
	q.level += length * octet
	return s.now + (q.level+q.Rate-1)/q.Rate, NoCause
}

// drain is what is in a queue, or was taken out of a bucket: it runs out at an
// even rate. Level is in bits per Second, so that nothing is ever rounded.
type drain struct {
	level int64
	last  int64
}

const octet = 8 * Second

// run lets what has gone since last go.
func (d *drain) run(now, rate int64) {
	if gone := now - d.last; gone > d.level/rate {
		d.level = 0
	} else {
		d.level -= gone * rate
	}
	d.last = now
}

// early is RED's test: the probability rises with the average length and with
// the packets since the last drop.
func (q *queue) early(s *sim, waiting int64) bool {
	q.average += redWeight * (float64(waiting) - q.average)
	if q.average < float64(q.Min) {
		q.since = 0
		return false
	}
	p := q.MaxP * (q.average - float64(q.Min)) / float64(q.Max-q.Min)
	p /= max(1-float64(q.since)*p, 0.01)
	q.since++
	if q.average < float64(q.Max) && !s.chance(p) {
		return false
	}
	q.since = 0
	return true
}
