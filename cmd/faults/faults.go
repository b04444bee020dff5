//go:build linux

package main

import "slices"

// A fault is one way to lose packets that a real kernel is made to go, and what
// `whydrop live` must say of it.
type fault struct {
	name string
	want verdict

	// build makes the world what it must be before the capture begins. It may be nil.
	build func(*world) error
	// provoke loses packets, and returns how many, once all that is to happen has happened.
	provoke func(*world) (lost uint64, err error)
	// tap is where the capture is taken. Without it: on the interface of b.
	tap func(*world) (namespace, iface string)
	// args are further arguments of `whydrop live`.
	args []string
	// needs are programs that it cannot do without, beside those of every world.
	needs []string
	// tier is of whydrop's privileges; nil: it has all.
	tier *tier
	// heavy says that it takes much memory of the kernel: it runs alone.
	heavy bool
}

// A verdict is what must be said of a fault.
type verdict struct {
	cause string   // "" = nobody is to blame
	locus string   // as in the report: sender-host, upstream, downstream, receiver-host
	named []string // what the words on it must hold: a rule, a process, a sysctl
	less  string   // how sure it has to be, if not certain
	state string   // of the report, if it matters

	// tells are causes that must be told beside losses, with their names.
	tells []string
	// siblings is how many packets are missing that were never sent: nobody can tell.
	siblings uint64

	// and is what else is lost, of another cause, and must be said as well.
	and string

	// beside are causes that may be told beside the losses: what follows from them on
	// the wire, such as a connection that was not answered.
	beside []string
}

// faults are all of them, the healthy runs first.
func faults() []fault {
	all := slices.Concat(healthyRuns, firewallFaults, routeFaults, pathFaults, socketFaults, queueFaults, deviceFaults)
	return append(all, withLess(all)...)
}
