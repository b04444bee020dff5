package decode

import (
	"testing"

	"whydrop/capture"
)

var allLinks = []capture.LinkType{
	capture.LinkNull, capture.LinkEthernet, capture.LinkPPP, capture.LinkRawOpenBSD, capture.LinkRawBSD,
	capture.LinkPPPHDLC, capture.LinkPPPoE, capture.LinkRaw, capture.LinkIEEE80211, capture.LinkLoop,
	capture.LinkLinuxSLL, capture.LinkRadiotap, capture.LinkPPPDir, capture.LinkIPv4, capture.LinkIPv6,
	capture.LinkLinuxSLL2, 147,
}

// sane checks what must hold of every packet, whatever was in the frame.
func sane(t *testing.T, p *Packet, d *Decoded) {
	t.Helper()
	if p.PayloadCap > p.PayloadLen {
		t.Errorf("captured payload %d > claimed %d", p.PayloadCap, p.PayloadLen)
	}
	if p.PayloadCap > p.CapLength {
		t.Errorf("captured payload %d > captured frame %d", p.PayloadCap, p.CapLength)
	}
	if p.CapLength > p.WireLength {
		t.Errorf("captured %d > on the wire %d", p.CapLength, p.WireLength)
	}
	if p.Kind >= numKinds || p.Malformed >= NumMalformed || p.IPChecksum >= NumChecksums || p.TransportSum >= NumChecksums {
		t.Errorf("an enumeration is out of range: %d %d %d %d", p.Kind, p.Malformed, p.IPChecksum, p.TransportSum)
	}
	if int(p.NumSACK) > len(p.SACK) || p.NumOuter > maxTunnels {
		t.Errorf("%d SACK blocks, %d outer headers", p.NumSACK, p.NumOuter)
	}
	if p.Control >= int32(len(d.Controls)) || p.Outer >= 0 && int(p.Outer)+int(p.NumOuter) > len(d.Outers) {
		t.Errorf("control %d of %d, outer %d+%d of %d", p.Control, len(d.Controls), p.Outer, p.NumOuter, len(d.Outers))
	}
	if p.IPFlags&Fragment != 0 && p.FragOffset != 0 && (p.SrcPort|p.DstPort != 0 || p.Kind == KindTCP || p.Kind == KindUDP) {
		t.Errorf("a later fragment has ports or a transport: %+v", p)
	}
	whole := p.TransportSum == ChecksumGood || p.TransportSum == ChecksumBad || p.TransportSum == ChecksumPending
	if whole && (p.IPFlags&Fragment != 0 || p.PayloadCap != p.PayloadLen && p.Protocol != ProtoUDPLite) {
		t.Errorf("verdict %v on a fragment or a cut packet", p.TransportSum)
	}
	if (p.NumOuter > 0) != (p.IPFlags&Tunnelled != 0) && p.Kind != KindARP {
		t.Errorf("%d outer headers, flags %#x", p.NumOuter, p.IPFlags)
	}
	if p.Kind == KindTCP && (p.IPVersion == 0 || p.Protocol != ProtoTCP) {
		t.Errorf("TCP over IP version %d, protocol %d", p.IPVersion, p.Protocol)
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range everyday() {
		f.Add(b, uint8(1), uint16(0))
		f.Add(b[14:], uint8(7), uint16(0))
		f.Add(b[:40], uint8(1), uint16(60))
	}
	f.Fuzz(func(t *testing.T, b []byte, link uint8, missing uint16) {
		frame := capture.Frame{
			Data: b, WireLength: uint32(len(b)) + uint32(missing), Link: allLinks[int(link)%len(allLinks)],
			Offload: capture.Offload(link >> 6 % 3), Direction: capture.Direction(link >> 5 % 3),
		}
		p, d, dec := readFrame(frame)
		sane(t, &p, d)
		if n := dec.Counts.Frames; n != 1 {
			t.Errorf("%d frames counted", n)
		}
		cutting(t, frame, &p)
	})
}

// cutting checks the law of the snap length: it may turn a verdict into
// partial, never into good or bad, and what is still there is read as before.
func cutting(t *testing.T, f capture.Frame, whole *Packet) {
	t.Helper()
	for _, keep := range []int{len(f.Data) - 1, len(f.Data) * 3 / 4, len(f.Data) / 2, 54, 34} {
		if keep < 0 || keep >= len(f.Data) {
			continue
		}
		g := f
		g.Data = f.Data[:keep:keep]
		g.WireLength = max(f.WireLength, uint32(len(f.Data)))
		p, d, _ := readFrame(g)
		sane(t, &p, d)
		if p.NumOuter == whole.NumOuter && p.Kind == whole.Kind && p.TransportSum != whole.TransportSum {
			if p.TransportSum == ChecksumGood || p.TransportSum == ChecksumBad {
				t.Errorf("cut to %d octets, %v became %v", keep, whole.TransportSum, p.TransportSum)
			}
		}
		if p.NumOuter == whole.NumOuter && p.Kind == KindTCP && whole.Kind == KindTCP &&
			(p.Seq != whole.Seq || p.Ack != whole.Ack || p.Flags != whole.Flags || p.PayloadLen != whole.PayloadLen) {
			t.Errorf("cut to %d octets, TCP reads\n%+v, before\n%+v", keep, p, *whole)
		}
	}
}
