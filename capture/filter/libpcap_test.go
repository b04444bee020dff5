//go:build cgo

package filter

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"

	"whydrop/capture"
)

// TestAgainstLibpcap runs expressions with libpcap's own interpreter beside ours, over
// packets that were changed and cut at random.
func TestAgainstLibpcap(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	whole := append(under(capture.LinkEthernet), make([]byte, 40)...)
	for _, expression := range []string{
		"udp port 53", "ip[6:2] & 0x1fff = 0 and ip proto \\udp", "tcp[tcpflags] & tcp-syn != 0", "greater 80", "less 60 or arp",
		"len - 14 = ip[2:2]", "ether[0] & 1 = 0 and not multicast", "vlan 10 or mpls", "portrange 50-60", "ip6 and tcp",
		"udp[8:4] % 7 = 3", "net 10.0.0.0/24 and len / 2 > 30", "ip[0] ^ 0x40 = 5", "icmp or icmp6 or host 10.0.0.2",
	} {
		theirs, err := pcap.NewBPF(layers.LinkTypeEthernet, snapLength, expression)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := Compile(expression, []capture.LinkType{capture.LinkEthernet})
		if err != nil {
			t.Fatal(err)
		}
		matched := 0
		for range 2000 {
			data := bytes.Clone(whole)
			for range rng.IntN(3) {
				data[rng.IntN(len(data))] = byte(rng.Uint32())
			}
			wire := len(data) + rng.IntN(2)*rng.IntN(100)
			data = data[:1+rng.IntN(len(data))]
			want := theirs.Matches(gopacket.CaptureInfo{CaptureLength: len(data), Length: wire}, data)
			got := ours.Match(&capture.Frame{Data: data, WireLength: uint32(wire), Link: capture.LinkEthernet})
			if got != want {
				t.Fatalf("%q of %x, %d on the wire: got %v, libpcap says %v", expression, data, wire, got, want)
			}
			if got {
				matched++
			}
		}
		t.Logf("%q matched %d of 2000", expression, matched)
	}
}
