package netsim_test

import (
	"flag"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/analyze/netsim"
	"whydrop/capture"
	"whydrop/decode"
)

// seeds multiplies the runs of every law: a soak, on demand.
var seeds = flag.Uint64("seeds", 1, "play each law with so many times its `number` of seeds")

// mixed is a run with everything in it: loss, reordering, copies and damage on
// both sides of the tap.
func mixed(seed uint64) netsim.Config {
	c := lab(0, int(seed)%len(taps), int(seed)%len(stacks), seed)
	f := netsim.Faults{Loss: .01, Reorder: .01, Late: [2]int64{ms / 5, 3 * ms}, Duplicate: .005, Corrupt: .002}
	both(0, f)(&c)
	both(1, f)(&c)
	return c
}

// said is a Result as text, without what describes the input rather than the
// packets. change may edit it before.
func said(res *analyze.Result, change func(reflect.Value)) string {
	res.Inputs = nil
	for i := range res.Ledger.Charges { // they share memory with the losses
		c := &res.Ledger.Charges[i]
		c.Evidence, c.Frames = slices.Clone(c.Evidence), slices.Clone(c.Frames)
	}
	if change != nil {
		walk(reflect.ValueOf(res).Elem(), change)
	}
	var b strings.Builder
	for i := range res.Flows {
		fmt.Fprintf(&b, "flow %d %+v\n", i, *res.Flows[i])
	}
	for _, s := range res.Symptoms {
		fmt.Fprintf(&b, "symptom %+v\n", s)
	}
	for _, l := range res.Ledger.Losses {
		fmt.Fprintf(&b, "loss %+v\n", l)
	}
	for _, c := range res.Ledger.Charges {
		fmt.Fprintf(&b, "charge %+v\n", c)
	}
	res.Flows, res.Symptoms = nil, nil
	missing, unexplained := res.Ledger.Missing(), res.Ledger.Unexplained()
	res.Ledger = analyze.Ledger{}
	fmt.Fprintf(&b, "missing %d, unexplained %d, rest %+v\n", missing, unexplained, *res)
	return b.String()
}

// walk calls change with every value that can be set below v.
func walk(v reflect.Value, change func(reflect.Value)) {
	change(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), change)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				walk(f, change)
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			walk(v.Index(i), change)
		}
	}
}

// same compares two results, line by line.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s: line %d of the result\ngot  %s\nwant %s", what, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: %d lines of result, want %d", what, len(g), len(w))
}

