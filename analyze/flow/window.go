package flow

import "whydrop/decode"

// A shut is what is known of a receiver that closed its window: all episodes,
// and the one that goes on. RFC 9293 §3.8.6.1: the sender must then ask, at
// intervals that grow, until the window opens. b-11.
type shut struct {
	episodes, probes uint32
	ns, longest      int64
	from, to         Witness // of the longest episode

	asked    uint32  // questions in this episode that nobody has answered
	growing  uint32  // of those, at least half as long again after the one in front as that one was
	interval int64   // between the last two
	first    Witness // the first of them
	last     Witness
	closed   int64 // when the window was last announced as closed

	opened   Witness // the end of the last episode, as long as its word may be on its way
	openedTS uint32
	stamped  bool
	wasAsked bool // in that episode
}

// close notes an announcement of a window of zero.
func (h *track) close(s *Segment) {
	if h.shut == nil {
		h.shut = new(shut)
	}
	h.shut.closed, h.shut.asked, h.shut.growing, h.shut.interval = s.Time, 0, 0, 0
}

// probed notes that the peer of h, whose window is closed, asked whether it is open.
func (h *track) probed(s *Segment) {
	x := h.shut
	if x == nil {
		return
	}
	w := Witness{Frame: s.Ref(), Time: s.Time, Says: SaysProbe}
	x.probes++
	if x.asked == 0 {
		x.first = w
	} else {
		d := s.Time - x.last.Time
		if x.interval > 0 && float64(d) >= backOff*float64(x.interval) {
			x.growing++
		}
		x.interval = d
	}
	x.asked++
	x.last = w
}

// reopen notes that s, of h, ends an episode. When the word that ends it is the
// answer to a question, what should have said so before was lost.
func (c *Conn) reopen(h, r *track, s *Segment) {
	x := h.shut
	if x == nil {
		return
	}
	x.done(Witness{Frame: h.zeroRef, Time: h.zeroSince, Says: SaysZeroWindow}, s.Time, s.Ref())
	answer := s.Time - x.last.Time
	asked := x.asked > 0 && s.Time-x.first.Time > 0 && r.minDown >= 0
	prompt := float64(answer) >= tooSoonDown*float64(r.minDown) && float64(answer) <= answerLateDowns*float64(r.minDown)+float64(answerSlack)
	switch {
	case asked && prompt && h.counted && c.explain(s.Dir, x.closed+1, s.Time):
		l := Lost{
			Place: BeforeTap, What: ACKPacket, Packets: 1, First: x.closed, Last: s.Time, Rule: RuleWindowUpdate,
			Reason: ReasonWindowUpdate, Proof: Single, Repair: s.Ref(), RepairTime: s.Time,
		}
		w := witnesses{l: &l}
		w.add(Witness{Frame: h.zeroRef, Time: h.zeroSince, Says: SaysZeroWindow})
		w.add(x.last)
		w.add(Witness{Frame: s.Ref(), Time: s.Time, Says: SaysOpened})
		c.lose(s.Dir, l)
	default:
		x.opened = Witness{Frame: s.Ref(), Time: s.Time, Says: SaysOpened}
		x.openedTS, x.stamped = s.TSVal, s.is(hasTS)
		x.wasAsked = x.probes > 0
	}
	x.asked, x.growing, x.interval = 0, 0, 0
}

// done adds an episode that ended at t.
func (x *shut) done(from Witness, t int64, by FrameRef) {
	x.episodes++
	x.ns += t - from.Time
	if d := t - from.Time; d >= x.longest {
		x.longest, x.from = d, from
		x.to = Witness{Frame: by, Time: t, Says: SaysOpened}
	}
}

// askedAgain judges s, of h, which asks r for its window although the word that
// it is open passed here: that was lost behind the tap, if s cannot have left
// before it came. c-1 row 3.
func (c *Conn) askedAgain(h, r *track, s *Segment) {
	x := r.shut
	if x == nil || x.opened.Time == 0 || !x.wasAsked || h.lastData > x.opened.Time {
		return
	}
	w := x.opened
	heard := x.stamped && s.is(hasTS) && int32(s.TSEcr-x.openedTS) >= 0
	if heard || s.Time-w.Time <= h.up()*3/2+answerSlack {
		return
	}
	x.opened = Witness{}
	l := Lost{
		Place: AfterTap, What: ACKPacket, Packets: 1, First: w.Time, Last: s.Time, Frame: w.Frame, Rule: RuleWindowUpdate,
		Reason: ReasonWindowUpdate, Proof: Single,
	}
	list := witnesses{l: &l}
	list.add(w)
	list.add(Witness{Frame: s.Ref(), Time: s.Time, Says: SaysProbe})
	c.lose(1-s.Dir, l)
}

// tellShut writes what is known of the windows that the receiver of dir closed.
func (c *Conn) tellShut(dir uint8) {
	r := &c.half[1-dir]
	x := r.shut
	if x == nil {
		return
	}
	g := Sign{Kind: SignClosed, Flow: c.number, Dir: dir, Protocol: decode.ProtoTCP}
	if r.zero {
		from := Witness{Frame: r.zeroRef, Time: r.zeroSince, Says: SaysZeroWindow}
		if x.asked >= goneProbes && x.growing >= goneProbes-2 && r.lastT < x.first.Time {
			last := x.last
			last.Says = SaysNothingSince
			g := Sign{
				Kind: SignGone, Flow: c.number, Dir: dir, Protocol: decode.ProtoTCP, N: uint64(x.asked),
				First: x.first.Time, Last: last.Time, Frame: x.first.Frame,
			}
			g.Witnesses = [4]Witness{from, x.first, last}
			c.log.Sign(g)
			x.probes -= min(x.probes, x.asked)
		} else {
			x.done(from, c.last, FrameRef{})
		}
	}
	if x.episodes == 0 {
		return
	}
	g.N, g.M, g.Octets = uint64(x.episodes), uint64(x.ns), x.probes
	g.First, g.Last, g.Frame = x.from.Time, x.to.Time, x.from.Frame
	g.Witnesses[0] = x.from
	if x.to.Frame != (FrameRef{}) {
		g.Witnesses[1] = x.to
	}
	c.log.Sign(g)
}
