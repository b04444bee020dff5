package report

import (
	"strconv"
	"strings"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// requests adds n connections of which only SYNs and, if answered, SYN-ACKs are there.
func (s *stage) requests(n int, answered bool) {
	for i := range n {
		f := s.res.Flows[s.tcp("10.0.0.1:"+strconv.Itoa(10000+i), "10.0.0.2:80", 0, 0)]
		f.Dir[0] = flow.Half{Packets: 1, WirePackets: 1, Start: true}
		if answered {
			f.Dir[1] = flow.Half{Packets: 2, WirePackets: 2, Start: true, Retransmissions: [flow.NumDetails]uint32{flow.SYNACK: 1}}
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
		change(s.res.Flows[0])
		if unansweredRequest(s.res.Flows[0]) {
			t.Errorf("%s: counted as a request without an answer", name)
		}
	}
}

func TestNothingDecodableIsSaid(t *testing.T) {
	for want, change := range map[string]func(*decode.Counts){
		"300 frames are malformed.": func(c *decode.Counts) { c.Malformed[decode.WellFormed+1] = 300 },
		"22 frames of link type netlink, which is not decoded.": func(c *decode.Counts) {
			c.UnknownLink = map[capture.LinkType]uint64{253: 22}
		},
		"1 108 frames cut before the transport header.": func(c *decode.Counts) { c.HeadersCut = 1108 },
		"1 frame of too many encapsulations.":           func(c *decode.Counts) { c.TooDeep = 1 },
	} {
		s := newStage("a.pcap", 1e9)
		change(&s.res.Counts)
		s.res.Counts.Frames = (&builder{res: s.res}).unusable()
		r := Build(s.result(0), BuildOptions{})
		if v := r.Verdict; v.State != StateCannotTell || v.Aside != want {
			t.Errorf("%s, %q\nwant %s, %q", v.State, v.Aside, StateCannotTell, want)
		}
		if text := render(t, r, TextOptions{Verbose: 1}); !strings.Contains(text, "\nDecoding\n") {
			t.Errorf("no decoding table in\n%s", text)
		}
	}
	s := newStage("arp.pcap", 1e9)
	s.res.Counts.Frames = 5
	s.res.Counts.Malformed[decode.WellFormed+1] = 1
	if v := Build(s.result(0), BuildOptions{}).Verdict; v.State != StateEmpty || v.Aside != "1 frame is malformed. 4 frames, none of a flow." {
		t.Errorf("%s, %q, want %s", v.State, v.Aside, StateEmpty)
	}
}
