package netsim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whydrop/analyze/netsim"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

const (
	ms  = netsim.Millisecond
	sec = netsim.Second
)

// A trouble is what is done to the packets of a run.
type trouble struct {
	name string
	do   func(c *netsim.Config)
}

// both applies f to both directions, on one side of the tap.
func both(side int, f netsim.Faults) func(*netsim.Config) {
	return func(c *netsim.Config) { c.Path[0][side].Faults, c.Path[1][side].Faults = f, f }
}

var troubles = []trouble{
	{"nothing", func(*netsim.Config) {}},
	{"loss upstream 2 %", both(0, netsim.Faults{Loss: .02})},
	{"loss downstream 2 %", both(1, netsim.Faults{Loss: .02})},
	{"loss on both sides 1 %", func(c *netsim.Config) {
		both(0, netsim.Faults{Loss: .01})(c)
		both(1, netsim.Faults{Loss: .01})(c)
	}},
	{"bursts upstream", both(0, netsim.Faults{Burst: .003, BurstLength: 5})},
	{"bursts downstream", both(1, netsim.Faults{Burst: .003, BurstLength: 5})},
	{"tails downstream", both(1, netsim.Faults{Tail: .4})},
	{"tails upstream", both(0, netsim.Faults{Tail: .4})},
	{"outage downstream", both(1, netsim.Faults{Outages: []netsim.Span{{From: 150 * ms, To: 650 * ms}}})},
	{"a narrow queue", func(c *netsim.Config) {
		for d := range c.Path {
			c.Path[d][1].Elements = []netsim.Element{&netsim.Queue{Rate: 8e6, Octets: 24_000}}
		}
	}},
	{"handshakes", func(c *netsim.Config) {
		both(0, netsim.Faults{Only: netsim.SYN, Loss: .3})(c)
		both(1, netsim.Faults{Only: netsim.SYN, Loss: .3})(c)
	}},
	{"lost ACKs upstream 20 %", both(0, netsim.Faults{Only: netsim.ACK, Loss: .2})},
	{"lost ACKs downstream 20 %", both(1, netsim.Faults{Only: netsim.ACK, Loss: .2})},
	{"reordering upstream", both(0, netsim.Faults{Reorder: .03, Late: [2]int64{ms / 5, 3 * ms}})},
	{"reordering downstream", both(1, netsim.Faults{Reorder: .03, Late: [2]int64{ms / 5, 15 * ms}})},
	{"network copies", both(0, netsim.Faults{Duplicate: .03})},
	{"damage upstream", both(0, netsim.Faults{Corrupt: .01})},
	{"damage downstream", both(1, netsim.Faults{Corrupt: .01})},
	{"capture drops 2 %", func(c *netsim.Config) { c.Tap.Drop = .02 }},
	{"capture drops in bursts", func(c *netsim.Config) { c.Tap.Burst, c.Tap.BurstLength = .003, 8 }},
	{"a mirror port", func(c *netsim.Config) {
		c.Tap.Copies = true
		both(1, netsim.Faults{Loss: .01})(c)
	}},
	{"96 octets", func(c *netsim.Config) {
		c.Tap.Snap = 96
		both(1, netsim.Faults{Loss: .01})(c)
	}},
	{"a reader that pauses", func(c *netsim.Config) {
		for i := range c.Flows {
			c.Flows[i].Buffer = 64 << 10
			c.Flows[i].B.Pause = 1500 * ms
		}
		both(1, netsim.Faults{Loss: .005})(c)
	}},
	{"keep-alives", func(c *netsim.Config) {
		for i := range c.Flows {
			c.Flows[i].KeepAlive = sec
			c.Flows[i].A.Sends = append(c.Flows[i].A.Sends, netsim.Send{After: 4 * sec, Octets: 1000})
		}
	}},
}

// taps are where the capture is taken, on a path of 20 ms each way.
var taps = []struct {
	name string
	a, b int64
}{
	{"in the middle", 8 * ms, 12 * ms},
	{"at A", ms / 200, 20 * ms},
	{"at B", 20 * ms, ms / 200},
}