// TestInnocence: where nothing is lost, nothing is missing, however much the
// path reorders, delays or repeats, and however slowly a program reads.
func TestInnocence(t *testing.T) {
	stories := []trouble{
		{"nothing", func(*netsim.Config) {}},
		{"jitter", func(c *netsim.Config) {
			for d := range c.Path {
				c.Path[d][0].Jitter, c.Path[d][1].Jitter = 5*ms, 20*ms
			}
		}},
		{"a little reordering", both(0, netsim.Faults{Reorder: .02, Late: [2]int64{ms / 10, 2 * ms}})},
		{"much reordering", both(0, netsim.Faults{Reorder: .3, Late: [2]int64{ms / 10, 15 * ms}})},
		{"reordering behind the tap", both(1, netsim.Faults{Reorder: .1, Late: [2]int64{ms / 10, 30 * ms}})},
		{"reordering on both sides", func(c *netsim.Config) {
			both(0, netsim.Faults{Reorder: .05, Late: [2]int64{ms / 10, 8 * ms}})(c)
			both(1, netsim.Faults{Reorder: .05, Late: [2]int64{ms / 10, 8 * ms}})(c)
		}},
		{"late originals", both(0, netsim.Faults{Reorder: .01, Late: [2]int64{60 * ms, 300 * ms}})},
		{"network copies", both(0, netsim.Faults{Duplicate: .1})},
		{"copies behind the tap", both(1, netsim.Faults{Duplicate: .1})},
		{"a mirror port", func(c *netsim.Config) { c.Tap.Copies = true }},
		{"slow readers", func(c *netsim.Config) {
			for i := range c.Flows {
				c.Flows[i].Buffer, c.Flows[i].B.Rate, c.Flows[i].A.Rate = 64<<10, 2e6, 2e6
			}
		}},
		{"pausing readers", func(c *netsim.Config) {
			for i := range c.Flows {
				c.Flows[i].Buffer, c.Flows[i].B.Pause, c.Flows[i].A.Pause = 64<<10, 2*sec, 2*sec
			}
		}},
		{"keep-alives", func(c *netsim.Config) {
			for i := range c.Flows {
				c.Flows[i].KeepAlive = sec / 2
			}
		}},
		{"96 octets", func(c *netsim.Config) { c.Tap.Snap = 96 }},
	}
	step := uint64(1)
	if testing.Short() {
		step = 5 // a prime, so that every tap and stack is met
	}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			for n := uint64(0); n < *seeds*uint64(len(taps)*len(stacks)); n += step {
				tap, stack, seed := int(n)%len(taps), int(n)/len(taps)%len(stacks), 1000+n
				if stacks[stack].flow.NoSACK && strings.Contains(story.name, "copies") {
					// A copy draws a duplicate acknowledgement, three of them a
					// repair, and nothing but a DSACK tells that it was needless.
					continue
				}
				c := lab(0, tap, stack, seed)
				story.do(&c)
				tr := netsim.Run(c)
				refused := refusals(tr)
				res := conclude(t, tr.Source(100), 1)
				if res.Ledger.Missing() > refused {
					t.Errorf("%s, %s, seed %d: nothing was lost, but %d are missing:%s",
						taps[tap].name, stacks[stack].name, seed, res.Ledger.Missing(), firstLosses(res))
				}
			}
		})
	}
}

// refusals counts what PAWS refused: those packets did not arrive for TCP.
func refusals(tr *netsim.Trace) (n uint64) {
	for i := range tr.Packets {
		if tr.Packets[i].Fate == netsim.Refused {
			n++
		}
	}
	return n
}

func firstLosses(res *analyze.Result) string {
	var b strings.Builder
	for i, l := range res.Ledger.Losses {
		if i == 4 {
			b.WriteString("\n  …")
			break
		}
		fmt.Fprintf(&b, "\n  %d %v %v, rule %d, flow %d, direction %d, frame %d, repaired by %d, %d octets",
			l.Packets, l.What, l.Place, l.Rule, l.Flow, l.Dir, l.Frame.Number, l.Repair.Number, l.Octets)
	}
	return b.String()
}

// frameSource plays frames that a test has chosen, over any number of files.
type frameSource struct {
	frames []capture.Frame
	batch  int
	inputs []capture.Input
}

func newFrameSource(frames []capture.Frame, batch int) *frameSource {
	return &frameSource{frames: frames, batch: batch, inputs: []capture.Input{{Path: "chosen"}}}
}

func (s *frameSource) Next() (*capture.Batch, error) {
	if len(s.frames) == 0 {
		return nil, io.EOF
	}
	n := min(s.batch, len(s.frames))
	b := append([]capture.Frame(nil), s.frames[:n]...)
	s.frames = s.frames[n:]
	for i := range b {
		b[i].Data = append([]byte(nil), b[i].Data...)
	}
	return capture.NewBatch(b, nil), nil
}

func (s *frameSource) Inputs() []capture.Input { return s.inputs }
func (s *frameSource) Close() error            { return nil }

// TestDropOne: a data frame taken out of a clean capture is missing from the
// capture, once, and from nowhere else.
func TestDropOne(t *testing.T) {
	for n := range *seeds * uint64(len(stacks)) {
		stack := int(n) % len(stacks)
		tr := netsim.Run(lab(0, int(n)%len(taps), stack, 77+n))
		for i := range tr.Packets {
			p := &tr.Packets[i]
			if p.Octets == 0 || i%9 != stack {
				continue
			}
			frames := append([]capture.Frame(nil), tr.Frames[:p.Frame-1]...)
			frames = append(frames, tr.Frames[p.Frame:]...)
			for j := range frames {
				frames[j].Number = uint64(j + 1)
			}
			res := conclude(t, newFrameSource(frames, 500), 1)
			if l := &res.Ledger; l.Missing() != 1 || l.CaptureOnly() != 1 || len(l.Charges) != 1 {
				t.Fatalf("%s: without frame %d (flow %d, direction %d, %d octets at %d): missing %d, only here %d, lost %d, %d charges%s",
					stacks[stack].name, p.Frame, p.Flow, p.Dir, p.Octets, p.Lo,
					l.Missing(), l.CaptureOnly(), l.Lost(), len(l.Charges), firstLosses(res))
			}
		}
	}
}

