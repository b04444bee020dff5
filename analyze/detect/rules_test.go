package detect

import (
	"slices"
	"strings"
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// started is a connection that has sent and had acknowledged four segments.
func started() *story {
	s := newStory().handshake().after(5)
	s.bulk(0, 4).after(20)
	s.ack(2, echoing(45)).after(.1).ack(4, echoing(45))
	return s.after(20) // 24 data, 26 echo
}

// A tale is a story and what must be said of it: where a rule must speak, and
// beside it a look-alike where it must not.
type tale struct {
	name string
	tell func() *story
	want string // as says writes it; only lines about losses and retransmissions
}

var tales = []tale{
	{"lost behind the tap, reported by SACK, repaired", func() *story {
		s := started().bulk(4, 4).after(20)
		for n := 6; n <= 8; n++ {
			s.ack(4, sacks(at1(5), at1(n)), echoing(85)).after(.1)
		}
		s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20)
		return s.ack(8)
	}, `1 data after-tap unknown sack-hole frame 10 repair 17
017 retransmission fast needed`},

	{"late behind the tap: the repair was reported as a duplicate", func() *story {
		s := started().bulk(4, 4).after(20)
		for n := 6; n <= 8; n++ {
			s.ack(4, sacks(at1(5), at1(n)), echoing(85)).after(.1)
		}
		s.after(19).packet(0, flagACK, at1(4), mss, 1).after(1)
		s.ack(8, echoing(85)).after(19)
		return s.ack(8, sacks(at1(4), at1(5)), echoing(126))
	}, `017 retransmission fast unneeded`},

	{"lost before the tap: IDs and timestamps say sent again", func() *story {
		s := started().packet(0, flagACK, at1(4), mss, 1).unseen().bulk(5, 3).after(20)
		for n := 6; n <= 8; n++ {
			s.ack(4, sacks(at1(5), at1(n)), echoing(85)).after(.1)
		}
		s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20)
		return s.ack(8)
	}, `1 data before-tap unknown gap-repaired frame 0 repair 16
016 retransmission fast needed`},

	{"late before the tap: IDs say sent before", func() *story {
		s := started()
		id := s.id[0]
		s.id[0]++
		return s.bulk(5, 3).after(3).packet(0, flagACK, at1(4), mss, 1, numbered(id), stamped(84)).after(20).ack(8)
	}, ``},

	{"late before the tap without IDs: the timestamp says sent before", func() *story {
		s := started()
		s.id[0] = 0
		return s.bulk(5, 3).after(3).packet(0, flagACK, at1(4), mss, 1, stamped(84)).after(20).ack(8)
	}, ``},

	{"late before the tap with neither: sooner than any repair", func() *story {
		s := newStory()
		s.ts, s.id = [2]uint32{}, [2]uint16{}
		s.handshake().after(5).bulk(0, 2).after(20).ack(2).after(20)
		return s.bulk(3, 3).after(3).packet(0, flagACK, at1(2), mss, 1).after(20).ack(6)
	}, ``},

	{"sent again with neither: a round trip later", func() *story {
		s := newStory()
		s.ts, s.id = [2]uint32{}, [2]uint16{}
		s.handshake().after(5).bulk(0, 2).after(20).ack(2).after(20)
		s.bulk(3, 3).after(20)
		for n := 4; n <= 6; n++ {
			s.ack(2, sacks(at1(3), at1(n)))
		}
		return s.after(20).packet(0, flagACK, at1(2), mss, 1).after(20).ack(6)
	}, `1 data before-tap unknown gap-repaired frame 0 repair 13
013 retransmission fast needed`},

	{"acknowledged and never seen: only the capture lacks it", func() *story {
		s := started().bulk(4, 1).packet(0, flagACK, at1(5), mss, 1).unseen()
		return s.bulk(6, 2).after(20).ack(8)
	}, `1 data only-capture capture-drop acked-unseen frame 0 repair 0`},

	{"recorded out of order: the acknowledgement before its data", func() *story {
		s := started().bulk(4, 1)
		id := s.id[0]
		s.id[0]++
		s.bulk(6, 2).after(20).ack(8).after(.2)
		return s.packet(0, flagACK, at1(5), mss, 1, numbered(id), stamped(84))
	}, ``},

	{"a tail lost before the tap, repaired: a missing ID and silence", func() *story {
		s := started().bulk(4, 2).packet(0, flagPSH, at1(6), mss, 1).unseen().after(20)
		s.ack(6).after(200).packet(0, flagPSH, at1(6), mss, 1).after(20)
		return s.ack(7)
	}, `1 data before-tap tail tail-repair frame 0 repair 13
013 retransmission tlp needed`},

	{"a program that pauses: no ID is missing", func() *story {
		s := started().bulk(4, 2).after(20).ack(6).after(200)
		return s.packet(0, flagPSH, at1(6), mss, 1).after(20).ack(7)
	}, ``},

	{"a tail lost behind the tap: a probe repairs it", func() *story {
		s := started().bulk(4, 3).after(20).ack(6).after(100)
		return s.packet(0, flagACK, at1(6), mss, 1).after(20).ack(7, echoing(225))
	}, `1 data after-tap tail echoed frame 12 repair 14
014 retransmission tlp needed`},

	{"a timeout, and its acknowledgement had passed", func() *story {
		s := started().bulk(4, 1).after(20).ack(5).after(300)
		return s.packet(0, flagACK, at1(4), mss, 1).after(20).ack(5, sacks(at1(4), at1(5)))
	}, `1 ack after-tap unknown ack-lost frame 11 repair 12
012 retransmission tlp unneeded`},

	{"pure acknowledgements that are not here", func() *story {
		s := started().bulk(4, 2).after(20).ack(6).unseen().after(.1)
		return s.bulk(6, 2).after(20).ack(8)
	}, `1 ack unaccounted ambiguous id-gap frame 0 repair 0`},

	{"the first SYN was lost behind the tap", func() *story {
		s := newStory().packet(0, decode.SYN, 0, 0, 0).after(1000).packet(0, decode.SYN, 0, 0, 0).after(20)
		s.packet(1, decode.SYN|decode.ACK, 0, 0, 1, echoing(1000)).after(20)
		return s.packet(0, flagACK, 1, 0, 1)
	}, `1 syn after-tap unknown syn frame 1 repair 2
002 retransmission syn needed`},

	{"the first SYN-ACK was lost: it echoes the first SYN", func() *story {
		s := newStory().packet(0, decode.SYN, 0, 0, 0).after(1000).packet(0, decode.SYN, 0, 0, 0).after(20)
		s.packet(1, decode.SYN|decode.ACK, 0, 0, 1, echoing(0)).after(20)
		return s.packet(0, flagACK, 1, 0, 1)
	}, `1 syn before-tap unknown syn frame 0 repair 3
002 retransmission syn unneeded
003 retransmission synack needed`},

	{"a refused connection", func() *story {
		return newStory().packet(0, decode.SYN, 0, 0, 0).after(20).packet(1, decode.RST|decode.ACK, 0, 0, 1)
	}, `002 reset`},

	{"a refused connection, whose first request was lost", func() *story {
		s := newStory().packet(0, decode.SYN, 0, 0, 0).after(1000).packet(0, decode.SYN, 0, 0, 0).after(20)
		return s.packet(1, decode.RST|decode.ACK, 0, 0, 1)
	}, `1 syn after-tap unknown syn frame 1 repair 2
002 retransmission syn needed
003 reset`},

	{"nobody answers", func() *story {
		s := newStory().packet(0, decode.SYN, 0, 0, 0).after(1000).packet(0, decode.SYN, 0, 0, 0)
		return s.after(2000).packet(0, decode.SYN, 0, 0, 0)
	}, `1 syn after-tap unanswered never-repaired frame 1 repair 2
1 syn after-tap unanswered never-repaired frame 2 repair 3
1 syn after-tap unanswered never-repaired frame 3 repair 0
001 syn-unanswered
002 retransmission syn needed
003 retransmission syn needed`},

	{"damaged in transit, repaired", func() *story {
		s := started().packet(0, flagACK, at1(4), mss, 1, damaged).after(.1).bulk(5, 3).after(20)
		for n := 6; n <= 8; n++ {
			s.ack(4, sacks(at1(5), at1(n)), echoing(85)).after(.1)
		}
		s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20)
		return s.ack(8)
	}, `1 data in-receiver checksum-tcp bad-checksum frame 10 repair 17
017 retransmission fast needed`},

	{"the same packet twice", func() *story {
		s := started().bulk(4, 2)
		s.packets = append(s.packets, s.packets[len(s.packets)-1])
		s.packets[len(s.packets)-1].Number++
		s.packets[len(s.packets)-1].TTL--
		return s.after(20).ack(6)
	}, `012 duplicate network`},

	{"one direction only: nothing tells", func() *story {
		s := newStory().handshake()
		s.packets = append(s.packets[:1], s.packets[2:]...)
		return s.after(5).bulk(0, 4).after(100).packet(0, flagACK, at1(1), mss, 1).after(.1).bulk(4, 2)
	}, `1 data unaccounted one-way one-way frame 4 repair 7
007 retransmission fast undecided`},

	{"never acknowledged, never repaired", func() *story {
		return started().bulk(4, 1).after(3000).packet(0, decode.ACK, at1(5), 0, 1)
	}, `1 data after-tap unknown never-repaired frame 10 repair 0`},

	{"a number is missing between octets that follow each other, and nothing is repaired", func() *story {
		s := started().bulk(4, 4)
		s.id[0]++
		return s.bulk(8, 4).after(20).ack(12).after(20).bulk(12, 2).after(20).ack(14)
	}, `1 ack unaccounted ambiguous id-gap frame 0 repair 0`},

	{"twice before any answer can have come, and nothing tells the copies apart", func() *story {
		s := newStory()
		s.ts, s.noSACK = [2]uint32{}, true
		s.handshake().after(5).bulk(0, 2).after(20).ack(2).after(20)
		return s.bulk(2, 1).packet(0, flagACK, at1(2), mss, 1).after(20).ack(3).after(20).bulk(3, 1).after(20).ack(4)
	}, `1 data unaccounted ambiguous ambiguous frame 7 repair 8
008 retransmission fast undecided`},

	{"the end of the capture came first", func() *story { return started().bulk(4, 1) }, ``},
}