// stacks are the kinds of connection.
var stacks = []struct {
	name string
	flow netsim.Flow
}{
	{"IPv4", netsim.Flow{}},
	{"IPv4, ID 0", netsim.Flow{ZeroID: true}},
	{"IPv4, no SACK", netsim.Flow{NoSACK: true}},
	{"IPv4, no timestamps", netsim.Flow{NoTimestamps: true}},
	{"IPv6", netsim.Flow{IPv6: true}},
}

// lab is one run: two uploads and a download of some hundred segments, each
// with a short exchange behind it.
func lab(trouble, tap, stack int, seed uint64) netsim.Config {
	c := netsim.Config{Seed: seed, Path: netsim.Through(taps[tap].a, taps[tap].b)}
	for i := range 3 {
		f := stacks[stack].flow
		f.Start = int64(i) * 30 * ms
		up, down := uint64(250_000), uint64(3_000)
		if i == 2 {
			up, down = 400, 250_000
		}
		f.A.Sends = []netsim.Send{{Octets: up}, {Got: down, After: 400 * ms, Octets: 9_000}}
		f.B.Sends = []netsim.Send{{Got: up, Octets: down}, {Got: up + 9_000, After: 60 * ms, Octets: 2_000}}
		f.B.Stays = true
		c.Flows = append(c.Flows, f)
	}
	troubles[trouble].do(&c)
	return c
}

// seedOf gives every run its own luck.
func seedOf(trouble, tap, stack int) uint64 { return uint64(1 + trouble*100 + tap*10 + stack) }

// TestAccuracy compares what whydrop concludes with what was done, over every
// trouble, tap and kind of connection, and over every story. The golden files
// are the numbers to publish; the floors are what no rewriting of them may sink
// under.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("every trouble on every stack takes long; it is played without -short")
	}
	var total matrix
	var all scores
	perTrouble := make([]scores, len(troubles))
	perStack := make([]scores, len(stacks))
	lossError := make([]matrix, len(troubles))
	v := newVerdicts(t)
	for ti := range troubles {
		for pi := range taps {
			for si := range stacks {
				tr := netsim.Run(lab(ti, pi, si, seedOf(ti, pi, si)))
				res := conclude(t, tr.Source(256), 2)
				truth, concluded := truthOf(tr), concludedOf(t, tr, res)
				total.add(truth, concluded)
				lossError[ti].add(truth, concluded)
				all.add(tr, res)
				perTrouble[ti].add(tr, res)
				perStack[si].add(tr, res)
				v.add(fmt.Sprintf("%s, %s, %s", troubles[ti].name, taps[pi].name, stacks[si].name), tr, res)
			}
		}
	}
	golden(t, "confusion.golden", table(total, lossError, all, perTrouble, perStack))
	var told scores
	eachStory(0, func(name string, s *story, c netsim.Config) {
		tr := netsim.Run(c)
		res := conclude(t, tr.Source(256), 2)
		v.add(name, tr, res)
		told.add(tr, res)
		if refused := refusals(tr); s.innocent && res.Ledger.Lost() > refused {
			t.Errorf("%s: nothing was lost, but %d packets are charged:%s", name, res.Ledger.Lost(), firstLosses(res))
		}
	})
	golden(t, "verdicts.golden", v.text()+"\n"+told.text())
	v.laws()
	floors(t, all, total)
}

// golden compares got with testdata/name, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run this test with -update", err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; if it is better, run this test with -update and say why in the commit\ngot\n%s\nwant\n%s", file, got, want)
	}
}

func floors(t *testing.T, all scores, m matrix) {
	t.Helper()
	for _, f := range []struct {
		what  string
		got   float64
		floor float64
	}{
		{"retransmissions", all.retransmitted.f1(), .99},
		{"reordered", all.late.f1(), .98},
		{"unneeded", all.unneeded.f1(), .96},
		{"network copies", all.networkCopies.f1(), .98},
		{"capture copies", all.captureCopies.f1(), .999},
		{"probes", all.probes.f1(), .999},
		{"bad checksums", all.bad.f1(), .999},
		{"lost data and its place", m.judge(data).f1(), .98},
	} {
		if f.got < f.floor {
			t.Errorf("%s: F1 %.3f is below %.3f", f.what, f.got, f.floor)
		}
	}
}

