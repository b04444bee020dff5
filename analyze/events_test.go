package analyze

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

const (
	testMS  = int64(1e6)
	testSec = int64(1e9)
)

// A crowd is many flows with their traffic and losses, as a run would leave them.
type crowd struct {
	res  *Result
	rand *rand.Rand
}

func newCrowd(seed uint64) *crowd {
	res := &Result{Ledger: NewLedger(1 << 30)}
	return &crowd{res, rand.New(rand.NewPCG(seed, 1))}
}

// flow adds a TCP flow that sends packets evenly from one time to another, and
// loses each with probability p, unless p is negative.
func (c *crowd) flow(host, port, toPort uint16, from, to int64, packets int, p float64) uint32 {
	f := tcpFlow()
	f.First, f.Last = from, to
	f.Originator.Addr[14], f.Originator.Addr[15], f.Originator.Port = byte(host>>8), byte(host), port
	f.Responder.Port = toPort
	f.Via.MAC = 77
	f.Dir[0].Packets, f.Dir[0].Data, f.Dir[0].Octets = uint64(packets), uint64(packets), uint64(packets)*1448
	f.Dir[0].RTTMin = 20 * testMS
	c.res.Flows = append(c.res.Flows, &f)
	i := uint32(len(c.res.Flows) - 1)
	for n := range packets {
		t := from + (to-from)*int64(n)/int64(packets) + c.rand.Int64N(testMS)
		c.res.line.add(t)
		c.res.Counts.Frames++
		if p > 0 && c.rand.Float64() < p {
			c.lose(i, t, cause.Downstream)
		}
	}
	return i
}

func (c *crowd) lose(i uint32, t int64, at cause.Locus) {
	c.res.Ledger.Charge(Charge{
		What: flow.DataPacket, Packets: 1, Octets: 1448, Flow: i, Protocol: decode.ProtoTCP, Locus: at, First: t, Last: t,
	})
}

// seeds is how many captures are drawn to count false alarms.
func seeds() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

func (c *crowd) events() []Event {
	slices.SortFunc(c.res.Ledger.Charges, func(a, b Charge) int { return cmp.Compare(a.First, b.First) })
	correlate(c.res)
	return c.res.Events
}

// TestManyFlowsAtOneMoment checks that what hits many flows at one moment is
// one event, on top of random losses and without them.
func TestManyFlowsAtOneMoment(t *testing.T) {
	for _, p := range []float64{0, .002} {
		c := newCrowd(3)
		for i := range 40 {
			f := c.flow(uint16(i), 40000, 443, 0, 20*testSec, 2000, p)
			for n := range 3 {
				c.lose(f, 12*testSec+int64(n)*30*testMS+c.rand.Int64N(20*testMS), cause.Downstream)
			}
		}
		events := c.events()
		if len(events) != 1 || events[0].Kind != AtOnce || events[0].Flows < 40 || events[0].Packets < 110 {
			t.Fatalf("p = %v: %+v", p, events)
		}
		if e := events[0]; e.First < 12*testSec-100*testMS || e.Last > 12*testSec+200*testMS || e.Dst.Bits != 128 || e.Src.Bits < 120 {
			t.Errorf("p = %v: from %d to %d ms, %d and %d bits in common", p, e.First/testMS, e.Last/testMS, e.Src.Bits, e.Dst.Bits)
		}
	}
}

// TestIndependentLossesAreNoEvent counts false alarms over 1 000 captures in
// which packets are lost independently of each other: steadily, at a busy
// moment, by flows that come and go, and rarely.
func TestIndependentLossesAreNoEvent(t *testing.T) {
	stories := map[string]func(c *crowd){
		"steady": func(c *crowd) {
			for i := range 20 {
				c.flow(uint16(i), 40000, 443, 0, 10*testSec, 300, .01)
			}
		},
		"a busy moment": func(c *crowd) {
			for i := range 30 {
				c.flow(uint16(i), 40000, 443, 0, 10*testSec, 40, .02)
				c.flow(uint16(i), 40001, 443, 5*testSec, 5*testSec+200*testMS, 150, .02)
			}
		},
		"nothing but a busy moment": func(c *crowd) {
			for i := range 30 {
				c.flow(uint16(i), 40000, 443, 0, 10*testSec, 10, .02)
				c.flow(uint16(i), 40001, 443, 5*testSec, 5*testSec+100*testMS, 150, .02)
			}
		},
		"come and go": func(c *crowd) {
			for i := range 60 {
				start := c.rand.Int64N(30 * testSec)
				c.flow(uint16(i%7), uint16(40000+i), uint16(443+i%3), start, start+2*testSec+c.rand.Int64N(5*testSec), 100+c.rand.IntN(400), .02)
			}
		},
		"a lossy host": func(c *crowd) { // of many, whose flows go to two ports
			for i := range 24 {
				c.flow(uint16(i), 40000, uint16(443+i%2), 0, 10*testSec, 200, map[bool]float64{true: .05}[i == 4])
			}
		},
		"losses only while few were there": func(c *crowd) {
			for i := range 12 {
				from := int64(i/3) * 5 * testSec
				c.flow(1, uint16(40000+i), uint16(443+i/3), from, from+5*testSec, 400, map[bool]float64{true: .05}[i/3 == 2])
			}
		},
	}
	for name, play := range stories {
		alarms := 0
		for seed := range uint64(seeds()) {
			c := newCrowd(seed)
			play(c)
			if events := c.events(); len(events) > 0 {
				alarms++
				if alarms == 1 {
					t.Logf("%s, seed %d: %+v", name, seed, events[0])
				}
			}
		}
		t.Logf("%s: %d false alarms in %d captures", name, alarms, seeds())
		if alarms > 0 {
			t.Errorf("%s: %d false alarms in %d captures", name, alarms, seeds())
		}
	}
}

