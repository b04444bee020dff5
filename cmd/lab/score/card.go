package score

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"whydrop/cmd/lab/truth"
)

// Stages name where a capture stands for one direction.
var Stages = [3]string{"sender", "middle", "receiver"}

// An F1 counts a set that was found against the set that is.
type F1 struct{ Right, Wrong, Missed int }

// Value is the harmonic mean of precision and recall: 1 where there was nothing to find.
func (f F1) Value() float64 {
	if f.Right+f.Wrong+f.Missed == 0 {
		return 1
	}
	return 2 * float64(f.Right) / float64(2*f.Right+f.Wrong+f.Missed)
}

func (f *F1) add(g F1) {
	f.Right, f.Wrong, f.Missed = f.Right+g.Right, f.Wrong+g.Wrong, f.Missed+g.Missed
}

// A Count is how many packets were lost, and how many were said to be.
type Count struct {
	Truth, Said int
	Hidden      int // of Truth: nothing can show them
	Off         int // Said is so far from the range that is right, flow by flow
}

func (c *Count) add(d Count) {
	c.Truth, c.Said, c.Hidden, c.Off = c.Truth+d.Truth, c.Said+d.Said, c.Hidden+d.Hidden, c.Off+d.Off
}

// A Card is the score of one capture, or the sum over several, by stage.
type Card struct {
	Retx, Unneeded, Late, Named, Copies [3]F1
	HiddenRetx                          [3]int // retransmissions that cannot be known; not in Retx
	Kinds                               [3]F1  // Wrong: another kind was said
	Up, Down                            [3]Count
	Causes                              map[Cause]int // packets
	Verdicts                            map[Verdict]int
	Shown                               map[Showing]int // captures
	Certain                             int             // packets charged with certainty
	Mistakes                            []Mistake       // what must never be said
	Notes                               []string        // every disagreement, for a person to look at
}

// A Cause is one cell of the matrix: what it was, and what was said.
type Cause struct {
	Stage            int
	Why, Said, Level string
}

// A Mistake is a verdict that no user would forgive.
type Mistake struct{ Kind, Text string }

// Kinds of mistakes.
const (
	FalseCertain = "wrong although certain"
	FalseLoss    = "loss in a direction without any"
	FalseCapture = "blames the capture without reason"
)

// Add adds d to c.
func (c *Card) Add(d *Card) {
	for s := range Stages {
		c.Retx[s].add(d.Retx[s])
		c.Unneeded[s].add(d.Unneeded[s])
		c.Late[s].add(d.Late[s])
		c.Named[s].add(d.Named[s])
		c.Copies[s].add(d.Copies[s])
		c.Kinds[s].add(d.Kinds[s])
		c.Up[s].add(d.Up[s])
		c.Down[s].add(d.Down[s])
		c.HiddenRetx[s] += d.HiddenRetx[s]
	}
	c.Causes, c.Verdicts, c.Shown = sum(c.Causes, d.Causes), sum(c.Verdicts, d.Verdicts), sum(c.Shown, d.Shown)
	c.Certain += d.Certain
	c.Mistakes = append(c.Mistakes, d.Mistakes...)
	c.Notes = append(c.Notes, d.Notes...)
}

// sum adds the counts of b to those of a.
func sum[K comparable](a, b map[K]int) map[K]int {
	if a == nil {
		a = map[K]int{}
	}
	for k, n := range b {
		a[k] += n
	}
	return a
}

// Score compares a with what f says could be seen at a point: 0, 1, 2 for a, m, b.
func Score(f *truth.Fates, point int, a *Answer) *Card {
	s := &scorer{view: newView(f, point), answer: a, card: &Card{Causes: map[Cause]int{}, Verdicts: map[Verdict]int{}, Shown: map[Showing]int{}}}
	s.showings()
	if f.Run.Spoilt {
		return s.card
	}
	s.frames()
	s.counts()
	s.named()
	s.causes()
	s.verdicts()
	s.certain()
	return s.card
}

