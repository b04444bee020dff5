package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"whydrop/cmd/lab/score"
	"whydrop/cmd/lab/truth"
)

// peers asks tshark and tcptrace about the same captures, and sorts their
// disagreements with the truth by what the packets show.
type peers struct {
	tshark, tcptrace bool // installed
	retx, late       [3]score.F1
	why              map[string]int // tshark's disagreements, by class
	total            totals
}

// totals are tcptrace's counts beside the truth, summed over directions.
type totals struct{ resent, said, late, saidLate, directions, right int }

func newPeers() *peers {
	p := &peers{why: map[string]int{}}
	_, err := exec.LookPath("tshark")
	p.tshark = err == nil
	_, err = exec.LookPath("tcptrace")
	p.tcptrace = err == nil
	return p
}

// The fields of tshark that are asked for, after the frame's number.
var analysis = []string{
	"tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission",
	"tcp.analysis.out_of_order", "tcp.analysis.lost_segment", "tcp.analysis.duplicate_ack",
}

// capture asks both about one capture.
func (p *peers) capture(path string, f *truth.Fates, point int) error {
	v := score.NewView(f, point)
	if p.tshark {
		said, err := askTshark(path)
		if err != nil {
			return err
		}
		p.compare(v, said)
	}
	if p.tcptrace {
		return p.askTcptrace(path, v)
	}
	return nil
}

// A word is what tshark calls a frame.
type word struct{ resent, fast, spurious, late bool }

func askTshark(path string) (map[int]word, error) {
	args := []string{"-n", "-r", path, "-Y", "tcp.analysis.flags", "-T", "fields", "-e", "frame.number"}
	for _, field := range analysis {
		args = append(args, "-e", field)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tshark: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	said := map[int]word{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		n, err := strconv.Atoi(fields[0])
		if err != nil || len(fields) < 5 {
			continue
		}
		said[n] = word{resent: fields[1] != "" || fields[2] != "" || fields[3] != "", fast: fields[2] != "", spurious: fields[3] != "", late: fields[4] != ""}
	}
	return said, nil
}

// compare scores tshark's words and says why they differ from the truth.
func (p *peers) compare(v *score.View, said map[int]word) {
	for _, n := range v.Frames() {
		stage, is := v.Judge(n)
		if stage < 0 {
			continue
		}
		w := said[n]
		count := func(f *score.F1, truth, said bool) {
			switch {
			case truth && said:
				f.Right++
			case truth:
				f.Missed++
			case said:
				f.Wrong++
			}
		}
		count(&p.retx[stage], is.Resent, w.resent)
		count(&p.late[stage], is.Late, w.late)
		if why := disagreement(is, w); why != "" {
			p.why[why]++
		}
	}
}

// disagreement names the class of a difference between a frame and tshark's
// word for it, from what the frame is and what passed the capture before it.
func disagreement(is score.Frame, w word) string {
	switch {
	case is.Resent && w.late:
		return "a repair called out-of-order: it fills a hole sooner after the newest segment than tshark waits"
	case is.Resent && !w.resent && !is.Seen && !is.Above:
		return "a repair not marked: no copy of it, and nothing above it, had passed; whydrop counts the sender's packets (IP-ID)"
	case is.Resent && !w.resent && !is.Seen:
		return "a repair not marked, although something above it had passed"
	case is.Resent && !w.resent:
		return "a repair not marked, although its first copy had passed"
	case is.Late && w.resent && w.spurious:
		return "a late original called a spurious retransmission: its octets were acknowledged when it came"
	case is.Late && w.resent:
		return "a late original called a retransmission: it came later than tshark waits, or after two duplicate ACKs"
	case is.Late && !w.late:
		return "a late original not marked"
	case is.Copy && w.resent:
		return "the network's copy of a packet called a retransmission"
	case !is.Resent && !is.Late && w.resent:
		return "new octets called a retransmission"
	case !is.Resent && !is.Late && w.late:
		return "a packet in order called out-of-order"
	case is.Resent && w.spurious && !is.Unneeded:
		return "a needed repair called spurious"
	}
	return ""
}

// askTcptrace compares tcptrace's count of retransmitted and out-of-order
// packets with the truth, direction by direction.
func (p *peers) askTcptrace(path string, v *score.View) error {
	out, err := exec.Command("tcptrace", "-n", "-l", path).Output()
	if err != nil {
		return fmt.Errorf("tcptrace: %w", err)
	}
	said := readTcptrace(string(out))
	for flow, is := range v.Directions() {
		got := said[flow]
		p.total.directions++
		p.total.resent, p.total.said = p.total.resent+is.Resent, p.total.said+got[0]
		p.total.late, p.total.saidLate = p.total.late+is.Late, p.total.saidLate+got[1]
		if got[0] == is.Resent {
			p.total.right++
		}
	}
	return nil
}

// readTcptrace reads "host a: 10.0.0.1:1" and "rexmt data pkts: 5 rexmt data
// pkts: 0" from tcptrace's long output, by "source destination".
func readTcptrace(text string) map[string][2]int {
	said := map[string][2]int{}
	var hosts [2]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, found := strings.CutPrefix(line, "host "); found {
			if _, address, ok := strings.Cut(rest, ":"); ok {
				hosts = [2]string{hosts[1], bracketed(strings.TrimSpace(address))}
			}
			continue
		}
		for i, name := range []string{"rexmt data pkts:", "outoforder pkts:"} {
			if !strings.HasPrefix(line, name) {
				continue
			}
			parts := strings.Split(line, name)
			for d := 1; d < len(parts) && d <= 2; d++ {
				n, err := strconv.Atoi(strings.TrimSpace(parts[d]))
				if err != nil {
					continue
				}
				flow := hosts[d-1] + " " + hosts[2-d]
				pair := said[flow]
				pair[i] = n
				said[flow] = pair
			}
		}
	}
	return said
}

