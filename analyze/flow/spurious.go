package flow

import "whydrop/decode"

// spurious notes that x, sent by a timeout, was not needed, and that what its
// sender waited for came after all: the path was late, not lossy. RFC 3522,
// RFC 5682. What ackLost has charged is not told again.
func (c *Conn) spurious(dir uint8, x *odd) {
	h := &c.half[dir]
	if x.need != Unneeded || x.kind != RTO || x.is2&(fillsGap|answerSent) != 0 || x.cov == 0 {
		return
	}
	before := h.lastCopy(x)
	if before == nil || !before.before(&x.sent) {
		return
	}
	g := h.late
	if g == nil {
		g = &Sign{Kind: SignSpurious, Flow: c.number, Dir: dir, Protocol: decode.ProtoTCP, First: before.t}
		h.late = g
	}
	g.N++
	g.Last = x.t
	answer := Witness{FrameRef{Number: uint64(x.covFrame), File: x.covFile}, x.covered(), SaysAcked, relative(x.covUna), 0}
	if x.is2&isEarly != 0 {
		answer = Witness{x.ackRef, x.ackTime, SaysAcked, relative(x.sentUna), 0}
	}
	delay := answer.Time - before.t
	if delay <= int64(g.M) && g.N > 1 {
		return
	}
	g.M = uint64(max(delay, 0))
	g.Frame = x.ref()
	g.Witnesses = [4]Witness{
		{before.ref(), before.t, SaysSent, relative(before.lo), relative(before.hi())},
		{x.ref(), x.t, SaysRepair, relative(x.lo), relative(x.hi())},
		answer,
	}
	if x.is2&isEarly != 0 { // in the order of time
		g.Witnesses[1], g.Witnesses[2] = g.Witnesses[2], g.Witnesses[1]
	}
	if x.is2&echoKnown != 0 && x.is2&isEarly == 0 && x.is&sentTS != 0 && int32(x.covEcr-x.tsval) < 0 {
		g.Witnesses[3] = Witness{answer.Frame, answer.Time, SaysFirstEcho, uint64(x.covEcr), uint64(x.tsval)}
	}
}

// tellSpurious writes what spurious noted.
func (c *Conn) tellSpurious(dir uint8) {
	if h := &c.half[dir]; h.late != nil {
		c.log.Sign(*h.late)
	}
}
