package report

import (
	"slices"
	"strings"

	"whydrop/capture"
)

// linkWords are what befalls a link that explains a hole in a capture, and how it is told.
var linkWords = [...]struct{ what, was string }{
	{"link-down", "the link of %s went down"},
	{"interface-gone", "%s was removed"},
}

// linkTroubles says what befell the interfaces of the capture while it was taken; "" if
// nothing did that matters.
func (b *builder) linkTroubles() string {
	var said []string
	for i := range b.res.Inputs {
		t := b.res.Inputs[i].Testimony
		if t == nil {
			continue
		}
		for _, w := range linkWords {
			n, first := uint64(0), capture.HostEvent{}
			for k, e := range t.Events {
				if e.What != w.what || !slices.Contains(t.Captured, e.Of) || echoes(t.Events[:k], e) {
					continue
				}
				if n++; n == 1 {
					first = e
				}
			}
			if n == 0 {
				continue
			}
			s := strings.Replace(w.was, "%s", first.Of, 1) + " " + duration(max(first.Time-t.Start, 0)) + " after the start"
			if n > 1 {
				s += ", the first of " + counted(n, "time")
			}
			said = append(said, s)
		}
	}
	return strings.Join(said, "; ")
}

// echoes reports whether e was told before: by the ring, and by the host's own look at
// its links, which comes up to a few seconds later.
func echoes(before []capture.HostEvent, e capture.HostEvent) bool {
	const together = int64(3e9)
	return slices.ContainsFunc(before, func(b capture.HostEvent) bool {
		return b.What == e.What && b.Of == e.Of && e.Time-b.Time < together
	})
}
