package report

import (
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/pattern"
)

// One cause on two lines, one of them for packets of which only the place is sure:
// no line says perhaps and certain in one breath.
func TestPerhapsIsNeverCertain(t *testing.T) {
	told := func(sure cause.Confidence) analyze.Charge {
		return analyze.Charge{
			What: flow.DataPacket, Packets: 1, Locus: cause.Downstream, Cause: cause.QueueOverflow, Rule: flow.RuleSACKHole,
			Told: &pattern.Finding{Cause: cause.QueueOverflow}, Confidence: sure, CauseConfidence: sure, LocusConfidence: cause.Certain,
		}
	}
	b := builder{res: &analyze.Result{}}
	b.res.Ledger.Charges = []analyze.Charge{told(cause.Likely), told(cause.Likely), told(cause.Possible)}
	p := newPrinter(TextOptions{Width: 80})
	groups := b.groups()
	for i := range groups {
		p.group(&groups[i], countEnd)
	}
	const want = `
    2  downstream of this capture: a full queue                          likely
    1  certainly downstream of this capture: perhaps a full queue       possible
`
	if got := "\n" + p.b.String(); got != want {
		t.Errorf("got%s", got)
	}
	if groups[1].Confidence != cause.Certain.String() {
		t.Errorf("the JSON says %s: it is the confidence of the place", groups[1].Confidence)
	}
}

// The time of a frame far from the first one stands apart from its number.
func TestLongTimesStandApart(t *testing.T) {
	p := newPrinter(TextOptions{})
	p.evidence(&Report{}, []Evidence{{Frame: 91, At: 183_109_031_041_580_000, Says: "data"}})
	if got := p.b.String(); !strings.Contains(got, "91  183109031.041580  data") {
		t.Errorf("got %q", got)
	}
}

// A SYN is called by its name, in both directions.
func TestSYNsByName(t *testing.T) {
	w := flow.Witness{Says: flow.SaysPassed, A: 0, B: 1}
	for dir, want := range [...]string{"SYN passes, never arrives", "SYN-ACK passes, never arrives"} {
		if got := says(&analyze.Charge{What: flow.SYNPacket, Dir: uint8(dir)}, w); got != want {
			t.Errorf("direction %d: got %q, want %q", dir, got, want)
		}
	}
}
