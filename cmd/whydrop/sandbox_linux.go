package main

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"

	"whydrop/report"
)

// handled are, by version of Landlock, the rights that it takes unless a rule gives them
// back. Three are left alone. READ_DIR, because psx lists our threads while some of them are
// restricted already; whoever can list a folder learns names, and seccomp forbids it behind
// that. EXECUTE, which seccomp forbids. And the scopes of version 6: each thread gets a
// domain of its own, and the Go runtime sends signals from one to the other.
var handled = []uint64{
	1: unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM,
	2: unix.LANDLOCK_ACCESS_FS_REFER,
	3: unix.LANDLOCK_ACCESS_FS_TRUNCATE,
	5: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV,
}

// The rights that rules give back.
const (
	mayRead = unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayPut  = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// nameFiles are what the C library reads to know a host or a service by its name.
var nameFiles = []string{"/etc", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/run"}

// limitFile has how much memory there is for us: see machineMemory.
const limitFile = "/sys/fs/cgroup/memory.max"

// confine restricts every thread of the process to n, for good. What the kernel does not
// have, or does not let us have, is left out: a capture is analysed all the same.
func confine(n need) *report.Sandbox { return confineAs(n, kernelLandlock()) }

// confineAs is confine where Landlock has a version, which may be an older one than the
// kernel's.
func confineAs(n need, version int) *report.Sandbox {
	got := &report.Sandbox{}
	_, _, err := psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	got.NoNewPrivileges = err == 0
	if !got.NoNewPrivileges {
		return got // the others take it
	}
	got.Landlock = landlock(n, version)
	got.Seccomp = forbidCalls(n.names)
	return got
}

// kernelLandlock is the version of Landlock that the kernel has, or 0. See landlock(7).
func kernelLandlock() int {
	v, _, err := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if err != 0 {
		return 0
	}
	return int(v)
}

// handledBy are the rights that a kernel with this version can take: it refuses a ruleset
// that names others. A newer one than we know of takes those that we know of.
func handledBy(version int) (rights uint64) {
	for since, more := range handled {
		if since <= version {
			rights |= more
		}
	}
	return rights
}

// landlock restricts the files that can be opened, as a kernel with this version does, and
// returns it, or 0 if nothing is restricted.
func landlock(n need, version int) int {
	if version <= 0 {
		return 0
	}
	// The fields that came later than version 1 are zero, which every kernel accepts.
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handledBy(version)}
	fd, _, err := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if err != 0 {
		return 0
	}
	defer func() { _ = unix.Close(int(fd)) }()
	read := append([]string{limitFile}, n.read...)
	if n.names {
		read = append(read, nameFiles...)
	}
	for _, path := range read {
		if path != "-" && allow(int(fd), path, mayRead) != nil {
			return 0
		}
	}
	for _, path := range n.folders {
		if allow(int(fd), path, mayPut&attr.Handled_access_fs) != nil {
			return 0
		}
	}
	if _, _, err := psx.Syscall3(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); err != 0 {
		return 0
	}
	return version
}

// allow gives rights to what is at path, or below it. What is not there needs none, and pipes
// and sockets that are reached through /proc have no restriction (EBADFD).
func allow(ruleset int, path string, rights uint64) error {
	at, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // and so will be said by who opens it
	}
	defer func() { _ = unix.Close(at) }()
	// struct landlock_path_beneath_attr is packed: the descriptor stands at octet 8, as here.
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(at)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 && !errors.Is(errno, unix.EBADFD) {
		return errno
	}
	return nil
}
