package report

import (
	"maps"
	"slices"
	"strings"
)

// Limits of the verbose report: a person reads it. --format ndjson has all.
const (
	maxCharges  = 200 // charges shown frame by frame
	shownFrames = 8   // lost frames named of one charge
	fileColumns = 20  // of a file's name before a frame
)

// verbose is what the first screen keeps to itself: the evidence frame by
// frame, then what was counted.
func (p *printer) verbose(r *Report) {
	p.charges(r)
	p.eventList(r)
	p.hostTables(r)
	p.concluded(r)
	p.audit(r)
	p.rtpTable(r)
	p.symptomTable(r)
	p.stallTable(r)
	p.checksumTable(r)
	p.decodingTable(r)
	p.limits(r)
}

// heading starts a section.
func (p *printer) heading(s string) {
	p.nl()
	p.put(answer, s)
	p.nl()
}

// A proofKey is what charges that are shown together have in common.
type proofKey struct{ locus, cause, confidence, rule, why string }

// charges shows which frames prove each charge, and what each of them shows.
// Rule and rivals are said once for all charges that share them.
func (p *printer) charges(r *Report) {
	all := r.Ledger.Charges
	if len(all) == 0 {
		return
	}
	p.heading("Evidence")
	byKey := map[proofKey][]*Charge{}
	var order []proofKey
	for i := range all {
		c := &all[i]
		k := proofKey{c.Locus, c.Cause, c.Confidence, c.Rule, c.Why}
		if byKey[k] == nil {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], c)
	}
	left := maxCharges
	for _, k := range order {
		p.proof(byKey[k])
		for i, c := range byKey[k] {
			if left == 0 {
				p.to(phraseColumn)
				p.put(skip, "…and "+counted(uint64(len(byKey[k])-i), "more charge")+" (--format ndjson)")
				p.nl()
				break
			}
			p.charge(r, c)
			left--
		}
	}
}

// proof is what the charges of one kind have in common.
func (p *printer) proof(charges []*Charge) {
	var packets uint64
	for _, c := range charges {
		packets += c.Packets
	}
	c := charges[0]
	role := lostCount
	if c.Locus == locusCapture {
		role = unsure
	}
	p.number(role, count(packets), countEnd)
	p.to(max(phraseColumn, p.col+2))
	p.wrap(c.Locus+": "+c.Cause+", "+c.Confidence+". "+ruleSentence(c.Rule), plain, phraseColumn, 3)
	p.nl()
	if c.Why != "" {
		p.to(phraseColumn)
		p.wrap("The place is "+c.OfLocus+", the cause "+c.OfCause+". "+c.Why, plain, phraseColumn, 6)
		p.nl()
	}
	for _, rival := range c.Rivals {
		p.to(phraseColumn)
		p.put(skip, "not ")
		p.wrap(rival.Cause+": "+strings.TrimSuffix(rival.Why, ".")+".", plain, phraseColumn+len("not "), 3)
		p.nl()
	}
}

// Columns of the evidence: frames and times end before these.
const (
	frameEnd = phraseColumn + 8
	timeEnd  = frameEnd + 14
)

func (p *printer) charge(r *Report, c *Charge) {
	p.to(phraseColumn)
	p.put(skip, "#"+count(uint64(c.ID))+" ")
	p.wrap(chargeText(c), plain, phraseColumn, 4)
	p.nl()
	p.evidence(r, c.Evidence)
}

// evidence writes deciding frames, a line each.
func (p *printer) evidence(r *Report, list []Evidence) {
	for i := range list {
		e := &list[i]
		p.number(plain, p.frameName(r, Frame{e.File, e.Frame}), frameEnd)
		at := seconds(r.Start, e.At)
		p.number(skip, at, max(timeEnd, p.col+columnGap+p.width(at)))
		p.to(p.col + 2)
		p.wrap(e.Says, plain, p.col, 2)
		p.nl()
	}
}

