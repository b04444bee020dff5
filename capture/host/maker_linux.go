package host

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What is put into the kernel bears the name of its maker, so that a later run can
// remove what a killed one left.

// makerName names a process as none other is, or was: by the namespace of processes,
// its number there, and its start.
func makerName(pid int, between string) (string, error) {
	began, err := processStart(pid)
	if err != nil {
		return "", err
	}
	space, err := pidSpace()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d%s%d%s%d", space, between, pid, between, began), nil
}

// makerIsDead tells of such a name whether nobody bears it any longer. One of another
// namespace of processes cannot be told dead.
func makerIsDead(name, between string) bool {
	space, err := pidSpace()
	parts := strings.Split(name, between)
	if err != nil || len(parts) != 3 || parts[0] != strconv.FormatUint(space, 10) {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	began, err := processStart(pid)
	if err != nil { // with hidepid, others' processes cannot be seen
		return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
	}
	return parts[2] != strconv.FormatUint(began, 10)
}

func pidSpace() (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &s); err != nil {
		return 0, fmt.Errorf("cannot tell the namespace of processes: %w", err)
	}
	return s.Ino, nil
}

// processStart is when a process began, in clock ticks since boot.
func processStart(pid int) (uint64, error) {
	const statStart = 19
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	column := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(column) <= statStart {
		return 0, errors.New("cannot read /proc/PID/stat")
	}
	return strconv.ParseUint(column[statStart], 10, 64)
}
