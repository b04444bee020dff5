package report

import (
	"maps"
	"slices"
	"strings"

	"whydrop/capture"
)

// A pageCheck is a row of the audit: what was looked at, what came of it, and what that
// does to the verdict.
type pageCheck struct {
	Mark   string // "✓", "!" or "?"
	Class  string
	What   string
	Result string
	Effect string
}

// Marks of the audit.
const (
	checkGood    = "✓"
	checkBad     = "!"
	checkUnknown = "?"
)

// pageAudit lists what the capture suffers from, then what it does not.
func pageAudit(r *Report) []pageCheck {
	var out []pageCheck
	add := func(mark, what, result, effect string) {
		class := map[string]string{checkGood: "ok", checkBad: "no"}[mark]
		out = append(out, pageCheck{mark, class, what, result, effect})
	}
	for i := range r.Inputs {
		if d := r.Inputs[i].Truncated; d != nil {
			add(checkBad, "file", "It stops being readable at octet "+count(d.Offset)+", frame "+count(d.Frame)+": "+d.What+".", "The report covers what is before.")
		}
	}
	for i := range r.Capture.Audit {
		a := &r.Capture.Audit[i]
		mark, effect := checkGood, "None."
		switch {
		case a.Lowers:
			mark, effect = checkBad, "What depends on it is less sure."
		case notable[a.Finding]:
			mark, effect = checkBad, "No confidence is lowered."
		}
		add(mark, strings.ReplaceAll(a.Finding, "-", " "), capital(strings.TrimSuffix(a.Detail, "."))+".", effect)
	}
	tap := &r.Capture.Tap
	switch {
	case tap.Given:
		add(checkGood, "tap", "Near or on the "+tap.Locus+": it was said with --at.", blindSays(tap.CannotTell))
	case tap.Locus == tapUnknownName:
		add(checkUnknown, "tap", "Its place is not known. "+sentences(tap.Evidence), blindSays(tap.CannotTell))
	default:
		add(checkGood, "tap", capital(tap.Locus)+", "+tap.Confidence+". "+sentences(tap.Evidence), blindSays(tap.CannotTell))
	}
	for _, d := range []struct {
		what string
		n    capture.Counter
	}{{"ring drops", r.Capture.Drops.Ring}, {"interface drops", r.Capture.Drops.Interface}, {"drops of the system", r.Capture.Drops.OS}} {
		n, known := d.n.Value()
		switch {
		case !known:
			add(checkUnknown, d.what, "Not recorded.", "Unknown, which is not 0.")
		case n > 0:
			add(checkBad, d.what, counted(n, "frame")+".", "Charged to the capture, not to the network.")
		default:
			add(checkGood, d.what, "0.", "None.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Checksums)) {
		if row, any := checksumRow(name, r.Checksums[name]); any {
			out = append(out, row)
		}
	}
	if l := r.Limits; l != (Limits{}) {
		how := checkBad
		if l == (Limits{Summed: l.Summed}) {
			how = checkGood
		}
		add(how, "limits", "Given up because a limit was reached: "+strings.Join(l.list(), ", ")+".", "Totals stand; details are not complete.")
	}
	return out
}

// tapUnknownName is what the place of the tap is called if nobody knows it.
const tapUnknownName = "unknown"

func blindSays(list []string) string {
	if len(list) == 0 {
		return "None."
	}
	return "It cannot tell " + strings.Join(list, "; ") + "."
}

// sentences makes one of each part.
func sentences(parts []string) string {
	var b strings.Builder
	for i, s := range parts {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(capital(strings.TrimSuffix(s, ".")) + ".")
	}
	return b.String()
}

// checksumRow sums up one kind of checksum, if there is any.
func checksumRow(name string, c Checksum) (row pageCheck, some bool) {
	if c == (Checksum{}) {
		return row, false
	}
	var parts []string
	for _, part := range []struct {
		n    uint64
		what string
	}{
		{c.Good, "good"}, {c.Bad, "bad"}, {c.Absent, "absent"}, {c.Forbidden, "absent where that is forbidden"},
		{c.Pending + c.Partial, "left to the hardware"}, {c.Unread, "cut off, not verified"},
	} {
		if part.n > 0 {
			parts = append(parts, count(part.n)+" "+part.what)
		}
	}
	row = pageCheck{checkGood, "ok", name + " checksums", capital(strings.Join(parts, ", ")) + ".", "None."}
	switch {
	case c.Bad+c.Forbidden > 0:
		row.Mark, row.Class, row.Effect = checkBad, "no", "Such packets count as lost behind the tap, if their receiver refuses them."
	case c.Good == 0:
		row.Mark, row.Class, row.Effect = checkUnknown, "", "Damage on the way cannot be seen."
	}
	return row, true
}
