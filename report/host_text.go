package report

import (
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
)

// kernelSays is what the kernel said of a frame that passed.
func kernelSays(c *analyze.Charge, w flow.Witness) string {
	s := "the kernel drops it"
	if w.A > 0 {
		s = "dropped after " + duration(int64(w.A))
	}
	if c.Host == nil || c.Host.Drop == nil {
		return s
	}
	d := c.Host.Drop
	s += ": " + d.Reason
	switch {
	case d.Hook != "":
		s += " at " + d.Hook
	case d.Function != "":
		s += " in " + d.Function
	}
	if r := c.Host.Rule; r != nil {
		if !c.Host.Sure {
			s += ", perhaps"
		}
		s += " by " + kernel.Name(r)
	}
	return s
}

// hostTables are what the kernels of the capturing hosts said: the witnesses of
// each cause side by side, and the evidence that could not be had.
func (p *printer) hostTables(r *Report) {
	for i := range r.Host {
		h := &r.Host[i]
		p.hostBalance(h)
		p.hostDrops(h)
		p.conservation(h.Conservation)
		if len(h.Absent) > 0 {
			p.heading("Evidence of this host that could not be had")
			for _, a := range h.Absent {
				p.to(2)
				p.wrap(a.What+": "+a.Why+". "+capital(a.Costs)+".", unsure, 2, 4)
				p.nl()
			}
		}
	}
}

func (p *printer) hostBalance(h *Host) {
	what, counted, events := column{name: "cause"}, column{name: "counted", right: true}, column{name: "drop events", right: true}
	charged, rest, names := column{name: "charged", right: true}, column{name: "remainder", right: true}, column{name: "counters"}
	for _, l := range h.Balance {
		what.cells = append(what.cells, cell{l.Cause, plain})
		counted.cells = append(counted.cells, cell{count(l.Counted), plain})
		said := count(l.Events)
		if l.Silent && l.Events == 0 {
			said = "none exist"
		}
		events.cells = append(events.cells, cell{said, plain})
		charged.cells = append(charged.cells, cell{count(l.Charged), plain})
		role := plain
		if l.Over > 0 {
			role = unsure
		}
		rest.cells = append(rest.cells, cell{count(l.Over), role})
		names.cells = append(names.cells, cell{strings.Join(l.Counters[:min(len(l.Counters), 2)], ", "), skip})
	}
	p.section("This host: its counters, its drop events, and what was charged", what, counted, events, charged, rest, names)
	if s := joinedFrames(h.Balance); s != "" {
		p.to(2)
		p.wrap(s, plain, 2, 2)
		p.nl()
	}
}

// joinedFrames explains why more was charged than was counted.
func joinedFrames(all []HostBalance) string {
	for _, l := range all {
		if l.Counted > 0 && l.Charged > l.Counted {
			return "More is charged than was counted: the kernel counts a frame of several packets that were not cut yet, or were " +
				"joined already, as one; the ledger counts the packets in it."
		}
	}
	return ""
}

func (p *printer) hostDrops(h *Host) {
	reason, function, hook := column{name: "reason"}, column{name: "function"}, column{name: "hook"}
	class, events := column{name: "is"}, column{name: "packets", right: true}
	for _, d := range h.Drops {
		reason.cells = append(reason.cells, cell{d.Reason, plain})
		function.cells = append(function.cells, cell{d.Function, plain})
		hook.cells = append(hook.cells, cell{d.Hook, plain})
		class.cells = append(class.cells, cell{d.Class, plain})
		events.cells = append(events.cells, cell{count(d.Packets), plain})
	}
	p.section("What the kernel said of dropped packets", reason, function, hook, class, events)
}

// capital begins s with a capital letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// conservation says whether packets that came in are all accounted for.
func (p *printer) conservation(c *HostConservation) {
	if c == nil {
		return
	}
	p.to(2)
	s := "IPv4: " + counted(c.Received, "packet") + " came in, " + count(c.Delivered) + " delivered"
	for _, part := range [...]struct {
		n    uint64
		said string
	}{{c.Forwarded, "forwarded"}, {c.Joined, "were fragments"}, {c.Dropped, "dropped in between"}} {
		if part.n > 0 {
			s += ", " + count(part.n) + " " + part.said
		}
	}
	role := skip
	switch {
	case c.Remainder > 0:
		s += "; of " + count(uint64(c.Remainder)) + " nobody spoke"
		role = unsure
	case c.Remainder < 0:
		s += "; " + count(uint64(-c.Remainder)) + " more than came in"
		role = unsure
	}
	p.wrap(s+".", role, 2, 4)
	p.nl()
}
