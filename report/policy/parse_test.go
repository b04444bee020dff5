package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestSpelledOneWay holds what expressions are understood as.
func TestSpelledOneWay(t *testing.T) {
	tests := []struct{ text, want string }{
		{"ledger.lost_rate<0.1 %", "ledger.lost_rate < 0.1%"},
		{"ledger.lost = 0", "ledger.lost == 0"},
		{"ledger.lost < 10k", "ledger.lost < 10k"},
		{"charges[ cause = policer ].packets == 0", "charges[cause=policer].packets.sum == 0"},
		{"charges[].count < 3", "charges[].count < 3"},
		{"charges.count < 3", "charges.count < 3"},
		{"ledger.charges[cause=udp-*, confidence>=likely].packets<1", "ledger.charges[cause=udp-*, confidence>=likely].packets < 1"},
		{"flows[port=443].stall_ms.p99 < 200 ms", "flows[port=443].stall_ms.p99 < 200ms"},
		{"flows[address=10.0.0.0/8,lost>0].directions.rtt_ms.median.max<1s", "flows[address=10.0.0.0/8, lost>0].directions.rtt_ms.median.max < 1s"},
		{"flows.total > 0", "flows.total > 0"},
		{"symptoms.zero-window.total == 0", "symptoms.zero-window.total == 0"},
		{"symptoms.retransmission.total / verdict.packets < 1%", "symptoms.retransmission.total / verdict.packets < 1%"},
		{"(verdict.lost + verdict.unexplained) * 2 < 10", "(verdict.lost + verdict.unexplained) * 2 < 10"},
		{"verdict.lost - (verdict.unexplained - 1) < 10", "verdict.lost - (verdict.unexplained - 1) < 10"},
		{`verdict.state == lost or not (capture.sound and ledger.lost==0)`, `verdict.state == "lost" or not (capture.sound and ledger.lost == 0)`},
		{"capture.drops.ring == 0", "capture.drops.ring == 0"},
		{"checksums.udp.bad==0", "checksums.udp.bad == 0"},
		{"ledger.by_cause.policer + ledger.by_cause.queue-overflow < 5", "ledger.by_cause.policer + ledger.by_cause.queue-overflow < 5"},
		{"flows[].loss_rate.p99.9 < 5%", "flows[].loss_rate.p99.9 < 5%"},
		{`inputs[path="a b"].frames > 0`, `inputs[path="a b"].frames > 0`},
		{"flows[protocol!=tcp, handshake=false].lost == 0", "flows[protocol!=tcp, handshake=false].lost == 0"},
		{"decode.protocols.ip-89 == 0", "decode.protocols.ip-89 == 0"},
	}
	for _, test := range tests {
		e, err := Parse(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		want := strings.Replace(test.want, ".packets.sum", ".packets", 1)
		if e.String() != want {
			t.Errorf("%s\nis understood as %s\nwant             %s", test.text, e, want)
		}
		if again, err := Parse(e.String()); err != nil || again.String() != e.String() {
			t.Errorf("%s: %s is not understood as itself: %v", test.text, e, err)
		}
	}
}

// TestWhatIsNoRule holds what is refused, and why: a rule that can never fail is worse than none.
func TestWhatIsNoRule(t *testing.T) {
	tests := []struct{ text, why, near string }{
		{"", "ends where", ""},
		{"ledger.lost", "no rule", ""},
		{"ledgr.lost < 1", `no figure is called "ledgr"`, "ledger"},
		{"ledger.lst < 1", `ledger has no "lst"`, "lost"},
		{"ledger < 1", "more than one figure", ""},
		{"ledger.lost.max < 1", `ledger.lost has no "max"`, ""},
		{"symptoms.retransmision.total < 1", "has no", "retransmission"},
		{"symptoms.retransmission.rtoo < 1", "has no", "rto"},
		{"ledger.by_cause.policr < 1", "has no", "policer"},
		{"charges[cause=policr].packets < 1", "has no", "policer"},
		{"charges[cuase=policer].packets < 1", "has no", "cause"},
		{"charges[locus=dwonstream].packets < 1", "has no", "downstream"},
		{"verdict.state == lots", "has no", "lost"},
		{"flows.lost < 1", "of each flow", ""},
		{"flows[].loss_rate < 1%", "once for each", ""},
		{"flows[].stall_ms.max < 200", "write 200ms or 200s", ""},
		{"ledger.lost < 200ms", "is a time", ""},
		{"ledger.lost < 1%", "is a share", ""},
		{"ledger.lost_rate < 5", "did you mean 5%", ""},
		{"ledger.lost < 5 parsecs", "was not expected", ""},
		{"ledger.lost < 5parsecs", "no unit", ""},
		{"ledger.lost < 1 < 2", "two comparisons", ""},
		{"(ledger.lost < 1", "a ) is missing", ""},
		{"charges[cause=policer.packets < 1", "needs quotes", ""},
		{"flows[port=https].lost < 1", "is a count", ""},
		{"flows[address=example].lost < 1", "no address", ""},
		{"inputs[path=a b].frames > 0", "needs quotes", ""},
		{"verdict.state < lost", "only == and !=", ""},
		{"verdict.sentence == 5", "is a word", ""},
		{"ledger.lost and capture.sound", "joins rules", ""},
		{strings.Repeat("(", 100) + "ledger.lost<1", "too deep", ""},
		{strings.Repeat(" ", 5000), "longer than", ""},
	}
	for _, test := range tests {
		e, err := Parse(test.text)
		var bad *SyntaxError
		switch {
		case err == nil:
			t.Errorf("%s is taken for %s", test.text, e)
		case !errors.As(err, &bad) || !strings.Contains(bad.Why, test.why):
			t.Errorf("%s: %v, want %q", test.text, err, test.why)
		case test.near != "" && !slices.Contains(bad.Known, test.near):
			t.Errorf("%s: %q is not among the names that are suggested: %q", test.text, test.near, bad.Known)
		}
	}
	if _, err := ParseTotal("lost_rate < 1% and files >= 3 and by_cause.policer == 0"); err != nil {
		t.Error(err)
	}
	if _, err := ParseTotal("ledger.lost < 1"); err == nil {
		t.Error("a run has no ledger")
	}
}

// FuzzParse holds that whatever is understood is understood as the same when spelled one way,
// and that nothing else happens than an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"ledger.lost_rate < 0.1%", "charges[cause=policer].packets == 0", "flows[port=443].stall_ms.p99 < 200 ms",
		"not (verdict.state == lost or capture.sound)", "(verdict.lost + 1) * 2 / 3 - 4 >= 1k", `inputs[path="a\"b"].frames > 0`,
		"flows[address=10.0.0.0/8, directions.tap=sender].directions.missing.downstream < 3", "symptoms.gap.total<1 and",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.At < 0 || bad.At > len(s) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if len(e.String()) > maxText {
			return
		}
		again, err := Parse(e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%q is %q, and that is %v, %v", s, e, again, err)
		}
	})
}
