package netsim

import "testing"

// stream is a flow of datagrams, faster than any element of these tests lets pass.
func stream() Flow {
	return Flow{Streams: [2]*Stream{{Count: 2000, Interval: Millisecond, Jitter: Millisecond / 2, Octets: 1000}}}
}

// fates are those of the packets of a run, and how long the delivered ones took.
func fates(t *testing.T, e Element) (lost []bool, slowest int64) {
	t.Helper()
	c := Config{Seed: 5, Path: Through(2*Millisecond, 3*Millisecond), Flows: []Flow{stream()}}
	c.Path[0][0].Elements = []Element{e}
	for _, p := range Run(c).Packets {
		lost = append(lost, p.Fate == LostBefore)
		if p.Passed {
			slowest = max(slowest, p.PassedAt-p.Sent)
		}
	}
	return lost, slowest
}

// TestQueueAndPolicer: for the same arrivals a queue and a bucket of the same
// rate and depth drop the same packets; only the queue delays the others.
func TestQueueAndPolicer(t *testing.T) {
	const rate, depth = 5_000_000, 40_000
	queued, slow := fates(t, &Queue{Rate: rate, Octets: depth})
	policed, quick := fates(t, &Policer{Rate: rate, Burst: depth})
	dropped := 0
	for i := range queued {
		if queued[i] != policed[i] {
			t.Fatalf("packet %d: queue drops it %v, policer %v", i, queued[i], policed[i])
		}
		if queued[i] {
			dropped++
		}
	}
	// 1042 octets a millisecond are 8.3 Mbit/s, of which 5 pass.
	if share := float64(dropped) / float64(len(queued)); share < .35 || share > .45 {
		t.Errorf("%.0f %% dropped, want about 40 %%", 100*share)
	}
	if full := depth * 8 * Second / rate; slow < full*9/10 || slow > full+5*Millisecond {
		t.Errorf("a full queue delayed by %d ns, want about %d", slow, full)
	}
	if quick > 3*Millisecond {
		t.Errorf("a policer delayed by %d ns", quick-2*Millisecond)
	}
}

// TestEarlyDrop: RED drops before its queue is full.
func TestEarlyDrop(t *testing.T) {
	c := Config{Seed: 5, Path: Through(2*Millisecond, 3*Millisecond), Flows: []Flow{{A: App{Sends: []Send{{Octets: 3_000_000}}}}}}
	c.Path[0][1].Elements = []Element{&Queue{Rate: 6e6, Octets: 100_000, Min: 8_000, Max: 60_000, MaxP: .1}}
	by := causes(Run(c))
	if by[Early] < 10 || by[QueueFull] > 0 {
		t.Errorf("%d early drops, %d late ones; want some and none", by[Early], by[QueueFull])
	}
}

// TestChannel: a channel that is bad for five packets in 200 loses in runs.
func TestChannel(t *testing.T) {
	lost, _ := fates(t, &Channel{Worsen: .005, Mend: .2, Bad: 1})
	n, runs := 0, 0
	for i := range lost {
		if lost[i] {
			n++
			if i == 0 || !lost[i-1] {
				runs++
			}
		}
	}
	if n < 2*runs || runs < 3 {
		t.Errorf("%d lost in %d runs", n, runs)
	}
}

// TestHole: who is told of a short link sends shorter packets; who is not goes
// on in vain.
func TestHole(t *testing.T) {
	for _, tells := range []bool{true, false} {
		for _, v6 := range []bool{true, false} {
			c := Config{Seed: 5, Path: Through(2*Millisecond, 3*Millisecond), Flows: []Flow{{
				IPv6: v6, A: App{Sends: []Send{{Octets: 800}, {After: Second, Octets: 100_000}}},
			}}}
			c.Path[0][1].Elements = []Element{&Hole{MTU: 1400, Tells: tells}}
			tr := Run(c)
			by := causes(tr)
			if done := len(tr.Unfinished) == 0; done != tells {
				t.Errorf("told %v: finished %v", tells, done)
			}
			if told := by[TooBigTold] > 0; told != tells || (by[TooBig] > 0) == tells {
				t.Errorf("told %v: %d and %d packets were too big", tells, by[TooBigTold], by[TooBig])
			}
			for _, f := range tr.Frames {
				if f.Data[etherHeader+9] != protoICMP && !v6 && !checksumsHold(f.Data) {
					t.Fatalf("frame %d: its checksums do not hold", f.Number)
				}
			}
		}
	}
}

// TestStall: what is held back for long makes a timeout, and loses nothing.
// Timestamps tell that it was needless; without them RACK believes the repair.
func TestStall(t *testing.T) {
	for _, bare := range []bool{false, true} {
		c := Config{Seed: 5, Path: Through(2*Millisecond, 13*Millisecond), Flows: []Flow{{
			NoTimestamps: bare, A: App{Sends: []Send{{Octets: 2_000_000}}},
		}}}
		c.Path[0][1].Elements = []Element{&Stall{Spans: []Span{{200 * Millisecond, 900 * Millisecond}}}}
		timeouts, repeated := 0, 0
		tr := Run(c)
		for i := range tr.Packets {
			p := &tr.Packets[i]
			if p.Fate != Delivered || p.Needed {
				t.Fatalf("packet %d is lost, or was needed: %+v", i, *p)
			}
			if p.Why == ByRTO {
				timeouts++
			} else if p.Why != Original {
				repeated++
			}
		}
		if timeouts == 0 || repeated > 3 && !bare {
			t.Errorf("%d timeouts, %d other repairs; want some and hardly any", timeouts, repeated)
		}
	}
}

func causes(tr *Trace) (by [NumCauses]int) {
	for i := range tr.Packets {
		by[tr.Packets[i].Cause]++
	}
	return by
}
