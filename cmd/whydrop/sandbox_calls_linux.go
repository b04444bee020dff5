package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// forbidden are system calls that no analysis makes: to start a program, to reach another
// process, to list folders, to change the system, and io_uring, which makes calls unseen.
var forbidden = []uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL,
	unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_GETDENTS64,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_OPEN_TREE, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
}

// sockets are forbidden, too, where no name has to be looked up.
var sockets = []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR}

// machines are how the kernel calls what we know the numbers of (AUDIT_ARCH_*), and what
// else is forbidden there: getdents, which has no name on others, and numbers from x32 on.
var machines = map[string]struct {
	audit    uint32
	getdents uint32 // 0 = there is none
	x32      uint32 // the bit of these calls, or 0
}{
	"amd64": {unix.AUDIT_ARCH_X86_64, 78, 0x40000000},
	"arm64": {unix.AUDIT_ARCH_AARCH64, 0, 0},
}

// Where struct seccomp_data has the number of the call and the machine.
const (
	offsetNumber = 0
	offsetArch   = 4
	octetsWord   = 4
)

// forbidCalls has the kernel refuse system calls, with EPERM, on all threads at the same
// moment (SECCOMP_FILTER_FLAG_TSYNC). See seccomp(2).
func forbidCalls(names bool) bool {
	m, known := machines[runtime.GOARCH]
	if !known {
		return false
	}
	list := forbidden[:len(forbidden):len(forbidden)]
	if !names {
		list = append(list, sockets...)
	}
	if m.getdents != 0 && !names {
		list = append(list, m.getdents)
	}
	const allowed, refused = unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: octetsWord},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: m.audit, SkipTrue: 1},
		bpf.RetConstant{Val: refused}, // another machine's numbers mean other calls
		bpf.LoadAbsolute{Off: offsetNumber, Size: octetsWord},
	}
	if m.x32 != 0 {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: m.x32, SkipTrue: 1},
			bpf.RetConstant{Val: refused})
	}
	for _, number := range list {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: number, SkipTrue: 1},
			bpf.RetConstant{Val: refused})
	}
	program = append(program, bpf.RetConstant{Val: allowed})
	raw, err := bpf.Assemble(program)
	if err != nil {
		return false
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	failed, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	return errno == 0 && failed == 0 // else the thread that could not follow
}
