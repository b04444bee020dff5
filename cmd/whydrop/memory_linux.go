package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is how many octets of memory there are for this process, by the
// machine, by its control group (cgroup v2, memory.max) and by ulimit -v; 0 = not known.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	all := int64(info.Totalram) * int64(info.Unit)
	if b, err := os.ReadFile(limitFile); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
			all = min(all, n)
		}
	}
	// What may be mapped is more than what is used, but nothing beyond it can be used (ulimit -v).
	var space unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &space) == nil && space.Cur < uint64(all) {
		all = int64(space.Cur)
	}
	return all
}
