package host

import (
	"strconv"
	"strings"

	"whydrop/capture"
)

// ticks are the clock ticks that a process was on a processor, and the time of that.
type ticks struct {
	used uint64
	time int64
}

// ticksPerSecond is USER_HZ, which Linux has fixed at 100 for every architecture
// that we build for, whatever its timer does.
const ticksPerSecond = 100

// Columns of /proc/PID/stat after its name, proc_pid_stat(5).
const (
	statState     = 0
	statUser      = 11
	statSystem    = 12
	statProcessor = 36
)

// processStates are the letters of /proc/PID/stat.
var processStates = map[string]string{"R": "running", "S": "sleeping", "D": "disk", "T": "stopped", "t": "stopped",
	"Z": "zombie", "X": "dead", "I": "sleeping"}

// parseStat reads /proc/PID/stat. The command stands in brackets, and may have
// brackets itself: the last one ends it.
func parseStat(text string) (p capture.Process, used uint64, ok bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	column := strings.Fields(text[end+1:])
	if err != nil || len(column) <= statProcessor {
		return p, 0, false
	}
	user, err1 := strconv.ParseUint(column[statUser], 10, 64)
	system, err2 := strconv.ParseUint(column[statSystem], 10, 64)
	cpu, err3 := strconv.Atoi(column[statProcessor])
	if err1 != nil || err2 != nil || err3 != nil {
		return p, 0, false
	}
	return capture.Process{PID: pid, Command: text[open+1 : end], State: processStates[column[statState]],
		CPU: cpu, Busy: -1}, user + system, true
}

// busy is the percentage of the time between two looks that a process was on a
// processor; several threads make more than a hundred. -1 = too short to tell.
func busy(from, to ticks) int {
	const least = second / 5 // twenty ticks: five percent can be told
	if to.time-from.time < least || to.used < from.used {
		return -1
	}
	return int(float64(to.used-from.used) * 100 * float64(second) / ticksPerSecond / float64(to.time-from.time))
}
