package host

import (
	"net/netip"
	"testing"

	"whydrop/capture"
)

func TestFoldDropsLosesNoEvent(t *testing.T) {
	var all []capture.Drop
	events := uint64(0)
	for i := range 3 * mostRows {
		n := uint64(i%7 + 1)
		events += n
		all = append(all, capture.Drop{Reason: "NETFILTER_DROP", Interface: "vb", Events: n, Packets: n, First: int64(i), Last: int64(i) + 5,
			Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), uint16(i))})
	}
	got := foldDrops(all)
	sum, without := uint64(0), 0
	for _, d := range got {
		sum += d.Events
		if !d.Src.IsValid() {
			without++
		}
	}
	if sum != events || without != 1 || len(got) != mostRows/2+1 {
		t.Errorf("%d rows, %d without addresses, with %d of %d events", len(got), without, sum, events)
	}
	few := []capture.Drop{{Events: 1, Src: netip.MustParseAddrPort("10.0.0.1:1")}}
	if got := foldDrops(few); len(got) != 1 || !got[0].Src.IsValid() {
		t.Errorf("%+v", got)
	}
}
