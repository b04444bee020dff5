package netsim

// A Channel is good or bad, and loses in either: Gilbert and Elliott's model.
// Before each packet it may turn.
type Channel struct {
	Worsen, Mend float64 // the chances to turn bad, and good again
	Good, Bad    float64 // the chances that a packet is lost
}

func (c *Channel) place() stage { return &channel{Channel: c} }

type channel struct {
	*Channel
	bad bool
}

func (c *channel) take(s *sim, _ *segment) (int64, Cause) {
	turn, loses := c.Worsen, c.Good
	if c.bad {
		turn = c.Mend
	}
	if s.chance(turn) {
		c.bad = !c.bad
	}
	if c.bad {
		loses = c.Bad
	}
	if s.chance(loses) {
		return 0, Burst
	}
	return s.now, NoCause
}

// A Stall is a link that holds everything back for a while, and loses nothing:
// a handover, a paused virtual machine. It is what an outage is not.
type Stall struct {
	Spans []Span
}

func (st *Stall) place() stage { return st }

func (st *Stall) take(s *sim, _ *segment) (int64, Cause) {
	since := s.now - s.begin
	for _, x := range st.Spans {
		if since >= x.From && since < x.To {
			return s.begin + x.To, NoCause
		}
	}
	return s.now, NoCause
}
