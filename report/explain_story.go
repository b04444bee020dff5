package report

import (
	"strings"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// sentence is the answer on this flow.
func (x *flowExplainer) sentence(f *Flow) string {
	name := f.Originator + " > " + f.Responder
	t := &x.b.perFlow[x.index]
	switch {
	case f.Lost > 0:
		return count(f.Lost) + " of " + counted(f.Packets, "packet") + " of " + name + " " + was(f.Lost) + " lost."
	case f.CannotTell:
		return "Cannot tell whether " + name + " lost packets."
	case f.OnlyHere > 0:
		return "Nothing of " + name + " was lost; " + counted(f.OnlyHere, "packet") + " " + is(f.OnlyHere) + " missing only from this capture."
	case t.missing > t.lost+t.only:
		return "Cannot tell whether " + name + " lost packets: " + counted(t.missing-t.lost-t.only, "packet") + " " + is(t.missing-t.lost-t.only) + " unexplained."
	}
	return "Nothing of " + name + " was lost."
}

// story is what happened to the flow, a sentence each.
func (x *flowExplainer) story(f *Flow) []string {
	out := []string{
		f.Protocol + ", " + counted(f.Packets, "packet") + ", " + octets(f.Octets) + " of payload, " + duration(x.facts.Last-x.facts.First) + ".",
	}
	if x.facts.Protocol == decode.ProtoTCP {
		out = append(out, x.opening())
		if !x.facts.Refused && x.facts.Dir[1].Packets > 0 {
			out = append(out, x.halves()...)
		}
	} else {
		out = append(out, "It acknowledges nothing: what is lost behind this capture, only its receiver knows.")
		out = append(out, rtpStory(f)...)
	}
	if s := x.resent(); s != "" {
		out = append(out, s)
	}
	if s := x.pauseSays(); s != "" {
		out = append(out, s)
	}
	for d := range x.facts.Dir {
		if h := &x.facts.Dir[d]; h.ZeroWindows > 0 {
			out = append(out, f.Directions[d].Src+" closed its window "+times(uint64(h.ZeroWindows))+", for "+duration(h.ZeroWindowNS)+
				": it did not read, and nothing was lost for that.")
		}
	}
	return out
}

// fewRuns is how many runs of losses it takes to estimate how they begin and end.
const fewRuns = 10

// rtpStory says what each RTP source of f shows, and how its losses come.
func rtpStory(f *Flow) []string {
	var out []string
	for d := range f.Directions {
		s := f.Directions[d].RTP
		if s == nil {
			continue
		}
		text := "RTP of " + f.Directions[d].Src + ", " + s.SSRC + ": " + s.words()
		if b := &s.Bursts; b.Runs >= fewRuns && b.P > 0 && b.R > 0 {
			text += " By the model of Gilbert a run begins behind one packet in " + count(uint64(1/b.P+0.5)) +
				" and has " + twoDigits(1/b.R) + " on average."
		}
		out = append(out, text)
	}
	return out
}

func times(n uint64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return count(n) + " times"
}

// opening is how the connection began.
func (x *flowExplainer) opening() string {
	a, b := &x.facts.Dir[0], &x.facts.Dir[1]
	switch {
	case x.facts.Refused:
		return "The connection was refused: a reset answered its SYN."
	case !x.facts.Handshake:
		return "The handshake is not in this capture: it began before, or was not captured."
	case b.Packets == 0 && x.data[0]:
		return "The answer to its SYN is not in this capture, and neither is anything else of that direction."
	case b.Packets == 0:
		return "No segment answers its SYN in this capture."
	}
	s := "The handshake is complete in this capture"
	if !b.Start {
		s = "The SYN is in this capture, the SYN-ACK is not"
	}
	if n := uint64(a.Retransmissions[flow.SYN] + b.Retransmissions[flow.SYNACK]); n > 0 {
		s += ", with " + counted(n, "repeated SYN")
	}
	return s + "; SACK: " + knownWord(a.SACK) + ", timestamps: " + knownWord(a.Timestamps) + "."
}

func knownWord(k flow.Known) string {
	switch k {
	case flow.Yes:
		return "yes"
	case flow.No:
		return "no"
	}
	return "not known"
}

// halves are the two parts of the round trip, as data of each direction saw them.
func (x *flowExplainer) halves() []string {
	h := &x.facts.Dir[0]
	side := 0
	if h.MinDown < 0 || x.facts.Dir[1].MinDown >= 0 && x.facts.Dir[1].Octets > h.Octets {
		h, side = &x.facts.Dir[1], 1
	}
	if h.MinDown < 0 {
		return []string{"The round trip is not known: too little was acknowledged."}
	}
	ends := [2]string{x.facts.Originator.Addr.String(), x.facts.Responder.Addr.String()}
	s := "From here to " + ends[1-side] + " and back takes " + duration(h.MinDown) + " at least"
	if h.MinUp >= 0 {
		s += ", to " + ends[side] + " and back " + duration(h.MinUp)
	}
	return []string{s + "."}
}

// resent sums up what was sent again.
func (x *flowExplainer) resent() string {
	var all, unneeded, undecided, late uint64
	for d := range x.facts.Dir {
		h := &x.facts.Dir[d]
		for k := flow.Fast; k <= flow.Other; k++ {
			all += uint64(h.Retransmissions[k])
		}
		unneeded += uint64(h.Unneeded)
		undecided += uint64(h.UndecidedNeed)
		late += uint64(h.Reordered)
	}
	var parts []string
	if all > 0 {
		s := counted(all, "packet") + " " + was(all) + " sent again"
		switch {
		case unneeded == all && all == 1:
			s += " without need: what it repeats had arrived"
		case unneeded == all:
			s += " without need: what they repeat had arrived"
		case unneeded > 0:
			s += ", " + count(unneeded) + " of them without need: what is repeated had arrived"
		}
		if undecided > 0 {
			s += "; of " + count(undecided) + " it cannot be told whether they were needed"
		}
		parts = append(parts, s+".")
	} else if x.facts.Protocol == decode.ProtoTCP {
		parts = append(parts, "Nothing was sent again.")
	}
	if late > 0 {
		parts = append(parts, counted(late, "packet")+" came out of order.")
	}
	return strings.Join(parts, " ")
}

// slowPause is the pause, ns, from which it is worth a sentence: shorter ones
// are what acknowledgements wait for (RFC 9293 §3.8.6.3: at most 500 ms; Linux: 40).
const slowPause = int64(40e6)

// pauseSays tells the longest pause, and what was outstanding in it. Why a
// sender that may send does not, no capture shows.
func (x *flowExplainer) pauseSays() string {
	p := &x.pause
	if p.for_ < slowPause {
		return ""
	}
	s := "The longest pause took " + duration(p.for_) + ", from " + x.b.shortFrame(p.from.Ref()) + " on: "
	ends := [2]string{x.facts.Originator.Addr.String(), x.facts.Responder.Addr.String()}
	switch {
	case x.facts.Protocol != decode.ProtoTCP:
		return s + "nothing passed."
	case x.facts.Dir[0].Packets == 0 || x.facts.Dir[1].Packets == 0:
		return s + "nothing passed that this capture holds."
	case p.from.Flags&decode.SYN != 0:
		return s + "the handshake waited for its next packet."
	}
	for d := range ends {
		if p.shut[1-d] && p.to.Window != 0 && x.facts.Dir[1-d].ZeroWindows > 0 {
			return s + "the window of " + ends[1-d] + " was closed."
		}
	}
	switch {
	case p.waiting[0] && p.waiting[1]:
		return s + "octets of both directions waited for their acknowledgement."
	case p.waiting[0]:
		return s + "octets of " + ends[0] + " waited for their acknowledgement."
	case p.waiting[1]:
		return s + "octets of " + ends[1] + " waited for their acknowledgement."
	}
	return s + "all that was sent was acknowledged, so neither program had more to send, or it waited for the other."
}