// TestABeatIsFound checks clocks: exact, with jitter, and with turns left out.
func TestABeatIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, tt := range []struct {
		name           string
		n              int
		period, jitter int64
		miss           float64
	}{
		{"exact", 12, 10 * testSec, 0, 0},
		{"with jitter", 12, 10 * testSec, 200 * testMS, 0},
		{"many", 300, 2 * testSec, 60 * testMS, 0},
		{"with turns left out", 40, testSec, 20 * testMS, .3},
	} {
		var times []int64
		for i := 0; len(times) < tt.n; i++ {
			if r.Float64() >= tt.miss {
				times = append(times, int64(i)*tt.period+r.Int64N(tt.jitter+1))
			}
		}
		b, ok := beatOf(times)
		if off := b.period - tt.period; !ok || off*100 > tt.period || off*-100 > tt.period {
			t.Errorf("%s: %v, period %d ms, want %d", tt.name, ok, b.period/testMS, tt.period/testMS)
		}
		if b.jitter > tt.jitter {
			t.Errorf("%s: jitter %d ms of at most %d", tt.name, b.jitter/testMS, tt.jitter/testMS)
		}
	}
}

// TestRandomTimesHaveNoBeat counts false alarms over 1 000 series of each kind
// that is not a clock's.
func TestRandomTimesHaveNoBeat(t *testing.T) {
	wait := map[string]func(r *rand.Rand) float64{
		"independent":                func(r *rand.Rand) float64 { return r.ExpFloat64() },
		"after a dead time":          func(r *rand.Rand) float64 { return .2 + .8*r.ExpFloat64() },
		"a sawtooth, 10 % irregular": func(r *rand.Rand) float64 { return 1 + .1*r.NormFloat64() },
		"a sawtooth, 30 % irregular": func(r *rand.Rand) float64 { return max(.1, 1+.3*r.NormFloat64()) },
		"bursts":                     func(r *rand.Rand) float64 { return []float64{.15, 3}[r.IntN(2)] * r.ExpFloat64() },
		"on a lattice of 20 ms":      func(r *rand.Rand) float64 { return .02 * float64(1+r.IntN(100)) },
	}
	for name, next := range wait {
		alarms, tried := 0, 0
		for seed := range uint64(seeds()) {
			r := rand.New(rand.NewPCG(seed, 9))
			n := 12 + r.IntN(60)
			var list []episode
			at := 0.0
			for range n {
				at += next(r)
				list = append(list, episode{first: int64(at * 1e9), last: int64(at * 1e9)})
			}
			times, _ := joinedTimes(list)
			tried++
			if _, ok := beatOf(times); ok {
				alarms++
			}
		}
		t.Logf("%s: %d false alarms in %d", name, alarms, tried)
		if alarms > 0 {
			t.Errorf("%s: %d false alarms in %d series", name, alarms, tried)
		}
	}
}

// TestTheTrafficsOwnBeatIsNoEvent checks that losses on the beat of a clock say
// so in steady traffic, and not where all packets come on that beat.
func TestTheTrafficsOwnBeatIsNoEvent(t *testing.T) {
	for _, steady := range []bool{true, false} {
		c := newCrowd(4)
		var f uint32
		if steady {
			f = c.flow(1, 40000, 443, 0, 40*testSec, 8000, 0)
		} else {
			f = c.flow(1, 40000, 443, 0, 40*testSec, 20, 0)
			for n := range int64(20) {
				c.flow(1, uint16(40001+n), 443, 2*n*testSec, 2*n*testSec+5*testMS, 100, 0)
			}
		}
		for n := range 20 {
			c.lose(f, int64(2*n)*testSec+c.rand.Int64N(5*testMS), cause.Downstream)
		}
		events := c.events()
		if told := len(events) > 0 && events[0].Kind == Periodic && events[0].Period > 1990*testMS && events[0].Period < 2010*testMS; told != steady {
			t.Errorf("steady %v: %+v", steady, events)
		}
	}
}

