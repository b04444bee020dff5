//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A world is a client a, a router r and a server b, each in a namespace:
//
//	a  va 10.77.1.1 ─── 10.77.1.254 ra  r  rb 10.77.2.254 ─── 10.77.2.2 vb  b
//
// Nothing is offloaded, every neighbour is known, nobody speaks IPv6: what moves is
// what a fault moves.
type world struct {
	spaces map[string]*space
	after  []func() // what ends with it, last first
	live   int      // process ID of whydrop, once it captures
}

// Addresses of a world.
const (
	addrA  = "10.77.1.1"
	addrRA = "10.77.1.254" // the router, as a sees it
	addrRB = "10.77.2.254" // the router, as b sees it
	addrB  = "10.77.2.2"
)

// MAC addresses of a world.
const (
	macA  = "02:00:00:00:00:0a"
	macRA = "02:00:00:00:00:1a"
	macRB = "02:00:00:00:00:1b"
	macB  = "02:00:00:00:00:0b"
)

// configuration is what `ip -batch` does in each namespace, once the cables are there.
var configuration = map[string]string{
	"a": `link set va up
addr add 10.77.1.1/24 dev va
neigh replace 10.77.1.254 lladdr 02:00:00:00:00:1a dev va nud permanent
route add default via 10.77.1.254
`,
	"r": `link set ra up
link set rb up
addr add 10.77.1.254/24 dev ra
addr add 10.77.2.254/24 dev rb
neigh replace 10.77.1.1 lladdr 02:00:00:00:00:0a dev ra nud permanent
neigh replace 10.77.2.2 lladdr 02:00:00:00:00:0b dev rb nud permanent
`,
	"b": `link set vb up
addr add 10.77.2.2/24 dev vb
neigh replace 10.77.2.254 lladdr 02:00:00:00:00:1b dev vb nud permanent
route add default via 10.77.2.254
`,
}

// newWorld makes one.
func newWorld() (*world, error) {
	w := &world{spaces: map[string]*space{}}
	if err := w.create(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) create() error {
	for _, ns := range []string{"a", "r", "b"} {
		if err := w.space(ns); err != nil {
			return err
		}
	}
	for _, err := range []error{
		w.cable("a", "va", macA, "r", "ra", macRA), w.cable("b", "vb", macB, "r", "rb", macRB),
		w.set("r", "net.ipv4.ip_forward", "1"),
	} {
		if err != nil {
			return err
		}
	}
	for ns, batch := range configuration {
		if err := w.feed(ns, batch, "ip", "-batch", "-"); err != nil {
			return err
		}
	}
	return nil
}

// space adds a namespace.
func (w *world) space(ns string) error {
	s, err := newSpace()
	if err == nil {
		w.spaces[ns] = s
	}
	return err
}

// cable joins two namespaces by a veth pair without offloads. Both ends are still down.
func (w *world) cable(ns, name, mac, otherNS, other, otherMAC string) error {
	err := w.run(ns, "ip", "link", "add", name, "address", mac, "type", "veth",
		"peer", "name", other, "address", otherMAC, "netns", fmt.Sprint(w.spaces[otherNS].thread))
	if err != nil {
		return err
	}
	return errors.Join(w.offloads(ns, name), w.offloads(otherNS, other))
}

// offloads turns them off: one packet of the kernel is one on the wire.
func (w *world) offloads(ns, iface string) error {
	return w.run(ns, "ethtool", "-K", iface, "tso", "off", "gso", "off", "gro", "off", "tx", "off")
}

// in runs f in a namespace.
func (w *world) in(ns string, f func() error) error { return w.spaces[ns].do(f) }

// run runs a program in a namespace.
func (w *world) run(ns string, name string, args ...string) error {
	return w.feed(ns, "", name, args...)
}

// sh runs a line of words in a namespace.
func (w *world) sh(ns, line string) error {
	words := strings.Fields(line)
	return w.run(ns, words[0], words[1:]...)
}

// feed runs a program that reads input.
func (w *world) feed(ns, input, name string, args ...string) error {
	return w.in(ns, func() error { return command(input, name, args...) })
}

// nft loads rules.
func (w *world) nft(ns, rules string) error { return w.feed(ns, rules, "nft", "-f", "-") }

// output is what a program prints.
func (w *world) output(ns, line string) (out string, err error) {
	words := strings.Fields(line)
	err = w.in(ns, func() error {
		b, err := exec.Command(words[0], words[1:]...).Output()
		out = string(b)
		return err
	})
	return out, err
}

// set sets a sysctl of the namespace.
func (w *world) set(ns, name, value string) error {
	return w.in(ns, func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0)
	})
}

// defers has f done when the world ends.
func (w *world) defers(f func()) { w.after = append(w.after, f) }

// close ends the world.
func (w *world) close() {
	for i := len(w.after) - 1; i >= 0; i-- {
		w.after[i]()
	}
	for _, s := range w.spaces {
		s.close()
	}
}

// patience bounds every wait for something to happen.
const patience = 10 * time.Second

// until waits for something to have happened.
func until(what string, ok func() (bool, error)) error {
	const often = 5 * time.Millisecond
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(often) {
		if done, err := ok(); err != nil || done {
			return err
		}
	}
	return fmt.Errorf("%s did not happen within %v", what, patience)
}
