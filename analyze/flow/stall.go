package flow

import "whydrop/decode"

// A StallReason says what a conversation that stood still was waiting for; the
// names are those of the JSON contract.
type StallReason uint8

// Reasons of a stall. Only the last two are nobody's fault: a side with nothing
// to say holds nothing up, and without answers in the capture nothing is told.
const (
	StallRecovery    StallReason = iota // what was lost had to be sent again
	StallWindow                         // the receiver's window was closed, or full
	StallApplication                    // the responder was asked and answered late
	StallAck                            // nothing had to be sent again, and the data or its acknowledgement came late
	StallHandshake                      // the connection was not open yet
	StallSender                         // the sender had nothing to send
	StallUnknown                        // one direction is not in the capture
	NumStallReasons
)

var stallNames = [NumStallReasons]string{
	"loss-recovery", "receiver-window", "application", "ack-delay", "handshake", "sender-idle", "unknown",
}

func (r StallReason) String() string {
	if r >= NumStallReasons {
		return "invalid"
	}
	return stallNames[r]
}

// Held reports whether something could not move, rather than nothing had to.
func (r StallReason) Held() bool { return r < StallSender }

// A Stall is a time in which a conversation stood still: no new octets, no
// acknowledgement of any, and no window that opened. wire-evidence.md b-27.
type Stall struct {
	From, To    int64
	Before, End FrameRef // the last frame that moved something, and the one that did again
	Flow        uint32
	Dir         uint8 // of the packets that did not move
	Reason      StallReason
	back        int64 // when the last retransmission in it passed; 0 = none
}

// A StallSum sums up the stalls of one reason.
type StallSum struct{ Count, MS uint32 }

// StallSums are those of both directions of a flow.
type StallSums [2][NumStallReasons]StallSum

// Waits sum up how long one flow stood still.
type Waits struct {
	Flow uint32
	Sums StallSums
}

// waits is what is remembered of the stalls of one conversation.
type waits struct {
	since   int64   // the time of the pause that full is about
	full    [2]bool // this half had used up its window when the pause began
	n       [2][NumStallReasons]uint32
	ns      [2][NumStallReasons]int64
	late    Stall   // that an acknowledgement ended, until it is known who waited for it
	longest []Stall // at most keepStalls, longest first
	backs   []Stall // that a retransmission ended, until it is known whether it was needed
}

// pause notes, before s is judged, that nothing has moved for a while.
func (c *Conn) pause(s *Segment) {
	if c.moved == 0 {
		c.move(s)
		return
	}
	if c.waits == nil {
		c.waits = new(waits)
	}
	w := c.waits
	c.paused = w.late.To != 0 || c.outlasts(s.Time-c.moved)
	if w.since == c.moved {
		return
	}
	w.since = c.moved
	for d := range c.half {
		h, r := &c.half[d], &c.half[1-d]
		edge, known := c.windowEnd(h, r)
		w.full[d] = r.zero || known && h.top > h.una && edge-h.top < c.segment(uint8(d))
	}
}

// patience is how long, ns, nothing may move before that is a stall: the lesser
// of two round trips and a retransmission timeout.
func (c *Conn) patience() int64 {
	trip := c.pair.MinRTT
	if !c.opening() { // what a handshake takes, it measures
		trip = c.usualRTT(trip)
	}
	return patienceAt(trip)
}

// patienceAt grows with the round trip.
func patienceAt(trip int64) int64 {
	if trip <= 0 {
		return firstRTO
	}
	return max(stallLeast, min(stallRTTs*trip, trip+firstTimeout))
}

// outlasts reports whether gap is longer than patience. The usual round trip is
// asked for only where the shortest does not tell.
func (c *Conn) outlasts(gap int64) bool {
	shortest := max(c.pair.MinRTT, c.half[0].rtt(), c.half[1].rtt())
	if shortest > 0 && gap <= patienceAt(shortest) && !c.opening() {
		return false
	}
	return gap > c.patience()
}

