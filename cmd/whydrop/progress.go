package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	progressAfter = time.Second            // a shorter run needs none
	progressEvery = 200 * time.Millisecond // often enough to look alive
)

// A meter knows how far reading has come: octets on disk, and -1 for a total
// that is not known. It may be asked from any goroutine.
type meter interface {
	Progress() (read, total int64)
}

// progress shows on stderr how far m is, if that is a terminal and the run is
// long. The line is gone when stop returns.
func (p *program) progress(j *job, m meter) (stop func()) {
	if m == nil || j.noProgress || j.quiet || !isTerminal(p.stderr) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		start := time.Now()
		wait := time.NewTimer(progressAfter)
		defer wait.Stop()
		for {
			select {
			case <-quit:
				if time.Since(start) > progressAfter {
					fmt.Fprint(p.stderr, "\r\x1b[K")
				}
				return
			case <-wait.C:
				read, total := m.Progress()
				line := progressLine(read, total, time.Since(start))
				fmt.Fprintf(p.stderr, "\r%s\x1b[K", cutTo(line, width(p.stderr)-1))
				wait.Reset(progressEvery)
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// progressLine is the line of one moment: octets, their share, the rate, and
// the time that is left at that rate.
func progressLine(read, total int64, since time.Duration) string {
	seconds := since.Seconds()
	if seconds <= 0 {
		return octets(read)
	}
	rate := float64(read) / seconds
	parts := []string{octets(read)}
	if total > 0 {
		read = min(read, total) // a file may grow while it is read
		parts[0] = fmt.Sprintf("%s of %s", octets(read), octets(total))
		parts = append(parts, fmt.Sprintf("%d %%", read*100/total))
	}
	parts = append(parts, octets(int64(rate))+"/s")
	if total > 0 && rate > 0 {
		left := time.Duration(float64(total-read) / rate * float64(time.Second))
		parts = append(parts, duration(left)+" left")
	}
	return strings.Join(parts, "  ")
}

// octets writes n in powers of 1000, with one decimal from MB.
func octets(n int64) string {
	const k = 1000
	switch {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%d kB", n/k)
	case n < k*k*k:
		return fmt.Sprintf("%.1f MB", float64(n)/(k*k))
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(k*k*k))
}

// duration writes d in whole seconds: nobody needs more of a guess.
func duration(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

// cutTo cuts an ASCII line to n columns, so that it cannot wrap.
func cutTo(s string, n int) string {
	if n < 1 || len(s) <= n {
		return s
	}
	return s[:n]
}
