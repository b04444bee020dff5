package flow

import "math/bits"

// shortest notes a delay if it is the shortest so far.
func shortest(have *int64, d int64) {
	if d >= 0 && (*have < 0 || d < *have) {
		*have = d
	}
}

// delays are two histograms of round trips: bucket widths are half of their
// value, from 1 µs to an hour.
type delays struct {
	down, up histogram
}

const (
	perOctave = 2
	octaves   = 32
)

// A histogram keeps shares: when a bucket is full, all are halved.
type histogram struct {
	n        uint64
	min, max int64
	bucket   [perOctave * octaves]uint16
}

func (g *histogram) add(d int64) {
	if g.n == 0 || d < g.min {
		g.min = d
	}
	g.max = max(g.max, d)
	g.n++
	b := &g.bucket[bucketOf(d)]
	if *b == 1<<16-1 {
		for i := range g.bucket {
			g.bucket[i] /= 2
		}
	}
	*b++
}

func bucketOf(d int64) int {
	us := uint64(max(d, 0)/1000) + perOctave // so that the top bits below are there
	e := bits.Len64(us) - 1
	return min((e-1)*perOctave+int(us>>(e-1)&(perOctave-1)), perOctave*octaves-1)
}

// bucketFloor is the shortest delay, ns, in bucket i.
func bucketFloor(i int) int64 {
	e, m := i/perOctave+1, i%perOctave
	return (int64(perOctave+m)<<(e-1) - perOctave) * 1000
}

// median is good to a quarter.
func (g *histogram) median() int64 {
	var all, below uint32
	for _, n := range g.bucket {
		all += uint32(n)
	}
	for i, n := range g.bucket {
		if below += uint32(n); below*2 >= all {
			return min(max((bucketFloor(i)+bucketFloor(i+1))/2, g.min), g.max)
		}
	}
	return g.max
}

// An echo is a timestamp and when it first passed.
type echo struct {
	t  int64
	ts uint32
}

// echoes remembers some of the timestamps that passed, to see how long after
// them the first data came that echoes them: the delay above the tap. When
// too many are never echoed it remembers fewer per time.
type echoes struct {
	list    []echo
	spacing int64
	newest  uint32
	any     bool
	echoed  uint32 // last one that was used
	used    bool
}

func (e *echoes) passed(t int64, ts uint32) {
	if e.any && int32(ts-e.newest) <= 0 {
		return
	}
	e.any, e.newest = true, ts
	if n := len(e.list); n > 0 && t-e.list[n-1].t < e.spacing {
		return
	}
	if len(e.list) == maxEchoes {
		e.spacing = max(2*e.spacing, (t-e.list[0].t)/maxEchoes)
		k := 0
		for i := 1; i < len(e.list); i += 2 {
			e.list[k] = e.list[i]
			k++
		}
		e.list = e.list[:k]
	}
	if e.list == nil {
		e.list = make([]echo, 0, maxEchoes/8)
	}
	e.list = append(e.list, echo{t, ts})
}

// since returns how long ago ts first passed, if that is remembered and this
// is its first echo.
func (e *echoes) since(t int64, ts uint32) (int64, bool) {
	if e.used && e.echoed == ts {
		return 0, false
	}
	for i := len(e.list) - 1; i >= 0; i-- {
		d := int32(ts - e.list[i].ts)
		if d < 0 {
			continue
		}
		if d > 0 {
			return 0, false
		}
		e.used, e.echoed = true, ts
		ago := t - e.list[i].t
		e.list = e.list[:copy(e.list, e.list[i+1:])] // older ones can no longer be first
		return ago, true
	}
	return 0, false
}

// sample notes delays for the histogram of h.
func (h *track) sampleDown(d int64) {
	if h.delays == nil {
		h.delays = new(delays)
	}
	h.delays.down.add(d)
}

// emptied is d, if there is one, for the next conversation.
func (d *delays) emptied() *delays {
	if d != nil {
		*d = delays{}
	}
	return d
}

func (h *track) sampleUp(d int64) {
	if h.delays == nil {
		h.delays = new(delays)
	}
	h.delays.up.add(d)
}
