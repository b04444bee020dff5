package detect

import "testing"

// TestInFlightWhenTheCaptureBegan holds that octets which were sent before the
// first packet here are not missing, though they are acknowledged, or some of
// them sent again.
func TestInFlightWhenTheCaptureBegan(t *testing.T) {
	s := newStory()
	s.bulk(20, 3).after(20)
	for n := 21; n <= 23; n++ {
		s.ack(4, sacks(at1(5), at1(n))).after(.1)
	}
	s.after(20).packet(0, flagACK, at1(4), mss, 1).after(20)
	s.ack(23).after(20).bulk(23, 3).after(20).ack(26)
	first := newStory().packet(0, flagACK, at1(4), mss, 1).after(10) // a repair, and the flight is above it
	for n := 6; n <= 20; n++ {
		first.ack(4, sacks(at1(5), at1(n))).after(.1)
	}
	first.after(10).ack(20).after(20).bulk(20, 3).after(20).ack(23).after(1000).bulk(23, 3).after(20).ack(26)
	for _, s := range []*story{s, first} {
		f := s.play(3000)
		checkBalance(t, f)
		if len(f.Losses) > 0 {
			t.Error(says(f))
		}
	}
}
