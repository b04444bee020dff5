package report

import (
	"slices"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// BuildOptions are what a Report says of the program itself.
type BuildOptions struct {
	Version string
	Sandbox *Sandbox // nil = none was tried
}

// Build turns what was concluded into what is said. It is the only place that
// sorts, rounds, joins cards and phrases.
func Build(res *analyze.Result, o BuildOptions) *Report {
	b := newBuilder(res)
	r := &Report{
		SchemaVersion: SchemaVersion,
		Tool:          Tool{Name: "whydrop", Version: o.Version, Sandbox: o.Sandbox},
		Inputs:        b.inputs(),
		Checksums:     checksums(&res.Counts),
		Symptoms:      symptoms(res.Symptoms),
		Limits: Limits{
			Flows: res.GaveUp.Flows, Summed: res.GaveUp.Summed, Symptoms: res.GaveUp.Symptoms,
			Gaps: res.GaveUp.Gaps, Losses: res.GaveUp.Losses,
			Stalls: res.GaveUp.Stalls, Trails: res.GaveUp.Trails,
		},
		Decode: decoded(&res.Counts),
		Start:  res.First,
	}
	r.Flows = b.flows()
	r.Ledger = b.ledger()
	r.Stalls = b.stalls()
	r.Events = b.events()
	r.Verdict = b.verdict()
	if r.Verdict.State == StateNothingLost && r.Stalls.Sentence != "" && len(r.Verdict.Advice) == 0 {
		r.Verdict.Advice = b.slowAdvice()
	}
	r.Capture = b.capture()
	r.Causes = b.causes()
	r.Conclusions = b.conclusions()
	r.Path = b.path()
	r.Host = b.hostReports()
	return r
}

// A builder holds the sums that several parts of a Report need.
type builder struct {
	res           *analyze.Result
	perFlow       []tally            // by flow
	chargesOf     map[uint32][]int32 // by flow, the indices of its charges
	packets       uint64             // see Verdict
	byLocus       [cause.NumLoci]uint64
	byCause       map[cause.ID]uint64
	innocent      Innocent
	blind         blindness
	conversations uint64 // flows, those that are only summed up counted, too
}

// A tally is the account of one flow.
type tally struct {
	sent    uint64 // see Verdict.Packets
	lost    uint64
	only    uint64
	missing uint64
}

func newBuilder(res *analyze.Result) *builder {
	b := &builder{
		res: res, perFlow: make([]tally, len(res.Flows)),
		chargesOf: map[uint32][]int32{}, byCause: map[cause.ID]uint64{},
	}
	for i := range res.Ledger.Charges {
		b.addCharge(i)
	}
	for i := range res.Flows {
		b.addFlow(i)
	}
	for i := range res.Signs {
		if res.Signs[i].Kind == flow.SignGone {
			b.blind.asked += res.Signs[i].N
		}
	}
	b.innocent.OffloadedChecksums = pending(&res.Counts)
	if b.packets == 0 {
		b.packets = res.Ledger.Lost() // of which only the host speaks
	}
	return b
}

func (b *builder) addCharge(i int) {
	c := &b.res.Ledger.Charges[i]
	b.byLocus[c.Locus] += c.Packets
	b.byCause[c.Cause] += c.Packets
	var unseen uint64
	if neverPassed(c.Locus) || c.Rule == flow.RuleSACKAlone || b.onlyHeardOf(c) {
		unseen = c.Packets
	}
	b.packets += unseen
	if !b.hasFlow(c) {
		return
	}
	b.chargesOf[c.Flow] = append(b.chargesOf[c.Flow], int32(i))
	t := &b.perFlow[c.Flow]
	t.sent += unseen
	if c.Locus == cause.InCapture {
		t.only += c.Packets
	} else {
		t.lost += c.Packets
	}
}

// neverPassed reports whether packets lost at l are not among those seen here.
func neverPassed(l cause.Locus) bool {
	return l == cause.SenderHost || l == cause.Upstream || l == cause.InCapture
}

// onlyHeardOf reports whether the packets of c are of no flow of the capture: the kernel
// says that it dropped them, or counted them in front of the capture on their way in.
func (b *builder) onlyHeardOf(c *analyze.Charge) bool {
	if c.Host == nil || b.hasFlow(c) {
		return false
	}
	return c.Host.Drop != nil || c.Locus == cause.ReceiverHost && len(c.Frames) == 0 && slices.Contains(inFront, c.Cause)
}

// inFront are causes in front of a capture on the way in, where only counters tell.
var inFront = []cause.ID{cause.NICRing, cause.XDPDrop, cause.SoftnetBacklog}

// hasFlow reports whether c is about packets of one flow: the drop counters of
// a file speak of none.
func (b *builder) hasFlow(c *analyze.Charge) bool {
	return c.Flow != flow.NoFlow && int(c.Flow) < len(b.res.Flows)
}

func (b *builder) addFlow(i int) {
	f, t := b.res.Flows[i], &b.perFlow[i]
	n := f.Conversations()
	b.conversations += n
	if f.Refused {
		b.innocent.RefusedConnections++
	}
	for d := range f.Dir {
		h := &f.Dir[d]
		t.sent += h.WirePackets
		b.packets += h.WirePackets
		for _, n := range h.Missing {
			t.missing += uint64(n)
		}
		b.innocent.UnneededRetransmissions += uint64(h.Unneeded)
		b.innocent.Reordered += uint64(h.Reordered)
		b.innocent.Duplicates += uint64(h.Duplicates[0]) + uint64(h.Duplicates[1])
	}
	if f.Protocol == decode.ProtoTCP && f.Dir[0].Data+f.Dir[1].Data > 0 {
		b.blind.tcp += n
		if !f.OneWay() {
			b.blind.bothWays += n
		}
	}
	if f.Protocol != decode.ProtoTCP && !reported(f) || f.OneWay() || unansweredRequest(f) {
		b.blind.unanswered += t.sent
	}
	if last := uint64(f.Dir[0].Untold) + uint64(f.Dir[1].Untold); last > 0 {
		b.blind.last += last
		b.blind.lasts += n
	}
	if f.Rested > 0 {
		for d := range f.Dir {
			b.blind.asked += f.Dir[d].Packets - min(f.Dir[d].Packets, uint64(f.Dir[d].Resets))
		}
	}
	if untold := b.untold(i); untold > 0 {
		b.blind.datagrams += untold
		b.blind.talks += n
	}
	if b.cannotTell(i) {
		b.blind.flows += n
		b.blind.packets += t.sent
		if b.chatter(i) || b.res.OfProbes(i) {
			b.blind.chatter += t.sent
		}
		if b.res.OfProbes(i) {
			b.blind.probes += t.sent
		}
		switch {
		case f.OneWay():
			b.blind.oneWay += n
		case unansweredRequest(f):
			b.blind.requests += t.sent
		case f.Protocol != decode.ProtoTCP:
			b.blind.unnumbered += n
		}
	}
}

func (b *builder) inputs() []Input {
	inputs := make([]Input, 0, len(b.res.Inputs))
	for i := range b.res.Inputs {
		in := &b.res.Inputs[i]
		out := Input{
			Path: in.Path, Format: in.Format, Compression: in.Compression, LinkTypes: []string{},
			Frames: in.Frames, Octets: in.Octets, SnapLength: in.SnapLength,
		}
		for _, l := range in.LinkTypes {
			out.LinkTypes = append(out.LinkTypes, linkName(l))
		}
		if in.Frames > 0 {
			out.First, out.Last = timestamp(in.First), timestamp(in.Last)
		}
		if d := in.Damage; d != nil {
			out.Truncated = &Damage{Offset: d.Offset, Frame: d.Frame, What: d.What, Cut: d.Cut}
		}
		inputs = append(inputs, out)
	}
	return inputs
}

func linkName(l capture.LinkType) string {
	if name, ok := linkNames[uint16(l)]; ok {
		return name
	}
	return string(appendCount([]byte("linktype-"), uint64(l)))
}

// timestamp is RFC 3339 with nanoseconds, UTC.
func timestamp(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// frame names a frame by its file.
func (b *builder) frame(f flow.FrameRef) Frame {
	return Frame{File: b.file(f.File), Frame: f.Number}
}

func (b *builder) file(file uint16) string {
	if int(file) >= len(b.res.Inputs) {
		return ""
	}
	return b.res.Inputs[file].Path
}

func (b *builder) ledger() Ledger {
	l := &b.res.Ledger
	out := Ledger{
		Missing: l.Missing(), Lost: l.Lost(), LostRate: rate(l.Lost(), b.packets),
		CaptureOnly: l.CaptureOnly(), Unexplained: l.Unexplained(),
		ByLocus: map[string]uint64{}, ByCause: map[string]uint64{},
		Charges: make([]Charge, 0, len(l.Charges)),
	}
	for locus, n := range b.byLocus {
		out.ByLocus[cause.Locus(locus).String()] = n
	}
	for id, n := range b.byCause {
		out.ByCause[string(id)] = n
	}
	for i := range l.Charges {
		out.Charges = append(out.Charges, b.charge(&l.Charges[i]))
	}
	return out
}

func (b *builder) charge(c *analyze.Charge) Charge {
	out := Charge{
		ID: c.ID, What: c.What.String(), Packets: c.Packets, Octets: c.Octets,
		Locus: c.Locus.String(), Cause: string(c.Cause), Confidence: c.Confidence.String(),
		Rule: ruleOf(c.Rule).id, First: timestamp(c.First), Last: timestamp(c.Last),
		Frames: make([]uint64, 0, len(c.Frames)), Evidence: []Evidence{}, Rivals: make([]Rival, 0, len(c.Rivals)),
	}
	out.Host = hostSays(c)
	if b.hasFlow(c) {
		out.Flow = int(c.Flow) + 1
	}
	if b.hasFlow(c) || c.Protocol != 0 {
		out.Src, out.Dst = endpoint(c.Src, c.Protocol), endpoint(c.Dst, c.Protocol)
		out.Protocol = protocolName(c.Protocol)
	}
	if len(c.Frames) > 0 {
		out.File = b.file(c.Frames[0].File)
	} else if len(c.Evidence) > 0 {
		out.File = b.file(c.Evidence[0].Frame.File)
	}
	for _, f := range c.Frames {
		out.Frames = append(out.Frames, f.Number)
	}
	for _, w := range c.Evidence {
		if w.Says == flow.SaysNothing {
			continue
		}
		f := b.frame(w.Frame)
		out.Evidence = append(out.Evidence, Evidence{
			File: f.File, Frame: f.Frame, Time: timestamp(w.Time), Says: says(c, w), At: w.Time,
		})
	}
	for _, rival := range slices.Concat(c.CauseRivals, c.Rivals) {
		out.Rivals = append(out.Rivals, Rival{Cause: string(rival.Cause), Why: rival.Why})
	}
	if c.Repair.Number > 0 {
		out.RepairedBy = &c.Repair.Number
		if in := b.file(c.Repair.File); in != out.File {
			out.RepairedIn = in
		}
	}
	switch c.Between {
	case flow.BetweenPoints:
		out.Points = "between"
	case flow.BeyondPoints:
		out.Points = "beyond"
	}
	if c.Told != nil {
		out.OfLocus, out.OfCause, out.Why = c.LocusConfidence.String(), c.CauseConfidence.String(), told(c.Told)
	}
	if c.Rule == flow.RuleICMPQuote {
		out.Router = c.Router.String()
	}
	return out
}

// path sums what is missing by its place. A packet lost somewhere that no rule
// could place is shown as such.
func (b *builder) path() Path {
	state := b.state()
	return Path{
		Back:       b.back(),
		Tap:        b.res.Tap.Place.String(),
		Near:       b.res.Tap.Confidence != cause.Certain,
		SenderHost: b.byLocus[cause.SenderHost],
		Upstream:   b.byLocus[cause.Upstream],
		OnlyHere:   b.byLocus[cause.InCapture],
		Downstream: b.byLocus[cause.Downstream],
		Receiver:   b.byLocus[cause.ReceiverHost],
		Elsewhere:  b.byLocus[cause.LocusUnknown],
		BlindUp:    state == StateTooLossy || (state == StateCannotTell || b.byLocus[cause.LocusUnknown] > 0) && !b.gapless(),
		BlindDown:  state == StateTooLossy || state == StateCannotTell || b.deaf(),
	}
}

// deaf reports that most packets are of a kind whose arrival nothing in the
// capture tells of, and that no loss behind the tap is known by other signs.
func (b *builder) deaf() bool {
	return b.byLocus[cause.Downstream] == 0 && b.blind.unanswered*100 > b.packets*mostlyBlindPercent
}

// back sums what was lost on the network on its way to a tap on the sender, or
// from one on the receiver: packets that travelled against most of the data.
func (b *builder) back() uint64 {
	var n uint64
	for i := range b.res.Ledger.Charges {
		c := &b.res.Ledger.Charges[i]
		if c.Locus != cause.Upstream && c.Locus != cause.Downstream || !b.hasFlow(c) {
			continue
		}
		dir := &b.res.Flows[c.Flow].Dir
		if against := dir[1-c.Dir&1].Octets > dir[c.Dir&1].Octets; against {
			n += c.Packets
		}
	}
	return n
}
