package analyze

import (
	"testing"

	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

func findings(res *Result) map[string]uint64 {
	m := map[string]uint64{}
	for _, a := range res.Audit {
		m[a.Finding] = a.Frames
	}
	return m
}

func TestAuditIsSilentOnASoundCapture(t *testing.T) {
	res := concluded(tcpFlow(), Options{}, capture.Input{Stats: capture.Stats{InterfaceDrops: capture.Known(0)}})
	if len(res.Audit) != 0 {
		t.Errorf("a sound capture has findings: %v", res.Audit)
	}
}

func TestAuditFinds(t *testing.T) {
	oneWay := tcpFlow()
	oneWay.Dir[1] = flow.Half{}
	unanswered := tcpFlow()
	unanswered.Dir[0] = flow.Half{Packets: 4, Start: true}
	unanswered.Dir[0].Retransmissions[flow.SYN] = 3
	unanswered.Dir[1] = flow.Half{}
	res := &Result{Flows: []*flow.Facts{&oneWay, &unanswered}, Disorder: 3, Leaps: 2, Leap: 3600e9,
		Inputs: []capture.Input{{Path: "a.pcap", Damage: &capture.Damage{Offset: 99, What: "ends inside a packet record"},
			Stats: capture.Stats{InterfaceDrops: capture.Known(3), OSDrops: capture.Known(2), PacketDrops: capture.Known(4)}}}}
	res.Counts = decode.NewDecoder().Counts
	res.Counts.Frames, res.Counts.Truncated = 100, 20
	res.Counts.Checksums[decode.LayerTCP][decode.ChecksumPending] = 9
	res.Counts.UnknownLink[147] = 5
	res.Ledger.Losses = []flow.Lost{{Place: flow.OnlyCapture, Packets: 6}}
	conclude(res, Options{})
	got := findings(res)
	for finding, want := range map[string]uint64{
		"truncated": 0, "capture-dropped": 5, "acknowledged-unseen": 6, "one-way": 1,
		"snap-length": 20, "time-disorder": 3, "time-leap": 2, "offload": 9, "unknown-link": 5,
	} {
		if n, ok := got[finding]; !ok || n != want {
			t.Errorf("%s: %d frames, found %t; want %d", finding, n, ok, want)
		}
	}
	if len(got) != 9 {
		t.Errorf("findings %v, want 9", got)
	}
}

// TestCopiesBelongToTheCaptureOnlyWhenSystematic checks the 35 % rule.
func TestCopiesBelongToTheCaptureOnlyWhenSystematic(t *testing.T) {
	for _, tt := range []struct {
		copies int
		want   flow.Detail
	}{{30, flow.NetworkCopy}, {90, flow.CaptureCopy}} {
		f := tcpFlow()
		f.Dir[0].Copies[0] = uint32(tt.copies)
		res := &Result{Flows: []*flow.Facts{&f}}
		res.Counts.Frames = 200
		for range tt.copies {
			res.Symptoms = append(res.Symptoms, flow.Symptom{Kind: flow.Duplicate, Detail: flow.NetworkCopy})
		}
		conclude(res, Options{})
		if got := res.Symptoms[0].Detail; got != tt.want {
			t.Errorf("%d copies in 200 frames: %v, want %v", tt.copies, got, tt.want)
		}
		own := res.Flows[0].Dir[0].Duplicates[1]
		if (own == uint32(tt.copies)) != (tt.want == flow.CaptureCopy) {
			t.Errorf("%d copies: %d counted as the capture's", tt.copies, own)
		}
	}
}
