package detect

import (
	"strings"
	"testing"

	"whydrop/decode"
)

// chat is n short questions and answers a third of a second apart; between its
// questions the originator uses skip numbers for something else.
func chat(n int, skip uint16, between func(s *story)) *story {
	s := newStory().handshake().after(5)
	for i := range uint32(n) {
		s.packet(0, flagPSH, 1+20*i, 20, 1+30*i).after(21)
		s.packet(1, flagPSH, 1+30*i, 30, 21+20*i).after(400)
		if between != nil {
			between(s)
		}
		s.id[0] += skip
	}
	return s
}

// datagram is a UDP packet of the originator, numbered by its next number.
func datagram(s *story) {
	s.packet(0, 0, 0, 40, 0)
	p := &s.packets[len(s.packets)-1]
	p.Kind, p.Protocol, p.Seq, p.Options = decode.KindUDP, decode.ProtoUDP, 0, 0
	p.SrcPort, p.DstPort = 5000, 53
}

// TestCounterOfTheHost holds that missing numbers are nobody's loss where they
// are missing all the time, or where packets of another protocol have them, and
// that they are one where the connection alone is numbered.
func TestCounterOfTheHost(t *testing.T) {
	later := func(s *story, n uint32) *story {
		return s.after(3000).packet(0, flagPSH, 1+20*n, 20, 1+30*n).after(21).
			packet(1, flagPSH, 1+30*n, 30, 21+20*n).after(20).packet(0, flagACK, 21+20*n, 0, 31+30*n)
	}
	for _, c := range []struct {
		name string
		tell func() *story
		lost bool
	}{
		{"the host says other things", func() *story { return later(chat(12, 4, nil), 12) }, false},
		{"now and then, datagrams", func() *story {
			n := 0
			return later(chat(20, 0, func(s *story) {
				if n++; n%7 == 0 {
					datagram(s)
				}
			}), 20)
		}, false},
		{"one number is missing: a lost tail", func() *story {
			s := chat(12, 0, nil)
			s.id[0]++
			return later(s, 12)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.tell().play(3000)
			checkBalance(t, f)
			if got := len(f.Losses) > 0; got != c.lost {
				t.Errorf("lost %v, want %v:\n%s", got, c.lost, says(f))
			}
		})
	}
}

// TestLateComers holds that what comes late, even behind its own repair or with
// the number 0, is not missing.
func TestLateComers(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func() *story
	}{
		{"an original behind its repair, by timestamps", func() *story {
			s := started()
			s.id[0] = 0
			s.bulk(5, 3).after(20)
			for n := 6; n <= 8; n++ {
				s.ack(4, sacks(at1(5), at1(n)), echoing(85)).after(.1)
			}
			s.after(20).packet(0, flagACK, at1(4), mss, 1).after(.1)
			return s.packet(0, flagACK, at1(4), mss, 1, stamped(84)).after(20).ack(8)
		}},
		{"number 0 five packets late", func() *story {
			s := newStory()
			s.id[0] = 0xffff - 6
			s.handshake().after(5).bulk(0, 4).after(20).ack(4, echoing(45)).after(20) // 0xfff9 … 0xfffe
			s.bulk(4, 1)                                                              // 0xffff; 0 is late
			s.id[0] = 1
			s.bulk(6, 5).packet(0, flagACK, at1(5), mss, 1, numbered(0), stamped(84)).after(20)
			return s.ack(11).after(20).bulk(11, 2).after(20).ack(13)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.tell().play(3000)
			checkBalance(t, f)
			if len(f.Losses) > 0 {
				t.Error(says(f))
			}
		})
	}
}

// TestSameIDAgain: without timestamps a packet with the same IP ID a timeout
// later was sent again, by a host that keeps the number; at once, it is a copy.
func TestSameIDAgain(t *testing.T) {
	for _, c := range []struct {
		after float64
		want  string
	}{{300, "retransmission"}, {2, "duplicate"}} {
		s := newStory()
		s.ts = [2]uint32{}
		s.handshake().after(5).bulk(0, 2).after(20).ack(2).after(20).bulk(2, 1)
		s.after(c.after).packet(0, flagACK, at1(2), mss, 1, numbered(s.id[0]-1)).after(20).ack(3)
		if got := says(s.play(3000)); !strings.Contains(got, c.want) {
			t.Errorf("%v ms later: want a %s:\n%s", c.after, c.want, got)
		}
	}
}
