package decode

import (
	"testing"
	"unsafe"

	"whydrop/capture"
)

// everyday are frames as they come by the million.
func everyday() map[string][]byte {
	return map[string][]byte{
		"ack4":     ether(etherIPv4, tcp4(nil, timestamps...)),
		"data4":    ether(etherIPv4, tcp4(filler(1448), timestamps...)),
		"ack6":     ether(etherIPv6, tcp6(nil, timestamps...)),
		"data6":    ether(etherIPv6, tcp6(filler(1428), timestamps...)),
		"udp4":     ether(etherIPv4, udp4(53, filler(64))),
		"vlan":     ether(etherVLAN, append([]byte{0, 7, 8, 0}, tcp4(nil, timestamps...)...)),
		"vxlan":    ether(etherIPv4, udp4(portVXLAN, append([]byte{8, 0, 0, 0, 0, 0, 7, 0}, ether(etherIPv4, tcp4(nil))...))),
		"icmp":     ether(etherIPv4, ip4(ProtoICMP, append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, udp4(53, filler(64))[:28]...))),
		"fragment": ether(etherIPv4, ip4Frag(ProtoUDP, 0x0010, filler(64))),
	}
}

func TestSizes(t *testing.T) {
	// A packet is written once and read a few times by another core: whole
	// cache lines, and not many.
	if n := unsafe.Sizeof(Packet{}); n > 256 {
		t.Errorf("a Packet has %d octets, want at most 256", n)
	}
}

func TestNoAllocs(t *testing.T) {
	for name, b := range everyday() {
		dec, d := NewDecoder(), &Decoded{}
		frames := make([]capture.Frame, 64)
		for i := range frames {
			frames[i] = capture.Frame{Data: b, WireLength: uint32(len(b)), Link: capture.LinkEthernet}
		}
		batch := capture.NewBatch(frames, nil)
		dec.Batch(batch, d) // the first batch makes the room
		if n := testing.AllocsPerRun(100, func() { dec.Batch(batch, d) }); n != 0 {
			t.Errorf("%s: %.0f allocations per batch, want 0", name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, octets := range everyday() {
		b.Run(name, func(b *testing.B) {
			const n = 128
			dec, d := NewDecoder(), &Decoded{}
			frames := make([]capture.Frame, n)
			for i := range frames {
				frames[i] = capture.Frame{Data: octets, WireLength: uint32(len(octets)), Link: capture.LinkEthernet}
			}
			batch := capture.NewBatch(frames, nil)
			b.ReportAllocs()
			b.SetBytes(int64(n * len(octets)))
			for b.Loop() {
				dec.Batch(batch, d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/packet")
		})
	}
}
