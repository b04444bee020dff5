package score

import (
	"testing"

	"whydrop/cmd/lab/truth"
)

// lossy is a direction of ten segments seen at its sender, of which those
// numbered were lost behind it; each was sent again.
func lossy(why string, lost ...int) *truth.Fates {
	f := &truth.Fates{Run: truth.Run{Name: "x", Files: [3]string{"a", "m", "b"}, Shows: []string{"policer|queue-overflow"}, Never: []string{"link-outage"}}}
	for n := range 10 {
		f.Packets = append(f.Packets, truth.Packet{ID: n, From: "a", Src: "s", Dst: "d", Protocol: "tcp", What: "data", Seq: uint32(n * 100), Octets: 100, Frame: [3]int{n + 1}})
	}
	for i, n := range lost {
		f.Packets[n].Lost, f.Packets[n].Why = 1, why
		again := f.Packets[n]
		again.ID, again.Frame, again.Retx, again.Lost, again.Why = 10+i, [3]int{11 + i}, true, 0, ""
		f.Packets = append(f.Packets, again)
	}
	return f
}

func charge(frame int, cause, level string) Charge {
	return Charge{What: "data", Packets: 1, Src: "s", Dst: "d", Protocol: "tcp", Locus: "downstream", Cause: cause, Confidence: level, Frames: []int{frame}}
}

// TestVerdicts takes for the verdict on a direction the cause that most of its
// packets were charged to.
func TestVerdicts(t *testing.T) {
	a := &Answer{
		Charges: []Charge{charge(3, "policer", "likely"), charge(5, "policer", "possible"), charge(7, "lost-retransmission", "likely")},
		Causes:  []Named{{"policer", "likely"}, {"link-outage", "possible"}},
	}
	card := Score(lossy("policer", 2, 4, 6), 0, a)
	want := Verdict{Stage: 0, Why: "policer", Said: "policer", Level: "likely"}
	if card.Verdicts[want] != 1 || len(card.Verdicts) != 1 || !want.Right() {
		t.Errorf("verdicts %v, want one, %v, which is right", card.Verdicts, want)
	}
	for told, n := range map[Showing]int{{"policer|queue-overflow", "likely"}: 1, {"not link-outage", "possible"}: 1} {
		if card.Shown[told] != n {
			t.Errorf("shown %v, want %v", card.Shown, told)
		}
	}
	if len(card.Mistakes) != 0 {
		t.Errorf("mistakes %v, want none", card.Mistakes)
	}

	// A loss of one packet is no verdict, and one by two causes is neither's.
	if card := Score(lossy("policer", 2), 0, a); len(card.Verdicts) != 0 {
		t.Errorf("one packet: verdicts %v, want none", card.Verdicts)
	}
	mixed := lossy("policer", 2, 4)
	mixed.Packets[4].Why = "random"
	if card := Score(mixed, 0, a); card.Verdicts[Verdict{0, "one of several", "policer", "likely"}] != 1 {
		t.Errorf("two causes: verdicts %v", card.Verdicts)
	}
}
