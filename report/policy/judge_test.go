package policy

import (
	"slices"
	"strings"
	"testing"

	"whydrop/report"
)

// lossy is a report of 1000 packets of which 20 were lost.
func lossy() *report.Report {
	r := &report.Report{
		Verdict: report.Verdict{State: report.StateLost, Packets: 1000, Lost: 20},
		Inputs:  []report.Input{{Path: "a.pcap", Frames: 980}},
		Ledger: report.Ledger{
			Missing: 20, Lost: 20, LostRate: 0.02,
			ByCause: map[string]uint64{"policer": 15, "random-loss": 5}, ByLocus: map[string]uint64{"downstream": 20},
			Charges: []report.Charge{
				{ID: 1, Packets: 15, Cause: "policer", Locus: "downstream", Confidence: "likely", Src: "10.0.0.1:40000", Dst: "10.0.0.2:443"},
				{ID: 2, Packets: 5, Cause: "random-loss", Locus: "downstream", Confidence: "possible", Src: "10.0.0.1:40001", Dst: "10.0.0.3:80"},
			},
		},
		Symptoms: map[string]map[string]uint64{"retransmission": {"total": 22, "rto": 2}},
	}
	return r
}

func flowsOf() []*report.Flow {
	rtt := func(ms float64) *report.RTT { return &report.RTT{Min: ms, Median: ms, Max: ms} }
	flows := []*report.Flow{
		{ID: 1, Protocol: "tcp", Originator: "10.0.0.1:40000", Responder: "10.0.0.2:443", Packets: 600, Lost: 15, StallMS: 300, Causes: []string{"policer"}},
		{ID: 2, Protocol: "tcp", Originator: "10.0.0.1:40001", Responder: "10.0.0.3:80", Packets: 300, Lost: 5, StallMS: 40, Causes: []string{"random-loss"}},
		{ID: 3, Protocol: "udp", Originator: "[fe80::1]:5353", Responder: "[ff02::fb]:5353", Packets: 100, CannotTell: true},
	}
	flows[0].Directions[0].RTT, flows[1].Directions[0].RTT = rtt(10), rtt(30)
	return flows
}

func evidence(r *report.Report, flows []*report.Flow, accept ...string) Evidence {
	return Evidence{Report: r, Flows: slices.Values(flows), Accept: accept}
}

func outcomeOf(t *testing.T, text string, failIf bool, e Evidence) Finding {
	t.Helper()
	x, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Judge([]Rule{{Expr: x, FailIf: failIf}}, e)[0]
}

// judged are rules, and what becomes of them with the evidence of captures of several kinds.
var judged = []struct {
	of    string
	rule  string
	want  string
	value string
}{
	{"sound", "ledger.lost_rate < 5%", Holds, "2 %"},
	{"sound", "ledger.lost_rate < 0.1%", Violated, "2 %"},
	{"sound", "charges[cause=policer].packets == 0", Violated, "15"},
	{"sound", "charges[cause=policer, confidence=certain].packets == 0", Holds, "0"},
	{"sound", "charges[confidence>=likely].packets == 15", Holds, "15"},
	{"sound", "charges[port=80].packets == 5 and charges[address=10.0.0.2].packets == 15", Holds, ""},
	{"sound", "charges[address!=10.0.0.0/8].count == 0", Holds, "0"},
	{"sound", "charges.count == 2", Holds, "2"},
	{"sound", "symptoms.retransmission.rto <= 2 and symptoms.gap.total == 0", Holds, ""},
	{"sound", "symptoms.retransmission.total / verdict.packets < 1%", Violated, ""},
	{"sound", "flows[port=443].stall_ms.p99 < 200ms", Violated, "300 ms"},
	{"sound", "flows[protocol=tcp].lost == 20", Holds, "20"},
	{"sound", "flows[causes=policer].count == 1", Holds, "1"},
	{"sound", "flows[].directions.rtt_ms.median.max < 20ms", Violated, "30 ms"},
	{"sound", "flows[].directions.rtt_ms.median.mean == 20ms", Holds, "20 ms"},
	{"sound", "capture.drops.ring == 0", Undecided, "unknown"}, // null is not zero
	{"sound", "flows[port=9].stall_ms.max < 1ms", Undecided, "unknown"},
	{"sound", "flows[port=9].lost == 0", Holds, "0"},
	{"sound", "host.drops.packets == 0", Undecided, "unknown"}, // no host was asked
	{"sound", "verdict.state == lost", Holds, "lost"},
	{"sound", "verdict.lost / ledger.unexplained < 2", Undecided, "0"},

	// One flow of which nothing tells what it lost.
	{"sound", "flows[protocol=udp].lost == 0", Undecided, "unknown"},
	{"sound", "flows[].lost < 10", Violated, "at least 20"},
	{"sound", "flows[lost>0].count == 2", Undecided, "2 to 3"},
	{"sound", "flows[lost>0].count >= 2", Holds, "2 to 3"},

	// What may have been lost, too.
	{"two stories", "ledger.lost < 22", Undecided, "20 to 24"},
	{"two stories", "ledger.lost < 25", Holds, "20 to 24"},
	{"two stories", "ledger.lost < 20", Violated, "20 to 24"},
	{"two stories", "ledger.unexplained == 4", Holds, "4"},

	// A capture without the answers: what is known is a least.
	{"one way", "ledger.lost < 100", Undecided, "at least 20"},
	{"one way", "ledger.lost < 10", Violated, "at least 20"},
	{"one way", "ledger.lost_rate < 5%", Undecided, "at least 2 %"},
	{"one way", "symptoms.retransmission.total == 22", Holds, "22"},

	{"cut", "ledger.lost < 100", Unfit, "at least 20"},
	{"cut", "ledger.lost < 10", Violated, "at least 20"},
	{"cut", "ledger.lost_rate < 1%", Unfit, "unknown"},
	{"cut", "symptoms.retransmission.total < 100", Unfit, "at least 22"},
	{"cut", "flows[protocol=tcp].stall_ms.max < 100ms", Violated, "at least 300 ms"},
	{"cut", "inputs.frames == 980", Holds, "980"},

	// A lossy capture neither passes nor blames the network.
	{"too lossy", "ledger.lost < 10", Unfit, "unknown"},
	{"too lossy", "ledger.lost < 1000", Unfit, "unknown"},
	{"too lossy", "symptoms.retransmission.total < 10", Unfit, "unknown"},
	{"too lossy", "flows[].lost == 0", Unfit, "unknown"},
	{"too lossy", "ledger.capture_only < 10", Violated, "300"},

	{"empty", "ledger.lost == 0", Unfit, "unknown"},
	{"empty", "flows.total == 0", Unfit, "unknown"},
}

