package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

const (
	// lookBack is how many packets of the flow are kept from before a loss.
	lookBack = 512

	// lookAhead is how long behind the last evidence frames still tell: a DSACK
	// can be that late (tcp-rules.md b-8.6).
	lookAhead = int64(3 * time.Second)

	// lookMost bounds the packets kept of one flow: 16 MB.
	lookMost = 1 << 16
)

// A chargeExplainer explains one charge.
type chargeExplainer struct {
	b     *builder
	r     *Report
	c     *analyze.Charge
	facts *flow.Facts
	named map[flow.FrameRef]bool
	found int

	early []analyze.Sight // a ring of what passed before the loss
	next  int
	seen  []analyze.Sight // what passed from then on, and what is named
	full  bool            // seen is not all there was
	most  int             // bounds seen

	dir   uint8     // of the octets that the evidence numbers
	base  [2]uint32 // sequence number of relative octet 0, by direction
	known [2]bool
	lo    uint64 // the octets in question
	hi    uint64
}

func newChargeExplainer(b *builder, r *Report, c *analyze.Charge) *chargeExplainer {
	x := &chargeExplainer{b: b, r: r, c: c, named: map[flow.FrameRef]bool{}, dir: c.Dir & 1, most: lookMost}
	if b.hasFlow(c) {
		x.facts = b.res.Flows[c.Flow]
	}
	if c.What == flow.ACKPacket {
		x.dir = 1 - x.dir
	}
	for _, w := range c.Evidence {
		if w.Says != flow.SaysNothing && w.Frame.Number > 0 {
			x.named[w.Frame] = true
		}
		if numbersOctets(w.Says) && w.B > w.A && x.hi == 0 {
			x.lo, x.hi = w.A, w.B
		}
	}
	for _, f := range c.Frames[:min(len(c.Frames), maxRungs)] {
		x.named[f] = true
	}
	if c.Repair.Number > 0 {
		x.named[c.Repair] = true
	}
	return x
}

// numbersOctets reports whether a witness names the octets that were lost.
func numbersOctets(s flow.Says) bool {
	switch s {
	case flow.SaysPassed, flow.SaysArrived, flow.SaysFirstPoint, flow.SaysGapOpened, flow.SaysSACK, flow.SaysRepair, flow.SaysUnseenAck, flow.SaysDSACK:
		return true
	}
	return false
}

// isLost reports whether a witness is the lost packet itself.
func isLost(s flow.Says) bool { return s == flow.SaysPassed || s == flow.SaysFirstPoint }

// Wants names the flow of the charge and its evidence.
func (x *chargeExplainer) Wants() (*flow.Facts, map[flow.FrameRef]bool) { return x.facts, x.named }

// See keeps what passed around the loss.
func (x *chargeExplainer) See(s *analyze.Sight) bool {
	named := x.named[s.Ref()]
	if named {
		x.found++
	}
	if s.Ours && s.Kind == decode.KindTCP && !x.known[s.Dir] && s.TransportSum != decode.ChecksumBad {
		x.base[s.Dir], x.known[s.Dir] = s.Seq, true
	}
	switch {
	case named:
		x.seen = append(x.seen, *s)
		x.learnBase(s)
	case s.Time < x.c.First:
		if len(x.early) < lookBack {
			x.early = append(x.early, *s)
		} else {
			x.early[x.next%lookBack] = *s
		}
		x.next++
	case s.Time > x.c.Last+lookAhead:
		return x.found < len(x.named)
	case len(x.seen) < x.most:
		x.seen = append(x.seen, *s)
	default:
		x.full = true
	}
	return true
}

// learnBase finds octet 0 by a frame whose octets the evidence numbers.
func (x *chargeExplainer) learnBase(s *analyze.Sight) {
	if !s.Ours || s.Kind != decode.KindTCP || s.Dir != x.dir || s.TransportSum == decode.ChecksumBad {
		return
	}
	for _, w := range x.c.Evidence {
		if w.Frame == s.Ref() && (isLost(w.Says) || w.Says == flow.SaysRepair) && w.B > w.A {
			x.base[s.Dir], x.known[s.Dir] = s.Seq-uint32(w.A), true
			return
		}
	}
}

