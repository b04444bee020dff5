package flow

import "whydrop/decode"

// ProbeKind is what came of a TCP conversation in which nothing was said: no octet of
// data passed either way.
type ProbeKind uint8

// Kinds of probes.
const (
	NoProbe       ProbeKind = iota // somebody said something, or it began before the capture
	ProbeSilent                    // asked, and nobody answered
	ProbeRefused                   // answered by a reset
	ProbeHalfOpen                  // answered by a SYN-ACK, and never heard of again
	ProbeLeft                      // answered by a SYN-ACK, and reset or closed without a word
)

// Bare reports whether f is one packet that asks, and nothing of its sender since,
// nor data from the other side. That much is known before f is judged.
func (f *Facts) Bare() bool {
	h := &f.Dir[0]
	return f.Protocol == decode.ProtoTCP && h.Packets == 1 && h.Data == 0 && f.Dir[1].Data == 0 && (h.Start || f.Stray) && h.Resets == 0
}

// Unanswered reports whether nothing came back in f, and nothing more than questions
// passed: probes that are summed up are told by their number.
func (f *Facts) Unanswered() bool {
	if f.SummedUp > 0 {
		return f.Protocol == decode.ProtoTCP && f.Dir[0].Packets == f.SummedUp && f.Dir[0].Data+f.Dir[1].Data == 0 && f.Dir[1].Packets == 0
	}
	return f.Probe() == ProbeSilent
}

// Probe says what came of f if nothing was said in it.
func (f *Facts) Probe() ProbeKind {
	h, back := &f.Dir[0], &f.Dir[1]
	if f.Protocol != decode.ProtoTCP || h.Packets == 0 || h.Data > 0 || back.Data > 0 || !h.Start && !f.Stray {
		return NoProbe
	}
	syns := uint64(h.Retransmissions[SYN]) + 1
	switch {
	case f.Stray && back.Packets > uint64(back.Resets), f.Stray && h.Start:
		return NoProbe
	case back.Packets == 0 && (f.Stray || h.Packets <= syns):
		return ProbeSilent
	case !back.Start && uint64(back.Resets) == back.Packets:
		return ProbeRefused
	case back.Start && h.Packets <= syns:
		return ProbeHalfOpen
	case back.Start && (h.End || h.Resets > 0) && h.Next-h.ISN <= synAndFIN && back.Next-back.ISN <= synAndFIN:
		return ProbeLeft
	}
	return NoProbe
}

// synAndFIN is how many sequence numbers a half takes that says nothing.
const synAndFIN = 2