// chargeText names the lost packets of a charge.
func chargeText(c *Charge) string {
	s := counted(c.Packets, nounOf(c.What))
	if c.Src != "" {
		s += ", " + c.Src + " > " + c.Dst
	}
	if len(c.Frames) > 0 {
		names := make([]string, 0, shownFrames)
		for _, f := range c.Frames[:min(len(c.Frames), shownFrames)] {
			names = append(names, count(f))
		}
		s += ", frame " + strings.Join(names, ", ")
		if more := len(c.Frames) - len(names); more > 0 {
			s += " and " + count(uint64(more)) + " more"
		}
	}
	if c.Router != "" {
		s += ", says " + c.Router
	}
	return s
}

// frameName is a frame's number; with several files, behind its file.
func (p *printer) frameName(r *Report, f Frame) string {
	if len(r.Inputs) < 2 {
		return count(f.Frame)
	}
	name := []rune(clean(f.File[strings.LastIndexByte(f.File, '/')+1:]))
	if len(name) > fileColumns { // names of rotated files differ at their ends
		name = append([]rune("…"), name[len(name)-fileColumns+1:]...)
	}
	return string(name) + ":" + count(f.Frame)
}

// audit is what the capture itself suffers from, and how the tap was placed.
func (p *printer) audit(r *Report) {
	p.heading("Capture")
	for i := range r.Inputs {
		in := &r.Inputs[i]
		p.to(2)
		text := clean(in.Path) + ": " + in.Format + ", " + counted(in.Frames, "frame") + ", " + octets(in.Octets)
		if in.First != "" {
			text += ", from " + in.First
		}
		if in.Truncated != nil {
			text += "; " + in.Truncated.What + " at octet " + count(in.Truncated.Offset)
		}
		p.wrap(text, plain, 4, 4)
		p.nl()
	}
	p.to(2)
	given := ""
	if r.Capture.Tap.Given {
		given = ", as given"
	}
	p.wrap("tap: "+r.Capture.Tap.Locus+", "+r.Capture.Tap.Confidence+given+". "+strings.Join(r.Capture.Tap.Evidence, "; "), plain, 4, 6)
	p.nl()
	for _, blind := range r.Capture.Tap.CannotTell {
		p.to(2)
		p.wrap("cannot tell "+blind+".", plain, 4, 4)
		p.nl()
	}
	for i := range r.Capture.Audit {
		f := &r.Capture.Audit[i]
		role := plain
		if f.Lowers {
			role = unsure
		}
		p.to(2)
		p.wrap(f.Finding+": "+f.Detail, role, 4, 4)
		p.nl()
	}
}

// symptomTable is what was seen, and what of it.
func (p *printer) symptomTable(r *Report) {
	kinds, seen, of := column{name: "kind"}, column{name: "seen", right: true}, column{name: "of them"}
	var ofEach []map[string]uint64
	for _, k := range slices.Sorted(maps.Keys(r.Symptoms)) {
		m := r.Symptoms[k]
		if m["total"] == 0 {
			continue
		}
		kinds.cells = append(kinds.cells, cell{k, plain})
		seen.cells = append(seen.cells, cell{count(m["total"]), plain})
		ofEach = append(ofEach, m)
	}
	room := p.Width - p.columnsWidth([]column{kinds, seen}) - columnGap
	for _, m := range ofEach {
		for n, line := range p.details(m, room) {
			if n > 0 { // a row of its own below
				row := len(of.cells)
				kinds.cells = slices.Insert(kinds.cells, row, cell{})
				seen.cells = slices.Insert(seen.cells, row, cell{})
			}
			of.cells = append(of.cells, cell{line, plain})
		}
	}
	p.section("Symptoms", kinds, seen, of)
}

// details lists the details of a kind of symptom, in lines no wider than room.
func (p *printer) details(m map[string]uint64, room int) []string {
	lines := []string{""}
	for _, d := range slices.Sorted(maps.Keys(m)) {
		if d == "total" || m[d] == 0 {
			continue
		}
		last := &lines[len(lines)-1]
		part := count(m[d]) + " " + d
		switch {
		case *last == "":
			*last = part
		case p.width(*last+", "+part+",") > room:
			*last += ","
			lines = append(lines, part)
		default:
			*last += ", " + part
		}
	}
	return lines
}