// TestWorkersAndBatches: neither changes the result.
func TestWorkersAndBatches(t *testing.T) {
	for seed := range *seeds * 6 {
		tr := netsim.Run(mixed(seed))
		want := said(conclude(t, tr.Source(64), 1), nil)
		for _, workers := range []int{2, 3, 8} {
			for _, batch := range []int{1, 64, 10_000} {
				got := said(conclude(t, tr.Source(batch), workers), nil)
				same(t, fmt.Sprintf("seed %d, %d workers, batches of %d", seed, workers, batch), got, want)
			}
		}
	}
}

// TestFileSplitting: frames have other names in other files, and that is all.
func TestFileSplitting(t *testing.T) {
	for seed := range *seeds * 4 {
		tr := netsim.Run(mixed(seed))
		want := said(conclude(t, tr.Source(100), 2), nil)
		frames := append([]capture.Frame(nil), tr.Frames...)
		third := len(frames)/3 + 1
		for i := range frames {
			frames[i].File, frames[i].Number = uint16(i/third), uint64(i%third+1)
		}
		src := newFrameSource(frames, third)
		src.inputs = make([]capture.Input, 3)
		got := said(conclude(t, src, 2), func(v reflect.Value) {
			if ref, ok := v.Addr().Interface().(*flow.FrameRef); ok && ref.Number > 0 {
				ref.Number += uint64(int(ref.File) * third)
				ref.File = 0
			}
		})
		same(t, fmt.Sprintf("seed %d in three files", seed), got, want)
	}
}

// TestRotation: where in sequence space a connection starts does not matter, but
// to the checksums and to the number of the SYN itself, which moves as far.
func TestRotation(t *testing.T) {
	by := uint32(0)
	noSums := func(v reflect.Value) {
		if w, ok := v.Addr().Interface().(*flow.Witness); ok && w.Says == flow.SaysBadChecksum {
			w.A, w.B = 0, 0
		}
		if h, ok := v.Addr().Interface().(*flow.Half); ok {
			for _, n := range [...]*uint32{&h.ISN, &h.Next, &h.Heard} {
				if *n != 0 {
					*n -= by
				}
			}
		}
	}
	for seed := range *seeds * 4 {
		c := mixed(seed)
		by = 0
		want := said(conclude(t, netsim.Run(c).Source(100), 1), noSums)
		for _, k := range []uint32{1, 0x7fff_ff00, 0x8000_0000, 0xffff_0000} {
			c.Rotate, by = k, k
			got := said(conclude(t, netsim.Run(c).Source(100), 1), noSums)
			same(t, fmt.Sprintf("seed %d, sequence numbers + %#x", seed, k), got, want)
		}
	}
}

// TestShift: when the capture was taken does not matter.
func TestShift(t *testing.T) {
	const lateTimes = 1e18 // anything above is a time, not a duration
	for seed := range *seeds * 4 {
		c := mixed(seed)
		want := said(conclude(t, netsim.Run(c).Source(100), 1), nil)
		c.Shift = 86_399*sec + 123_456_789
		got := said(conclude(t, netsim.Run(c).Source(100), 1), func(v reflect.Value) {
			if v.Kind() == reflect.Int64 && v.Int() > lateTimes {
				v.SetInt(v.Int() - c.Shift)
			}
		})
		same(t, fmt.Sprintf("seed %d, a day later", seed), got, want)
	}
}

