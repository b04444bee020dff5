package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// withSymptoms is many-causes with n symptoms of every kind and detail, some on
// frames that fit no flow, in two files with awkward names.
func withSymptoms(n int) *analyze.Result {
	res := manyCauses()
	res.Inputs[0].Path = "a \"quoted\"\x1b[2J\u202e.pcap"
	res.Inputs = append(res.Inputs, capture.Input{Path: "broken \xff utf-8\\.pcap", Format: "pcap"})
	rng := rand.New(rand.NewPCG(7, 9))
	for i := range n {
		res.Symptoms = append(res.Symptoms, flow.Symptom{
			Time: t0 + int64(i)*1_234_567, Frame: flow.FrameRef{Number: uint64(i + 1), File: uint16(rng.IntN(2))},
			Flow: uint32(rng.IntN(len(res.Flows) + 1)), Octets: rng.Uint32(), Packets: rng.Uint32N(40), Seq: rng.Uint64() >> 1,
			Kind: flow.Kind(rng.IntN(int(flow.NumKinds))), Detail: flow.Detail(rng.IntN(int(flow.NumDetails))),
			Need: flow.Need(rng.IntN(3)), Dir: uint8(rng.IntN(2)), Protocol: decode.ProtoTCP,
		})
	}
	return res
}

// slowSymptom is the record of s by reflection: what the fast one must say.
func slowSymptom(t *testing.T, res *analyze.Result, s *flow.Symptom) map[string]any {
	t.Helper()
	m := map[string]any{
		"type": "symptom", "file": res.Inputs[s.Frame.File].Path, "frame": s.Frame.Number, "time": timestamp(s.Time),
		"kind": s.Kind.String(), "detail": s.Detail.String(), "seq": s.Seq, "octets": s.Octets, "packets": s.Packets,
		"flow": 0, "src": "", "dst": "", "protocol": protocolName(s.Protocol),
	}
	if s.Kind == flow.Retransmission {
		m["needed"] = map[flow.Need]any{flow.Undecided: nil, flow.Needed: true, flow.Unneeded: false}[s.Need]
	}
	if int(s.Flow) < len(res.Flows) {
		f := res.Flows[s.Flow]
		ends := [2]string{endpoint(f.Originator, f.Protocol), endpoint(f.Responder, f.Protocol)}
		m["flow"], m["src"], m["dst"] = s.Flow+1, ends[s.Dir], ends[1-s.Dir]
		m["protocol"] = protocolName(f.Protocol)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return decodeRecord(t, text)
}

func decodeRecord(t *testing.T, line []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("more than one value in %q", line)
	}
	return m
}

// TestNDJSONIsCompleteAndExact decodes every record and compares it with what
// was concluded: nothing is sampled, nothing rounded.
func TestNDJSONIsCompleteAndExact(t *testing.T) {
	res := withSymptoms(3000)
	r := Build(res, BuildOptions{Version: "test"})
	var out bytes.Buffer
	if err := NDJSON(&out, res, r); err != nil {
		t.Fatal(err)
	}
	var symptoms, charges, flows, summaries int
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := decodeRecord(t, lines.Bytes())
		switch m["type"] {
		case "symptom":
			if want := slowSymptom(t, res, &res.Symptoms[symptoms]); !reflect.DeepEqual(m, want) {
				t.Fatalf("symptom %d: got\n%v\nwant\n%v", symptoms, m, want)
			}
			symptoms++
		case "charge":
			if got, want := fmt.Sprint(m["packets"]), fmt.Sprint(res.Ledger.Charges[charges].Packets); got != want {
				t.Errorf("charge %d has %s packets, want %s", charges, got, want)
			}
			charges++
		case "flow":
			f := res.Flows[flows]
			if got, want := m["originator"], endpoint(f.Originator, f.Protocol); got != want {
				t.Errorf("flow %d is of %v, want %s", flows, got, want)
			}
			flows++
		case "summary":
			checkSummary(t, m)
			summaries++
		default:
			t.Errorf("type %v", m["type"])
		}
	}
	if symptoms != len(res.Symptoms) || charges != len(res.Ledger.Charges) || flows != len(res.Flows) || summaries != 1 {
		t.Errorf("%d symptoms, %d charges, %d flows, %d summaries; want %d, %d, %d, 1",
			symptoms, charges, flows, summaries, len(res.Symptoms), len(res.Ledger.Charges), len(res.Flows))
	}
}

func checkSummary(t *testing.T, m map[string]any) {
	t.Helper()
	ledger, flows := m["ledger"].(map[string]any), m["flows"].(map[string]any)
	if ledger["charges"] != nil || flows["top"] != nil {
		t.Error("the summary repeats lists")
	}
	if ledger["missing"] != json.Number("216") || flows["total"] != json.Number("7") || m["verdict"] == nil {
		t.Errorf("the summary lacks its sums: %v", m)
	}
}