// section is a heading and a table, or nothing if the table is empty.
func (p *printer) section(name string, columns ...column) {
	if len(columns[0].cells) == 0 {
		return
	}
	p.heading(name)
	p.table(columns)
}

// checksumLayers in the order of the report.
var checksumLayers = [...]string{"ipv4", "tcp", "udp", "icmp", "icmpv6"}

func (p *printer) checksumTable(r *Report) {
	names := [...]string{"good", "bad", "absent", "forbidden", "pending", "partial", "unread"}
	columns := []column{{name: "layer"}}
	for _, n := range names {
		columns = append(columns, column{name: n, right: true})
	}
	for _, layer := range checksumLayers {
		c, ok := r.Checksums[layer]
		counts := [...]uint64{c.Good, c.Bad, c.Absent, c.Forbidden, c.Pending, c.Partial, c.Unread}
		if !ok || c == (Checksum{}) {
			continue
		}
		columns[0].cells = append(columns[0].cells, cell{layer, plain})
		for i, n := range counts {
			role := plain
			switch {
			case n == 0:
				role = skip
			case names[i] == "bad", names[i] == "forbidden":
				role = lostCount
			}
			columns[i+1].cells = append(columns[i+1].cells, cell{count(n), role})
		}
	}
	if p.columnsWidth(columns) <= p.Width {
		p.section("Checksums", columns...)
		return
	}
	p.heading("Checksums")
	for row, layer := range columns[0].cells {
		var parts []string
		for _, c := range columns[1:] {
			if n := c.cells[row].text; n != "0" {
				parts = append(parts, n+" "+c.name)
			}
		}
		p.to(2)
		p.wrap(layer.text+": "+strings.Join(parts, ", "), plain, 4, 3)
		p.nl()
	}
}

// decodingTable is what the decoder met and could not use.
func (p *printer) decodingTable(r *Report) {
	what, frames := column{name: "what"}, column{name: "frames", right: true}
	add := func(name string, n uint64) {
		if n > 0 {
			what.cells = append(what.cells, cell{name, plain})
			frames.cells = append(frames.cells, cell{count(n), plain})
		}
	}
	d := &r.Decode
	add("shorter than on the link", d.Truncated)
	add("cut before the transport header", d.HeadersCut)
	add("too many encapsulations", d.TooDeep)
	add("fragments", d.Fragments)
	for _, group := range [...]struct {
		name   string
		counts map[string]uint64
	}{
		{"malformed: ", d.Malformed}, {"link type not decoded: ", d.UnknownLink}, {"EtherType ", d.OtherTypes}, {"protocol ", d.Protocols},
	} {
		for _, k := range slices.Sorted(maps.Keys(group.counts)) {
			add(group.name+k, group.counts[k])
		}
	}
	p.section("Decoding", what, frames)
}

// limits says what was given up; nothing when nothing was.
func (p *printer) limits(r *Report) {
	l := &r.Limits
	if *l == (Limits{}) {
		return
	}
	p.heading("Given up")
	for _, line := range l.list() {
		p.to(2)
		p.put(unsure, line)
		p.nl()
	}
}

// list is what was given up, a phrase each.
func (l *Limits) list() []string {
	var out []string
	for _, g := range [...]struct {
		n    uint64
		what string
	}{
		{l.Flows, "flows ended early"}, {l.Summed, "flows summed up in one line"}, {l.Symptoms, "symptoms counted, not kept"},
		{l.Gaps, "gaps forgotten early"}, {l.Losses, "lost packets without their frames"},
		{l.Stalls, "stalls summed up, not told one by one"},
		{l.Trails, "directions whose losses were not looked at in the course of time"},
	} {
		if g.n > 0 {
			out = append(out, count(g.n)+" "+g.what)
		}
	}
	return out
}