// Explain tells what the charge rests on.
func (x *chargeExplainer) Explain() *Explanation {
	e := newExplanation(x.r)
	charge := x.r.Ledger.Charges[x.c.ID-1]
	e.Charge = &charge
	x.order()
	g := x.b.group(keyOf(x.c), x.c.Packets, []*analyze.Charge{x.c})
	e.Where, e.Why, _ = strings.Cut(g.Phrase, ": ")
	e.Sentence = x.sentence(e)
	if x.facts != nil {
		f := x.b.flow(int(x.c.Flow))
		e.Flow = &f
		x.ladder(&e.Ladder)
	}
	e.Rule = x.ruleWith(&charge)
	e.Sure = x.sure()
	e.Also = x.also()
	for _, rival := range charge.Rivals {
		e.Not = append(e.Not, rivalSays(rival))
	}
	e.Unseen = x.unseen()
	e.Story = x.inEvents()
	e.Do = x.b.captureToDecide(x.c)
	e.remedyOf(x.c.Cause)
	return e
}

// inEvents tells which events the charge belongs to.
func (x *chargeExplainer) inEvents() []string {
	out := []string{}
	for i := range x.r.Events {
		e := &x.r.Events[i]
		if _, ok := slices.BinarySearch(e.Charges, x.c.ID); ok {
			out = append(out, "It belongs to an event of "+counted(e.Packets, "packet")+": "+e.Says+".")
		}
	}
	return out
}

// order puts what was seen in order of time.
func (x *chargeExplainer) order() {
	all := append(x.early, x.seen...)
	slices.SortStableFunc(all, func(a, b analyze.Sight) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.File, b.File), cmp.Compare(a.Number, b.Number))
	})
	x.early, x.seen = nil, all
}

// sentence is the verdict on this charge.
func (x *chargeExplainer) sentence(e *Explanation) string {
	what := counted(x.c.Packets, x.noun())
	if x.c.Packets == 1 {
		what = "One" + strings.TrimPrefix(what, "1")
	}
	of := ""
	if x.facts != nil {
		of = " of " + e.chargeEnds()
	}
	if x.c.Locus == cause.InCapture {
		return what + of + " " + is(x.c.Packets) + " missing only from this capture: " + e.Why + ", " + x.c.Confidence.String() + "."
	}
	return what + of + " " + was(x.c.Packets) + " lost " + e.Where + ": " + e.Why + ", " + x.c.Confidence.String() + "."
}

// noun is what was lost.
func (x *chargeExplainer) noun() string {
	if x.c.What == flow.SYNPacket && x.c.Dir&1 == 1 {
		return "SYN-ACK"
	}
	return nouns[min(x.c.What, flow.NumWhats-1)]
}

func (e *Explanation) chargeEnds() string { return e.Charge.Src + " > " + e.Charge.Dst }

// rivalSays is a rival and why it fell.
func rivalSays(r Rival) string {
	line := r.Cause + ": " + strings.TrimSuffix(r.Why, ".") + "."
	if r.Cause == string(cause.Unknown) { // of what the capture lacks: the rival is a loss
		reason, _, _ := strings.Cut(r.Why, ":")
		line = "lost: " + strings.TrimSuffix(reason, ".") + "."
	}
	return line
}

// captureToDecide says where a second capture tells more than this one; of what
// is certain already, the next step.
func (b *builder) captureToDecide(c *analyze.Charge) []string {
	if steps, ok := do[c.Cause]; ok && (c.Confidence == cause.Certain || c.Cause == cause.CaptureDropped) {
		return steps
	}
	return b.doOf(groupKey{locus: c.Locus, cause: cause.Unknown}, []*analyze.Charge{c})
}
