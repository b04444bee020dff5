package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A sight turns what was seen on a segment into symptoms.
type sight struct {
	on   flow.Saw // any of these
	tell func(s *flow.Segment, e *flow.Event, out *flow.Symptom)
}

// sights are the detectors of TCP, in report order. Retransmissions, late
// segments and unanswered SYNs are told by package flow when it judges them.
// An in-order segment reaches none of these.
var sights = [...]sight{
	{flow.SawCopy, tellCopy},
	{flow.SawGap, tellGap},
	{flow.SawFill, tellFill},
	{flow.SawUnseenAck, tellUnseenAck},
	{flow.SawDuplicateAck, tellDuplicateAck},
	{flow.SawKeepAlive, tellKeepAlive},
	{flow.SawWindowOpen, tellZeroWindow},
	{flow.SawProbe, tellProbe},
	{flow.SawWindowFull, tellWindowFull},
	{flow.SawBadTCP, tellBadTCP},
	{flow.SawBadIP, tellBadIP},
	{flow.SawReset, tellReset},
}

// observe lets the detectors that want it see what was seen on s.
func (e *Engine) observe(c *conn, s *flow.Segment) {
	for i := range sights {
		if e.event.Saw&sights[i].on == 0 {
			continue
		}
		y := flow.Symptom{Time: s.Time, Frame: s.Ref(), Flow: c.number, Packets: 1, Dir: s.Dir, Protocol: decode.ProtoTCP}
		sights[i].tell(s, &e.event, &y)
		e.tally(c, &y)
		e.log.Symptom(y)
	}
}

// tally counts what is counted per direction.
func (e *Engine) tally(c *conn, y *flow.Symptom) {
	f := &c.state.Facts.Dir[y.Dir]
	switch y.Kind {
	case flow.Duplicate:
		late := 0
		if y.For >= flow.CopyImmediate {
			late = 1
		}
		f.Copies[late]++
	case flow.KeepAlive:
		f.KeepAlives++
	case flow.WindowProbe:
		f.Probes++
	}
}

// tellCopy: the same packet again. Whether the network or the capture made the
// copy is decided when the whole file is known.
func tellCopy(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Detail, out.Octets, out.For = flow.Duplicate, flow.NetworkCopy, s.Len, e.Ago
	out.Twin = e.Twin
}

// tellGap: octets are missing in front of this segment.
func tellGap(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Seq = flow.Gap, at(e.Lo)
	out.Octets, out.Packets = uint32(e.Hi-e.Lo), uint32(e.Packets)
}

// tellFill: octets came that had been missing.
func tellFill(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Seq, out.Octets = flow.GapFilled, at(e.Lo), uint32(e.Hi-e.Lo)
}

// tellUnseenAck: the other side has octets that never passed here.
func tellUnseenAck(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Seq, out.Octets = flow.AckUnseen, at(e.UnseenLo), uint32(e.UnseenHi-e.UnseenLo)
	out.Dir = 1 - s.Dir // the packets in question travel the other way
}

// tellDuplicateAck: the receiver still waits for the same octet.
func tellDuplicateAck(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Seq = flow.DuplicateAck, at(e.Lo)
}

func tellKeepAlive(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind = flow.KeepAlive
}

// tellZeroWindow: an episode of a closed window, told at its end, on the frame
// that began it.
func tellZeroWindow(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Time, out.Frame = flow.ZeroWindow, e.Zero.Time, e.Zero.Frame
	out.For = s.Time - e.Since
}

func tellProbe(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind = flow.WindowProbe
}

func tellWindowFull(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Octets = flow.WindowFull, s.Len
}

func tellBadTCP(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Detail, out.Octets = flow.ChecksumBad, flow.InTCP, s.Len
}

func tellBadIP(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind, out.Detail = flow.ChecksumBad, flow.InIPv4
}

func tellReset(s *flow.Segment, e *flow.Event, out *flow.Symptom) {
	out.Kind = flow.Reset
}

// at is a relative octet for people.
func at(octet int64) uint64 { return uint64(max(octet, 0)) }
