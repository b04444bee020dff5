package pcapfile

import (
	"slices"
	"testing"

	"whydrop/capture"
)

// TestStatistics checks all counters over several interfaces, blocks and sections.
func TestStatistics(t *testing.T) {
	for _, octets := range both(func(b *oct) {
		b.shb().idb(1, 0, nil).idb(1, 0, nil).
			isb(0, 10e6, func(b *oct) {
				b.optTime(isbStart, 1e6).opt64(isbReceived, 100).opt64(isbInterfaceDrops, 0).opt64(isbOSDrops, 3)
			}).
			epb(1, 12e6, "a", 1, func(b *oct) { b.opt64(epbDropCount, 0) }).
			epb(1, 15e6, "a", 1, func(b *oct) { b.opt64(epbDropCount, 9) }).
			isb(1, 20e6, func(b *oct) { b.opt64(isbReceived, 7).opt64(isbInterfaceDrops, 2) }).
			isb(0, 30e6, func(b *oct) {
				b.optTime(isbStart, 1e6).optTime(isbEnd, 29e6).opt64(isbReceived, 150).opt64(isbInterfaceDrops, 5).
					opt64(isbOSDrops, 3).opt64(isbFilterAccepted, 60).opt64(isbDelivered, 55)
			}).
			shb().idb(1, 0, nil).
			isb(0, 40e6, func(b *oct) { b.opt64(isbInterfaceDrops, 1) })
	}) {
		_, in := read(t, octets, Options{})
		s := in.Stats
		for name, c := range map[string][2]capture.Counter{
			"received": {s.Received, capture.Known(157)}, "interface drops": {s.InterfaceDrops, capture.Known(8)},
			"accepted": {s.FilterAccepted, capture.Known(60)}, "os drops": {s.OSDrops, capture.Known(3)},
			"delivered": {s.Delivered, capture.Known(55)}, "packet drops": {s.PacketDrops, capture.Known(9)},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: got %v, want %v", name, c[0], c[1])
			}
		}
		want := []capture.DropSpan{
			{From: 1e9, To: 10e9, Packets: 3, Kind: "os"},
			{From: 12e9, To: 15e9, Packets: 9, Kind: "ring"},
			{From: 0, To: 20e9, Packets: 2, Kind: "interface"},
			{From: 10e9, To: 29e9, Packets: 5, Kind: "interface"},
			{From: 0, To: 40e9, Packets: 1, Kind: "interface"},
		}
		if !slices.Equal(s.Spans, want) || s.SpansOmitted != 0 {
			t.Errorf("spans: got %+v, want %+v", s.Spans, want)
		}
	}
}

// TestZeroIsNotUnknown checks that a counter of zero is known and an absent one is not.
func TestZeroIsNotUnknown(t *testing.T) {
	b := le().shb().idb(1, 0, nil).isb(0, 1e6, func(b *oct) { b.opt64(isbInterfaceDrops, 0) })
	_, in := read(t, b.b, Options{})
	if s := in.Stats; s.InterfaceDrops != capture.Known(0) || s.OSDrops != (capture.Counter{}) || len(s.Spans) != 0 {
		t.Errorf("got %+v", s)
	}
}

// TestCounterBeganAgain checks an interface whose counters went back to zero.
func TestCounterBeganAgain(t *testing.T) {
	b := le().shb().idb(1, 0, nil)
	for i, drops := range []uint64{10, 12, 3} {
		b.isb(0, uint64(i+1)*1e6, func(b *oct) { b.opt64(isbInterfaceDrops, drops) })
	}
	if _, in := read(t, b.b, Options{}); in.Stats.InterfaceDrops != capture.Known(15) {
		t.Errorf("got %v, want 10+2+3", in.Stats.InterfaceDrops)
	}
}

// TestSpansAreBounded checks that a file of nothing but drops costs bounded memory.
func TestSpansAreBounded(t *testing.T) {
	b := le().shb().idb(1, 0, nil)
	const n = maxSpans + 10
	for i := range n {
		b.epb(0, uint64(i)*1e6, "", 0, func(b *oct) { b.opt64(epbDropCount, 1) })
	}
	_, in := read(t, b.b, Options{})
	if s := in.Stats; len(s.Spans) != maxSpans || s.SpansOmitted != 10 || s.PacketDrops != capture.Known(n) {
		t.Errorf("%d spans, %d omitted, %v drops", len(s.Spans), s.SpansOmitted, s.PacketDrops)
	}
}

// TestInterfacesAreBounded checks a file of nothing but interfaces.
func TestInterfacesAreBounded(t *testing.T) {
	b := le().shb()
	for range maxInterfaces + 1 {
		b.idb(1, 0, nil)
	}
	if _, in := read(t, b.b, Options{}); in.Damage == nil || in.Damage.What != "more than 65536 interfaces" {
		t.Errorf("damage %+v", in.Damage)
	}
}
