package netsim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/netsim"
	"whydrop/capture"
	"whydrop/capture/pcapfile"
)

var (
	explain = flag.String("explain", "", "list every disagreement of the runs whose `name` contains this")
	keep    = flag.String("keep", "", "write the captures of these runs to this `folder`")
)

// TestExplain is a tool: it names the packets on which simulation and analysis
// disagree. go test ./analyze/netsim -run Explain -v -explain "tails upstream, at A"
func TestExplain(t *testing.T) {
	if *explain == "" {
		t.Skip("nothing to explain; see -explain")
	}
	for ti := range troubles {
		for pi := range taps {
			for si := range stacks {
				name := fmt.Sprintf("%s, %s, %s", troubles[ti].name, taps[pi].name, stacks[si].name)
				if strings.Contains(name, *explain) {
					explainRun(t, name, lab(ti, pi, si, seedOf(ti, pi, si)))
				}
			}
		}
	}
	eachStory(0, func(name string, _ *story, c netsim.Config) {
		if strings.Contains(name, *explain) {
			explainRun(t, name, c)
		}
	})
}

func explainRun(t *testing.T, name string, c netsim.Config) {
	tr := netsim.Run(c)
	res := conclude(t, tr.Source(256), 2)
	t.Logf("%s: %d frames\n%s", name, len(tr.Frames), disagreements(t, tr, res))
	if *keep == "" {
		return
	}
	file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".pcapng"
	if err := save(filepath.Join(*keep, file), tr.Frames); err != nil {
		t.Error(err)
	}
}

func disagreements(t *testing.T, tr *netsim.Trace, res *analyze.Result) string {
	var b strings.Builder
	packets := map[uint64]*netsim.Packet{}
	for i := range tr.Packets {
		packets[tr.Packets[i].Frame] = &tr.Packets[i]
	}
	truth := framesOf(tr)
	found := framesSaid(res, truth.bad)
	list := func(what string, a, b map[uint64]bool, w *strings.Builder) {
		var all []uint64
		for n := range b {
			if !a[n] {
				all = append(all, n)
			}
		}
		slices.Sort(all)
		for _, n := range all {
			p := packets[n]
			fmt.Fprintf(w, "  %s: frame %d, flow %d, direction %d, %d-%d, %v, %v, needed %v\n",
				what, n, p.Flow, p.Dir, p.Lo, p.Hi, p.Fate, p.Why, p.Needed)
		}
	}
	for _, set := range []struct {
		what        string
		truth, said map[uint64]bool
	}{
		{"retransmission", truth.retransmitted, found.retransmitted},
		{"unneeded", truth.unneeded, found.unneeded},
		{"reordered", truth.late, found.late},
		{"network copy", truth.networkCopies, found.networkCopies},
		{"capture copy", truth.captureCopies, found.captureCopies},
		{"probe", truth.probes, found.probes},
	} {
		list(set.what+" invented", set.truth, set.said, &b)
		list(set.what+" missed", set.said, set.truth, &b)
	}
	for n, w := range found.why {
		if truth.retransmitted[n] && truth.why[n] != w {
			fmt.Fprintf(&b, "  frame %d is said to be %v, it is %v\n", n, w, truth.why[n])
		}
	}
	injected, concluded := truthOf(tr), concludedOf(t, tr, res)
	for i := range tr.Flows {
		for d := range uint8(2) {
			h := half{i, d}
			in, out := at(injected, h), at(concluded, h)
			for g := range numGroups {
				if in[g] != out[g] {
					fmt.Fprintf(&b, "  flow %d, direction %d, %s: injected %v, concluded %v\n", i, d, groupNames[g], in[g], out[g])
				}
			}
		}
	}
	for _, l := range res.Ledger.Losses {
		fmt.Fprintf(&b, "    loss: port %d, direction %d, %v %v, rule %d, frame %d, repaired by %d\n",
			res.Flows[l.Flow].Originator.Port, l.Dir, l.What, l.Place, l.Rule, l.Frame.Number, l.Repair.Number)
	}
	return b.String()
}

func save(name string, frames []capture.Frame) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := pcapfile.NewWriter(f, pcapfile.WriterOptions{Interfaces: []pcapfile.Interface{{Link: capture.LinkEthernet}}})
	if err != nil {
		return err
	}
	for i := range frames {
		if err := w.Write(&frames[i], pcapfile.Remarks{}); err != nil {
			return err
		}
	}
	return w.Flush()
}
