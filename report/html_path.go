package report

import (
	"cmp"
	"slices"

	"whydrop/analyze/cause"
)

// The picture of the path, in its own units: hosts as boxes at both ends, the tap as a
// circle, losses as bars that fall off the line, as wide as they are many.
const (
	pathWidth  = 1072
	pathLine   = 66  // where the line is
	pathCount  = 154 // the number of a place
	pathFirst  = 186 // its first cause
	pathRow    = 26
	pathRows   = 4 // causes named of a place
	pathBar    = 64.0
	pathLeast  = 3.0 // of a single loss
	tallWidth  = 358
	tallLine   = 34
	tallGap    = 30
	tallInBox  = 44
	middleX    = pathWidth / 2
	upX, downX = 330, 742
	senderX    = 65
	receiverX  = 1007

	tapAtSender   = 146
	tapAtReceiver = 926
	boxInner      = 132 // where the line leaves the box of the sender
	lineEnd       = 864
	tapRadius     = 13
	tapGap        = 17 // between it and the arrow's end, upright
)

// A pagePath is the picture of the path, lying and upright.
type pagePath struct {
	Places   []pathPlace
	TapX     int
	From, To int // the part of the line that is drawn through
	ArrowX   int
	TapSays  string
	Seen     uint64
	OnlyHere uint64
	Height   int
	BlindUp  bool
	BlindAft bool
	Sender   string // what is said of the sender host
	Receiver string
	Notes    []string // losses that the one line has no place for
	Describe string   // the picture in words
	Caption  string
	Tall     pathTall
}

// A pathPlace is a stretch of the path, or a host, with what is missing there.
type pathPlace struct {
	X, RowX int
	Head    string
	Locus   string
	Packets uint64
	Only    bool
	InHost  bool
	Blind   bool // what is lost there cannot be told
	Rows    []pathCause
	More    int
	Bars    []pagePart

	Y, CountY, BarY int // upright
}

// A pathCause is a cause at a place.
type pathCause struct {
	Cause   string
	Family  string
	Packets uint64
	Y, TY   int
}

// A pathTall is what the upright picture has of its own.
type pathTall struct {
	Height, TapY, EndY int
}

func newPagePath(r *Report) pagePath {
	at := map[string]map[string]uint64{}
	for i := range r.Ledger.Charges {
		c := &r.Ledger.Charges[i]
		if at[c.Locus] == nil {
			at[c.Locus] = map[string]uint64{}
		}
		at[c.Locus][c.Cause] += c.Packets
	}
	p := pagePath{
		TapX: middleX, BlindUp: r.Path.BlindUp, BlindAft: r.Path.BlindDown, OnlyHere: r.Path.OnlyHere,
		Seen: r.Verdict.Packets, Sender: "not visible here", Receiver: "not visible here", TapSays: r.Path.tapSays(r),
	}
	var most uint64
	for _, causes := range at {
		var n uint64
		for _, k := range causes {
			n += k
		}
		most = max(most, n)
	}
	up, down := upX, downX
	splits := r.Path.splits()
	if !splits {
		if r.Path.Tap == tapSender {
			p.TapX, down, p.Sender = tapAtSender, middleX, "the tap is here"
		} else {
			p.TapX, up, p.Receiver = tapAtReceiver, middleX, "the tap is here"
		}
	}
	add := func(l cause.Locus, x, rowX int, head string, inHost bool) {
		if place := pathPlaceOf(at[l.String()], l.String(), most); place.Packets > 0 || !inHost && l != cause.InCapture {
			place.X, place.RowX, place.Head, place.InHost = x, rowX, head, inHost
			p.Places = append(p.Places, place)
		}
	}
	const rowsLeft = 62 // of the middle of a place
	add(cause.SenderHost, senderX, 4, "in the sender host", true)
	if splits || r.Path.Tap == tapReceiver {
		add(cause.Upstream, up, up-rowsLeft, "upstream of the tap", false)
	}
	onlyX := p.TapX // beside what a host lost, if the tap is on it
	switch {
	case p.TapX == tapAtSender && r.Path.SenderHost > 0:
		onlyX += 150
	case p.TapX == tapAtReceiver && r.Path.Receiver > 0:
		onlyX -= 150
	}
	add(cause.InCapture, onlyX, min(onlyX, 900)-rowsLeft-16, "only this capture lacks", false)
	if splits || r.Path.Tap == tapSender {
		add(cause.Downstream, down, down-rowsLeft, "downstream of the tap", false)
	}
	add(cause.ReceiverHost, receiverX, 890, "in the receiver host", true)
	for i := range p.Places {
		p.Places[i].RowX = min(p.Places[i].RowX, pathWidth-p.Places[i].rowWidth())
		if pl := &p.Places[i]; pl.InHost && pl.Locus == cause.SenderHost.String() {
			p.Sender = "lost here"
		} else if pl.InHost {
			p.Receiver = "lost here"
		}
	}
	p.line()
	p.Notes = r.Path.elsewhere()
	p.layOut()
	p.words(r)
	return p
}

// rowWidth is what the longest of the rows of a place takes, in the widest of the fonts
// that it may be set in.
func (p *pathPlace) rowWidth() (w int) {
	const mark, letter = 22, 8.6
	for i := range p.Rows {
		w = max(w, mark+int(letter*float64(len(count(p.Rows[i].Packets))+1+len(p.Rows[i].Cause))))
	}
	return w
}

