package analyze

import (
	"fmt"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
	"whydrop/decode"
)

// Thresholds of what a host says beside losses: kernel-evidence.md §3a.
const (
	// unevenPackets is from how many packets on their sharing is looked at, and
	// unevenTimes how many times the mean the busiest CPU must have had.
	unevenPackets = 10_000
	unevenTimes   = 2
)

// slowReaders names the programs of this host that closed their windows, as their
// sockets show: their queues were full.
func (res *Result) slowReaders() (out []Conclusion) {
	for _, g := range res.closedWindows() {
		src, dst := res.ends(g)
		for i := range res.Inputs {
			t := res.Inputs[i].Testimony
			if t == nil {
				continue
			}
			s := socketOf(t, dst, src)
			if s == nil || s.Process == nil || len(out) == maxTold {
				continue
			}
			sure := cause.Likely
			if kernel.NotReading(s) {
				sure = cause.Certain
			}
			say := fmt.Sprintf("%s, pid %d, did not read from %s: %d octets waited in a buffer of %d",
				s.Process.Command, s.Process.PID, place(src), s.MostQ, s.Buffer)
			if doing := kernel.Doing(s.Process); doing != "" {
				say += "; it was " + doing
			}
			out = append(out, Conclusion{Cause: cause.SlowApplication, Count: g.N, Confidence: sure, Say: say + "."})
		}
	}
	return out
}

// socketOf is the socket of t between two ends, nil if it is not known.
func socketOf(t *capture.Testimony, local, remote flow.Endpoint) *capture.Socket {
	for i := range t.Sockets {
		s := &t.Sockets[i]
		if s.Protocol == decode.ProtoTCP && s.Local.Port() == local.Port && s.Remote.Port() == remote.Port &&
			s.Local.Addr().Unmap() == local.Addr.Netip() && s.Remote.Addr().Unmap() == remote.Addr.Netip() {
			return s
		}
	}
	return nil
}

// imbalance says where one CPU had the work of all: it processed more than twice
// the mean, and had to stop early or drop.
func (res *Result) imbalance() (out []Conclusion) {
	for i := range res.Inputs {
		t := res.Inputs[i].Testimony
		if t == nil {
			continue
		}
		var sum, most, cpus uint64
		busiest := ""
		strained := map[string]bool{}
		for k := range t.Moved {
			m := &t.Moved[k]
			switch {
			case m.Group != "softnet" || !strings.HasPrefix(m.Of, "cpu "):
			case m.Name == "processed":
				sum, cpus = sum+m.By, cpus+1
				if m.By > most {
					most, busiest = m.By, m.Of
				}
			case m.Name == "time_squeeze" || m.Name == "dropped":
				strained[m.Of] = true
			}
		}
		cpus = max(cpus, uint64(t.CPUs))
		if sum >= unevenPackets && cpus > 1 && most*cpus > unevenTimes*sum && strained[busiest] {
			out = append(out, Conclusion{
				Cause: cause.SoftnetImbalance, Count: most, Confidence: cause.Likely,
				Say: fmt.Sprintf("%s processed %d of %d packets that came in, of %d CPUs, and could not keep up.",
					strings.ToUpper(busiest), most, sum, cpus),
			})
		}
	}
	return out
}
