package main

import (
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/capture/pcapfile"
	"whydrop/cmd/lab/truth"
	"whydrop/report"
)

var captures = flag.String("captures", filepath.Join(root, "testdata/pcap"), "compare the captures of this `folder` of the lab")

// TestShippedCaptures compares what whydrop says of each capture of a real
// kernel in testdata/pcap with what the lab knows happened, frame by frame.
// Where one capture cannot show a loss, the truth says so, and whydrop must not
// claim it.
func TestShippedCaptures(t *testing.T) {
	truths, err := filepath.Glob(filepath.Join(*captures, "*.truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(truths) == 0 {
		t.Fatalf("no truth in %s; make lab", *captures)
	}
	for _, path := range truths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".truth.json"), func(t *testing.T) {
			want, err := truth.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			c := comparison{T: t, want: want}
			c.res, c.rep = examine(t, filepath.Join(filepath.Dir(path), want.Capture))
			c.frames()
			c.losses()
			c.lostFrames()
			c.windows()
			c.verdict()
		})
	}
}

// examine analyses a capture as the command does.
func examine(t *testing.T, path string) (*analyze.Result, *report.Report) {
	t.Helper()
	src, err := pcapfile.Open([]string{path}, pcapfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	res, err := analyze.Run(t.Context(), src, analyze.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return res, report.Build(res, report.BuildOptions{Version: "test"})
}

// A comparison is of one capture.
type comparison struct {
	*testing.T
	want *truth.Truth
	res  *analyze.Result
	rep  *report.Report
}

// frames compares what each frame is said to be.
func (c *comparison) frames() {
	if got := int(c.res.Counts.Frames); got != c.want.Frames {
		c.Fatalf("%d frames read, want %d", got, c.want.Frames)
	}
	var resent, late, bad []int
	copies := map[flow.Detail][]int{}
	need := map[int]flow.Need{}
	for _, s := range c.res.Symptoms {
		n := int(s.Frame.Number)
		switch s.Kind {
		case flow.Retransmission:
			resent = append(resent, n)
			need[n] = s.Need
		case flow.Reordered:
			late = append(late, n)
		case flow.Duplicate:
			copies[s.Detail] = append(copies[s.Detail], n)
		case flow.ChecksumBad:
			bad = append(bad, n)
		}
	}
	var wantResent []int
	for _, r := range c.want.Retransmissions {
		wantResent = append(wantResent, r.Frame)
	}
	c.same("retransmissions", resent, wantResent)
	c.same("reordered", late, c.want.Reordered)
	c.same("copies of the network", copies[flow.NetworkCopy], c.want.NetworkCopies)
	c.same("copies of the capture", copies[flow.CaptureCopy], c.want.CaptureCopies)
	c.same("bad checksums", bad, c.want.Damaged)
	c.needs(need)
	c.kinds()
}

// kinds compares what set the retransmissions off with the kernel's counters.
func (c *comparison) kinds() {
	if c.want.Kinds == nil {
		return
	}
	got := map[string]map[string]int{}
	for _, s := range c.res.Symptoms {
		if s.Kind != flow.Retransmission {
			continue
		}
		f := c.res.Flows[s.Flow]
		src := [2]flow.Endpoint{f.Originator, f.Responder}[s.Dir].Addr.String()
		if got[src] == nil {
			got[src] = map[string]int{}
		}
		got[src][s.Detail.String()]++
	}
	for src, want := range c.want.Kinds {
		if !maps.Equal(got[src], want) {
			c.Errorf("retransmissions of %s: %v, want %v", src, got[src], want)
		}
	}
}

// needs compares whether each retransmission was needed. Undecided is an honest
// answer where the other direction is missing, and for a repair that was lost
// itself, so that nothing answered it (tcp-rules.md b-8.8).
func (c *comparison) needs(got map[int]flow.Need) {
	for _, r := range c.want.Retransmissions {
		want := flow.Unneeded
		switch {
		case c.want.State == report.StateCannotTell:
			want = flow.Undecided
		case r.Needed:
			want = flow.Needed
		}
		n, found := got[r.Frame]
		if r.Lost && n == flow.Undecided {
			continue
		}
		if found && n != want {
			c.Errorf("retransmission in frame %d: %v, want %v", r.Frame, n, want)
		}
	}
}

// same compares two sets of frames.
func (c *comparison) same(what string, got, want []int) {
	c.Helper()
	slices.Sort(got)
	got = slices.Compact(got)
	if extra, missed := without(got, want), without(want, got); len(extra)+len(missed) > 0 {
		c.Errorf("%s: %d frames, want %d: wrong %v, missed %v", what, len(got), len(want), extra, missed)
	}
}

func without(a, b []int) (rest []int) {
	for _, n := range a {
		if !slices.Contains(b, n) {
			rest = append(rest, n)
		}
	}
	return rest
}

// losses compares packets by direction, kind and place.
func (c *comparison) losses() {
	got := map[string]int{}
	for _, ch := range c.rep.Ledger.Charges {
		key := ch.What + " " + ch.Locus
		if c.want.AtMost[key] > 0 || c.want.Cannot[key] > 0 {
			got[key] += int(ch.Packets)
			continue
		}
		got[ch.Src+" > "+ch.Dst+": "+key] += int(ch.Packets)
	}
	want := map[string]int{}
	for _, d := range c.want.Directions {
		for key, n := range d.Lost {
			want[d.Src+" > "+d.Dst+": "+key] = n
		}
	}
	for key, most := range c.want.AtMost {
		if got[key] > most {
			c.Errorf("lost, %s: %d, want at most %d", key, got[key], most)
		}
		delete(got, key)
	}
	for key, n := range c.want.Cannot {
		if got[key] > 0 {
			c.Errorf("lost, %s: %d were claimed (there were %d), but this capture cannot show it", key, got[key], n)
		}
		delete(got, key)
	}
	keys := slices.Concat(slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if got[key] != want[key] {
			c.Errorf("lost, %s: %d, want %d", key, got[key], want[key])
		}
	}
	l := c.rep.Ledger
	if l.Missing != l.Lost+l.CaptureOnly+l.Unexplained {
		c.Errorf("missing %d = lost %d + only here %d + unexplained %d does not balance", l.Missing, l.Lost, l.CaptureOnly, l.Unexplained)
	}
}

// lostFrames compares the lost packets themselves, where the file holds them.
func (c *comparison) lostFrames() {
	var got []int
	for _, ch := range c.rep.Ledger.Charges {
		key := ch.What + " " + ch.Locus
		if c.want.AtMost[key] > 0 {
			continue
		}
		for _, f := range ch.Frames {
			got = append(got, int(f))
		}
	}
	c.same("frames that were lost later", got, c.want.LostHere)
}

// windows compares how often each direction's sender closed its window.
func (c *comparison) windows() {
	for _, want := range c.want.Directions {
		for _, f := range c.rep.Flows.Table {
			for _, got := range f.Directions {
				if got.Src == want.Src && got.Dst == want.Dst && int(got.ZeroWindow.Episodes) != want.Zero {
					c.Errorf("%s > %s: %d zero-window episodes, want %d", got.Src, got.Dst, got.ZeroWindow.Episodes, want.Zero)
				}
			}
		}
	}
}

// verdict compares the answer: its state, its number, and the causes it names.
func (c *comparison) verdict() {
	v := c.rep.Verdict
	if c.want.State != "" && v.State != c.want.State {
		c.Errorf("state %q (%s), want %q", v.State, v.Sentence, c.want.State)
	}
	lost := 0
	for _, d := range c.want.Directions {
		for key, n := range d.Lost {
			if !strings.HasSuffix(key, " capture") {
				lost += n
			}
		}
	}
	sentence := map[string]string{
		report.StateNothingLost: "Nothing was lost.", report.StateLost: fmt.Sprintf("%d of ", lost), report.StateCannotTell: "Cannot tell ",
	}[c.want.State]
	if !strings.HasPrefix(v.Sentence, sentence) {
		c.Errorf("it says %q, want %q…", v.Sentence, sentence)
	}
	var named []string
	for _, cause := range c.rep.Causes {
		named = append(named, cause.ID)
	}
	for _, id := range c.want.Causes {
		if !slices.Contains(named, id) {
			c.Errorf("causes %v lack %q", named, id)
		}
	}
	for _, id := range c.want.NotCauses {
		if slices.Contains(named, id) {
			c.Errorf("causes %v name %q, which did not happen", named, id)
		}
	}
	if place := c.rep.Capture.Tap.Locus; place != c.want.Tap && place != "unknown" {
		c.Errorf("the tap is at the %s, want %s or unknown", place, c.want.Tap)
	}
}