// usualRTT is the median round trip of the half where it is shorter: that of
// questions lasts until the answer where the answer acknowledges them. Without
// samples it is the shortest that is known, or least.
func (c *Conn) usualRTT(least int64) int64 {
	usual, shortest := int64(0), least
	for d := range c.half {
		h := &c.half[d]
		shortest = max(shortest, h.rtt())
		if h.delays == nil || h.delays.down.n == 0 {
			continue
		}
		trip := max(h.minDown, h.delays.down.median()) + h.up()
		if h.delays.up.n > 0 {
			trip += max(h.delays.up.median()-h.up(), 0)
		}
		if usual == 0 || trip < usual {
			usual = trip
		}
	}
	return max(usual, shortest)
}

// move notes that s moves something.
func (c *Conn) move(s *Segment) {
	c.moved, c.movedIn = s.Time, s.Ref()
}

// A step is what s moves.
type step uint8

const (
	opens        step = iota // a window that was closed
	acknowledges             // octets of the other half
	sends                    // octets beyond all before them
	repeats                  // such octets, which had been sent and lost before the tap
)

// resumeBy ends a pause by new octets, which may have been sent before.
func (c *Conn) resumeBy(s *Segment, k class) {
	if k.is == resent {
		c.resume(s, repeats)
		return
	}
	c.resume(s, sends)
}

// resume ends a pause by step of s.
func (c *Conn) resume(s *Segment, by step) {
	w := c.waits
	c.paused = false
	x := Stall{From: c.moved, To: s.Time, Before: c.movedIn, End: s.Ref()}
	if w.late.To != 0 {
		late := w.late
		w.late = Stall{}
		soon := s.Time-late.To <= c.patience()
		switch {
		case by == acknowledges && s.Len == 0 && soon:
			w.late, c.paused = late, true // nobody said anything yet
			return
		case by == acknowledges && s.Len == 0, soon && by >= sends && s.Dir == late.Dir:
			w.add(late)
			if soon {
				return
			}
		default: // nobody had waited for the acknowledgement: it is all one silence
			x.From, x.Before = late.From, late.Before
		}
	}
	if x.Reason, x.Dir = c.whyStill(s, by); x.Reason == NumStallReasons {
		return
	}
	x.back = c.lastRepair(x.Dir)
	if x.Reason == StallAck && by == acknowledges {
		w.late, c.paused = x, true
		return
	}
	w.add(x)
}

// lastRepair is when a retransmission of half dir passed in this pause; 0 = none did.
func (c *Conn) lastRepair(dir uint8) int64 {
	if t := c.half[dir].lastBack; t > c.moved {
		return t
	}
	return 0
}

// whyStill says why nothing moved until s, and in which direction; it judges by
// what was so before s. NumStallReasons: nobody waited.
func (c *Conn) whyStill(s *Segment, by step) (StallReason, uint8) {
	me, other := s.Dir, 1-s.Dir
	h, r := &c.half[me], &c.half[other]
	switch {
	case by == opens:
		return StallWindow, other
	case c.half[0].zero:
		return StallWindow, 1
	case c.half[1].zero:
		return StallWindow, 0
	case c.opening():
		return StallHandshake, 0
	case by == repeats:
		return StallRecovery, me
	case c.lastRepair(other) != 0:
		return StallRecovery, other
	case c.lastRepair(me) != 0:
		return StallRecovery, me
	case by == acknowledges && c.waits.full[other]:
		return StallWindow, other
	case by == acknowledges && s.Len == 0:
		return StallAck, other
	case by == sends && c.waits.full[me]:
		return StallWindow, me
	case !r.begun:
		return StallUnknown, me
	}
	return c.whoSpeaks(s, h, r)
}

// whoSpeaks says whose silence s ends.
func (c *Conn) whoSpeaks(s *Segment, h, r *track) (StallReason, uint8) {
	const originator, responder = 0, 1
	asked := r.lastData > h.lastData // what s answers
	switch {
	case s.Len == 0 && (s.Flags&decode.FIN == 0 || !c.asking()):
		return NumStallReasons, 0 // a close, and nobody waited for an answer
	case s.Len == 0:
		return StallApplication, responder // closed instead of an answer
	case !asked && h.lastData != 0 && (h.acked && h.una < h.top || s.is(hasTS) && r.hasTS && int32(s.TSEcr-r.newestTS) < 0):
		return StallAck, s.Dir // it had not heard of the last acknowledgement
	case s.Dir == responder && (asked || h.lastData == 0):
		return StallApplication, responder
	}
	return StallSender, s.Dir
}

