package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/host"
)

// statusEvery is how often the status line is drawn.
const statusEvery = 500 * time.Millisecond

// status shows on stderr what the capture has done so far, if that is a terminal. The
// line is gone when stop returns.
func (p *program) status(j *liveJob, ring *afpacket.Source, witness *host.Witness) (stop func()) {
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
				if witness != nil {
					lost = witness.Now().Lost
				}
				fmt.Fprintf(p.stderr, "\r%s\x1b[K", cutTo(statusLine(j.live.iface, ring.Counters(), lost, time.Since(start)), width(p.stderr)-1))
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
