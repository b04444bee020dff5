package analyze

import (
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
)

// TestDisorderedTimesProveNothing holds that a file in no order of time leaves
// what silence said unaccounted and order possible, and that a wrong checksum
// stays as sure as it was.
func TestDisorderedTimesProveNothing(t *testing.T) {
	losses := func() []flow.Lost {
		return []flow.Lost{
			{Place: flow.AfterTap, What: flow.DataPacket, Packets: 1, Rule: flow.RuleNeverRepaired},
			{Place: flow.InReceiver, What: flow.DataPacket, Packets: 1, Rule: flow.RuleDroppedAfterTap, Proof: flow.Second},
			{Place: flow.AfterTap, What: flow.DataPacket, Packets: 1, Rule: flow.RuleSACKHole, Proof: flow.Second},
			{Place: flow.AfterTap, What: flow.DataPacket, Packets: 1, Reason: flow.ReasonChecksumTCP, Rule: flow.RuleBadChecksum, Proof: flow.Second},
		}
	}
	for _, c := range []struct {
		disorder    uint64
		unexplained uint64
		sure        []cause.Confidence
	}{
		{2, 0, []cause.Confidence{cause.Possible, cause.Certain, cause.Certain, cause.Certain}},
		{199, 2, []cause.Confidence{cause.Possible, cause.Certain}},
	} {
		f := tcpFlow()
		f.Dir[0].Missing[flow.AfterTap], f.Dir[0].Missing[flow.InReceiver] = 3, 1
		res := &Result{Flows: []*flow.Facts{&f}, Inputs: []capture.Input{{}}, Ledger: Ledger{Losses: losses()}, Unsorted: c.disorder}
		res.Counts.Frames = 200
		conclude(res, Options{})
		if got := res.Ledger.Unexplained(); got != c.unexplained || uint64(res.Flows[0].Dir[0].Missing[flow.Unaccounted]) != c.unexplained {
			t.Errorf("disorder %d: %d unexplained, want %d", c.disorder, got, c.unexplained)
		}
		if len(res.Ledger.Charges) != len(c.sure) {
			t.Fatalf("disorder %d: %d charges, want %d", c.disorder, len(res.Ledger.Charges), len(c.sure))
		}
		for i, want := range c.sure {
			if got := res.Ledger.Charges[i].Confidence; got != want {
				t.Errorf("disorder %d, charge %d: %v, want %v", c.disorder, i, got, want)
			}
		}
	}
}

// TestTailWithoutItsAnswer holds that a lost tail is only possible in a flow of
// which the capture lacks packets, and that a second witness keeps it certain.
func TestTailWithoutItsAnswer(t *testing.T) {
	for _, c := range []struct {
		lacks uint32
		proof flow.Proof
		want  cause.Confidence
	}{{0, flow.Single, cause.Likely}, {1, flow.Single, cause.Possible}, {1, flow.Second, cause.Certain}} {
		f := tcpFlow()
		f.Dir[1].Missing[flow.OnlyCapture] = c.lacks
		res := concluded(f, Options{}, capture.Input{}, flow.Lost{
			Place: flow.AfterTap, What: flow.DataPacket, Packets: 1, Rule: flow.RuleEchoed, Reason: flow.ReasonTail, Proof: c.proof,
		})
		if len(res.Ledger.Charges) != 1 || res.Ledger.Charges[0].Confidence != c.want {
			t.Errorf("%d lacking, %v: %+v, want %v", c.lacks, c.proof, res.Ledger.Charges, c.want)
		}
	}
}
