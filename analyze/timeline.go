package analyze

// timelineBins is how finely a capture's traffic is laid out over its time:
// bins of at first 10 ms, 11 minutes of them, which become twice as wide
// whenever the capture outgrows them.
const (
	timelineBins  = 1 << 16
	timelineStart = int64(10e6)
)

// A timeline counts packets over the time of a capture. Whether losses came at
// one moment because that was a busy one, only the traffic can tell.
type timeline struct {
	from, to int64 // of the bin that is being filled
	fill     uint32
	at       int // that bin
	width    int64
	origin   int64
	bins     []uint32
}

// add counts a packet. In the bin of the one before it costs two comparisons.
func (l *timeline) add(t int64) {
	if t >= l.from && t < l.to {
		l.fill++
		return
	}
	l.move(t)
}

// move goes to the bin of t and counts it.
func (l *timeline) move(t int64) {
	if l.bins == nil {
		l.bins = make([]uint32, timelineBins)
		l.width, l.origin = timelineStart, t
	}
	l.flush()
	for (t-l.origin)/l.width >= timelineBins {
		l.widen()
	}
	l.at = int(max(t-l.origin, 0) / l.width) // earlier than the first packet: with it
	l.from = l.origin + int64(l.at)*l.width
	l.to = l.from + l.width
	l.fill = 1
}

func (l *timeline) flush() {
	if l.fill > 0 {
		l.bins[l.at] += l.fill
		l.fill = 0
	}
}

// widen makes bins twice as wide.
func (l *timeline) widen() {
	half := len(l.bins) / 2
	for i := range half {
		l.bins[i] = l.bins[2*i] + l.bins[2*i+1]
	}
	clear(l.bins[half:])
	l.width *= 2
}

// packets counts those from one time to another: whole bins, so rather too many.
func (l *timeline) packets(from, to int64) uint64 {
	l.flush()
	if l.bins == nil {
		return 0
	}
	var n uint64
	for i := l.index(from); i <= l.index(to); i++ {
		n += uint64(l.bins[i])
	}
	return n
}

// index is the bin of t, or the nearest there is.
func (l *timeline) index(t int64) int {
	return int(min(max(t-l.origin, 0)/l.width, timelineBins-1))
}
