package report

import (
	"strconv"
	"strings"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// requests adds n connections of which only SYNs and, if answered, SYN-ACKs are there.
func (s *stage) requests(n int, answered bool) {
	for i := range n {
		f := &s.res.Flows[s.tcp("10.0.0.1:"+strconv.Itoa(10000+i), "10.0.0.2:80", 0, 0)]
		f.Dir[0] = flow.Half{Packets: 1, WirePackets: 1, Start: true}
		if answered {
			f.Dir[1] = flow.Half{Packets: 2, WirePackets: 2, Start: true, Retransmissions: [flow.NumDetails]uint64{flow.SYNACK: 1}}
		}
	}
}

func TestUnansweredRequestsCannotBeTold(t *testing.T) {
	const want = "nobody answered these connection requests."
	for _, answered := range []bool{false, true} {
		s := newStage("scan.pcap", 1e9)
		s.requests(50, answered)
		if v := Build(s.result(0), BuildOptions{}).Verdict; v.State != StateCannotTell || !strings.HasSuffix(v.Sentence, want) {
			t.Errorf("answered %v: %s, %q\nwant %s, … %q", answered, v.State, v.Sentence, StateCannotTell, want)
		}
		s.tcp("10.0.0.3:1", "10.0.0.4:80", 900, 100)
		if v := Build(s.result(0), BuildOptions{}).Verdict; v.State != StateNothingLost || !strings.HasSuffix(v.Aside, "; 50 flows cannot be told.") {
			t.Errorf("few of them: %s, %q\nwant %s, … 50 flows cannot be told", v.State, v.Aside, StateNothingLost)
		}
	}
}

func TestAnsweredRequestsAreNotBlind(t *testing.T) {
	for name, change := range map[string]func(*flow.Facts){
		"refused":   func(f *flow.Facts) { f.Refused = true },
		"reset":     func(f *flow.Facts) { f.Dir[1].Resets = 1 },
		"completed": func(f *flow.Facts) { f.Dir[0].Packets = 2 },
		"no TCP":    func(f *flow.Facts) { f.Protocol = decode.ProtoUDP },
	} {
		s := newStage("a.pcap", 1e9)
		s.requests(1, true)
		change(&s.res.Flows[0])
		if unansweredRequest(&s.res.Flows[0]) {
			t.Errorf("%s: counted as a request without an answer", name)
		}
	}
}
