package analyze

import (
	"fmt"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Thresholds of the tap rules: tcp-rules.md c-0, wire-evidence.md c-0.
const (
	// nearRatio is how much shorter the delay on one side of the tap must be
	// before the tap is said to be near that side.
	nearRatio = 0.2

	// tooShort is the delay, ns, below which delays tell nothing: on virtual
	// links both sides are this near.
	tooShort = 150_000

	// fewFrames is how many frames with a sign make it more than an accident.
	fewFrames = 3
)

// A vantage is where the tap is with respect to one flow.
type vantage struct {
	place  vantagePlace
	onHost bool // the evidence is that of the host itself, not of nearness
}

type vantagePlace uint8

const (
	placeUnknown vantagePlace = iota
	atOriginator
	atResponder
	between
)

// sides of a flow by direction: who sends in direction d is at sides[d].
var sides = [2]vantagePlace{atOriginator, atResponder}

// onSender reports whether the tap is on the host that sends direction dir of the flow.
func (v vantage) onSender(dir uint8) bool { return v.onHost && v.place == sides[dir&1] }

// onReceiver reports whether the tap is on the host that receives direction dir.
func (v vantage) onReceiver(dir uint8) bool { return v.onHost && v.place == sides[1-dir&1] }

// signs are what a flow shows about the tap, as votes for a place.
type signs struct {
	host [4]int // votes that only the host itself can give, by vantagePlace
	near [4]int // votes of the delays
	says []string
}

func (s *signs) add(host bool, at vantagePlace, says string) {
	if host {
		s.host[at]++
	} else {
		s.near[at]++
	}
	s.says = append(s.says, says)
}

// look gathers the signs of f, in the order of wire-evidence.md c-0.
func look(f *flow.Facts) signs {
	var s signs
	for d := range f.Dir {
		us, them := &f.Dir[d], &f.Dir[1-d]
		if us.ChecksumPending >= fewFrames && them.ChecksumPending == 0 && them.Packets > 0 {
			s.add(true, sides[d], fmt.Sprintf("packets leave %s with checksums that its NIC has yet to fill in", end(f, d)))
		}
		if us.UnpaddedShort >= fewFrames && us.PaddedShort == 0 && them.PaddedShort > 0 {
			s.add(true, sides[d], fmt.Sprintf("short frames of %s are not padded yet", end(f, d)))
		}
		if us.Outbound >= fewFrames && us.Inbound == 0 && them.Outbound == 0 && us.InitialTTL {
			s.add(true, sides[d], fmt.Sprintf("the capture marks what %s sends as outgoing, with its first TTL of %d", end(f, d), us.TTL))
		}
	}
	if p, says := byDelay(f); p != placeUnknown {
		s.add(false, p, says)
	}
	return s
}

// byDelay compares the shortest delays on both sides of the tap, seen by the
// direction that carries more data.
func byDelay(f *flow.Facts) (vantagePlace, string) {
	d := heavier(f)
	down, up := f.Dir[d].MinDown, f.Dir[d].MinUp
	if down < 0 || up < 0 || max(down, up) < tooShort {
		return placeUnknown, ""
	}
	says := fmt.Sprintf("answers of %s take %s, of %s %s", end(f, 1-d), ms(down), end(f, d), ms(up))
	switch {
	case float64(down) < nearRatio*float64(up):
		return sides[1-d], says
	case float64(up) < nearRatio*float64(down):
		return sides[d], says
	}
	return between, says
}

// decide weighs the signs. Signs of the host itself win over nearness, and
// contradicting signs of hosts cancel each other: on virtual links both ends
// look like the sender.
func (s *signs) decide() vantage {
	if a, b := s.host[atOriginator], s.host[atResponder]; a > 0 && b > 0 {
		return vantage{}
	} else if a > 0 {
		return vantage{atOriginator, true}
	} else if b > 0 {
		return vantage{atResponder, true}
	}
	for p := atOriginator; p <= between; p++ {
		if s.near[p] > 0 {
			return vantage{p, false}
		}
	}
	return vantage{}
}

// given turns --at into a vantage of f: sender and receiver of its heavier direction.
func given(f *flow.Facts, at TapPlace) vantage {
	d := heavier(f)
	switch at {
	case TapSender:
		return vantage{sides[d], true}
	case TapReceiver:
		return vantage{sides[1-d], true}
	case TapMiddle:
		return vantage{between, false}
	}
	return vantage{}
}

// inferTap finds the vantage of each flow, and that of the capture: the one
// that most data was seen from.
func inferTap(res *Result, o Options) []vantage {
	views := make([]vantage, len(res.Flows))
	var weight [numTapPlaces]uint64
	var onHost, total uint64
	evidence := map[TapPlace][]string{}
	for i := range res.Flows {
		f := &res.Flows[i]
		if o.At != TapUnknown {
			views[i] = given(f, o.At)
			continue
		}
		if f.Protocol != decode.ProtoTCP {
			continue
		}
		s := look(f)
		views[i] = s.decide()
		data := f.Dir[0].Data + f.Dir[1].Data + 1
		place := views[i].relative(f)
		weight[place] += data
		total += data
		if views[i].onHost {
			onHost += data
		}
		if len(evidence[place]) < maxTapEvidence {
			evidence[place] = append(evidence[place], s.says...)
		}
	}
	if o.At != TapUnknown {
		res.Tap = Tap{Place: o.At, Confidence: cause.Certain, Given: true, Evidence: []string{"given with --at"}}
		return views
	}
	res.Tap = summarise(weight, onHost, total)
	res.Tap.Evidence = evidence[res.Tap.Place]
	if len(res.Tap.Evidence) > maxTapEvidence {
		res.Tap.Evidence = res.Tap.Evidence[:maxTapEvidence]
	}
	inherit(res, views)
	return views
}

// maxTapEvidence bounds how many signs are told.
const maxTapEvidence = 4

// relative is the place of the tap with respect to the heavier direction of f.
func (v vantage) relative(f *flow.Facts) TapPlace {
	switch {
	case v.place == placeUnknown:
		return TapUnknown
	case v.place == between:
		return TapMiddle
	case v.place == sides[heavier(f)]:
		return TapSender
	}
	return TapReceiver
}

// summarise chooses the place that most data was seen from. It is certain only
// where the host itself gave the signs.
func summarise(weight [numTapPlaces]uint64, onHost, total uint64) Tap {
	best := TapUnknown
	for p := TapSender; p < numTapPlaces; p++ {
		if weight[p] > weight[best] || best == TapUnknown && weight[p] > 0 {
			best = p
		}
	}
	t := Tap{Place: best, Confidence: cause.Possible}
	switch {
	case best == TapUnknown:
	case onHost*2 > total:
		t.Confidence = cause.Certain
	case weight[best]*2 > total:
		t.Confidence = cause.Likely
	}
	return t
}

// inherit gives flows that say nothing themselves the host that others proved:
// if the tap is on the host with this address, it is so for all its flows.
func inherit(res *Result, views []vantage) {
	hosts := map[decode.Addr]bool{}
	for i := range res.Flows {
		if views[i].onHost {
			hosts[sideAddr(&res.Flows[i], views[i].place)] = true
		}
	}
	if len(hosts) == 0 {
		return
	}
	for i := range res.Flows {
		f := &res.Flows[i]
		o, r := hosts[f.Originator.Addr], hosts[f.Responder.Addr]
		if views[i].onHost || o == r {
			continue
		}
		views[i] = vantage{atOriginator, true}
		if r {
			views[i].place = atResponder
		}
	}
}

func sideAddr(f *flow.Facts, p vantagePlace) decode.Addr {
	if p == atOriginator {
		return f.Originator.Addr
	}
	return f.Responder.Addr
}

// heavier is the direction of f that carries more payload.
func heavier(f *flow.Facts) int {
	if f.Dir[1].Octets > f.Dir[0].Octets {
		return 1
	}
	return 0
}

// end names the sender of direction d of f.
func end(f *flow.Facts, d int) string {
	if d == 0 {
		return f.Originator.Addr.String()
	}
	return f.Responder.Addr.String()
}

func ms(ns int64) string { return fmt.Sprintf("%.3g ms", float64(ns)/1e6) }