// TestReflection: the addresses of both ends swapped give the same report with
// the addresses swapped.
func TestReflection(t *testing.T) {
	for seed := range *seeds * 4 {
		c := mixed(seed)
		tr := netsim.Run(c)
		swap := map[flow.Endpoint]flow.Endpoint{}
		for i := range tr.Flows {
			a := flow.Endpoint{Addr: decode.Addr(tr.Flows[i][0].Addr().As16()), Port: tr.Flows[i][0].Port()}
			b := flow.Endpoint{Addr: decode.Addr(tr.Flows[i][1].Addr().As16()), Port: tr.Flows[i][1].Port()}
			swap[a], swap[b] = b, a
		}
		c.Mirror = true
		mirrored := conclude(t, netsim.Run(c).Source(100), 1)
		noProse(mirrored)
		got := said(mirrored, func(v reflect.Value) {
			if e, ok := v.Addr().Interface().(*flow.Endpoint); ok {
				if other, known := swap[*e]; known {
					*e = other
				}
			}
		})
		plain := conclude(t, tr.Source(100), 1)
		noProse(plain)
		same(t, fmt.Sprintf("seed %d mirrored", seed), got, said(plain, nil))
	}
}

// noProse takes out the sentences, which have addresses in them.
func noProse(res *analyze.Result) {
	res.Tap.Evidence = nil
	for i := range res.Conclusions {
		res.Conclusions[i].Say = ""
	}
}

// TestCutting: a smaller snap length may make a checksum unreadable, never bad
// or good.
func TestCutting(t *testing.T) {
	for seed := range *seeds * 4 {
		tr := netsim.Run(mixed(seed))
		whole := conclude(t, tr.Source(100), 1).Counts
		for _, snap := range []int{60, 68, 96, 128, 400, 1000} {
			frames := append([]capture.Frame(nil), tr.Frames...)
			for i := range frames {
				frames[i].Data = frames[i].Data[:min(len(frames[i].Data), snap)]
			}
			cut := conclude(t, newFrameSource(frames, 100), 1).Counts
			for layer := range decode.NumLayers {
				for _, v := range []decode.Checksum{decode.ChecksumGood, decode.ChecksumBad} {
					if got, most := cut.Checksums[layer][v], whole.Checksums[layer][v]; got > most {
						t.Errorf("seed %d, cut to %d octets: %d %v %v checksums, whole it is %d", seed, snap, got, layer, v, most)
					}
				}
			}
		}
	}
}

// TestNeedAndChargeAgree: what repaired a packet that was lost behind the tap
// was needed, and if it was a repair itself, so was it: nothing of it had
// arrived. A damaged packet is lost whatever was sent again.
func TestNeedAndChargeAgree(t *testing.T) {
	for _, trouble := range troubles {
		for n := range *seeds * uint64(len(taps)*len(stacks)) {
			tap, stack, seed := int(n)%len(taps), int(n)/len(taps)%len(stacks), 3000+n
			c := lab(0, tap, stack, seed)
			trouble.do(&c)
			res := conclude(t, netsim.Run(c).Source(1000), 1)
			needs := map[flow.FrameRef]flow.Need{}
			for _, s := range res.Symptoms {
				if s.Kind == flow.Retransmission {
					needs[s.Frame] = s.Need
				}
			}
			for _, l := range res.Ledger.Losses {
				if l.What == flow.ACKPacket || l.Place != flow.AfterTap && l.Place != flow.InReceiver || l.Rule == flow.RuleBadChecksum || l.Repair.Number == 0 {
					continue
				}
				if need, ok := needs[l.Frame]; ok && need != flow.Needed {
					t.Errorf("%s, %s, %s, seed %d: repair %d is charged as lost, and is %v", trouble.name, taps[tap].name, stacks[stack].name, seed, l.Frame.Number, need)
				}
				if need, ok := needs[l.Repair]; !ok || need != flow.Needed {
					t.Errorf("%s, %s, %s, seed %d: frame %d is charged, its repair %d is %v", trouble.name, taps[tap].name, stacks[stack].name, seed, l.Frame.Number, l.Repair.Number, need)
				}
			}
		}
	}
}
