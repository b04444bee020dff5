package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/pcapfile"
)

// captureFiles are the files of -w. Each is written beside its place, as .NAME.PID.part,
// and moved there when it is whole: with its counters, and the last one with what the
// host said. What a kill, a second Ctrl-C or a full disk leaves behind is the .part,
// readable up to its last whole block: every second what is held back is written.
type captureFiles struct {
	path   string
	octets int64         // -C: a new file after so many; 0 = never
	every  time.Duration // -G: a new file after so long; 0 = never
	most   int           // -W: so many files

	open    pcapfile.Interface
	mu      sync.Mutex // for what follows: the analysis writes, a clock flushes
	file    *os.File
	count   *countingWriter
	w       *pcapfile.Writer
	number  int   // of the file
	began   int64 // ns: of the file
	last    int64 // ns: of its last frame
	frames  uint64
	base    uint64 // drops of the ring when the file began
	dropped uint64 // and as they were last written
	seen    int    // losses that were written
	set     uint64 // names the capture, if it is parted
	before  uint64 // frames in the files before
	ended   bool   // the present file is at its place
	clock   *time.Ticker
}

// countingWriter knows how much was written.
type countingWriter struct {
	f *os.File
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}

// target is where the present file goes in the end.
func (c *captureFiles) target() string {
	name := c.path
	if c.every > 0 {
		name = expandTime(name, time.Unix(0, c.began))
	}
	n := c.number
	if c.octets > 0 && c.most > 1 {
		n %= c.most // the oldest is overwritten
		return fmt.Sprintf("%s%0*d", name, len(strconv.Itoa(c.most-1)), n)
	}
	if n > 0 && c.most != 1 && (c.octets > 0 || name == c.path) {
		name += strconv.Itoa(n)
	}
	return name
}

// part is where it is while it grows.
func (c *captureFiles) part() string {
	dir, name := filepath.Split(c.path)
	return filepath.Join(dir, fmt.Sprintf(".%s.%d.part", strings.ReplaceAll(name, "%", "_"), os.Getpid()))
}

// begin opens the next file. at is when it begins.
func (c *captureFiles) begin(at int64) error {
	f, err := os.OpenFile(c.part(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	c.file, c.count = f, &countingWriter{f: f}
	c.began, c.last, c.base, c.ended = at, at, c.dropped, false
	c.before += c.frames
	c.frames = 0
	if c.w, err = pcapfile.NewWriter(c.count, pcapfile.WriterOptions{Interfaces: []pcapfile.Interface{c.open}}); err != nil {
		return err
	}
	return c.w.WriteStats(0, at, pcapfile.InterfaceStats{Start: at, End: at, OSDrops: capture.Known(0)})
}

// write writes a frame, to a new file if it is time for one.
func (c *captureFiles) write(f *capture.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.octets > 0 && c.count.n >= c.octets || c.every > 0 && c.frames > 0 && c.late(f) {
		if err := c.next(f.Time); err != nil {
			return err
		}
	}
	c.frames++
	c.last = f.Time
	return c.w.Write(f, pcapfile.Remarks{})
}

// next ends the present file and begins another.
func (c *captureFiles) next(at int64) error {
	if err := c.end(c.last, capture.Counter{}); err != nil {
		return err
	}
	c.number++
	return c.begin(at)
}

// late reports whether f is beyond the time of the present file.
func (c *captureFiles) late(f *capture.Frame) bool { return f.Time-c.began >= int64(c.every) }

// over reports whether f is beyond the last file that -W lets -G make: as of tcpdump,
// the capture ends there.
func (c *captureFiles) over(f *capture.Frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.every > 0 && c.octets == 0 && c.most > 0 && c.number+1 >= c.most && c.frames > 0 && c.late(f)
}

// flushEvery is how much a kill may cost.
const flushEvery = time.Second

// flushing writes what is held back, every second from now on. What cannot be written
// is told by the next frame.
func (c *captureFiles) flushing() {
	c.clock = time.NewTicker(flushEvery)
	go func() {
		for range c.clock.C { // it ends with the process
			c.mu.Lock()
			if !c.ended {
				_ = c.w.Flush()
			}
			c.mu.Unlock()
		}
	}()
}

// losses writes what the ring lost since the last time.
func (c *captureFiles) losses(ring *afpacket.Source) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range ring.Losses(c.seen) {
		c.seen++
		for _, m := range []afpacket.Moment{l.From, l.To} {
			if err := c.w.WriteStats(0, m.Time, pcapfile.InterfaceStats{End: m.Time, OSDrops: capture.Known(m.Dropped - c.base)}); err != nil {
				return err
			}
			c.dropped = m.Dropped
		}
	}
	return nil
}

// end writes the counters and moves the file to its place.
func (c *captureFiles) end(at int64, accepted capture.Counter) error {
	s := pcapfile.InterfaceStats{
		Start: c.began, End: at, FilterAccepted: accepted, OSDrops: capture.Known(c.dropped - c.base), Delivered: capture.Known(c.frames),
	}
	if err := c.w.WriteStats(0, at, s); err != nil {
		return err
	}
	if c.every > 0 || c.octets > 0 {
		if err := c.w.WritePart(capture.Part{Set: c.set, Before: c.before, Frames: c.frames}); err != nil {
			return err
		}
	}
	if err := c.w.Flush(); err != nil {
		return err
	}
	c.ended = true
	if err := c.file.Close(); err != nil {
		return err
	}
	return os.Rename(c.file.Name(), c.target())
}

// finish ends the last file, with what the host said.
func (c *captureFiles) finish(in capture.Input, ring *afpacket.Source) error {
	if err := c.losses(ring); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.Testimony != nil {
		if err := c.w.WriteTestimony(in.Testimony); err != nil {
			return err
		}
	}
	accepted := in.Stats.FilterAccepted
	if c.number > 0 {
		accepted = capture.Counter{} // of all files together
	}
	return c.end(max(c.last, c.began), accepted)
}

// leave gives up a file that cannot be ended, and says where it is; one without a frame
// is removed. After end it does nothing.
func (c *captureFiles) leave() (path string) {
	if !c.mu.TryLock() {
		return c.part() // somebody waits for a disk that does not answer; the clock flushed it
	}
	defer c.mu.Unlock()
	if c.ended {
		return ""
	}
	c.ended = true
	_ = c.w.Flush() // it is what there is
	_ = c.file.Close()
	if c.frames == 0 {
		_ = os.Remove(c.file.Name())
		return ""
	}
	return c.file.Name()
}

// expandTime replaces the time in a name, as strftime(3) does.
func expandTime(name string, t time.Time) string {
	return strings.NewReplacer(
		"%Y", t.Format("2006"), "%m", t.Format("01"), "%d", t.Format("02"), "%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"),
		"%F", t.Format("2006-01-02"), "%T", t.Format("15:04:05"), "%s", strconv.FormatInt(t.Unix(), 10), "%%", "%",
	).Replace(name)
}
