package analyze

import (
	"slices"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/capture"
)

// TestHolesAreOfOneMoment checks what is said of packets that only the capture
// lacks: of many flows at once, where one file ends, or of nothing in particular.
func TestHolesAreOfOneMoment(t *testing.T) {
	const ms = int64(1e6)
	files := []capture.Input{
		{Path: "x.pcap", Frames: 100, First: 0, Last: 5000 * ms}, {Path: "x.pcap1", Frames: 100, First: 5003 * ms, Last: 9000 * ms},
	}
	hole := func(flows uint32, from, to int64) flow.Lost {
		return flow.Lost{Place: flow.OnlyCapture, Packets: 2, Flow: flows, First: from * ms, Last: to * ms}
	}
	for _, tt := range []struct {
		name   string
		losses []flow.Lost
		want   []string
	}{
		{"three flows at once", []flow.Lost{hole(0, 100, 140), hole(1, 120, 150), hole(2, 130, 180)}, []string{"capture-overload"}},
		{"two flows at once", []flow.Lost{hole(0, 100, 140), hole(1, 120, 150)}, nil},
		{"one flow, thrice", []flow.Lost{hole(0, 100, 140), hole(0, 120, 150), hole(0, 130, 180)}, nil},
		{"three flows, one after another", []flow.Lost{hole(0, 100, 140), hole(1, 200, 250), hole(2, 330, 380)}, nil},
		{"three flows that were slow to tell", []flow.Lost{hole(0, 0, 4000), hole(1, 10, 4100), hole(2, 20, 4200)}, nil},
		{"where the second file begins", []flow.Lost{hole(0, 4999, 5020), hole(1, 4990, 5030), hole(2, 4998, 5040)}, []string{"rotation-hole"}},
		{"before the second file begins", []flow.Lost{hole(0, 4900, 4950)}, nil},
	} {
		res := &Result{Flows: []*flow.Facts{tcpFlowRef(), tcpFlowRef(), tcpFlowRef()}, Inputs: files}
		res.Counts.Frames = 200
		res.Ledger.Losses = tt.losses
		conclude(res, Options{})
		var got []string
		for _, a := range res.Audit {
			if a.Finding != "acknowledged-unseen" {
				got = append(got, a.Finding)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestUnsortedIsSaid checks that a file in no order of time says what that costs.
func TestUnsortedIsSaid(t *testing.T) {
	for unsorted, want := range map[uint64]bool{2: false, 150: true} {
		res := &Result{Flows: []*flow.Facts{tcpFlowRef()}, Unsorted: unsorted}
		res.Counts.Frames = 200
		conclude(res, Options{})
		if _, got := findings(res)["unsorted"]; got != want {
			t.Errorf("%d of 200 frames unsorted: said %t, want %t", unsorted, got, want)
		}
	}
}
