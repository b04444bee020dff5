package analyze

import (
	"fmt"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A Ledger accounts for every missing packet exactly once. What no cause
// explains is shown as such; it is computed, so it cannot go astray.
//
// Missing = Lost + CaptureOnly + Unexplained. What only the capture lacks was
// never lost, and is never called so.
type Ledger struct {
	Charges []Charge
	Losses  []flow.Lost // what the charges were made of, in time order

	missing     uint64 // wire packets
	charged     uint64
	captureOnly uint64 // of charged
}

// NewLedger opens a ledger over missing wire packets, none of them explained.
func NewLedger(missing uint64) Ledger { return Ledger{missing: missing} }

// Charge attributes c.Packets missing packets and numbers the charge.
func (l *Ledger) Charge(c Charge) {
	if c.Packets > l.Unexplained() {
		panic(fmt.Sprintf("whydrop: bug: charging %d packets to %s, of %d unexplained", c.Packets, c.Cause, l.Unexplained()))
	}
	c.ID = len(l.Charges) + 1
	l.charged += c.Packets
	if c.Locus == cause.InCapture {
		l.captureOnly += c.Packets
	}
	l.Charges = append(l.Charges, c)
}

// Missing is the number of wire packets that are missing from the capture, or
// were sent again, or are known to have been lost.
func (l *Ledger) Missing() uint64 { return l.missing }

// Lost is the number of missing packets that were lost for certain, likely or
// possibly, with a locus: not those that only the capture lacks.
func (l *Ledger) Lost() uint64 { return l.charged - l.captureOnly }

// CaptureOnly is the number of packets that only the capture lacks.
func (l *Ledger) CaptureOnly() uint64 { return l.captureOnly }

// Unexplained is the number of missing packets that no charge accounts for.
func (l *Ledger) Unexplained() uint64 { return l.missing - l.charged }
