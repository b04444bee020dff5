package main

import (
	"errors"
	"syscall"

	"whydrop/capture"
	"whydrop/report"
)

// Exit codes, the same for every command.
const (
	exitDone       = 0 // done, all rules hold
	exitViolated   = 1 // a rule is violated
	exitUsage      = 2 // usage, configuration or unreadable input
	exitIncomplete = 3 // incomplete: cut input, interrupted; or it cannot be told from this evidence
	exitNoCapture  = 4 // cannot capture: permission, device
	exitTooLossy   = 5 // the capture itself is too lossy to judge
	exitKilled     = 130
)

// stateCodes says with what a report exits, by the state of its verdict. Lost
// packets are an answer, not an error.
var stateCodes = map[string]int{
	report.StateNothingLost: exitDone,
	report.StateLost:        exitDone,
	report.StateEmpty:       exitDone,
	report.StateCannotTell:  exitIncomplete,
	report.StateTooLossy:    exitTooLossy,
}

// worse is the code of two outcomes together: too lossy, incomplete, done.
func worse(a, b int) int { return max(a, b) }

// An outcome ends a command whose report was written, with a code that is not 0.
// What there is to say has been said.
type outcome int

func (o outcome) Error() string { return "exit code without a message" }

// exitCode is the code of err, and whether err is to be shown.
func exitCode(err error) (code int, show bool) {
	var o outcome
	var cannot *cannotCapture
	switch {
	case err == nil:
		return exitDone, false
	case errors.Is(err, syscall.EPIPE):
		return exitDone, false // the reader has seen enough, as with head
	case errors.As(err, &o):
		return int(o), false
	case errors.As(err, &cannot):
		return exitNoCapture, true
	}
	return exitUsage, true
}

// A usageError is a command line, or an input, that cannot be served.
type usageError struct {
	what string // the thing: a flag, a file, a command
	why  string
	hint string // what to do; commands in it are back-quoted
}

func (e *usageError) Error() string {
	if e.what == "" {
		return e.why
	}
	return e.what + ": " + e.why
}

// Hint is what the user can do about it.
func (e *usageError) Hint() string { return e.hint }

var (
	_ interface{ Hint() string } = (*usageError)(nil)
	_ interface{ Hint() string } = (*capture.FileError)(nil)
)
