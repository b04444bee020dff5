package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// dropPrivileges gives up every capability on all threads, and with a user its own,
// once all is open. It keeps the one to write into a directory of somebody else's only
// if a file has yet to be put there: `sudo whydrop live -w trace.pcapng` in one's home.
func dropPrivileges(name string, dirs []string) error {
	if name != "" {
		if err := become(name); err != nil {
			return &usageError{"-Z " + name, err.Error(), ""}
		}
	}
	keep := cap.NewSet()
	if name == "" {
		held := cap.GetProc()
		for _, dir := range dirs {
			have, err := held.GetFlag(cap.Permitted, cap.DAC_OVERRIDE)
			if err == nil && have && !ownDirectory(dir) {
				if err := errors.Join(keep.SetFlag(cap.Permitted, true, cap.DAC_OVERRIDE), keep.SetFlag(cap.Effective, true, cap.DAC_OVERRIDE)); err != nil {
					return err
				}
			}
		}
	}
	if err := keep.SetProc(); err != nil {
		return fmt.Errorf("privileges cannot be given up: %w", err)
	}
	return nil
}

// become changes to the user and its groups.
func become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return errors.New("there is no such user")
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	var groups []int
	ids, err := u.GroupIds()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			groups = append(groups, n)
		}
	}
	if err := cap.SetGroups(gid, groups...); err != nil {
		return err
	}
	return cap.SetUID(uid)
}

// ownDirectory reports whether we may write there without any capability.
func ownDirectory(dir string) bool {
	info, err := os.Stat(filepath.Clean(dir))
	if err != nil {
		return true // nothing will help
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	const byAll = 0o002
	return !ok || int(s.Uid) == os.Geteuid() || info.Mode().Perm()&byAll != 0
}