// TestSymptomTimes holds the hand-made time against the library's.
func TestSymptomTimes(t *testing.T) {
	e := newSymptomEncoder(&analyze.Result{})
	for _, ns := range []int64{0, 1, 999_999_999, 1_000_000_000, -1, -1_000_000_000, -1_000_000_001, t0, t0 + 1, 1<<63 - 1, -1 << 63} {
		if got, want := string(e.appendTime(nil, ns)), timestamp(ns); got != want {
			t.Errorf("%d: got %s, want %s", ns, got, want)
		}
	}
}

// TestFlowRecordsAreThoseOfTheReport holds the hand-made record of a flow to
// what encoding/json makes of the same Flow, octet for octet.
func TestFlowRecordsAreThoseOfTheReport(t *testing.T) {
	results := []*analyze.Result{withSymptoms(0), bothWays(), oneDirection(), unnumbered(), onePacket()}
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		res := anyResult(rng)
		for i := range res.Flows {
			h := &res.Flows[i].Dir[rng.IntN(2)]
			for d := range h.Retransmissions {
				h.Retransmissions[d] = rng.Uint32N(3)
			}
			w := flow.Waits{Flow: uint32(i)}
			w.Sums[rng.IntN(2)][rng.IntN(int(flow.NumStallReasons))] = flow.StallSum{Count: 3, MS: rng.Uint32N(1e6)}
			w.Sums[1][flow.StallAck] = flow.StallSum{Count: rng.Uint32N(2), MS: 7}
			if rng.IntN(3) > 0 {
				res.Waits = append(res.Waits, w)
			}
			for range rng.IntN(3) {
				from := rng.Int64N(1e12)
				res.Stalls = append(res.Stalls, flow.Stall{
					Flow: uint32(i), From: from, To: from + rng.Int64N(1e10), Dir: uint8(rng.IntN(2)), Reason: flow.StallReason(rng.IntN(5)),
					Before: flow.FrameRef{Number: rng.Uint64N(100)}, End: flow.FrameRef{Number: rng.Uint64N(2)},
				})
			}
			h.ZeroWindowNS, h.RTTMed = rng.Int64N(1e12), rng.Int64N(1e10)
		}
		results = append(results, res)
	}
	for _, res := range results {
		b := newBuilder(res)
		fast := newFlowEncoder(b)
		for i := range res.Flows {
			f := b.flow(i)
			var slow bytes.Buffer
			e := json.NewEncoder(&slow)
			e.SetEscapeHTML(false)
			if err := e.Encode(struct {
				Type string `json:"type"`
				*Flow
			}{"flow", &f}); err != nil {
				t.Fatal(err)
			}
			if got := fast.line(i); !bytes.Equal(got, slow.Bytes()) {
				t.Fatalf("flow %d: got\n%s\nwant\n%s", i, got, slow.Bytes())
			}
		}
	}
}

func TestSymptomsAllocateNothing(t *testing.T) {
	res := withSymptoms(500)
	e := newSymptomEncoder(res)
	i := 0
	allocs := testing.AllocsPerRun(2000, func() {
		e.line(&res.Symptoms[i%len(res.Symptoms)])
		i++
	})
	if allocs != 0 {
		t.Errorf("%v allocations a symptom, want 0", allocs)
	}
}

func BenchmarkSymptoms(b *testing.B) {
	res := withSymptoms(1000)
	e := newSymptomEncoder(res)
	octets := 0
	for i := 0; b.Loop(); i++ {
		octets = len(e.line(&res.Symptoms[i%len(res.Symptoms)]))
	}
	b.SetBytes(int64(octets))
}

// manyFlows is a capture of n short connections, every tenth with a loss.
func manyFlows(n int) *analyze.Result {
	s := newStage("many.pcap", 60_000*ms)
	for i := range n {
		f := s.tcp(fmt.Sprintf("10.%d.%d.%d:%d", i>>16&255, i>>8&255, i&255, 1024+i%60000), "10.30.4.2:443", 12, 9)
		if i%10 == 0 {
			s.lose(f, sackHole, int64(i%60_000)*ms)
		}
	}
	return s.result(0)
}

func BenchmarkFlowRecords(b *testing.B) {
	res := manyFlows(1000)
	r := Build(res, BuildOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if err := NDJSON(io.Discard, res, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/flow")
}

func BenchmarkBuild(b *testing.B) {
	res := manyFlows(100_000)
	b.ReportAllocs()
	for b.Loop() {
		Build(res, BuildOptions{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/flow")
}
