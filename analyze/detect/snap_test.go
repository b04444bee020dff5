package detect

import (
	"testing"

	"whydrop/decode"
)

// TestOptionsCut holds that segments are as long as their header leaves room
// for, where the snap length hides what the options are: super-frames of a
// sender with timestamps lack no packets.
func TestOptionsCut(t *testing.T) {
	cut := func(_ *story, p *decode.Packet) {
		p.Options, p.TSVal, p.TSEcr = decode.OptCut, 0, 0
		if p.Flags&decode.SYN != 0 {
			p.Options = decode.OptCut | decode.OptMSS
		}
		p.OptionLen = 12
	}
	s := newStory().handshake().after(5)
	at := uint32(1)
	for i := range 40 {
		n, segments := uint32(mss), uint16(1)
		if i%10 == 9 {
			n, segments = 10*mss+20, 11 // 10 by the MSS alone
		}
		s.packet(0, flagACK, at, n, 1)
		at += n
		s.id[0] += segments - 1
		s.after(20).packet(1, flagACK, 1, 0, at).after(20)
	}
	for i := range s.packets {
		cut(s, &s.packets[i])
	}
	f := s.play(3000)
	checkBalance(t, f)
	if len(f.Losses) > 0 {
		t.Error(says(f))
	}
}
