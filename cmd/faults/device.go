//go:build linux

package main

import (
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// deviceFaults are those of devices, of what is attached to them, and of what IP does
// right behind them.
var deviceFaults = []fault{
	{
		name: "tc ingress",
		want: verdict{cause: "tc-policer", locus: "receiver-host"},
		build: func(w *world) error {
			if err := w.sink("b", serviceB); err != nil {
				return err
			}
			return w.shot("b", "vb", "ingress")
		},
		provoke: twenty,
		needs:   []string{"tc"},
	},
	{
		name:    "tc egress",
		want:    verdict{cause: "tc-policer", locus: "sender-host"},
		tap:     tapOfA,
		build:   func(w *world) error { return w.shot("a", "va", "egress") },
		provoke: twenty,
		needs:   []string{"tc"},
	},
	{
		name:    "XDP, generic",
		want:    verdict{cause: "xdp-drop", locus: "receiver-host"},
		build:   func(w *world) error { return w.xdp("b", "vb", link.XDPGenericMode) },
		provoke: twenty,
	},
	{
		name:    "XDP, native",
		want:    verdict{cause: "xdp-drop", locus: "receiver-host"},
		build:   func(w *world) error { return w.xdp("b", "vb", link.XDPDriverMode) },
		provoke: twenty,
	},
	{
		name: "cgroup egress",
		want: verdict{cause: "socket-filter", locus: "sender-host"},
		tap:  tapOfA,
		provoke: func(w *world) (uint64, error) {
			done, err := w.cgroupRefuses(ebpf.AttachCGroupInetEgress)
			if err != nil {
				return 0, err
			}
			defer done()
			_, err = w.datagrams("a", serviceB, 20, 100)
			return 20, err
		},
	},
	{
		name: "IPsec policy",
		want: verdict{cause: "xfrm-policy", locus: "receiver-host"},
		build: func(w *world) error {
			if err := w.sink("b", serviceB); err != nil {
				return err
			}
			return w.sh("b", "ip xfrm policy add src "+addrA+"/32 dst "+addrB+"/32 dir in action block")
		},
		provoke: twenty,
	},
	{
		name:  "fragments that wait in vain",
		want:  verdict{cause: "fragment-timeout", locus: "receiver-host", siblings: 10},
		build: func(w *world) error { return w.set("b", "net.ipv4.ipfrag_time", "1") },
		provoke: func(w *world) (uint64, error) {
			err := w.put(intoB, 10, func(i int) ([]byte, error) { return intoB.firstFragment(uint16(i + 1)) })
			time.Sleep(2500 * time.Millisecond)
			return 10, err
		},
	},
	{
		name: "tun, its reader is stuck",
		want: verdict{cause: "nic-ring", locus: "sender-host"},
		tap:  func(*world) (string, string) { return "a", "tun0" },
		build: func(w *world) error {
			if err := w.stuckTun("a", "tun0"); err != nil {
				return err
			}
			for _, line := range []string{
				"ip addr add 10.79.0.1/24 dev tun0", "ip link set tun0 up txqueuelen 50", "tc qdisc replace dev tun0 root noqueue",
			} {
				if err := w.sh("a", line); err != nil {
					return err
				}
			}
			return nil
		},
		provoke: func(w *world) (uint64, error) {
			if _, err := w.datagrams("a", "10.79.0.2:"+port, 300, 100); err != nil {
				return 0, err
			}
			_, out, err := w.linkDrops("a", "tun0")
			return out, err
		},
		needs: []string{"tc"},
	},
}

// twenty sends as many datagrams to the service, and none arrives.
func twenty(w *world) (uint64, error) {
	_, err := w.datagrams("a", serviceB, 20, 100)
	return 20, err
}

func udpHeader() gopacket.SerializableLayer { return &layers.UDP{} }

// firstFragment is that of a datagram of which no more comes.
func (c cable) firstFragment(id uint16) ([]byte, error) {
	const (
		octets     = 1400
		flagsAt    = etherHeader + 6
		more       = 0x20
		checkAt    = ipSumAt
		withoutTag = 0
	)
	b, err := c.frame(id, clientA, serviceB, udpHeader(), make([]byte, octets-8))
	if err != nil {
		return nil, err
	}
	b[flagsAt] |= more
	// RFC 1624: one bit more in a word, so much less in the complement of the sum.
	if b[checkAt] < more {
		b[checkAt+1]--
	}
	b[checkAt] -= more
	return b, nil
}

// shot has tc drop all IPv4 on one way of an interface: a program of classic BPF that
// returns TC_ACT_SHOT.
func (w *world) shot(ns, iface, way string) error {
	if err := w.sh(ns, "tc qdisc add dev "+iface+" clsact"); err != nil {
		return err
	}
	return w.run(ns, "tc", "filter", "add", "dev", iface, way, "protocol", "ip", "bpf", "da", "bytecode", "1,6 0 0 2")
}

// xdp attaches a program of XDP that drops all.
func (w *world) xdp(ns, iface string, mode link.XDPAttachFlags) error {
	const drop = 1 // XDP_DROP, linux/bpf.h
	return w.in(ns, func() error {
		device, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		p, err := returns(ebpf.XDP, drop)
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: device.Index, Flags: mode})
		if err != nil {
			return err
		}
		w.defers(func() { _ = l.Close() })
		return nil
	})
}

// returns is the program that does nothing but return n.
func returns(kind ebpf.ProgramType, n int32) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{Type: kind, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, n), asm.Return()}, License: "MIT"})
}

// cgroupRefuses puts this process into a control group whose sockets may not send, until
// it is undone.
func (w *world) cgroupRefuses(way ebpf.AttachType) (undo func(), err error) {
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified"); err == nil {
		root += "/unified"
	}
	group, err := os.MkdirTemp(root, "whydrop-faults-")
	if err != nil {
		return nil, err
	}
	p, err := returns(ebpf.CGroupSKB, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	l, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: way, Program: p})
	if err != nil {
		_ = os.Remove(group)
		return nil, err
	}
	undo = func() {
		_ = l.Close()
		_ = os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte("0"), 0)
		_ = os.Remove(group)
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

// stuckTun makes a tun device whose program reads nothing.
func (w *world) stuckTun(ns, name string) error {
	return w.in(ns, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		w.defers(func() { unix.Close(fd) })
		request, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	})
}
