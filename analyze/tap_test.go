package analyze

import (
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
)

func TestTapIsInferred(t *testing.T) {
	tests := []struct {
		name  string
		shape func(f *flow.Facts)
		place TapPlace
		sure  cause.Confidence
	}{
		{"nothing to go by", func(*flow.Facts) {}, TapUnknown, cause.Possible},
		{"near the receiver", func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 1e6, 20e6 }, TapReceiver, cause.Likely},
		{"near the sender", func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 20e6, 1e6 }, TapSender, cause.Likely},
		{"in the middle", func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 20e6, 10e6 }, TapMiddle, cause.Likely},
		{"too short to tell", func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 100e3, 1e3 }, TapUnknown, cause.Possible},
		{"partial checksums of the sender", func(f *flow.Facts) { f.Dir[0].ChecksumPending = 50 }, TapSender, cause.Certain},
		{"partial checksums of the receiver", func(f *flow.Facts) { f.Dir[1].ChecksumPending = 50 }, TapReceiver, cause.Certain},
		{"partial checksums both ways, a virtual link", func(f *flow.Facts) {
			f.Dir[0].ChecksumPending, f.Dir[1].ChecksumPending = 50, 50
		}, TapUnknown, cause.Possible},
		{"unpadded frames one way only", func(f *flow.Facts) {
			f.Dir[1].UnpaddedShort, f.Dir[0].PaddedShort = 40, 5
		}, TapReceiver, cause.Certain},
		{"outgoing with the first TTL", func(f *flow.Facts) {
			f.Dir[0].Outbound, f.Dir[1].Inbound, f.Dir[0].InitialTTL, f.Dir[0].TTL = 100, 100, true, 64
		}, TapSender, cause.Certain},
		{"outgoing of a router", func(f *flow.Facts) {
			f.Dir[0].Outbound, f.Dir[1].Inbound, f.Dir[0].TTL = 100, 100, 63
		}, TapUnknown, cause.Possible},
		{"pending checksums of a machine behind a router", func(f *flow.Facts) {
			f.Dir[0].ChecksumPending, f.Dir[0].TTL, f.Dir[0].InitialTTL = 50, 63, false
		}, TapSender, cause.Likely},
		{"pending checksums of one host, delays of the other", func(f *flow.Facts) {
			f.Dir[0].ChecksumPending, f.Dir[0].MinDown, f.Dir[0].MinUp = 50, 1e6, 40e6
		}, TapUnknown, cause.Possible},
		{"routers on both sides", func(f *flow.Facts) { f.Dir[0].TTL, f.Dir[1].TTL = 61, 120 }, TapMiddle, cause.Likely},
		{"a router on one side", func(f *flow.Facts) { f.Dir[0].TTL, f.Dir[1].TTL = 64, 120 }, TapUnknown, cause.Possible},
		{"first TTLs that nobody uses", func(f *flow.Facts) { f.Dir[0].TTL, f.Dir[1].TTL = 20, 200 }, TapUnknown, cause.Possible},
	}
	for _, tt := range tests {
		f := tcpFlow()
		tt.shape(&f)
		res := concluded(f, Options{}, capture.Input{})
		if res.Tap.Place != tt.place || res.Tap.Confidence != tt.sure {
			t.Errorf("%s: %v, %v; want %v, %v (%v)", tt.name, res.Tap.Place, res.Tap.Confidence, tt.place, tt.sure, res.Tap.Evidence)
		}
		if res.Tap.Place != TapUnknown && len(res.Tap.Evidence) == 0 {
			t.Errorf("%s: a place without evidence", tt.name)
		}
	}
}

// TestNearnessNamesNoHost checks that delays alone never charge a host.
func TestNearnessNamesNoHost(t *testing.T) {
	f := tcpFlow()
	f.Dir[0].MinDown, f.Dir[0].MinUp = 20e6, 1e6
	res := concluded(f, Options{}, capture.Input{}, flow.Lost{Place: flow.BeforeTap, Packets: 1, Rule: flow.RuleGapRepaired})
	if got := res.Ledger.Charges[0].Locus; got != cause.Upstream {
		t.Errorf("near the sender by delay: %v, want upstream", got)
	}
}

// TestFlowsOfOneHostShareItsTap checks that a flow without signs of its own
// takes over what another flow of the same host proved.
func TestFlowsOfOneHostShareItsTap(t *testing.T) {
	sure, mute := tcpFlow(), tcpFlow()
	sure.Dir[0].ChecksumPending = 50
	mute.Responder.Port = 80
	res := &Result{Flows: []*flow.Facts{&sure, &mute}}
	res.Counts.Frames = 200
	res.Ledger.Losses = []flow.Lost{{Flow: 1, Place: flow.BeforeTap, Packets: 1}}
	conclude(res, Options{})
	if got := res.Ledger.Charges[0].Locus; got != cause.SenderHost {
		t.Errorf("a loss before the tap in the second flow: %v, want sender-host", got)
	}
}

// TestNearnessIsShared checks that a flow which says nothing has the tap where
// all others between its hosts have it, whoever began it, and none where they differ.
func TestNearnessIsShared(t *testing.T) {
	near, mute, other := tcpFlow(), tcpFlow(), tcpFlow()
	near.Dir[0].MinDown, near.Dir[0].MinUp = 20e6, 1e6
	mute.Originator, mute.Responder = mute.Responder, mute.Originator
	res := &Result{Flows: []*flow.Facts{&near, &mute}}
	conclude(res, Options{})
	if place, onHost := res.TapOf(1, 0); place != TapReceiver || onHost {
		t.Errorf("the other way: %v, on the host: %t", place, onHost)
	}
	other.Dir[0].MinDown, other.Dir[0].MinUp = 1e6, 20e6
	res = &Result{Flows: []*flow.Facts{&near, &other, &mute}}
	conclude(res, Options{})
	if place, _ := res.TapOf(2, 0); place != TapUnknown {
		t.Errorf("of two minds: %v", place)
	}
}

// TestTapIsGiven checks that --at is about hosts: the tap does not move when
// the other host sends in another flow. What speaks against it is said.
func TestTapIsGiven(t *testing.T) {
	down, up := tcpFlow(), tcpFlow()
	down.Dir[0].Octets, down.Dir[1].Octets = 100, 90_000
	down.Dir[1].MinDown, down.Dir[1].MinUp = 20e6, 1e6
	up.Dir[0].Octets, up.Dir[1].Octets = 5_000, 0
	res := &Result{Flows: []*flow.Facts{&down, &up}}
	conclude(res, Options{At: TapReceiver})
	for i, want := range []TapPlace{TapReceiver, TapReceiver} {
		if place, onHost := res.TapOf(i, 1); place != want || !onHost {
			t.Errorf("flow %d: %v, on the host: %t, want %v", i, place, onHost, want)
		}
	}
	said := false
	for _, a := range res.Audit {
		said = said || a.Finding == "tap-given"
	}
	if !said || !res.Tap.Given || len(res.Tap.Evidence) < 2 {
		t.Errorf("what contradicts is not said: %+v, %+v", res.Audit, res.Tap)
	}
}