func TestTales(t *testing.T) {
	for _, tale := range tales {
		t.Run(tale.name, func(t *testing.T) {
			s := tale.tell()
			for i := range s.packets {
				s.packets[i].Number = uint64(i + 1)
			}
			longer := 100.
			if strings.Contains(tale.want, "unanswered") || strings.Contains(tale.name, "never") {
				longer = 4000
			}
			f := s.play(longer)
			checkBalance(t, f)
			if got := conclusions(says(f)); got != tale.want {
				t.Errorf("got\n%s\nwant\n%s", got, tale.want)
			}
		})
	}
}

// conclusions leaves out what is only seen: gaps, duplicate ACKs and the like.
func conclusions(all string) string {
	return linesWithout(all, "gap", "gap-filled", "duplicate-ack", "ack-unseen", "reordered", "checksum-bad tcp", "keep-alive", "window-probe")
}

// linesWithout leaves out lines about frames with one of the kinds.
func linesWithout(all string, kinds ...string) string {
	var out []string
	for line := range strings.Lines(all) {
		line = strings.TrimSpace(line)
		if _, kind, _ := strings.Cut(line, " "); line != "" && !slices.Contains(kinds, kind) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// TestWrongChecksums holds that a damaged packet is told with its checksum and
// the right one, whether or not its place in the stream is known.
func TestWrongChecksums(t *testing.T) {
	head := func(_ *story, p *decode.Packet) { p.IPFlags |= decode.BadIPHeader }
	for _, c := range []struct {
		name  string
		tell  func() *story
		found uint64
	}{
		{"data", func() *story {
			s := started().packet(0, flagACK, at1(4), mss, 1, damaged).after(.1).bulk(5, 3).after(20).ack(4, sacks(at1(5), at1(8)))
			return s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20).ack(8)
		}, 0xbad},
		{"an acknowledgement", func() *story {
			return started().bulk(4, 2).after(20).ack(5, damaged).after(.1).ack(6)
		}, 0xbad},
		{"an IP header", func() *story {
			s := started().packet(0, flagACK, at1(4), mss, 1, head).after(.1).bulk(5, 3).after(20).ack(4, sacks(at1(5), at1(8)))
			return s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20).ack(8)
		}, 0xbaf},
	} {
		s := c.tell()
		for i := range s.packets {
			p := &s.packets[i]
			p.RightSum, p.IPSum, p.IPRight = p.HeaderSum+1, 0xbaf, 0xbaf+1
		}
		f := s.play(3000)
		n := 0
		for _, l := range f.Losses {
			for _, w := range l.Witnesses {
				if w.Says != flow.SaysBadChecksum {
					continue
				}
				if n++; w.A != c.found || w.B != c.found+1 {
					t.Errorf("%s: checksum %#x, %#x would be right; want %#x, %#x", c.name, w.A, w.B, c.found, c.found+1)
				}
			}
		}
		if n != 1 {
			t.Errorf("%s: told %d times:\n%s", c.name, n, says(f))
		}
	}
}