// bracketed writes tcptrace's "2001:db8::1:80" as we write it.
func bracketed(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i < 0 || !strings.Contains(address[:i], ":") {
		return address
	}
	return "[" + address[:i] + "]" + address[i:]
}

// print writes both beside ours.
func (p *peers) print(w io.Writer, ours *score.Card) {
	fmt.Fprintln(w)
	if !p.tshark && !p.tcptrace {
		fmt.Fprintln(w, "tshark and tcptrace are not installed: nothing to compare with")
		return
	}
	fmt.Fprintf(w, "beside others, F1      %8s %8s %8s\n", score.Stages[0], score.Stages[1], score.Stages[2])
	line := func(name string, f [3]score.F1) {
		fmt.Fprintf(w, "%-22s %8s %8s %8s\n", name, figure(f[0].Value()), figure(f[1].Value()), figure(f[2].Value()))
	}
	line("retransmissions, ours", ours.Retx)
	if p.tshark {
		line("retransmissions, tshark", p.retx)
	}
	line("reordered, ours", ours.Late)
	if p.tshark {
		line("reordered, tshark", p.late)
		fmt.Fprintln(w, "where tshark differs from the truth, frames:")
		for _, why := range slices.SortedFunc(maps.Keys(p.why), func(a, b string) int { return p.why[b] - p.why[a] }) {
			fmt.Fprintf(w, "%6d  %s\n", p.why[why], why)
		}
	}
	if t := p.total; p.tcptrace {
		fmt.Fprintf(w, "tcptrace counts %d retransmitted packets where %d passed, and %d out of order where %d came late; its\n"+
			"count of retransmissions is right in %d of %d directions. It knows a repair by octets that it has seen, so\n"+
			"it misses those whose first copy was lost before the tap, and calls them out of order.\n",
			t.said, t.resent, t.saidLate, t.late, t.right, t.directions)
	}
}
