package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// hugeHeap is how much of the heap may lie in huge pages: as much as some ten
// thousand connections take.
const hugeHeap = 128 << 20

// useHugePages lets the kernel back the heap with huge pages, which most systems
// give only to those who ask (transparent_hugepage = madvise). Touching 100 MB for
// the first time costs 25 000 page faults else, a tenth of the run and more on a
// virtual machine.
//
// The runtime has no call for it, but its heap grows from the lowest free address:
// it goes where a large allocation was that is garbage by then. Nothing of that is
// ever touched, so it costs addresses only; where those are limited it is not tried.
func useHugePages() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur != unix.RLIM_INFINITY {
		return
	}
	advise()
	runtime.GC()
}

//go:noinline
func advise() {
	_ = unix.Madvise(make([]byte, hugeHeap), unix.MADV_HUGEPAGE) // best effort
}
