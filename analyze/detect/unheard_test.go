package detect

import "testing"

// TestAnswersNotCaptured holds that silence proves nothing where the answers
// are not in the capture, and that it does where the sender noticed it, too.
func TestAnswersNotCaptured(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func() *story
		lost bool
	}{
		{"beyond the window", func() *story {
			return started().bulk(4, 100).after(3000).packet(0, flagACK, at1(104), 0, 1)
		}, false},
		{"new data after a repair", func() *story {
			s := started().bulk(4, 5).after(300).packet(0, flagACK, at1(4), mss, 1).after(40)
			return s.bulk(9, 20).after(3000).packet(0, flagACK, at1(29), 0, 1)
		}, false},
		{"in flight when the clock leapt", func() *story {
			return started().bulk(4, 5).after(3600e3).ack(9).after(1).bulk(9, 5).after(20).ack(14)
		}, false},
		{"the sender repeats it until it gives up", func() *story {
			s := started().bulk(4, 5)
			for _, wait := range []float64{250, 500, 1000} {
				s.after(wait).packet(0, flagACK, at1(4), mss, 1)
			}
			return s
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.tell().play(3000)
			checkBalance(t, f)
			lost := 0
			for _, l := range f.Losses {
				if l.Place.String() == "after-tap" {
					lost += int(l.Packets)
				}
			}
			if lost > 0 != c.lost {
				t.Errorf("lost %v, want %v:\n%s", lost, c.lost, says(f))
			}
		})
	}
}
