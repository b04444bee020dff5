package host

import (
	"os"
	"strconv"
	"strings"
)

// socketOwners finds the processes that hold the sockets with some inodes, the one
// with the lowest number of each. hidden says that it may not look into some process.
func socketOwners(inodes []uint64) (pids map[uint64]int, hidden bool) {
	wanted := make(map[string]uint64, len(inodes))
	for _, inode := range inodes {
		wanted["socket:["+strconv.FormatUint(inode, 10)+"]"] = inode
	}
	pids = make(map[uint64]int, len(inodes))
	all, err := os.ReadDir("/proc")
	if err != nil {
		return pids, true
	}
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		folder := "/proc/" + entry.Name() + "/fd"
		d, err := os.Open(folder)
		if err != nil {
			hidden = hidden || os.IsPermission(err)
			continue
		}
		names, _ := d.Readdirnames(-1)
		_ = d.Close()
		for _, name := range names {
			to, err := os.Readlink(folder + "/" + name)
			if err != nil || !strings.HasPrefix(to, "socket:[") {
				continue
			}
			if inode, ok := wanted[to]; ok && (pids[inode] == 0 || pid < pids[inode]) {
				pids[inode] = pid
			}
		}
	}
	return pids, hidden
}

// waitChannels are the kernel functions in which processes sleep: "0" of one that
// does not, or that may not be looked at.
func waitChannels(pids []int) map[int]string {
	channels := make(map[int]string, len(pids))
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/wchan")
		if name := strings.TrimSpace(string(text)); err == nil && name != "0" {
			channels[pid] = name
		} else if err == nil {
			channels[pid] = ""
		}
	}
	return channels
}
