package report

import (
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/cause"
)

var (
	locusCapture = cause.InCapture.String()
	tapSender    = analyze.TapSender.String()
	tapReceiver  = analyze.TapReceiver.String()
	tapMiddle    = analyze.TapMiddle.String()
)

// A note stands below the path.
type note struct {
	col  int
	role role
	text string
}

// path draws sender host, upstream, tap, downstream, receiver host, always in
// that order. A tap on a host stands for that host. What the tap cannot see is
// said to be not visible, never drawn as zero.
func (p *printer) path(path *Path) {
	p.label("path")
	var notes []note
	switch {
	case path.Tap == tapSender && !path.splits():
		notes = p.fromSender(path)
	case path.Tap == tapReceiver && !path.splits():
		notes = p.toReceiver(path)
	default:
		notes = p.through(path)
	}
	p.nl()
	p.notes(notes)
	p.extras(path)
}

// splits reports whether packets were lost on both sides of the tap on their
// way to the receiver: then the tap is on none of the hosts.
func (path *Path) splits() bool {
	switch path.Tap {
	case tapSender:
		return path.Near && path.Upstream > min(path.Back, path.Upstream)
	case tapReceiver:
		return path.Near && path.Downstream > min(path.Back, path.Downstream)
	}
	return true
}

// host names the host that the tap is on, or merely near.
func (path *Path) host() string {
	if path.Near {
		return "near the " + path.Tap + " host"
	}
	return "on the " + path.Tap + " host"
}

// link draws a stretch of the path with what is missing on it in its middle.
func (p *printer) link(n uint64, blind bool, before, after int) (middle int) {
	p.put(plain, strings.Repeat("─", before)+" ")
	middle = p.col
	switch {
	case blind:
		p.put(unsure, "?")
	case n > 0:
		p.put(lostCount, count(n)+" ✗")
	default:
		p.put(plain, "0")
	}
	p.put(plain, " "+strings.Repeat("─", after)+"▶ ")
	return middle
}

// dashes is how long half a link is when the path has links of them.
func (p *printer) dashes(links int) int {
	const narrow, wide = 4, 8
	if p.Width >= maxWidth || links == 1 && p.Width > defaultWidth {
		return wide
	}
	return narrow
}

func (p *printer) fromSender(path *Path) []note {
	const margin = 5
	p.put(answer, "tap ●")
	number := "0"
	if path.Downstream > 0 {
		number = count(path.Downstream) + " ✗"
	}
	room := p.Width - margin - p.col - p.width(" "+number+" ▶ receiver host")
	after := room / 2
	middle := p.link(path.Downstream, path.BlindDown, room-after, after)
	end := p.col
	p.put(plain, "receiver host")
	notes := []note{
		{labelWidth, skip, path.host()},
		{middle - 2, skip, "downstream"},
		{end, skip, "not visible here"},
	}
	if path.OnlyHere > 0 {
		notes[0] = note{labelWidth, unsure, count(path.OnlyHere) + " ○ missing only here"}
	}
	return notes
}

func (p *printer) toReceiver(path *Path) []note {
	d := p.dashes(1)
	p.put(plain, "sender host ")
	middle := p.link(path.Upstream, path.BlindUp, d, d)
	notes := []note{{middle - 2, skip, "upstream"}}
	tap := p.col
	if path.Receiver > 0 {
		p.put(answer, "● tap")
		p.put(plain, " ")
		inside := p.link(path.Receiver, false, d, d)
		p.put(plain, "socket")
		notes = append(notes, note{inside - 2, skip, "receiver host"})
	} else {
		p.put(answer, "● tap")
		p.put(plain, " "+path.host())
	}
	switch {
	case path.OnlyHere > 0 && path.Receiver > 0:
		return []note{{tap, unsure, count(path.OnlyHere) + " ○ only here"}, notes[1]}
	case path.OnlyHere > 0:
		return []note{{tap, unsure, count(path.OnlyHere) + " ○ missing only here"}}
	case path.Receiver == 0 && path.Upstream == 0:
		return nil
	}
	return notes
}

func (p *printer) through(path *Path) []note {
	d := p.dashes(2)
	start := p.col
	p.put(plain, "sender ")
	up := p.link(path.Upstream, path.BlindUp, d, d)
	tap := p.col
	name := "● tap"
	if path.Tap == tapMiddle {
		name = "● tap, middle"
	}
	p.put(answer, name)
	p.put(plain, " ")
	down := p.link(path.Downstream, path.BlindDown, d, d)
	end := p.col
	p.put(plain, "receiver")
	notes := []note{{start, skip, "host"}, {up - 2, skip, "upstream"}}
	if path.OnlyHere > 0 {
		notes = append(notes, note{tap, unsure, count(path.OnlyHere) + " ○ only here"})
	}
	return append(notes, note{down - 2, skip, "downstream"}, note{end, skip, "host"})
}

// notes puts what stands below the path, each at its column or behind the last.
func (p *printer) notes(notes []note) {
	for _, n := range notes {
		p.to(max(n.col, p.col+2*min(p.col, 1)))
		p.put(n.role, n.text)
	}
	if len(notes) > 0 {
		p.nl()
	}
}

// extras are the losses that the one line of the path has no place for: those
// of the packets that travel the other way, and those inside a host.
func (p *printer) extras(path *Path) {
	var parts []string
	add := func(n uint64, where string) {
		if n > 0 {
			parts = append(parts, count(n)+" ✗ "+where)
		}
	}
	add(path.SenderHost, "in the sender host")
	switch {
	case path.splits(): // both sides of the tap are drawn
	case path.Tap == tapSender:
		back := min(path.Back, path.Upstream)
		add(back, "on the way back")
		add(path.Upstream-back, "upstream")
	case path.Tap == tapReceiver:
		back := min(path.Back, path.Downstream)
		add(back, "on the way back")
		add(path.Downstream-back, "downstream")
	}
	if path.Tap != tapReceiver || path.splits() {
		add(path.Receiver, "in the receiver host")
	}
	add(path.Elsewhere, "somewhere on the path")
	if len(parts) == 0 {
		return
	}
	p.to(labelWidth)
	p.wrap(strings.Join(parts, ", "), lost, labelWidth, 2)
	p.nl()
}
