//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A space is a network namespace, owned by a thread of this process. When the
// thread ends, or the process does, the kernel removes the namespace and the
// devices in it: there is nothing to clean up.
type space struct {
	thread int
	calls  chan func()
}

// newSpace makes a namespace without IPv6, with its loopback up.
func newSpace() (*space, error) {
	s := &space{calls: make(chan func())}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			started <- fmt.Errorf("new namespace: %w", err)
			return
		}
		s.thread = unix.Gettid()
		started <- nil
		for call := range s.calls {
			call()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	err := s.do(func() error {
		for _, of := range []string{"default", "all"} {
			err := os.WriteFile("/proc/sys/net/ipv6/conf/"+of+"/disable_ipv6", []byte("1"), 0)
			if err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return command("", "ip", "link", "set", "lo", "up")
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// do runs f in the namespace. Sockets that f makes stay there, and so does what it starts.
func (s *space) do(f func() error) error {
	done := make(chan error, 1)
	s.calls <- func() { done <- f() }
	return <-done
}

func (s *space) close() { close(s.calls) }

// command runs a program in the namespace of the calling thread.
func command(input string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
