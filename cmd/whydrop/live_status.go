package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/report"
)

// statusEvery is how often the status line is drawn.
const statusEvery = 500 * time.Millisecond

// status shows on stderr what the capture has done so far, if that is a terminal. The
// line is gone when stop returns.
func (p *program) status(j *liveJob, s *liveSession) (stop func()) {
	if j.noProgress || j.quiet || !isTerminal(p.stderr) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		start := time.Now()
		tick := time.NewTicker(statusEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprint(p.stderr, "\r\x1b[K")
				return
			case <-tick.C:
				var lost []capture.Moved
				if s.rec.witness != nil {
					lost = s.rec.witness.Now().Lost
				}
				line := statusLine(j.live.iface, s.ring.Counters(), lost, time.Since(start))
				if last := s.last.Load(); last != nil && *last != "" {
					line += "  " + *last
				}
				fmt.Fprintf(p.stderr, "\r%s\x1b[K", cutTo(line, width(p.stderr)-1))
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// mostTold is how many counters the status line has room for.
const mostTold = 3

// statusLine is the line of one moment.
func statusLine(iface string, c afpacket.Counters, lost []capture.Moved, since time.Duration) string {
	parts := []string{clean(iface), duration(since), grouped(c.Frames) + " packets", octets(int64(c.Octets))}
	if c.Dropped > 0 {
		parts = append(parts, grouped(c.Dropped)+" dropped by the ring")
	}
	for _, m := range lost[:min(len(lost), mostTold)] {
		parts = append(parts, fmt.Sprintf("%s %s", oneLine(strings.TrimSpace(m.Name+" "+m.Of)), grouped(m.By)))
	}
	return strings.Join(parts, "  ")
}

// lastInterval is what an interval lost: how much, mostly why, and which flow most.
func lastInterval(r *report.Report) string {
	if r.Verdict.Lost == 0 {
		return ""
	}
	s := grouped(r.Verdict.Lost) + " lost"
	if len(r.Verdict.Groups) > 0 {
		s += ", most by " + oneLine(r.Verdict.Groups[0].Cause)
	}
	if len(r.Flows.Top) > 0 && r.Flows.Top[0].Lost > 0 {
		f := &r.Flows.Top[0]
		s += fmt.Sprintf(", %s of %s > %s", grouped(f.Lost), oneLine(f.Originator), oneLine(f.Responder))
	}
	return s
}