// TestOneClassIsNamed checks that losses which always hit one class say so.
func TestOneClassIsNamed(t *testing.T) {
	tests := []struct {
		name string
		want ClassKind
		play func(c *crowd)
	}{
		{"a port", ByPort, func(c *crowd) {
			for i := range 40 {
				port := uint16(8000 + i%4)
				c.flow(uint16(i), 40000, port, 0, 10*testSec, 300, map[bool]float64{true: .02}[port == 8002])
			}
		}},
		{"a source", BySource, func(c *crowd) {
			for i := range 40 {
				c.flow(uint16(i%4), uint16(40000+i), uint16(8000+i%3), 0, 10*testSec, 300, map[bool]float64{true: .02}[i%4 == 1])
			}
		}},
		{"a VLAN", ByVLAN, func(c *crowd) {
			for i := range 40 {
				n := c.flow(uint16(i), uint16(40000+i), uint16(8000+i%3), 0, 10*testSec, 300, map[bool]float64{true: .02}[i%4 == 1])
				c.res.Flows[n].Via.VLAN = uint16(100 + i%4)
				c.res.Flows[n].Via.MAC = uint32(1 + i%4)
			}
		}},
		{"a tunnel", ByTunnel, func(c *crowd) {
			for i := range 40 {
				n := c.flow(uint16(i), uint16(40000+i), uint16(8000+i%3), 0, 10*testSec, 300, map[bool]float64{true: .02}[i%4 == 1])
				c.res.Flows[n].Via.Tunnel, c.res.Flows[n].Via.Key = decode.TunnelVXLAN, uint32(100+i%4)
			}
		}},
		{"the same few flows", BySomeFlows, func(c *crowd) {
			for i := range 24 {
				c.flow(1, uint16(40000+i), 443, 0, 10*testSec, 300, map[bool]float64{true: .03}[i%6 == 2])
			}
		}},
	}
	for _, tt := range tests {
		c := newCrowd(7)
		tt.play(c)
		events := c.events()
		if len(events) != 1 || events[0].Kind != OneClass || events[0].Class != tt.want {
			t.Errorf("%s: %+v", tt.name, events)
		}
	}
}

// TestOneFlowIsNoClass checks that one lossy flow of many makes no class of its
// port, its hosts or itself.
func TestOneFlowIsNoClass(t *testing.T) {
	c := newCrowd(1)
	for i := range 24 {
		c.flow(uint16(i), 40000, uint16(443+i%4), 0, 10*testSec, 900, map[bool]float64{true: .05}[i == 3])
	}
	if events := c.events(); len(events) != 0 {
		t.Errorf("%+v", events)
	}
}

// TestClusteredHolesAreTheCapture checks that what only the capture lacks, of
// many flows at one moment, is a finding of the audit.
func TestClusteredHolesAreTheCapture(t *testing.T) {
	c := newCrowd(2)
	for i := range 30 {
		f := c.flow(uint16(i), 40000, 443, 0, 10*testSec, 500, 0)
		c.lose(f, 4*testSec+c.rand.Int64N(60*testMS), cause.InCapture)
	}
	events := c.events()
	if len(events) != 1 || events[0].Locus != cause.InCapture || events[0].Flows != 30 {
		t.Fatalf("%+v", events)
	}
	if a := c.res.Audit; len(a) != 1 || a[0].Finding != "capture-overload" || a[0].Frames != 30 || !a[0].Lowers {
		t.Errorf("the audit found %+v", a)
	}
}

// TestTimelineWidens checks that no packet gets lost when bins are joined, and
// that times at the ends of what a file may say do no harm.
func TestTimelineWidens(t *testing.T) {
	var l timeline
	times := []int64{1000 * testSec, 1000*testSec + 5, 999 * testSec, 1040 * testSec, 1041 * testSec, 5000 * testSec, minTime, maxTime, 1040 * testSec}
	for _, at := range times {
		l.add(at)
	}
	if n := l.packets(minTime, maxTime); n != uint64(len(times)) {
		t.Errorf("%d packets of %d", n, len(times))
	}
	var even timeline
	for i := range int64(100_000) {
		even.add(i * testMS)
	}
	if n := even.packets(50*testSec, 51*testSec-1); n < 1000 || n > 1100 {
		t.Errorf("%d packets in a second that has 1000", n)
	}
}
