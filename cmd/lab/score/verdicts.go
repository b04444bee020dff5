package score

import (
	"maps"
	"slices"
	"strings"

	"whydrop/cmd/lab/truth"
)

// A Verdict is one direction of one flow that lost two packets or more on one
// side of a capture: what they were lost by, and what was said of most of them
// (loss-causes.md §7.3).
type Verdict struct {
	Stage            int
	Why, Said, Level string
}

// Right reports whether the cause said fits what was.
func (v Verdict) Right() bool { return Cause{Why: v.Why, Said: v.Said}.Right() }

// Told reports whether a cause was said, and not only that something was lost.
func (v Verdict) Told() bool { return v.Said != "" }

// notWhy names the words of a charge that tell what was lost, or where, and not why.
var notWhy = []string{"unknown", "unexplained", "tail-loss", "lost-retransmission", "ack-lost", "receiver-host-drop", "connection-unanswered"}

// verdicts judges direction by direction, each side of the capture by itself.
func (s *scorer) verdicts() {
	for _, k := range slices.Sorted(maps.Keys(s.flows)) {
		for _, side := range []string{"up", "down"} {
			s.verdict(k, side)
		}
	}
}

func (s *scorer) verdict(k, place string) {
	lost := map[string]int{}
	all := 0
	for _, p := range s.flows[k] {
		if p.Lost > 0 && (p.What == "data" || p.What == "datagram") && s.upstream(p) == (place == "up") && !s.copied(p) && s.hidden(p) == "" {
			lost[p.Why]++
			all++
		}
	}
	why := most(lost)
	if all < 2 {
		return
	}
	if 10*lost[why] < 9*all {
		why = "one of several"
	}
	said, levels := s.said(k, place)
	v := Verdict{Stage: s.stage(s.flows[k][0]), Why: why, Said: most(said)}
	v.Level = levels[v.Said]
	s.card.Verdicts[v]++
}

// said counts the packets charged to each cause, and the best confidence of each.
func (s *scorer) said(k, place string) (packets map[string]int, levels map[string]string) {
	packets, levels = map[string]int{}, map[string]string{}
	for i := range s.answer.Charges {
		c := &s.answer.Charges[i]
		if key(c.Src, c.Dst) != k || side(c.Locus) != place || c.What != "data" && c.What != "datagram" || slices.Contains(notWhy, c.Cause) {
			continue
		}
		packets[c.Cause] += c.Packets
		if rank(c.Confidence) > rank(levels[c.Cause]) {
			levels[c.Cause] = c.Confidence
		}
	}
	return packets, levels
}

// rank orders confidences; "" is below all.
func rank(level string) int { return slices.Index([]string{"possible", "likely", "certain"}, level) }

// most is the key with the highest count, the first of equals.
func most(counts map[string]int) string {
	best := ""
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		if best == "" || counts[k] > counts[best] {
			best = k
		}
	}
	return best
}

// A Showing is a cause that a host made, and how it was told: a confidence, or
// "missed".
type Showing struct{ Want, Told string }

// showings looks for the causes that the capture shows, and for those that it
// must not name.
func (s *scorer) showings() {
	if s.Run.Blind[s.point] {
		return
	}
	for _, want := range s.Run.Shows {
		told := "missed"
		for id := range strings.SplitSeq(want, "|") {
			if level, named := s.answer.level(id); named && (told == "missed" || rank(level) > rank(told)) {
				told = level
			}
		}
		s.card.Shown[Showing{want, told}]++
		if told == "missed" {
			s.note("does not name %s", want)
		}
	}
	for _, never := range s.Run.Never {
		if level, named := s.answer.level(never); named {
			s.card.Shown[Showing{"not " + never, level}]++
			s.note("names %s (%s)", never, level)
			if level == "certain" {
				s.mistake(FalseCertain, s.Run.Name, "names %s", never)
			}
		}
	}
}

// level is how surely a names a cause.
func (a *Answer) level(id string) (confidence string, named bool) {
	for _, c := range a.Causes {
		if c.ID == id {
			return c.Confidence, true
		}
	}
	return "", false
}

// hostMade are the causes that a receiving host makes, and which no loss on the
// way looks like.
var hostMade = []string{"firewall", "rejected", "closed", "conflict", "listen-queue", "socket-buffer", "mtu-told"}

// ofHost reports whether what a charge says was lost was lost by its host.
func ofHost(lost []*truth.Packet) bool {
	return len(lost) > 0 && slices.Contains(hostMade, lost[0].Why)
}
