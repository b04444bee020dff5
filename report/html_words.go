package report

import (
	"html/template"
	"regexp"
	"strings"

	"whydrop/analyze/cause"
)

// Spaces of the HTML report: groups of three digits stay together, and so do a
// number and its unit (look.md §4).
const (
	thinSpace = "\u202f"
	hardSpace = "\u00a0"
)

// maxSentence bounds a sentence in the page, in runes: ours are shorter, and what
// is longer came from outside.
const maxSentence = 2000

var (
	digitGroups = regexp.MustCompile(`\b\d{1,3}(?: \d{3})+\b`)
	beforeUnit  = regexp.MustCompile(`(\d) (ns|µs|ms|s|min|h|%|B|kB|MB|GB|TB|[kMG]bit/s)(\W|$)`)
)

// typeset gives the numbers of a sentence the spaces of the page, and makes what
// came from outside harmless: a page can be turned round by one character.
func typeset(s string) string {
	s = cleanTo(s, maxSentence)
	s = digitGroups.ReplaceAllStringFunc(s, func(n string) string { return strings.ReplaceAll(n, " ", thinSpace) })
	s = beforeUnit.ReplaceAllString(s, "$1"+hardSpace+"$2$3")
	return strings.ReplaceAll(s, " > ", " → ")
}

// pageText is s as text of the page. What stands between back quotes is to be typed.
func pageText(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		if i%2 == 0 {
			b.WriteString(template.HTMLEscapeString(typeset(part)))
			continue
		}
		b.WriteString("<code>" + template.HTMLEscapeString(cleanTo(part, maxSentence)) + "</code>")
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped above
}

// A pageStep is a step of a remedy: what to do, and what to type.
type pageStep struct {
	Text    string
	Command string
}

// pageSteps puts commands that are steps of their own below the step before them,
// and a command at the end of a step on a line of its own.
func pageSteps(steps []string) []pageStep {
	var out []pageStep
	for _, s := range steps {
		if command, ok := strings.CutPrefix(s, "`"); ok && strings.Count(s, "`") == 2 && strings.HasSuffix(s, "`") {
			command = strings.TrimSuffix(command, "`")
			if n := len(out); n > 0 {
				out[n-1].Command = strings.TrimPrefix(out[n-1].Command+"\n"+command, "\n")
			} else {
				out = append(out, pageStep{Command: command})
			}
			continue
		}
		if before, command, ok := strings.Cut(s, "`"); ok && strings.Count(s, "`") == 2 && strings.HasSuffix(s, "`") {
			out = append(out, pageStep{Text: strings.TrimRight(before, " "), Command: strings.TrimSuffix(command, "`")})
			continue
		}
		out = append(out, pageStep{Text: s})
	}
	return out
}

// commandLines is what is to be typed, a command a line.
func commandLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = cleanTo(lines[i], maxSentence)
	}
	return strings.Join(lines, "\n")
}

// groupedThin is n in groups of three, for the page.
func groupedThin(n uint64) string { return strings.ReplaceAll(count(n), " ", thinSpace) }

// Families of causes: look.md §1. A colour and a shape belong to each.
const (
	famQueue   = "queue"
	famLine    = "line"
	famFilter  = "filter"
	famHost    = "host"
	famRoute   = "route"
	famCapture = "capture"
	famNone    = "ink"         // the cause is unknown
	famUnsaid  = "unexplained" // not even that it was lost is known
)

// familyOf says in which family a cause is.
var familyOf = map[cause.ID]string{
	cause.Policer: famQueue, cause.QueueOverflow: famQueue, cause.QdiscDrop: famQueue, cause.TCPolicer: famQueue,

	cause.RandomLoss: famLine, cause.TailLoss: famLine, cause.LinkOutage: famLine, cause.NICErrors: famLine,
	cause.TCPChecksum: famLine, cause.UDPChecksum: famLine, cause.IPChecksum: famLine, cause.ICMPChecksum: famLine,
	cause.FragmentLost: famLine, cause.AckLost: famLine, cause.LostRetransmission: famLine, cause.WindowUpdateLost: famLine,

	cause.FirewallSilent: famFilter, cause.FirewallReject: famFilter, cause.FirewallDrop: famFilter,
	cause.ConntrackFull: famFilter, cause.ConntrackInvalid: famFilter, cause.RPFilter: famFilter, cause.XDPDrop: famFilter,
	cause.SocketFilter: famFilter, cause.XfrmPolicy: famFilter, cause.BridgeFilter: famFilter, cause.MiddleboxMangled: famFilter,
	cause.ConnectionRefused: famFilter, cause.PortClosed: famFilter,

	cause.ReceiverHostDrop: famHost, cause.UDPReceiveBuffer: famHost, cause.TCPReceiveBuffer: famHost, cause.SlowApplication: famHost,
	cause.ListenOverflow: famHost, cause.ListenQueue: famHost, cause.NICRing: famHost, cause.SoftnetBacklog: famHost,
	cause.SoftnetImbalance: famHost, cause.NoSocket: famHost, cause.MemoryPressure: famHost, cause.KernelOther: famHost,
	cause.PAWSReject: famHost, cause.FragmentTimeout: famHost, cause.ReceiverNotReading: famHost, cause.PeerGone: famHost,

	cause.MTUBlackHole: famRoute, cause.MTUExceeded: famRoute, cause.NoRoute: famRoute, cause.IPNoRoute: famRoute,
	cause.RoutingLoop: famRoute, cause.TTLExpired: famRoute, cause.NeighbourUnresolved: famRoute,
	cause.HostUnreachable: famRoute, cause.AddressConflict: famRoute,

	cause.CaptureDropped: famCapture, cause.CaptureTruncated: famCapture, cause.OneWayCapture: famCapture,
}

// family is where a cause or, of what only the capture lacks, a place belongs.
func family(id, locus string) string {
	if locus == locusCapture {
		return famCapture
	}
	if f, ok := familyOf[cause.ID(id)]; ok {
		return f
	}
	return famNone
}

// familyNames are the families in the order in which they are drawn, with their
// words for a key.
var familyNames = []struct{ ID, Name string }{
	{famQueue, "policer or queue"}, {famLine, "line"}, {famFilter, "filter"}, {famHost, "host"},
	{famRoute, "route"}, {famNone, "cause unknown"}, {famUnsaid, "unexplained"}, {famCapture, "only missing here"},
}
