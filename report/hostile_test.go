package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
)

// hostile strings could come from a file name, a comment in a capture, or a
// message about either.
var hostile = []string{
	"\x1b[2J\x1b[31mred\x1b[0m",
	"\x1b]0;title\x07",
	"line\nbreak\r\ttab",
	"\u202egnp.pcap\u202c",
	"\u2066isolate\u2069 \u200f\u200e\u061c",
	"zero\u200bwidth\ufeff\u2060",
	"\u2028line\u2029paragraph",
	"\x80\xfe\xff broken",
	"\u009b31m C1",
	"e" + strings.Repeat("\u0301", 50),
	"nul\x00nul\x7f",
	"{\"a\":1}`rm -rf /`<script>",
	strings.Repeat("long/", 2000),
	strings.Repeat("x", 5000),
	"日本語の名前.pcap",
	"\U000e0041tag \U0001f4a9",
}

// TestNothingHostileReachesTheTerminal puts hostile strings wherever a string
// from outside can go, and looks at every octet that comes out.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	for _, evil := range hostile {
		res := cutFile()
		res.Inputs[0].Path = evil
		res.Inputs[0].Damage.What = evil
		res.Inputs[0].Format = evil
		res.Tap.Evidence = []string{evil}
		res.Audit = []analyze.AuditFinding{{Finding: evil, Detail: evil, Lowers: true}, {Finding: "x", Detail: evil, Lowers: true}}
		c := &res.Ledger.Charges[0]
		c.Rivals = []analyze.Rival{{Cause: cause.ID(evil), Why: evil}}
		c.Cause = cause.ID(evil)
		testify(res, c, evil)
		r := Build(res, BuildOptions{Version: evil})
		for _, o := range []TextOptions{{}, {Verbose: 2}, {Flows: true, Verbose: 1}, {ASCII: true, Verbose: 1}, {Color: true, Verbose: 1, Flows: true}} {
			text := render(t, r, o)
			if o.Color {
				text = escape.ReplaceAllString(text, "")
			}
			if !utf8.ValidString(text) {
				t.Errorf("%q, %+v: not UTF-8", evil, o)
			}
			for _, c := range text {
				if c != '\n' && !visible(c) {
					t.Errorf("%q, %+v: %U came out in\n%q", evil, o, c, text)
					break
				}
			}
		}
		if o := (TextOptions{Width: 80}); !strings.ContainsRune(evil, '日') {
			fits(t, render(t, r, o), 24, 80)
		}
	}
}

// testify lets a host say evil of c, as a file can.
func testify(res *analyze.Result, c *analyze.Charge, evil string) {
	process := &capture.Process{PID: 1, Command: evil, State: "sleeping", Channel: evil}
	host := &capture.Testimony{
		Kernel: evil, Captured: []string{evil}, Absent: []capture.Absent{{What: evil, Why: evil, Costs: evil}},
		Drops:    []capture.Drop{{Reason: evil, Function: evil, Hook: evil, Interface: evil, Events: 1, Packets: 1, Process: process}},
		Moved:    []capture.Moved{{Group: evil, Name: evil, Of: evil, By: 1}},
		Rules:    []capture.Rule{{Family: evil, Table: evil, Chain: evil, Text: evil, Verdict: evil}},
		Sockets:  []capture.Socket{{Process: process}},
		Settings: []capture.Setting{{Name: evil, Value: evil, Most: evil}},
		Events:   []capture.HostEvent{{What: evil, Of: evil}},
	}
	res.Inputs[0].Testimony = host
	res.Hosts = []analyze.HostBalance{{Of: host, Lines: []analyze.BalanceLine{{Cause: cause.ID(evil), Counted: 2, Counters: []string{evil}}}}}
	c.Host = &analyze.HostWord{
		Drop: &host.Drops[0], Rule: &host.Rules[0], Sure: true, Socket: &host.Sockets[0], Counters: []*capture.Moved{&host.Moved[0]}, Of: host,
	}
	c.Evidence = append(c.Evidence, flow.Witness{Frame: flow.FrameRef{Number: 1}, Time: t0, Says: flow.SaysKernelDrop, A: 5})
}

// TestHostilePathsSurviveInJSON holds that machines get the true path.
func TestHostilePathsSurviveInJSON(t *testing.T) {
	for _, evil := range hostile {
		res := cutFile()
		res.Inputs[0].Path = evil
		res.Symptoms = []flow.Symptom{{Time: t0, Frame: flow.FrameRef{Number: 1}}}
		r := Build(res, BuildOptions{})
		var b bytes.Buffer
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		var back struct {
			Inputs []struct{ Path string }
		}
		if err := json.Unmarshal(b.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		want := strings.ToValidUTF8(evil, "\ufffd")
		if utf8.ValidString(evil) && back.Inputs[0].Path != want {
			t.Errorf("got path %q, want %q", back.Inputs[0].Path, want)
		}
		b.Reset()
		if err := NDJSON(&b, res, r); err != nil {
			t.Fatal(err)
		}
		first, _, _ := bytes.Cut(b.Bytes(), []byte("\n"))
		if got := decodeRecord(t, first)["file"]; utf8.ValidString(evil) && got != want {
			t.Errorf("got file %q, want %q", got, want)
		}
	}
}

// FuzzClean holds that clean lets nothing through that moves the cursor, and
// changes nothing that is harmless.
func FuzzClean(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !harmless(got, maxShown) && utf8.RuneCountInString(got) <= maxShown {
			t.Errorf("%q became %q", s, got)
		}
		for _, r := range got {
			if !visible(r) {
				t.Errorf("%q became %q with %U", s, got, r)
			}
		}
		if harmless(s, maxShown) && got != s {
			t.Errorf("%q is harmless and became %q", s, got)
		}
		for _, r := range asciiOnly(got) {
			if r >= 0x80 {
				t.Errorf("%q in ASCII has %U", s, r)
			}
		}
	})
}

// FuzzWrap holds the width and the height of whatever is wrapped.
func FuzzWrap(f *testing.F) {
	f.Add("Capture with `tcpdump -i eth0` 26 656 packets", 9, 2)
	f.Fuzz(func(t *testing.T, s string, indent, lines int) {
		indent, lines = indent&15, 1+lines&3
		p := newPrinter(TextOptions{Width: 60})
		p.to(indent)
		p.wrap(s, plain, indent, lines)
		text := p.b.String()
		if n := strings.Count(text, "\n") + 1; n > lines {
			t.Errorf("%q took %d lines, want at most %d", s, n, lines)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > 60 {
				t.Errorf("%q: %d wide: %q", s, utf8.RuneCountInString(line), line)
			}
		}
	})
}
