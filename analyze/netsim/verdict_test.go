package netsim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/netsim"
)

// rightCauses are the names for what the simulation did. What is no name at
// all, "unknown", is never wrong.
var rightCauses = [netsim.NumCauses][]cause.ID{
	netsim.Chosen:     {"random-loss"},
	netsim.Random:     {"random-loss"},
	netsim.Burst:      {"random-loss"},
	netsim.QueueFull:  {"queue-overflow"},
	netsim.Early:      {"queue-overflow"},
	netsim.Policed:    {"policer"},
	netsim.LinkDown:   {"link-outage"},
	netsim.TooBig:     {"mtu-black-hole"},
	netsim.TooBigTold: {cause.MTUExceeded},
	netsim.BitError:   {"random-loss"}, // unless it was seen with its bad checksum
	netsim.OldStamp:   {cause.PAWSReject},
	netsim.NoWindow:   {cause.ReceiverNotReading},
}

// nameless are the IDs that say where or what, and not why.
var nameless = []cause.ID{cause.Unknown, cause.TailLoss, cause.LostRetransmission, cause.AckLost, cause.WindowUpdateLost, cause.ReceiverHostDrop, cause.ConnectionUnanswered}

// A missing packet is one that the simulation lost, or the capture.
type missing struct {
	group group
	fate  fate
	locus []cause.Locus // the first is exact, the others are coarse
	right []cause.ID
	why   string
	frame uint64
}

func missingOf(p *netsim.Packet) missing {
	m := missing{group: groupOf(p), fate: fateOf(p), why: p.Cause.String(), right: rightCauses[p.Cause]}
	if p.Frame > 0 {
		m.frame = p.Frame
	}
	switch m.fate {
	case upstream:
		m.locus = []cause.Locus{cause.Upstream}
		if p.AtSender {
			m.locus = []cause.Locus{cause.SenderHost, cause.Upstream}
		}
	case onlyCapture:
		m.locus, m.why, m.right = []cause.Locus{cause.InCapture}, "capture", []cause.ID{cause.CaptureDropped}
	case damaged:
		// Where it was damaged, or where it is dropped for that.
		m.locus = []cause.Locus{cause.Upstream, cause.Downstream, cause.ReceiverHost}
		if p.AtSender {
			m.locus = []cause.Locus{cause.SenderHost, cause.Upstream, cause.Downstream, cause.ReceiverHost}
		}
		m.right, m.why = []cause.ID{cause.TCPChecksum, cause.UDPChecksum, cause.IPChecksum}, "bit error, seen"
	case refused:
		m.locus = []cause.Locus{cause.ReceiverHost, cause.Downstream}
	default:
		m.locus = []cause.Locus{cause.Downstream}
		if p.AtReceiver {
			m.locus = []cause.Locus{cause.ReceiverHost, cause.Downstream}
		}
	}
	return m
}

// A claim is one packet that whydrop says is missing.
type claim struct {
	group group
	locus cause.Locus
	cause cause.ID
	sure  cause.Confidence
	rule  flow.Rule
	frame uint64
	done  bool
}

// An outcome is what became of one packet: whether whydrop named its cause
// rightly, gave it no name, was wrong about cause or place, or said nothing.
type outcome uint8

const (
	named outcome = iota
	unnamed
	wrongCause
	wrongPlace
	unsaid // not charged: unexplained, or not missed
	numOutcomes
)

func (m *missing) judge(s *claim) outcome {
	switch {
	case !slices.Contains(m.locus, s.locus):
		return wrongPlace
	case slices.Contains(nameless, s.cause):
		return unnamed
	case !slices.Contains(m.right, s.cause):
		return wrongCause
	}
	return named
}

// A line of the golden file: what was injected, and what was concluded of it.
type line struct {
	packets  int
	outcomes [numOutcomes][3]int // by confidence
}

// verdicts are those of many runs.
type verdicts struct {
	lines map[string]*line
	said  map[string]map[string]*[3]int // by what was injected, and by what was said, by confidence
	wrong map[string]int                // what was said wrongly, and how often
	worst []string                      // above possible, with the run
	t     *testing.T

	runs, frames int
}

func newVerdicts(t *testing.T) *verdicts {
	return &verdicts{lines: map[string]*line{}, said: map[string]map[string]*[3]int{}, wrong: map[string]int{}, t: t}
}

// laws: nothing wrong is ever said to be more than possible.
func (v *verdicts) laws() {
	v.t.Helper()
	slices.Sort(v.worst)
	for _, w := range v.worst {
		v.t.Errorf("wrong, and said to be more than possible: %s", w)
	}
}

