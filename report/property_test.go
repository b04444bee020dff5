package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// anyResult is a capture that nobody thought of.
func anyResult(rng *rand.Rand) *analyze.Result {
	s := newStage("any.pcap", rng.Int64N(7200_000)*ms)
	protocols := []uint8{decode.ProtoTCP, decode.ProtoTCP, decode.ProtoUDP, decode.ProtoICMPv6}
	for range rng.IntN(6) {
		from, to := fmt.Sprintf("10.0.0.%d:%d", rng.IntN(256), rng.IntN(65536)), "192.0.2.1:443"
		if rng.IntN(3) == 0 {
			from, to = "[2001:db8:1234:5678:9abc:def0:1234:5678]:51268", "[2001:db8:ffff:5678:9abc:def0:1234:9999]:5001"
		}
		s.flow(protocols[rng.IntN(len(protocols))], from, to, rng.Uint64N(3_000_000), rng.Uint64N(2)*rng.Uint64N(1_000_000))
	}
	cards := cause.All()
	for range rng.IntN(12) {
		if len(s.res.Flows) == 0 {
			break
		}
		c := analyze.Charge{
			What: flow.What(rng.IntN(int(flow.NumWhats))), Dir: uint8(rng.IntN(2)),
			Locus: cause.Locus(rng.IntN(int(cause.NumLoci))), Cause: cards[rng.IntN(len(cards))].ID,
			Confidence: cause.Confidence(rng.IntN(3)), Rule: flow.Rule(rng.IntN(int(flow.NumRules))),
			Router: addr("2001:db8::1"),
		}
		for range rng.IntN(4) {
			c.Rivals = append(c.Rivals, analyze.Rival{Cause: cards[rng.IntN(len(cards))].ID, Why: "what filled the gap was sent later than what made it"})
		}
		for says := range flow.NumSays {
			c.Evidence = append(c.Evidence, flow.Witness{Frame: flow.FrameRef{Number: rng.Uint64()}, Time: t0 + rng.Int64N(1e12), Says: says, A: rng.Uint64(), B: rng.Uint64()})
		}
		s.lose(uint32(rng.IntN(len(s.res.Flows))), c, every(rng.Int64N(1e9), rng.Int64N(1e8), 1+rng.IntN(60))...)
	}
	for range rng.IntN(5) {
		s.res.Audit = append(s.res.Audit, analyze.AuditFinding{
			Finding: "time-disorder", Frames: rng.Uint64(), Lowers: rng.IntN(2) == 0,
			Detail: strings.Repeat("frames have a time before that of the frame in front of them ", 1+rng.IntN(4)),
		})
	}
	s.res.Symptoms = anySymptoms(rng)
	for l := range s.res.Counts.Checksums {
		for v := range s.res.Counts.Checksums[l] {
			s.res.Counts.Checksums[l][v] += rng.Uint64N(2) * rng.Uint64N(9_000_000)
		}
	}
	s.res.Tap = analyze.Tap{Place: analyze.TapPlace(rng.IntN(4)), Confidence: cause.Confidence(rng.IntN(3))}
	for i := range s.res.Flows {
		s.res.Flows[i].Dir[0].Reordered, s.res.Flows[i].Dir[1].Unneeded = rng.Uint32N(3), rng.Uint32N(3)
	}
	return s.result(rng.Uint64N(2) * rng.Uint64N(500))
}

// anySymptoms has each detail that there is, so that its row is as long as can be.
func anySymptoms(rng *rand.Rand) (all []flow.Symptom) {
	for kind := range flow.NumKinds {
		for detail := range flow.NumDetails {
			if rng.IntN(3) == 0 {
				all = append(all, flow.Symptom{Kind: kind, Detail: detail})
			}
		}
	}
	return all
}

// oneLine is s with single spaces for line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestAnyReportObeysTheLaws holds the laws of the first screen for captures
// that no example thought of: 24 lines of 80, colour is not text, ASCII is
// ASCII, the account balances, and what is missing only here is never lost.
func TestAnyReportObeysTheLaws(t *testing.T) {
	for seed := range uint64(100) {
		r := Build(anyResult(rand.New(rand.NewPCG(seed, 1))), BuildOptions{})
		text := render(t, r, TextOptions{})
		fits(t, text, 24, 80)
		fits(t, render(t, r, TextOptions{Width: 97}), 24, 97)
		for _, width := range []int{80, 97, 120} {
			for _, o := range []TextOptions{{Width: width, Flows: true}, {Width: width, Verbose: 2}, {Width: width, Flows: true, Verbose: 1}} {
				fits(t, render(t, r, o), math.MaxInt, width)
			}
			var sentence strings.Builder
			if err := Sentence(&sentence, r, TextOptions{Width: width}); err != nil || oneLine(sentence.String()) != oneLine(r.Verdict.Sentence) {
				t.Errorf("%q, %v\nwant %q", sentence.String(), err, r.Verdict.Sentence)
			}
			fits(t, sentence.String(), 2, width)
		}
		ascii := render(t, r, TextOptions{ASCII: true, Verbose: 1, Flows: true})
		if strings.ContainsFunc(ascii, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("not ASCII:\n%s", ascii)
		}
		for _, o := range []TextOptions{{Color: true}, {Color: true, Verbose: 1}, {Color: true, Flows: true}} {
			bare := o
			bare.Color = false
			if got, want := escape.ReplaceAllString(render(t, r, o), ""), render(t, r, bare); got != want {
				t.Errorf("colour changes the text: got\n%s\nwant\n%s", got, want)
			}
		}
		v, l := &r.Verdict, &r.Ledger
		if l.Missing != l.Lost+l.CaptureOnly+l.Unexplained || v.Lost != l.Lost || v.Packets < l.CaptureOnly {
			t.Errorf("does not balance: %+v", *l)
		}
		if strings.Contains(v.Sentence, "lost.") && v.State == StateLost && !strings.HasPrefix(v.Sentence, count(l.Lost)+" of ") {
			t.Errorf("%q, and %d were lost", v.Sentence, l.Lost)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text)
		}
	}
}