func (s score) precision() float64 { return ratio(s.right, s.right+s.invented) }
func (s score) recall() float64    { return ratio(s.right, s.right+s.missed) }
func (s score) f1() float64        { return ratio(2*s.right, 2*s.right+s.invented+s.missed) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// table writes everything as text.
func table(total matrix, byTrouble []matrix, all scores, perTrouble, perStack []scores) string {
	var b strings.Builder
	fmt.Fprintf(&b, "What was injected (down) and what was concluded (across), wire packets,\nof %d runs and %d frames.\n",
		len(troubles)*len(taps)*len(stacks), all.frames)
	for g := range numGroups {
		fmt.Fprintf(&b, "\n%-22s", groupNames[g])
		for c := range numFates {
			fmt.Fprintf(&b, "%12s", fateNames[c])
		}
		b.WriteByte('\n')
		for i := range numFates {
			if total[g][i] == [numFates]int{} {
				continue
			}
			fmt.Fprintf(&b, "  %-20s", fateNames[i])
			for c := range numFates {
				fmt.Fprintf(&b, "%12d", total[g][i][c])
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\n" + all.text())
	fmt.Fprintf(&b, "\n%-26s%9s%9s%9s%9s%9s%9s%10s\n", "right/invented/missed", "retx", "kinds", "unneeded", "late", "copies", "data", "acks")
	for i, tr := range troubles {
		row(&b, tr.name, perTrouble[i], &byTrouble[i])
	}
	for i, st := range stacks {
		row(&b, st.name, perStack[i], nil)
	}
	return b.String()
}

func row(b *strings.Builder, name string, s scores, m *matrix) {
	short := func(x score) string { return fmt.Sprintf("%d/%d/%d", x.right, x.invented, x.missed) }
	fmt.Fprintf(b, "  %-24s %12s %8s %12s %12s %12s", name, short(s.retransmitted), fmt.Sprintf("%d/%d", s.kindsRight, s.kindsWrong),
		short(s.unneeded), short(s.late), short(score{
			s.networkCopies.right + s.captureCopies.right, s.networkCopies.invented + s.captureCopies.invented,
			s.networkCopies.missed + s.captureCopies.missed,
		}))
	if m != nil {
		d := m.judge(data)
		h := m.judge(handshake)
		fmt.Fprintf(b, " %12s %12s", short(score{d.right + h.right, d.invented + h.invented, d.missed + h.missed}), short(m.judge(acks)))
	}
	b.WriteByte('\n')
}

// judge sums a group up: on the diagonal it is right; a wrong place is
// invented there and missed here.
func (m *matrix) judge(g group) score {
	var s score
	for i := range numFates {
		for c := range numFates {
			n := m[g][i][c]
			switch {
			case i == c || i == refused && c == inHost || i == inHost && c == downstream:
				s.right += n
			default:
				if c != nothing && c != unexplained {
					s.invented += n
				}
				if i != nothing {
					s.missed += n
				}
			}
		}
	}
	return s
}

// text writes the frames that were said to be something.
func (s *scores) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-26s%9s%9s%9s%11s%8s\n", "frames", "right", "invented", "missed", "precision", "recall")
	for _, line := range []struct {
		name string
		score
	}{
		{"retransmissions", s.retransmitted}, {"unneeded ones", s.unneeded}, {"reordered", s.late},
		{"network copies", s.networkCopies}, {"capture copies", s.captureCopies},
		{"keep-alives and probes", s.probes}, {"bad checksums", s.bad},
	} {
		fmt.Fprintf(&b, "  %-24s%9d%9d%9d%11.3f%8.3f\n", line.name, line.right, line.invented, line.missed, line.precision(), line.recall())
	}
	fmt.Fprintf(&b, "  kinds of retransmission: %d right, %d wrong; need undecided: %d\n", s.kindsRight, s.kindsWrong, s.undecided)
	return b.String()
}
