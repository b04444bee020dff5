package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Tolerance says by how much a figure may be worse than in the baseline.
type Tolerance map[string]Slack

// Slack is a share of what it was, and an amount, together.
type Slack struct{ Share, Amount float64 }

// Figures that are compared with a baseline.
const (
	ofCauses          = "cause" // packets of one cause at one place
	ofNewCauses       = "new_cause"
	ofLost            = "lost"
	ofRetransmissions = "retransmissions"
	ofStalls          = "stall_ms"
	ofChecksums       = "checksum_bad"
)

// DefaultTolerance lets a repeated run differ as chance has it; whatever is new by its cause counts.
// A capture that never changes can be held to the last packet: all = "0".
func DefaultTolerance() Tolerance {
	return Tolerance{
		ofCauses: {0.10, 2}, ofNewCauses: {0, 0}, ofLost: {0.10, 2},
		ofRetransmissions: {0.10, 5}, ofStalls: {0.20, 200}, ofChecksums: {0, 0},
	}
}

// A ToleranceError is a tolerance that cannot be understood.
type ToleranceError struct {
	Why     string
	Unknown string
	Known   []string
}

func (e *ToleranceError) Error() string { return e.Why }

// SetAll takes tolerances by name, "all" first.
func (t Tolerance) SetAll(given map[string]string) error {
	names := slices.Sorted(maps.Keys(given))
	if i := slices.Index(names, "all"); i > 0 {
		names = append([]string{"all"}, slices.Delete(names, i, i+1)...)
	}
	for _, name := range names {
		if err := t.Set(name, given[name]); err != nil {
			return err
		}
	}
	return nil
}

// Set takes one tolerance: "10%", "3", "200ms", or a sum, as "10% + 3".
func (t Tolerance) Set(name, text string) error {
	if _, ok := t[name]; !ok && name != "all" {
		return &ToleranceError{fmt.Sprintf("no tolerance is called %q", name), name, append(slices.Sorted(maps.Keys(t)), "all")}
	}
	var s Slack
	for part := range strings.SplitSeq(text, "+") {
		part = strings.TrimSpace(part)
		digits, percent := strings.CutSuffix(part, "%")
		if !percent {
			digits = strings.TrimSuffix(digits, "ms")
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || n < 0 || n > 1e15 {
			return &ToleranceError{Why: fmt.Sprintf("tolerance %s: %q is none; write 10%%, 3, or 10%% + 3", name, text)}
		}
		if percent {
			s.Share += n / 100
		} else {
			s.Amount += n
		}
	}
	if name != "all" {
		t[name] = s
		return nil
	}
	for other := range t {
		t[other] = s
	}
	return nil
}

// most is how much now may be, if it was before.
func (t Tolerance) most(name string, before uint64) float64 {
	s := t[name]
	return float64(before)*(1+s.Share) + s.Amount
}

// least is the same in the other direction: below it, it has become better.
func (t Tolerance) least(name string, before uint64) float64 {
	s := t[name]
	return float64(before)*(1-s.Share) - s.Amount
}
