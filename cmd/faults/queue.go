//go:build linux

package main

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Queues in front of a's interface that hold next to nothing.
const (
	slowTBF = "tc qdisc replace dev va root tbf rate 2mbit burst 4kb limit 6000"
	slowHTB = "tc qdisc replace dev va root handle 1: htb default 10\n" +
		"tc class add dev va parent 1: classid 1:10 htb rate 2mbit\n" +
		"tc qdisc add dev va parent 1:10 pfifo limit 5"
)

func tapOfA(*world) (string, string) { return "a", "va" }

// queueFaults are those of queues of packets.
var queueFaults = []fault{
	queueFault("qdisc tbf, UDP", slowTBF, udpFlood),
	queueFault("qdisc htb and pfifo, UDP", slowHTB, udpFlood),
	queueFault("qdisc tbf, TCP", slowTBF, uploadSlowly),
	queueFault("qdisc htb and pfifo, TCP", slowHTB, uploadSlowly),
	{
		name:    "the capture's own ring",
		want:    verdict{cause: "capture-dropped", locus: inCapture, state: "nothing-lost", less: "likely"},
		build:   func(w *world) error { return w.sink("b", serviceB) },
		provoke: overrun,
		args:    []string{"-B", "1024"},
		heavy:   true,
	},
	{
		name:  "softnet backlog",
		want:  verdict{cause: "softnet-backlog", locus: "receiver-host", beside: []string{"softnet-imbalance"}},
		build: slowReceivers,
		provoke: func(w *world) (uint64, error) {
			if err := w.flood(8000); err != nil {
				return 0, err
			}
			time.Sleep(time.Second) // until the last was received
			in, _, err := w.linkDrops("b", "vb")
			if err == nil && in == 0 {
				err = fmt.Errorf("the receiver was fast enough")
			}
			return in, err
		},
		heavy: true,
	},
}

// queueFault overflows a queue of a.
func queueFault(name, commands string, provoke func(*world) (uint64, error)) fault {
	return fault{
		name: name,
		want: verdict{cause: "qdisc-drop", locus: "sender-host"},
		tap:  tapOfA,
		build: func(w *world) error {
			if err := w.sink("b", serviceB); err != nil {
				return err
			}
			if err := w.serve("b", serviceB, drainConn); err != nil {
				return err
			}
			for _, line := range strings.Split(commands, "\n") {
				if err := w.sh("a", line); err != nil {
					return err
				}
			}
			return nil
		},
		provoke: provoke,
		needs:   []string{"tc"},
	}
}

func udpFlood(w *world) (uint64, error) {
	if _, err := w.datagrams("a", serviceB, 300, 1000); err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond) // until the queue is empty
	return w.queueDrops("a", "va")
}

// uploadSlowly sends by TCP. What a queue counts are packets of the kernel, of many segments
// each; what TCP counts are segments, and the other end of the cable counts those that came.
func uploadSlowly(w *world) (uint64, error) {
	return w.transfer(func() (uint64, error) {
		sent, err := w.counter("a", "snmp", "Tcp", "OutSegs")
		if err != nil {
			return 0, err
		}
		again, err := w.counter("a", "snmp", "Tcp", "RetransSegs") // which OutSegs leaves out
		if err != nil {
			return 0, err
		}
		came, err := w.linkReceived("r", "ra")
		return sent + again - came, err
	})
}

// overrun sends more than the ring holds while whydrop stands still, and returns how many
// frames there were.
func overrun(w *world) (uint64, error) {
	const before, meanwhile, after = 9000, 1000, 500
	for i, n := range []int{before, meanwhile, after} {
		signal := syscall.SIGCONT
		if i == 1 {
			signal = syscall.SIGSTOP
		}
		if err := syscall.Kill(w.live, signal); err != nil {
			return 0, err
		}
		settle()
		for sent := 0; sent < n; sent += 100 {
			if _, err := w.datagrams("a", serviceB, 100, 1000); err != nil {
				return 0, err
			}
			if i != 1 {
				time.Sleep(2 * time.Millisecond) // the ring is small
			}
		}
	}
	return before + meanwhile + after, nil
}

// slowReceivers makes b pass its packets to another CPU, where they take long: four
// thousand rules look at each.
func slowReceivers(w *world) error {
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("needs two CPUs")
	}
	if err := w.sink("b", serviceB); err != nil {
		return err
	}
	var rules strings.Builder
	rules.WriteString("table inet slow { chain in { type filter hook prerouting priority -300;\n")
	for i := range 4000 {
		fmt.Fprintf(&rules, "udp dport %d counter\n", 20000+i)
	}
	rules.WriteString("}\n}\n")
	if err := w.nft("b", rules.String()); err != nil {
		return err
	}
	return w.receiveOn("b", "vb", 1)
}

// receiveOn has the packets of an interface received by one CPU. The queues of a
// device are shown by the sysfs of its namespace only.
func (w *world) receiveOn(ns, iface string, cpu int) error {
	mask := fmt.Sprintf("%x", 1<<cpu)
	return w.sh(ns, "unshare -m sh -c mount${IFS}-t${IFS}sysfs${IFS}sysfs${IFS}/sys&&echo${IFS}"+mask+">/sys/class/net/"+iface+"/queues/rx-0/rps_cpus")
}

// flood sends n datagrams to b from the cable in front of it, as fast as one CPU can.
func (w *world) flood(n int) error {
	return w.in(intoB.ns, func() error {
		s, err := openPacket(intoB.iface)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		var old, zero unix.CPUSet
		if err := unix.SchedGetaffinity(0, &old); err != nil {
			return err
		}
		zero.Set(0)
		if err := unix.SchedSetaffinity(0, &zero); err != nil {
			return err
		}
		defer func() { _ = unix.SchedSetaffinity(0, &old) }()
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 64<<20); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return err
		}
		for i := range n {
			b, err := intoB.frame(uint16(i+1), clientA, serviceB, udpHeader(), make([]byte, 200))
			if err != nil {
				return err
			}
			_ = unix.Send(s, b, 0) // ENOBUFS is how the backlog says that it is full
		}
		return nil
	})
}
