package host

import (
	"slices"

	"whydrop/capture"
)

// SoFar says what the counters moved by since Open: a look is taken now. Drop events are
// summed up at the end of a capture only, and are said to be absent. Once the watching is
// over, it is what the last look saw. It may be called from any goroutine.
func (w *Witness) SoFar() *capture.Testimony {
	reply := make(chan *capture.Testimony, 1)
	select {
	case w.asks <- reply:
		return <-reply
	case <-w.done:
	}
	r := w.result
	if r == nil {
		return nil
	}
	return unsummed(&capture.Testimony{
		Kernel: r.Kernel, Start: r.Start, End: r.End, Captured: r.Captured, Filter: r.Filter, Links: r.Links, Moved: r.Moved, Absent: slices.Clone(r.Absent),
	})
}

// soFar is the body of SoFar, on the goroutine that looks.
func (w *Witness) soFar(e *eye) *capture.Testimony {
	e.look(realtime(), false)
	w.publish(e)
	t := &capture.Testimony{
		Kernel: release(), Start: e.start, End: realtime(), Captured: append([]string{}, e.options.Interfaces...), Filter: e.options.Filter,
		Links: e.links.list(), Absent: slices.Clone(e.absent),
	}
	t.Moved, _ = e.counters.movement()
	return unsummed(t)
}

// unsummed says in t that there are no drop events, unless it says so already.
func unsummed(t *capture.Testimony) *capture.Testimony {
	const events = "kernel drop events"
	if !slices.ContainsFunc(t.Absent, func(a capture.Absent) bool { return a.What == events }) {
		t.Absent = append(t.Absent, capture.Absent{
			What: events, Why: "summed up at the end", Costs: "until then a drop without a counter is not known, and no captured frame is named",
		})
	}
	return t
}

// Between is what one SoFar says beyond an earlier one.
func Between(before, after *capture.Testimony) *capture.Testimony {
	if before == nil || after == nil {
		return nil
	}
	type key struct{ group, of, name string }
	known := map[key]uint64{}
	for i := range before.Moved {
		m := &before.Moved[i]
		known[key{m.Group, m.Of, m.Name}] = m.By
	}
	t := *after
	t.Start, t.Moved = before.End, []capture.Moved{}
	for _, m := range after.Moved {
		by := known[key{m.Group, m.Of, m.Name}]
		if m.By <= by {
			continue
		}
		m.From, m.By, m.PerSecond = m.From+by, m.By-by, nil
		m.First = max(m.First, before.End)
		m.Last = max(m.Last, m.First)
		t.Moved = append(t.Moved, m)
	}
	return &t
}
