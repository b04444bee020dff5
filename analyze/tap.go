package analyze

import (
	"fmt"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// A pairOf is two hosts, in the order of their addresses.
type pairOf [2]decode.Addr

// pairOfFlow are the hosts of f, and which of them its originator is.
func pairOfFlow(f *flow.Facts) (p pairOf, originator int) {
	p = pairOf{f.Originator.Addr, f.Responder.Addr}
	if string(p[0][:]) > string(p[1][:]) {
		p[0], p[1], originator = p[1], p[0], 1
	}
	return p, originator
}

// given turns --at into the vantages of all flows. The tap is at one place for
// all flows of two hosts: at the one that sends more data, or the other one.
func given(res *Result, at TapPlace) []vantage {
	octets := map[pairOf]*[2]uint64{}
	for i := range res.Flows {
		f := res.Flows[i]
		p, o := pairOfFlow(f)
		if octets[p] == nil {
			octets[p] = new([2]uint64)
		}
		octets[p][o] += f.Dir[0].Octets
		octets[p][1-o] += f.Dir[1].Octets
	}
	views := make([]vantage, len(res.Flows))
	for i := range res.Flows {
		f := res.Flows[i]
		p, o := pairOfFlow(f)
		sender := heavier(f)
		if sum := octets[p]; sum[0] != sum[1] {
			sender = 0
			if sum[1-o] > sum[o] {
				sender = 1
			}
		}
		switch at {
		case TapSender:
			views[i] = vantage{sides[sender], true}
		case TapReceiver:
			views[i] = vantage{sides[1-sender], true}
		case TapMiddle:
			views[i] = vantage{between, false}
		}
	}
	return views
}

// inferTap finds the vantage of each flow, and that of the capture: the one
// that most data was seen from. What the user says overrides it.
func inferTap(res *Result, o Options) {
	w := weighing{evidence: map[TapPlace][]string{}}
	views := make([]vantage, len(res.Flows))
	for i := range res.Flows {
		f := res.Flows[i]
		s := look(f)
		views[i] = s.decide()
		if v, says := res.ownView(f); says != "" {
			views[i], s.clash = v, ""
			s.add(v.onHost, v.place, func() string { return says })
		}
		w.add(f, views[i], &s)
	}
	res.Tap = w.tap()
	if p := res.Points; p != nil {
		res.Tap.Evidence = append(res.Tap.Evidence, fmt.Sprintf("packets are here twice, before and behind %s", many(uint64(p.Hops), "router", "routers")))
	}
	if o.At == TapUnknown {
		inherit(res, views)
		res.views = views
		return
	}
	own := res.Tap
	res.views = given(res, o.At)
	res.Tap = Tap{Place: o.At, Confidence: cause.Certain, Given: true, Evidence: []string{"given with --at"}}
	switch own.Place {
	case TapUnknown:
	case o.At:
		res.Tap.Evidence = append(res.Tap.Evidence, own.Evidence...)
	default:
		a := auditor{res: res}
		a.find("tap-given", 0, false, "the tap was said to be at %s, and the capture looks like one at %s", o.At.words(), own.Place.words())
		for _, says := range own.Evidence {
			res.Tap.Evidence = append(res.Tap.Evidence, "against it: "+says)
		}
	}
}

func (t TapPlace) words() string {
	if t == TapMiddle {
		return "the middle"
	}
	return "the " + t.String()
}

// A weighing weighs the vantages of all flows by the data that they carry.
type weighing struct {
	weight   [numTapPlaces]uint64
	flows    [numTapPlaces]uint64
	onHost   uint64
	total    uint64
	said     uint64 // flows that say anything
	evidence map[TapPlace][]string
	clash    string
}

// maxTapEvidence bounds how many signs are told.
const maxTapEvidence = 4

func (w *weighing) add(f *flow.Facts, v vantage, s *signs) {
	if s.clash != "" && w.clash == "" {
		w.clash = s.clash
	}
	if f.Protocol != decode.ProtoTCP && s.none() {
		return
	}
	data := f.Dir[0].Data + f.Dir[1].Data + 1
	place := v.of(heavier(f))
	w.weight[place] += data
	w.total += data
	if v.onHost {
		w.onHost += data
	}
	if !s.none() {
		w.said++
		w.flows[place]++
	}
	for _, say := range s.says {
		if len(w.evidence[place]) == maxTapEvidence {
			break
		}
		if says := say(); !slices.Contains(w.evidence[place], says) {
			w.evidence[place] = append(w.evidence[place], says)
		}
	}
}

// tap chooses the place that most data was seen from. It is certain only where
// the host itself gave the signs.
func (w *weighing) tap() Tap {
	best := TapUnknown
	for p := TapSender; p < numTapPlaces; p++ {
		if w.weight[p] > w.weight[best] || best == TapUnknown && w.weight[p] > 0 {
			best = p
		}
	}
	t := Tap{Place: best, Confidence: cause.Possible}
	switch {
	case best == TapUnknown:
	case w.onHost*2 > w.total:
		t.Confidence = cause.Certain
	case w.weight[best]*2 > w.total:
		t.Confidence = cause.Likely
	}
	t.Evidence = w.evidence[best]
	t.Evidence = t.Evidence[:min(len(t.Evidence), maxTapEvidence)]
	if best == TapUnknown && w.clash != "" {
		t.Evidence = append(t.Evidence[:len(t.Evidence):len(t.Evidence)], w.clash)
	}
	if best != TapUnknown && w.said > 1 {
		t.Evidence = append(t.Evidence[:len(t.Evidence):len(t.Evidence)],
			fmt.Sprintf("so say %d of the %d flows that show anything", w.flows[best], w.said))
	}
	return t
}

// inherit gives flows that say nothing themselves what others proved: if the
// tap is on the host with this address, it is so for all its flows, and where
// all flows between two hosts that say anything agree, the others are there, too.
func inherit(res *Result, views []vantage) {
	hosts := map[decode.Addr]bool{}
	near := map[pairOf]*[4]bool{} // places by hosts: 1 and 2 are those of the pair
	for i := range res.Flows {
		f, v := res.Flows[i], views[i]
		if v.onHost {
			hosts[sideAddr(f, v.place)] = true
		}
		if v.place == placeUnknown {
			continue
		}
		p, o := pairOfFlow(f)
		if near[p] == nil {
			near[p] = new([4]bool)
		}
		near[p][turned(v.place, o)] = true
	}
	for i := range res.Flows {
		f := res.Flows[i]
		if views[i].onHost {
			continue
		}
		o, r := hosts[f.Originator.Addr], hosts[f.Responder.Addr]
		switch p, first := pairOfFlow(f); {
		case o != r && o:
			views[i] = vantage{atOriginator, true}
		case o != r:
			views[i] = vantage{atResponder, true}
		case views[i].place == placeUnknown && near[p] != nil && !o:
			views[i] = vantage{agreed(near[p], first), false}
		}
	}
}

// turned exchanges the sides of a place if the originator is the second host.
func turned(p vantagePlace, originator int) vantagePlace {
	if originator == 1 && p != between {
		return atOriginator + atResponder - p
	}
	return p
}

// agreed is the only place that was said, or unknown.
func agreed(said *[4]bool, originator int) vantagePlace {
	found := placeUnknown
	for p := atOriginator; p <= between; p++ {
		if !said[p] {
			continue
		}
		if found != placeUnknown {
			return placeUnknown
		}
		found = p
	}
	if found == placeUnknown {
		return found
	}
	return turned(found, originator)
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
