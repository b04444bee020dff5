//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
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

// newThread starts a thread with namespaces of its own.
func newThread(namespaces int) (*space, error) {
	s := &space{calls: make(chan func())}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(namespaces); err != nil {
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
	return s, nil
}

// newSpace makes a namespace with its loopback up and IPv6 silent until an
// address is given.
func newSpace() (*space, error) {
	s, err := newThread(unix.CLONE_NEWNET)
	if err != nil {
		return nil, err
	}
	err = s.do(func() error {
		for _, key := range []string{"default", "all"} {
			err := os.WriteFile("/proc/sys/net/ipv6/conf/"+key+"/disable_ipv6", []byte("1"), 0)
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

// oneCPU moves all threads of this process to one CPU. A veth pair queues
// packets by the CPU that sends them (net/core/dev.c:netif_rx), so that two
// CPUs would let packets of one socket overtake each other before the wire
// sees them, and the log would call them retransmissions.
func oneCPU() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return fmt.Errorf("CPU affinity: %w", err)
	}
	first := 0
	for !set.IsSet(first) {
		first++
	}
	set.Zero()
	set.Set(first)
	for range 2 { // threads inherit it: the second round finds those born in the first
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("CPU affinity: %w", err)
			}
		}
	}
	return nil
}

// do runs f in the namespace. Sockets that f makes stay there.
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

// A lab is two hosts and the namespace of the wire between them.
type lab struct {
	hosts [2]*space
	wire  *space
	ports [2]int // packet sockets of the wire, one to each host
}

// MACs and addresses of the hosts.
var (
	macs  = [2]string{"02:00:00:00:00:0a", "02:00:00:00:00:0b"}
	addr4 = [2]string{"10.9.0.1", "10.9.0.2"}
	addr6 = [2]string{"2001:db8:9::1", "2001:db8:9::2"}
)

// newLab makes both hosts as c wants them and plugs them in.
func newLab(c *labCase) (*lab, error) {
	l := &lab{ports: [2]int{-1, -1}}
	var err error
	for _, s := range []**space{&l.hosts[client], &l.hosts[server], &l.wire} {
		if *s, err = newSpace(); err != nil {
			l.close()
			return nil, err
		}
	}
	for _, h := range []side{client, server} {
		if err := l.plug(h, c); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// plug joins host h to the wire by a veth pair and opens the wire's end of it.
func (l *lab) plug(h side, c *labCase) error {
	far := "to" + strconv.Itoa(int(h))
	err := l.wire.do(func() error {
		err := command("", "ip", "link", "add", far, "type", "veth", "peer", "name", "eth0", "address", macs[h])
		if err != nil {
			return err
		}
		if err := command("", "ip", "link", "set", "eth0", "netns", strconv.Itoa(l.hosts[h].thread)); err != nil {
			return err
		}
		if err := command("", "ip", "link", "set", far, "up"); err != nil {
			return err
		}
		l.ports[h], err = openPort(far)
		return err
	})
	if err != nil {
		return err
	}
	return l.hosts[h].do(func() error { return configure(h, c) })
}

// configure gives the host its address and its only neighbour. Without offload
// the host does segmentation and checksums itself.
func configure(h side, c *labCase) error {
	var steps [][]string
	if !c.offload {
		steps = append(steps, []string{"ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off", "tx", "off"})
	}
	address, neighbour := addr4[h]+"/24", addr4[h.peer()]
	if c.v6 {
		address, neighbour = addr6[h]+"/64", addr6[h.peer()]
		if err := quietIPv6(); err != nil {
			return err
		}
	}
	steps = append(steps,
		[]string{"ip", "link", "set", "eth0", "up"},
		[]string{"ip", "addr", "add", address, "dev", "eth0", "nodad"})
	if !c.asks() {
		steps = append(steps, []string{"ip", "neigh", "replace", neighbour, "lladdr", macs[h.peer()], "dev", "eth0", "nud", "permanent"})
	}
	for _, s := range steps {
		if err := command("", s[0], s[1:]...); err != nil {
			return err
		}
	}
	for _, setting := range c.sysctls {
		key, value, given := strings.Cut(setting, "=")
		if !given {
			value = "0"
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/"+key, []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}

// quietIPv6 turns IPv6 on without router solicitations and addresses of its own.
func quietIPv6() error {
	for _, setting := range [][2]string{{"accept_ra", "0"}, {"router_solicitations", "0"}, {"addr_gen_mode", "1"}, {"disable_ipv6", "0"}} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/eth0/"+setting[0], []byte(setting[1]), 0); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) close() {
	for _, fd := range l.ports {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	for _, s := range []*space{l.hosts[client], l.hosts[server], l.wire} {
		if s != nil {
			s.close()
		}
	}
}

// portBuffer is more than any case sends: a packet that the wire itself loses
// would not be in its log.
const portBuffer = 16 << 20

// openPort opens a packet socket that reads and writes whole frames of dev,
// with the header that tells what the host left to its card (virtio_net_hdr).
func openPort(dev string) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	index, err := deviceIndex(dev)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, portBuffer)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if err == nil {
		const allProtocols = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // network order
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: allProtocols, Ifindex: index})
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("packet socket on %s: %w", dev, err)
	}
	return fd, nil
}

// deviceIndex reads an interface index in the calling thread's namespace,
// which /sys does not follow.
func deviceIndex(dev string) (int, error) {
	req, err := unix.NewIfreq(dev)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return int(req.Uint32()), nil
}