// line decides which part of the line is drawn through, and what on it cannot be told.
func (p *pagePath) line() {
	for i := range p.Places {
		pl := &p.Places[i]
		up, down := pl.Locus == cause.Upstream.String(), pl.Locus == cause.Downstream.String()
		pl.Blind = pl.Packets == 0 && (up && p.BlindUp || down && p.BlindAft)
	}
	p.From, p.To, p.ArrowX = 208, lineEnd, lineEnd-18
	if p.TapX == tapAtSender {
		p.From = boxInner
	}
	if p.TapX == tapAtReceiver {
		p.To, p.ArrowX = tapAtReceiver, tapAtReceiver-tapRadius-16
	}
}

// pathPlaceOf gathers the causes of a place, most packets first.
func pathPlaceOf(causes map[string]uint64, locus string, most uint64) pathPlace {
	out := pathPlace{Locus: locus, Only: locus == locusCapture}
	for id, n := range causes {
		out.Packets += n
		out.Rows = append(out.Rows, pathCause{Cause: id, Family: family(id, locus), Packets: n})
	}
	slices.SortFunc(out.Rows, func(a, b pathCause) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Cause, b.Cause))
	})
	if out.Packets == 0 || out.Only {
		return out
	}
	width := max(pathBar*float64(out.Packets)/float64(most), pathLeast)
	x := -width / 2
	for _, r := range out.Rows {
		w := width * float64(r.Packets) / float64(out.Packets)
		out.Bars = append(out.Bars, pagePart{Family: r.Family, X: round(x, 1), W: round(w, 1)})
		x += w
	}
	if n := len(out.Rows) - pathRows; n > 0 {
		out.Rows, out.More = out.Rows[:pathRows], n
	}
	return out
}

// layOut gives each place its rows, lying and upright.
func (p *pagePath) layOut() {
	rows := 0
	y := tallInBox + tallGap
	for i := range p.Places {
		pl := &p.Places[i]
		rows = max(rows, len(pl.Rows)+min(pl.More, 1))
		if pl.Only || p.Tall.TapY == 0 && p.TapX == middleX && pl.Locus == cause.Downstream.String() {
			p.Tall.TapY = y + 12
			if !pl.Only {
				y += 2 * tallGap
			}
		}
		pl.Y, pl.CountY, pl.BarY = y+16, y+46, y+32
		for k := range pl.Rows {
			pl.Rows[k].Y = pathFirst + k*pathRow
			pl.Rows[k].TY = pl.CountY + 26*(k+1)
		}
		y = pl.CountY + 26*(len(pl.Rows)+min(pl.More, 1)) + tallGap
	}
	p.Height = pathCount + 12
	if rows > 0 {
		p.Height = pathFirst + (rows-1)*pathRow + 12
	}
	switch {
	case p.TapX < middleX:
		p.Tall.TapY = tallInBox
	case p.TapX > middleX: // above the box of that host, which would cover it
		p.Tall.TapY = y
		y += tapRadius + tapGap
	case p.Tall.TapY == 0:
		p.Tall.TapY = y
		y += 2 * tallGap
	}
	p.Tall.EndY, p.Tall.Height = y, y+tallInBox+2
}

// tapSays names the place of the tap.
func (path *Path) tapSays(r *Report) string {
	switch path.Tap {
	case tapMiddle:
		return "tap: in the middle, " + r.Capture.Tap.Confidence
	case tapSender, tapReceiver:
		return "tap: " + path.host()
	}
	return "tap"
}

// elsewhere are the losses that the line has no place for.
func (path *Path) elsewhere() []string {
	var out []string
	add := func(n uint64, where string) {
		if n > 0 {
			out = append(out, counted(n, "packet")+" "+was(n)+" lost "+where+".")
		}
	}
	switch {
	case path.splits():
	case path.Tap == tapSender:
		back := min(path.Back, path.Upstream)
		add(back, "on the way back to the tap")
		add(path.Upstream-back, "upstream of the tap")
	case path.Tap == tapReceiver:
		back := min(path.Back, path.Downstream)
		add(back, "on the way back from the tap")
		add(path.Downstream-back, "downstream of the tap")
	}
	add(path.Elsewhere, "somewhere on the path")
	return out
}

// words are the finding of the picture, and the picture for who does not see it.
func (p *pagePath) words(r *Report) {
	p.Describe = "From the sender host to the receiver host; " + p.TapSays + "."
	best := -1
	for i := range p.Places {
		pl := &p.Places[i]
		if pl.Blind {
			p.Describe += " " + capital(pl.Head) + ": cannot be told."
			continue
		}
		p.Describe += " " + capital(pl.Head) + ": " + counted(pl.Packets, "packet") + "."
		if !pl.Only && pl.Packets > 0 && (best < 0 || pl.Packets > p.Places[best].Packets) {
			best = i
		}
	}
	switch {
	case best >= 0 && p.Places[best].Packets == r.Verdict.Lost:
		p.Caption = "All that was lost was lost " + p.Places[best].Head + ". "
	case best >= 0:
		p.Caption = count(p.Places[best].Packets) + " of " + count(r.Verdict.Lost) + " were lost " + p.Places[best].Head + ". "
	case r.Verdict.State == StateNothingLost:
		p.Caption = "Nothing was lost on it. "
	}
	for _, s := range p.Notes {
		p.Caption += s + " "
	}
	p.Caption += "The path runs from the sender of a packet to its receiver, whichever host that is."
	switch {
	case p.BlindUp && p.BlindAft:
		p.Caption += " What happens on the dotted parts, this capture does not tell."
	case p.BlindUp:
		p.Caption += " What happens upstream, this capture does not tell."
	case p.BlindAft:
		p.Caption += " What happens downstream, this capture does not tell."
	}
	if r.Path.Tap == tapMiddle && r.Verdict.Lost > 0 {
		p.Caption += " A tap in the middle cannot tell a host from the network next to it."
	}
}
