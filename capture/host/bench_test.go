//go:build linux

package host

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// processor is the time that this process was on a processor, in ns: what a look
// costs, whatever else the machine does.
func processor() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkLook is the cost of one look at this host, with and without the
// drivers, which are asked every fifth second only.
func BenchmarkLook(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, drivers := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "drivers"}[drivers], func(b *testing.B) {
			e := openEye(b.Context(), Options{})
			defer e.close()
			now, began := realtime(), processor()
			for b.Loop() {
				now += second
				e.nics.due = now + 1
				if drivers {
					e.nics.due = 0
				}
				e.look(now, false)
			}
			b.ReportMetric(float64(processor()-began)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(len(e.counters.all)), "counters")
		})
	}
}

// BenchmarkParts is where the time of a look goes.
func BenchmarkParts(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e := openEye(b.Context(), Options{})
	defer e.close()
	e.look(realtime(), false)
	for _, f := range e.files {
		b.Run(f.file.Name(), func(b *testing.B) {
			for b.Loop() {
				text, err := f.read()
				if err != nil {
					b.Fatal(err)
				}
				f.parse(text, func(of, name string, value uint64) { e.counters.see(f.group, of, name, value, false) })
			}
		})
	}
	parts := []struct {
		name string
		look func()
	}{
		{"links", func() { e.links.look(realtime(), e) }},
		{"neighbours", func() { e.neighbours.look(e) }},
		{"sockets", func() { e.sockets.due = 0; e.sockets.look(realtime(), false, e) }},
	}
	for _, p := range parts {
		b.Run(p.name, func(b *testing.B) {
			began := processor()
			for b.Loop() {
				p.look()
			}
			b.ReportMetric(float64(processor()-began)/float64(b.N), "cpu-ns/op")
		})
	}
}