// add judges one run.
func (v *verdicts) add(run string, tr *netsim.Trace, res *analyze.Result) {
	v.runs++
	v.frames += len(tr.Frames)
	lost, spoken := map[half][]missing{}, v.spoken(tr, res)
	for i := range tr.Packets {
		p := &tr.Packets[i]
		if p.CopyOf < 0 && !p.Unseen && p.Kind != netsim.ICMP && fateOf(p) != nothing {
			h := half{p.Flow, p.Dir}
			lost[h] = append(lost[h], missingOf(p))
		}
	}
	var halves []half
	for i := range tr.Flows {
		halves = append(halves, half{i, 0}, half{i, 1})
	}
	for _, h := range halves {
		v.match(run, lost[h], spoken[h])
	}
}

// spoken are the charges of a run, packet by packet.
func (v *verdicts) spoken(tr *netsim.Trace, res *analyze.Result) map[half][]claim {
	all := map[half][]claim{}
	byEnds := ends(tr)
	for i := range res.Ledger.Charges {
		c := &res.Ledger.Charges[i]
		h, ok := byEnds[[2]flow.Endpoint{c.Src, c.Dst}]
		if !ok {
			v.t.Errorf("charge %d is of no flow of the trace", c.ID)
		}
		s := claim{group: groupOfWhat(c.What), locus: c.Locus, cause: c.Cause, sure: c.Confidence, rule: c.Rule}
		for n := range c.Packets {
			s.frame = 0
			if n < uint64(len(c.Frames)) {
				s.frame = c.Frames[n].Number
			} else if len(c.Frames) == 1 {
				s.frame = c.Frames[0].Number // a super-frame
			}
			all[h] = append(all[h], s)
		}
	}
	return all
}

// match pairs what is missing in one half with what is said to be: by frame
// where the charge names one, then the likeliest first.
func (v *verdicts) match(run string, lost []missing, spoken []claim) {
	open := make([]bool, len(lost))
	for i := range open {
		open[i] = true
	}
	pass := func(fits func(m *missing, s *claim) bool) {
		for j := range spoken {
			s := &spoken[j]
			for i := range lost {
				if open[i] && !s.done && fits(&lost[i], s) {
					open[i], s.done = false, true
					v.note(run, &lost[i], s)
				}
			}
		}
	}
	pass(func(m *missing, s *claim) bool { return s.frame > 0 && s.frame == m.frame })
	pass(func(m *missing, s *claim) bool { return s.frame == 0 && m.group == s.group && m.judge(s) <= unnamed })
	pass(func(m *missing, s *claim) bool { return s.frame == 0 && m.group == s.group })
	for i := range lost {
		if open[i] {
			v.line(&lost[i]).packets++
			v.line(&lost[i]).outcomes[unsaid][0]++
			v.cell(lost[i].why, notCharged)[0]++
		}
	}
	for j := range spoken {
		if s := &spoken[j]; !s.done {
			v.blame(run, "nothing", s)
		}
	}
}

func (v *verdicts) line(m *missing) *line {
	name := fmt.Sprintf("%s %s, %s", groupNames[m.group], m.why, m.locus[0])
	if v.lines[name] == nil {
		v.lines[name] = &line{}
	}
	return v.lines[name]
}

func (v *verdicts) note(run string, m *missing, s *claim) {
	l, o := v.line(m), m.judge(s)
	l.packets++
	l.outcomes[o][s.sure]++
	v.cell(m.why, string(s.cause))[s.sure]++
	if o == wrongCause || o == wrongPlace {
		v.blame(run, fmt.Sprintf("%s %s, %s", groupNames[m.group], m.why, m.locus[0]), s)
	}
}

// notCharged is what was said of a packet that no charge is for.
const notCharged = "(not charged)"

// cell counts what was said of packets lost by one cause.
func (v *verdicts) cell(why, said string) *[3]int {
	if v.said[why] == nil {
		v.said[why] = map[string]*[3]int{}
	}
	if v.said[why][said] == nil {
		v.said[why][said] = new([3]int)
	}
	return v.said[why][said]
}