func TestJudge(t *testing.T) {
	sound, cut, oneWay, tooLossy, two := lossy(), lossy(), lossy(), lossy(), lossy()
	cut.Inputs[0].Truncated = &report.Damage{}
	oneWay.Verdict.State, oneWay.Verdict.Sentence = report.StateCannotTell, "Cannot tell how many packets were lost: one direction was not captured."
	tooLossy.Verdict.State, tooLossy.Ledger.CaptureOnly = report.StateTooLossy, 300
	two.Verdict.Unexplained, two.Ledger.Unexplained = 4, 4
	empty := &report.Report{Verdict: report.Verdict{State: report.StateEmpty, Sentence: "No packets to judge."}}
	reports := map[string]*report.Report{"sound": sound, "two stories": two, "one way": oneWay, "cut": cut, "too lossy": tooLossy, "empty": empty}
	for _, test := range judged {
		f := outcomeOf(t, test.rule, false, evidence(reports[test.of], flowsOf()))
		if f.Outcome != test.want || test.value != "" && f.Value() != test.value && !strings.Contains(f.Value(), " "+test.value) {
			t.Errorf("%s: %s: %s (%s: %s), want %s (%s)", test.of, test.rule, f.Outcome, f.Value(), f.Why, test.want, test.value)
		}
		if (f.Outcome == Undecided || f.Outcome == Unfit) && f.Why == "" {
			t.Errorf("%s: %s: cannot tell, and does not say why", test.of, test.rule)
		}
		opposite := outcomeOf(t, test.rule, true, evidence(reports[test.of], flowsOf()))
		want := map[string]string{Holds: Violated, Violated: Holds, Undecided: Undecided, Unfit: Unfit}[f.Outcome]
		if opposite.Outcome != want {
			t.Errorf("%s: fail-if %s: %s, want %s", test.of, test.rule, opposite.Outcome, want)
		}
	}
}

// TestAccept holds that what a policy accepts is taken at its word.
func TestAccept(t *testing.T) {
	oneWay := lossy()
	oneWay.Verdict.State = report.StateCannotTell
	if f := outcomeOf(t, "ledger.lost < 100", false, evidence(oneWay, nil, CannotTell)); f.Outcome != Holds {
		t.Errorf("accepted, and %s", f.Outcome)
	}
	if f := outcomeOf(t, "flows[protocol=udp].lost == 0", false, evidence(lossy(), flowsOf(), CannotTell)); f.Outcome != Holds {
		t.Errorf("a blind flow, accepted, and %s", f.Outcome)
	}
	if f := outcomeOf(t, "ledger.lost < 100", false, evidence(oneWay, nil, TooLossy)); f.Outcome != Undecided {
		t.Errorf("something else accepted, and %s", f.Outcome)
	}
}
