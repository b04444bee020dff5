package host

import (
	"math"
	"sync/atomic"
)

// A due is the time from which on somebody waits to be served. It is asked once
// per frame, and so without a lock.
type due struct{ at atomic.Int64 }

func (d *due) never() { d.at.Store(math.MaxInt64) }

func (d *due) passed(now int64) bool { return d.at.Load() <= now }

// atMost moves it forward to t. Only who holds the lock of the waiting calls it.
func (d *due) atMost(t int64) {
	if t < d.at.Load() {
		d.at.Store(t)
	}
}
