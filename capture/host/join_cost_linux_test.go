package host

import (
	"encoding/binary"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// onCPU is how long this thread was on a CPU, in ns: other programs are not in it.
func onCPU() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// A frame costs at most 60 ns of a CPU, and allocates nothing.
func BenchmarkJoinFrame(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	j := newJoiner(joinFrames)
	f := tcpPacket(b, 1, false)
	start := int64(0)
	for i := 0; b.Loop(); i++ {
		if i == joinFrames {
			start = onCPU() // all memory was touched
		}
		binary.BigEndian.PutUint32(f[etherHeader+ipv4Header+4:], uint32(i)*1448)
		j.frame(uint64(i), int64(i)*1000, network(capture.LinkEthernet, f))
	}
	if b.N > 2*joinFrames {
		b.ReportMetric(float64(onCPU()-start)/float64(b.N-joinFrames), "cpu-ns/frame")
	}
	if n := testing.AllocsPerRun(100, func() { j.frame(1, 1, network(capture.LinkEthernet, f)) }); n != 0 {
		b.Errorf("%v allocations per frame", n)
	}
}
