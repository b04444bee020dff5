// Package host asks the kernel of the capturing host what it knows about lost
// packets: counters, firewall rules, sockets, neighbours and settings, looked at
// when a capture starts, about once a second, and when it ends.
//
// It changes nothing on the host, but by Options.TraceRules. It speaks of one
// network namespace: that of the thread which called Open. A piece of evidence
// that cannot be had is no error: it becomes a capture.Absent, which says what
// that costs the verdict.
//
// What the kernel gives only to the privileged is fetched by a clerk. It works
// in the caller's process, or, if Options.Clerk names a command that calls Serve,
// in one of its own, which keeps its privileges when the caller drops its own.
package host

import (
	"time"

	"whydrop/capture"
)

// Options say what is watched.
type Options struct {
	Interfaces []string      // of the capture; none = all of them
	Filter     string        // expression of the capture, for the record
	TraceRules bool          // find the rule that drops by an own nftables table; changes the host
	Interval   time.Duration // between two looks; 0 = one second
	EveryDrop  bool          // look at every packet that the kernel drops, not only the first 64 of each kind

	// Clerk is a command, and its arguments, that calls Serve with its standard
	// input and output. Without one, what needs privileges is asked for by this
	// process, and is absent at the end if it has dropped them by then.
	Clerk []string
}

// interval is the time between two looks unless told otherwise: it ties a loss
// to its second, and costs less than a hundredth of a processor.
const interval = time.Second

// A Summary is what moved so far, for a status line.
type Summary struct {
	Looks int             // how often the counters were looked at
	Lost  []capture.Moved // counters that tell of losses, most first; without their series
}

// mostLost is how many counters a Summary has at most.
const mostLost = 16