// A scorer fills a card.
type scorer struct {
	*view
	answer *Answer
	card   *Card
}

func (s *scorer) note(format string, args ...any) {
	s.card.Notes = append(s.card.Notes, s.Run.Files[s.point]+": "+fmt.Sprintf(format, args...))
}

// set is what is true, or said, of frames; frames that do not count are in neither.
type set map[int]bool

// compare counts said against want by stage, and notes the frames.
func (s *scorer) compare(what string, into *[3]F1, want, said, ignore set) {
	frames := slices.Sorted(maps.Keys(want))
	for _, n := range slices.Sorted(maps.Keys(said)) {
		if !want[n] {
			frames = append(frames, n)
		}
	}
	for _, n := range frames {
		packets := s.byFrame[n]
		if ignore[n] || len(packets) == 0 || packets[0].Protocol != "tcp" {
			continue
		}
		score := &into[s.stage(packets[0])]
		switch {
		case want[n] && said[n]:
			score.Right++
		case want[n]:
			score.Missed++
			s.note("%s missed: frame %d at the %s", what, n, Stages[s.stage(packets[0])])
		default:
			score.Wrong++
			s.note("%s wrong: frame %d at the %s", what, n, Stages[s.stage(packets[0])])
		}
	}
}

// frames scores what is said of frames.
func (s *scorer) frames() {
	want := map[string]set{"retx": {}, "unneeded": {}, "late": {}, "copy": {}, "hidden": {}, "resent": {}}
	kind := map[int]string{}
	for n, packets := range s.byFrame {
		for _, p := range packets {
			switch {
			case p.Copy:
				want["copy"][n] = s.original(p) != nil
			case p.Retx:
				want["resent"][n] = true
				if s.hiddenRetx(p) {
					want["hidden"][n] = true
					s.card.HiddenRetx[s.stage(p)]++
					continue
				}
				want["retx"][n], kind[n] = true, cmp.Or(kind[n], p.Kind)
				want["unneeded"][n] = p.Unneeded && (want["unneeded"][n] || !known(want["unneeded"], n))
			case p.Late[s.point] && p.Octets > 0:
				want["late"][n] = true
			}
		}
	}
	said := map[string]set{"retransmission": {}, "reordered": {}, "duplicate": {}, "unneeded": {}}
	for _, y := range s.answer.Symptoms {
		packets := s.byFrame[y.Frame]
		if said[y.Kind] == nil || len(packets) == 0 || y.Kind == "reordered" && packets[0].Octets == 0 {
			continue
		}
		said[y.Kind][y.Frame] = true
		if y.Kind != "retransmission" {
			continue
		}
		if y.Needed != nil && !*y.Needed {
			said["unneeded"][y.Frame] = true
		}
		if k := kind[y.Frame]; k != "" {
			score := &s.card.Kinds[s.stage(packets[0])]
			if k == y.Detail {
				score.Right++
			} else {
				score.Wrong++
				s.note("kind wrong: frame %d at the %s is %s, said %s", y.Frame, Stages[s.stage(packets[0])], k, y.Detail)
			}
		}
	}
	for _, w := range want {
		maps.DeleteFunc(w, func(_ int, is bool) bool { return !is })
	}
	s.compare("retransmission", &s.card.Retx, want["retx"], said["retransmission"], want["hidden"])
	s.compare("unneeded", &s.card.Unneeded, want["unneeded"], said["unneeded"], want["hidden"])
	s.compare("reordered", &s.card.Late, want["late"], said["reordered"], want["resent"])
	s.compare("duplicate", &s.card.Copies, want["copy"], said["duplicate"], nil)
}

func known(s set, n int) bool { _, ok := s[n]; return ok }

// original is the packet that p is the network's copy of, if it passed here, too.
func (s *scorer) original(p *truth.Packet) *truth.Packet {
	for _, q := range s.flows[key(p.Src, p.Dst)] {
		if q.ID == p.ID && q.Frame[s.point] > 0 {
			return q
		}
	}
	return nil
}