// matrix writes what was injected against what was said, and of how many of the
// packets charged no cause was told.
func (v *verdicts) matrix(b *strings.Builder) {
	b.WriteString("\nInjected, and said (certain/likely/possible); the share of what is charged without a cause (unknown, or only\n" +
		"what was lost or where):\n\n")
	charged, silent := 0, 0
	for _, why := range slices.Sorted(maps.Keys(v.said)) {
		all, none := 0, 0
		for said, n := range v.said[why] {
			if said == notCharged {
				continue
			}
			sum := n[0] + n[1] + n[2]
			all += sum
			if slices.Contains(nameless, cause.ID(said)) {
				none += sum
			}
		}
		charged, silent = charged+all, silent+none
		fmt.Fprintf(b, "%-18s %5d charged, %3.0f %% without a cause\n", why, all, 100*ratio(none, max(all, 1)))
		for _, said := range slices.Sorted(maps.Keys(v.said[why])) {
			n := v.said[why][said]
			if said == notCharged {
				fmt.Fprintf(b, "    %-24s %d\n", said, n[0])
				continue
			}
			fmt.Fprintf(b, "    %-24s %d/%d/%d\n", said, n[cause.Certain], n[cause.Likely], n[cause.Possible])
		}
	}
	fmt.Fprintf(b, "%-18s %5d charged, %3.0f %% without a cause\n", "all", charged, 100*ratio(silent, max(charged, 1)))
}

func (v *verdicts) blame(run, truth string, s *claim) {
	what := fmt.Sprintf("%s: said %s %s, %s, %v (rule %d)", truth, groupNames[s.group], s.cause, s.locus, s.sure, s.rule)
	v.wrong[what+" in "+run]++
	if s.sure > cause.Possible {
		v.worst = append(v.worst, fmt.Sprintf("%s: frame %d, %s", run, s.frame, what))
	}
}

// text writes everything down.
func (v *verdicts) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "What became of each lost packet of %d runs and %d frames. Cause and place right, place right and no\n"+
		"cause given, wrong: certain/likely/possible.\n\n%-44s%9s%16s%18s%12s%12s%8s\n", v.runs, v.frames,
		"injected", "packets", "right", "no cause", "wrong cause", "wrong place", "unsaid")
	var names []string
	for n := range v.lines {
		names = append(names, n)
	}
	slices.Sort(names)
	var sum line
	row := func(name string, l *line) {
		cell := func(o outcome) string {
			n := l.outcomes[o]
			return fmt.Sprintf("%d/%d/%d", n[cause.Certain], n[cause.Likely], n[cause.Possible])
		}
		fmt.Fprintf(&b, "%-44s%9d%16s%18s%12s%12s%8d\n", name, l.packets, cell(named), cell(unnamed), cell(wrongCause), cell(wrongPlace), l.outcomes[unsaid][0])
	}
	for _, n := range names {
		l := v.lines[n]
		row(n, l)
		sum.packets += l.packets
		for o := range l.outcomes {
			for c := range l.outcomes[o] {
				sum.outcomes[o][c] += l.outcomes[o][c]
			}
		}
	}
	row("all", &sum)
	v.matrix(&b)
	b.WriteString("\nSaid wrongly, packets:\n")
	var wrong []string
	for w := range v.wrong {
		wrong = append(wrong, w)
	}
	slices.Sort(wrong)
	for _, w := range wrong {
		fmt.Fprintf(&b, "%5d  %s\n", v.wrong[w], w)
	}
	return b.String()
}

// eachStory plays every story on both sides of every place. Each round has its
// own luck.
func eachStory(round uint64, do func(name string, s *story, c netsim.Config)) {
	for i := range stories {
		for p := range places {
			for side := range 2 {
				if stories[i].fixed && side == 1 || stories[i].middle && p > 0 {
					continue
				}
				name := fmt.Sprintf("%s, %s, %s", stories[i].name, sideNames[side], places[p].name)
				if stories[i].fixed {
					name = fmt.Sprintf("%s, %s", stories[i].name, places[p].name)
				}
				do(name, &stories[i], tell(i, p, side, round*100_000+uint64(5000+i*10+p*2+side)))
			}
		}
	}
}

// TestVerdictLaws plays the stories with other luck, on demand (-seeds): what is
// wrong may be possible at most, and where nothing is lost nothing is charged.
func TestVerdictLaws(t *testing.T) {
	if *seeds < 2 {
		t.Skip("a soak: go test ./analyze/netsim -run VerdictLaws -seeds 5")
	}
	v := newVerdicts(t)
	for round := uint64(1); round < *seeds; round++ {
		eachStory(round, func(name string, s *story, c netsim.Config) {
			tr := netsim.Run(c)
			res := conclude(t, tr.Source(256), 2)
			v.add(fmt.Sprintf("%s, seed %d", name, c.Seed), tr, res)
			if res.Ledger.Lost() > refusals(tr) && s.innocent {
				t.Errorf("%s, seed %d: nothing was lost, but %d packets are charged:%s", name, c.Seed, res.Ledger.Lost(), firstLosses(res))
			}
		})
	}
	v.laws()
	t.Logf("%s", v.text())
}
