package detect

import (
	"testing"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// nearReceiver is started, seen by a tap 0.3 ms from the receiver.
func nearReceiver() *story {
	s := newStory()
	s.packet(0, decode.SYN, 0, 0, 0).after(.3)
	s.packet(1, decode.SYN|decode.ACK, 0, 0, 1, echoing(0)).after(40)
	s.packet(0, flagACK, 1, 0, 1).after(5)
	for i := range 4 {
		s.packet(0, flagACK, at1(i), mss, 1).after(.3)
		s.ack(i+1, echoing(45)).after(.2)
	}
	return s.after(40)
}

var hostTales = []tale{
	{"next to the receiver: passed here, and it asked for it all the same", func() *story {
		s := nearReceiver().bulk(4, 1).after(.1)
		for n := 6; n <= 8; n++ {
			s.packet(0, flagACK, at1(n-1), mss, 1).after(.3)
			s.ack(4, sacks(at1(5), at1(n))).after(.1)
		}
		return s.after(40).packet(0, flagACK, at1(4), mss, 1).after(.3).ack(8)
	}, `1 data in-receiver unknown dropped-after-tap frame 12 repair 19
019 retransmission fast needed`},

	{"next to the receiver: the acknowledgement had passed", func() *story {
		s := nearReceiver().bulk(4, 1).after(.3).ack(5).after(300)
		return s.packet(0, flagACK, at1(4), mss, 1).after(.3).ack(5, sacks(at1(4), at1(5)))
	}, `1 ack after-tap unknown ack-lost frame 13 repair 14
014 retransmission tlp unneeded`},

	{"PAWS: late behind the repair of an earlier gap, too old for the receiver", func() *story {
		s := nearReceiver()
		id := s.id[0]
		s.id[0] += 2 // segments 4 and 5 are late
		old := uint32((s.now - 1e18) / ms)
		s.bulk(6, 3).after(.3).ack(4, sacks(at1(6), at1(9))).after(45)
		s.packet(0, flagACK, at1(4), mss, 1).after(.3)
		s.ack(5, sacks(at1(6), at1(9)), echoing(uint32((s.now-1e18)/ms))).after(1)
		s.packet(0, flagACK, at1(5), mss, 1, numbered(id+1), stamped(old)).after(.3)
		s.ack(5, sacks(at1(6), at1(9)), echoing(uint32((s.now-1e18)/ms)-1)).after(45)
		return s.packet(0, flagACK, at1(5), mss, 1).after(.3).ack(9, echoing(uint32((s.now-1e18)/ms)))
	}, `1 data before-tap unknown gap-repaired frame 0 repair 16
1 data in-receiver paws dropped-after-tap frame 18 repair 20
016 retransmission fast needed
020 retransmission fast needed`},

	{"a window that closes and is probed", func() *story {
		s := started().bulk(4, 2).after(20).ack(6, closing(0)).after(300)
		s.packet(0, flagACK, at1(6)-1, 0, 1).after(20).ack(6, closing(0)).after(300)
		return s.ack(6).after(20).bulk(6, 1).after(20).ack(7)
	}, `012 zero-window
013 window-probe`},

	{"a keep-alive of an idle connection", func() *story {
		return started().after(5000).packet(0, flagACK, at1(4)-1, 0, 1).after(20).ack(4)
	}, `010 keep-alive`},

	{"the same ports again: another connection", func() *story {
		s := started().packet(0, flagACK|decode.FIN, at1(4), 0, 1).after(20).packet(1, flagACK|decode.FIN, 1, 0, at1(4)+1)
		s.after(20).packet(0, flagACK, at1(4)+1, 0, 2).after(1000)
		s.isn = [2]uint32{777, 999_999}
		s.handshake().after(5).bulk(0, 3).after(20)
		return s.ack(3)
	}, ``},

	{"segmentation left to the card: one frame lost whole stands for its packets", func() *story {
		s := started()
		big := func(n, count int) { s.packet(0, flagACK, at1(n), uint32(count*mss), 1); s.id[0] += uint16(count - 1) }
		big(4, 4)
		s.after(.1)
		big(8, 4)
		s.after(20)
		for n := 9; n <= 12; n++ {
			s.ack(4, sacks(at1(8), at1(n))).after(.1)
		}
		s.after(20)
		for n := range 4 {
			s.packet(0, flagACK, at1(4+n), mss, 1).after(.1)
		}
		return s.after(20).ack(12)
	}, `4 data after-tap unknown sack-hole frame 10 repair 16
016 retransmission fast needed
017 retransmission fast needed
018 retransmission fast needed
019 retransmission fast needed`},

	{"a program that sends little, and a FIN that is lost before the tap", func() *story {
		s := started().packet(0, flagACK|decode.FIN, at1(4), 0, 1).unseen().after(250)
		return s.packet(0, flagACK|decode.FIN, at1(4), 0, 1).after(20).packet(1, flagACK, 1, 0, at1(4)+1)
	}, `1 fin before-tap tail tail-repair frame 0 repair 10
010 retransmission tlp needed`},
}

func TestHostTales(t *testing.T) {
	for _, tale := range hostTales {
		t.Run(tale.name, func(t *testing.T) {
			s := tale.tell()
			for i := range s.packets {
				s.packets[i].Number = uint64(i + 1)
			}
			f := s.play(100)
			checkBalance(t, f)
			if got := seen(says(f)); got != tale.want {
				t.Errorf("got\n%s\nwant\n%s", got, tale.want)
			}
			for _, by := range rotations {
				if got := seen(says(playAll(rotated(s.packets, by), 100*ms))); got != tale.want {
					t.Errorf("rotated by %d: got\n%s\nwant\n%s", by, got, tale.want)
				}
			}
		})
	}
}

// seen is conclusions with what is seen of windows.
func seen(all string) string {
	return linesWithout(all, "gap", "gap-filled", "duplicate-ack", "ack-unseen", "reordered", "checksum-bad tcp")
}

// TestReusedPortsAreTwoFlows: a SYN with another number is another connection.
func TestReusedPortsAreTwoFlows(t *testing.T) {
	for _, tale := range hostTales {
		if tale.name != "the same ports again: another connection" {
			continue
		}
		f := tale.tell().play(100)
		if len(f.Flows) != 2 || f.Flows[0].Incarnation != 0 || f.Flows[1].Incarnation != 1 {
			t.Errorf("%d flows, want two incarnations", len(f.Flows))
		}
	}
}

// TestICMPNamesTheLostPacket: a router that says it dropped a packet is believed.
func TestICMPNamesTheLostPacket(t *testing.T) {
	s := started().bulk(4, 2)
	e := NewEngine(Options{})
	for i := range s.packets {
		e.Packet(&s.packets[i], nil)
	}
	lost := s.packets[len(s.packets)-1]
	d := decode.Decoded{Controls: []decode.Control{{
		Kind: decode.ControlQuote, Router: address("10.9.9.9"), Protocol: decode.ProtoTCP, IPVersion: 4, HasPorts: true,
		Src: lost.Src, Dst: lost.Dst, SrcPort: lost.SrcPort, DstPort: lost.DstPort, Seq: lost.Seq, ID: lost.ID,
	}}}
	e.Packet(&decode.Packet{
		Time: s.now + 5*ms, Number: 99, Kind: decode.KindICMP, IPVersion: 4, Protocol: decode.ProtoICMP, ICMPType: 3, ICMPCode: 4,
		Src: address("10.9.9.9"), Dst: lost.Src, PairHash: lost.PairHash, Control: 0, Outer: -1,
	}, &d)
	f := e.Finish(s.now + 100*ms)
	checkBalance(t, f)
	if len(f.Losses) != 1 {
		t.Fatalf("%d losses, want one: %s", len(f.Losses), says(f))
	}
	l := f.Losses[0]
	if l.Frame.Number != lost.Number || l.Reason != flow.ReasonICMP || l.ICMPCode != 4 || l.Router != address("10.9.9.9") || l.Proof != flow.Second {
		t.Errorf("got %+v", l)
	}
}
