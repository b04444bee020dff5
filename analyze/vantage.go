package analyze

import (
	"fmt"

	"whydrop/analyze/flow"
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

	// mostHops is how many routers there may be on a way: a TTL lower than that
	// below the usual first ones began elsewhere.
	mostHops = 32
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

// of is the place of the tap with respect to direction dir.
func (v vantage) of(dir int) TapPlace {
	switch v.place {
	case placeUnknown:
		return TapUnknown
	case between:
		return TapMiddle
	case sides[dir&1]:
		return TapSender
	}
	return TapReceiver
}

// TapOf is the place of the tap with respect to direction dir of a flow, and
// whether that is the host itself rather than a place near it.
func (res *Result) TapOf(number int, dir uint8) (place TapPlace, onHost bool) {
	if number >= len(res.views) {
		return TapUnknown, false
	}
	v := res.views[number]
	return v.of(int(dir)), v.onHost
}

// signs are what a flow shows about the tap, as votes for a place.
type signs struct {
	host  [4]int // votes that only the host itself can give, by vantagePlace
	near  [4]int // votes of the delays
	says  []saying
	clash string // why the signs cancel each other
}

// A saying puts a sign into words: those of a few flows only are told.
type saying func() string

func (s *signs) add(host bool, at vantagePlace, says saying) {
	if host {
		s.host[at]++
	} else {
		s.near[at]++
	}
	s.says = append(s.says, says)
}

// look gathers the signs of f, in the order of wire-evidence.md c-0. A host's
// own sign on packets that have passed a router already is that of a machine
// beside the tap, not of the tap's.
func look(f *flow.Facts) signs {
	var s signs
	for d := range f.Dir {
		us, them := &f.Dir[d], &f.Dir[1-d]
		here := us.InitialTTL || us.TTL == 0
		if us.ChecksumPending >= fewFrames && them.ChecksumPending == 0 && them.Packets > 0 {
			s.add(here, sides[d], func() string {
				return fmt.Sprintf("packets leave %s with checksums that its NIC has yet to fill in", end(f, d))
			})
		}
		if us.UnpaddedShort >= fewFrames && us.PaddedShort == 0 && them.PaddedShort > 0 {
			s.add(here, sides[d], func() string { return fmt.Sprintf("short frames of %s are not padded yet", end(f, d)) })
		}
		if us.Outbound >= fewFrames && us.Inbound == 0 && them.Outbound == 0 && us.InitialTTL {
			s.add(true, sides[d], func() string {
				return fmt.Sprintf("the capture marks what %s sends as outgoing, with its first TTL of %d", end(f, d), us.TTL)
			})
		}
	}
	if p, says := byDelay(f); p != placeUnknown {
		s.add(false, p, says)
	}
	if p, says := byTTL(f); p != placeUnknown {
		if s.none() {
			s.add(false, p, says)
		} else {
			s.says = append(s.says, says)
		}
	}
	s.offloads(f)
	return s
}

func (s *signs) none() bool { return s.host == [4]int{} && s.near == [4]int{} }

// offloads adds that frames are larger than the path's: a host, or something
// that works like one, cut them or put them together.
func (s *signs) offloads(f *flow.Facts) {
	for d := range f.Dir {
		if us := &f.Dir[d]; us.Super >= fewFrames && len(s.says) > 0 {
			s.says = append(s.says, func() string {
				return fmt.Sprintf("frames of %s stand for several packets, as at a host with offload", end(f, d))
			})
		}
	}
}

// byDelay compares the shortest delays on both sides of the tap, seen by the
// direction that carries more data.
func byDelay(f *flow.Facts) (vantagePlace, saying) {
	d := heavier(f)
	down, up := f.Dir[d].MinDown, f.Dir[d].MinUp
	if down < 0 || up < 0 || max(down, up) < tooShort {
		return placeUnknown, nil
	}
	says := func() string {
		return fmt.Sprintf("answers of %s take %s, of %s %s", end(f, 1-d), ms(down), end(f, d), ms(up))
	}
	switch {
	case float64(down) < nearRatio*float64(up):
		return sides[1-d], says
	case float64(up) < nearRatio*float64(down):
		return sides[d], says
	}
	return between, says
}

// byTTL finds a tap between two hosts by the routers that the packets of both
// have passed. One side's alone says nothing: hosts choose their first TTL.
func byTTL(f *flow.Facts) (vantagePlace, saying) {
	a, b := Hops(f.Dir[0].TTL), Hops(f.Dir[1].TTL)
	if f.Dir[0].Packets < fewFrames || f.Dir[1].Packets < fewFrames || a <= 0 || b <= 0 {
		return placeUnknown, nil
	}
	return between, func() string {
		return fmt.Sprintf("packets of %s have passed %s, of %s %d", end(f, 0), many(uint64(a), "router", "routers"), end(f, 1), b)
	}
}

// Hops is how many routers a packet with this TTL has passed, by the usual
// first ones of 64, 128 and 255; −1 if that cannot be told.
func Hops(ttl uint8) int {
	for _, first := range [...]int{64, 128, 255} {
		if n := first - int(ttl); ttl > 0 && n >= 0 && n <= mostHops {
			return n
		}
	}
	return -1
}

// decide weighs the signs. Signs of the host itself win over nearness. Signs
// that contradict each other cancel: on virtual links both ends look like the
// sender, and who is slow to answer looks far away.
func (s *signs) decide() vantage {
	a, b := s.host[atOriginator] > 0, s.host[atResponder] > 0
	switch {
	case a && b:
		s.clash = "both hosts look like the one with the tap, as on a virtual link"
	case a && s.near[atResponder] > 0, b && s.near[atOriginator] > 0:
		s.clash = "the delays place the tap at the other host"
	case s.near[atOriginator] > 0 && s.near[atResponder] > 0 && !a && !b:
		s.clash = "the signs are of both hosts"
	case a:
		return vantage{atOriginator, true}
	case b:
		return vantage{atResponder, true}
	default:
		for p := atOriginator; p <= between; p++ {
			if s.near[p] > 0 {
				return vantage{p, false}
			}
		}
	}
	return vantage{}
}