// asking reports whether the originator said something to which the responder
// has not said anything yet.
func (c *Conn) asking() bool { return c.half[0].lastData > c.half[1].lastData }

// opening reports whether the handshake is not over, as far as it was seen.
func (c *Conn) opening() bool {
	o, r := &c.half[0], &c.half[1]
	if !o.onlySYN() || r.topped && !r.onlySYN() {
		return false
	}
	return !r.topped || !r.acked || r.una < r.top
}

// add takes in a stall. Whether the retransmissions that ended it were needed
// is known later.
func (w *waits) add(x Stall) {
	if x.Reason == StallRecovery && x.back != 0 {
		if len(w.backs) == maxBacks {
			w.settle(w.backs[0])
			w.backs = append(w.backs[:0], w.backs[1:]...)
		}
		w.backs = append(w.backs, x)
		return
	}
	w.settle(x)
}

func (w *waits) settle(x Stall) {
	w.n[x.Dir][x.Reason]++
	w.ns[x.Dir][x.Reason] += x.To - x.From
	at := len(w.longest)
	for at > 0 && w.longest[at-1].To-w.longest[at-1].From < x.To-x.From {
		at--
	}
	if at >= keepStalls || !x.Reason.Held() {
		return
	}
	w.longest = append(w.longest, Stall{})
	copy(w.longest[at+1:], w.longest[at:])
	w.longest[at] = x
	w.longest = w.longest[:min(len(w.longest), keepStalls)]
}

// needless notes that a retransmission of dir that passed at t was not needed:
// what it ended was a wait for an acknowledgement.
func (w *waits) needless(dir uint8, t int64) {
	if w == nil {
		return
	}
	for i := range w.backs {
		if x := &w.backs[i]; x.Dir == dir && x.back == t {
			x.Reason = StallAck
		}
	}
}

// unfinished adds the stall in which the conversation ended, if it was one.
func (c *Conn) unfinished() {
	until := max(c.ended, c.last)
	if c.moved == 0 || until-c.moved <= c.patience() {
		return
	}
	if c.waits == nil {
		c.waits = new(waits)
	}
	x := Stall{From: c.moved, To: until, Before: c.movedIn}
	switch {
	case c.half[0].zero || c.half[1].zero:
		x.Reason, x.Dir = StallWindow, 0
		if c.half[0].zero {
			x.Dir = 1
		}
	case c.opening():
		x.Reason = StallHandshake
	case c.lastRepair(0) != 0:
		x.Reason = StallRecovery
	case c.lastRepair(1) != 0:
		x.Reason, x.Dir = StallRecovery, 1
	case c.ended > c.moved && c.asking():
		x.Reason, x.Dir = StallApplication, 1 // reset instead of an answer
	default:
		return
	}
	x.back = c.lastRepair(x.Dir)
	c.waits.add(x)
}

// closeStalls writes what is known of the stalls of c into the log.
func (c *Conn) closeStalls() {
	w := c.waits
	if w == nil || c.folded {
		return
	}
	for _, x := range w.backs {
		w.settle(x)
	}
	sums := Waits{Flow: c.number}
	for d := range w.n {
		for reason, n := range w.n[d] {
			ms := (w.ns[d][reason] + millisecond/2) / millisecond
			sums.Sums[d][reason] = StallSum{n, uint32(min(ms, 1<<32-1))}
		}
	}
	if sums.Sums != (StallSums{}) {
		c.log.Waits.Append(sums)
	}
	for _, x := range w.longest {
		x.Flow, x.back = c.number, 0
		c.log.Stall(x)
	}
}

// reset empties w for the next conversation.
func (w *waits) reset() {
	if w != nil {
		*w = waits{longest: w.longest[:0], backs: w.backs[:0]}
	}
}
