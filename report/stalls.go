package report

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Stalls are the times in which conversations stood still.
type Stalls struct {
	Flows    int                `json:"flows"`     // that were held up
	HeldMS   uint64             `json:"held_ms"`   // over all flows, without "sender-idle" and "unknown"
	ByReason map[string]Stalled `json:"by_reason"` // over all flows
	Sentence string             `json:"sentence"`  // where the time went; "" if little of it
}

// Stalled sums up stalls of one reason.
type Stalled struct {
	Count uint64 `json:"count"`
	MS    uint64 `json:"ms"`
}

// Stall is one time in which a flow stood still: nothing new was sent or
// acknowledged, though a frame may have passed. Src sends what did not move.
type Stall struct {
	Reason string  `json:"reason" jsonschema:"enum=loss-recovery,enum=receiver-window,enum=application,enum=ack-delay,enum=handshake,enum=sender-idle,enum=unknown"`
	Src    string  `json:"src"`
	Dst    string  `json:"dst"`
	MS     float64 `json:"ms"`
	First  string  `json:"first_time"`
	Last   string  `json:"last_time"`
	Before Frame   `json:"before"`                    // the last frame that moved something
	End    *Frame  `json:"end" jsonschema:"nullable"` // the one that did again; null: none did
}

const (
	// slowPercent of the time in which somebody wanted something, and slowLeast ms:
	// from there on it is said on the first screen that flows were held up.
	slowPercent = 10
	slowLeast   = 200

	// idlePercent of all time, and slowLeast: then it is said that nobody had anything to send.
	idlePercent = 50

	// maxReasons of it are named there.
	maxReasons = 2
)

// A heldUp is one reason for which flows stood still, and the host behind it.
type heldUp struct {
	reason flow.StallReason
	count  uint64
	ms     uint64
	who    string // that held up most, as far as a host did
	others int    // that did, too
}

// stalls sums up over all flows.
func (b *builder) stalls() Stalls {
	out := Stalls{ByReason: map[string]Stalled{}}
	var span, idle, flows uint64 // ms; in idle nobody had anything to say
	for i := range b.res.Flows {
		if b.res.Flows[i].Protocol != decode.ProtoTCP {
			continue // whether anybody waits there is not known
		}
		flows++
		span += uint64(max(b.res.Flows[i].Last-b.res.Flows[i].First, 0) / int64(1e6))
	}
	for i := range b.res.Waits {
		held := out.HeldMS
		for _, sums := range b.res.Waits[i].Sums {
			for reason, s := range sums {
				if s.Count == 0 {
					continue
				}
				name := flow.StallReason(reason).String()
				sum := out.ByReason[name]
				out.ByReason[name] = Stalled{sum.Count + uint64(s.Count), sum.MS + uint64(s.MS)}
				if flow.StallReason(reason).Held() {
					out.HeldMS += uint64(s.MS)
				} else {
					idle += uint64(s.MS)
				}
			}
		}
		if out.HeldMS > held {
			out.Flows++
		}
	}
	wanted := max(span, idle) - idle
	quiet := out.ByReason[flow.StallSender.String()]
	switch {
	case out.HeldMS >= slowLeast && out.HeldMS*100 >= wanted*slowPercent:
		out.Sentence = b.whereTimeWent(out, wanted, flows)
	case quiet.MS >= slowLeast && quiet.MS*100 >= span*idlePercent:
		out.Sentence = ofTime(quiet.MS, span, flows) + " nobody had anything to send, in " + counted(quiet.Count, "pause") + "."
	}
	return out
}

// whereTimeWent is the honest answer to "slow, but nothing was lost".
func (b *builder) whereTimeWent(s Stalls, wanted, flows uint64) string {
	parts := []string{}
	for i, h := range b.heldUps() {
		if i == maxReasons {
			break
		}
		who := h.who
		if h.others > 0 {
			who += " and " + counted(uint64(h.others), "other")
		}
		words := [...]string{
			flow.StallRecovery:    "repairs on the way to " + who,
			flow.StallWindow:      "the window of " + who + " was closed or full",
			flow.StallApplication: who + " answered late",
			flow.StallAck:         "data to " + who + " or its ACKs came late",
			flow.StallHandshake:   "connections to " + who + " opened late",
		}[h.reason]
		parts = append(parts, words+", "+milli(h.ms)+" in "+counted(h.count, "wait"))
	}
	longest := ""
	if ns := b.longestHeld(); flows > 1 && ns > 0 {
		longest = ", at most " + duration(ns) + " at once"
	}
	return ofTime(s.HeldMS, max(wanted, s.HeldMS), flows) + " nothing moved" + longest + ": " + strings.Join(parts, "; ") + "."
}

// ofTime begins a sentence on a part of the time of all flows. That of several
// adds up to more than the capture lasted, so it is a share.
func ofTime(part, whole, flows uint64) string {
	if flows <= 1 {
		return milli(part) + " of " + milli(whole)
	}
	return "For " + share(part, whole) + " of the time of " + counted(flows, "TCP flow")
}

// longestHeld is the longest single time, ns, in which a flow was held up.
func (b *builder) longestHeld() (longest int64) {
	for i := range b.res.Stalls {
		if s := &b.res.Stalls[i]; s.Reason.Held() {
			longest = max(longest, s.To-s.From)
		}
	}
	return longest
}

func milli(ms uint64) string { return duration(int64(min(ms, 1<<40)) * 1e6) }

// heldUps are the reasons for which something could not move, most time first.
func (b *builder) heldUps() []heldUp {
	type by struct {
		reason flow.StallReason
		who    flow.Endpoint
	}
	sums := map[by]Stalled{}
	for i := range b.res.Waits {
		w := &b.res.Waits[i]
		f := b.res.Flows[w.Flow]
		for d := range w.Sums {
			for reason, s := range w.Sums[d] {
				if s.Count == 0 || !flow.StallReason(reason).Held() {
					continue
				}
				k := by{flow.StallReason(reason), behind(flow.StallReason(reason), f, d)}
				sums[k] = Stalled{sums[k].Count + uint64(s.Count), sums[k].MS + uint64(s.MS)}
			}
		}
	}
	most := map[flow.StallReason]by{}
	reasons := map[flow.StallReason]heldUp{}
	for k, s := range sums {
		h := reasons[k.reason]
		h.reason, h.count, h.ms, h.others = k.reason, h.count+s.Count, h.ms+s.MS, h.others+1
		reasons[k.reason] = h
		if best, ok := most[k.reason]; !ok || s.MS > sums[best].MS || s.MS == sums[best].MS && lessEndpoint(k.who, best.who) {
			most[k.reason] = k
		}
	}
	out := make([]heldUp, 0, len(reasons))
	for reason, h := range reasons {
		who := most[reason].who
		h.who, h.others = who.Addr.String(), h.others-1
		if who.Port != 0 {
			h.who = endpoint(who, decode.ProtoTCP)
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(x, y heldUp) int {
		return cmp.Or(cmp.Compare(y.ms, x.ms), cmp.Compare(x.reason, y.reason))
	})
	return out
}

// behind is who made direction d of f wait: who answers, or whose window or
// acknowledgements it waited for. A port that the client chose tells nothing.
func behind(reason flow.StallReason, f *flow.Facts, d int) flow.Endpoint {
	ends := [2]flow.Endpoint{f.Originator, f.Responder}
	end := ends[1-d]
	if reason == flow.StallApplication {
		end = ends[d]
	}
	if end == f.Originator {
		end.Port = 0
	}
	return end
}

func lessEndpoint(a, b flow.Endpoint) bool {
	return cmp.Or(slices.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port)) < 0
}

// slowAdvice is what to do about the reason that held up most.
func (b *builder) slowAdvice() []string {
	held := b.heldUps()
	if len(held) == 0 {
		return []string{}
	}
	host := held[0].who
	switch held[0].reason {
	case flow.StallWindow:
		return []string{"On " + host + ", see which program does not read (Recv-Q):", "`ss -tmpi`"}
	case flow.StallApplication:
		return []string{"On " + host + ", see what the program waits for; the network does not hold it up."}
	case flow.StallAck:
		return []string{"See whether the delay grows under load, or the receiver delays its ACKs:", "`ss -ti`"}
	}
	return []string{}
}

// waited is for how long flow i stood still.
func (b *builder) waited(i int) *flow.StallSums {
	at, found := slices.BinarySearchFunc(b.res.Waits, uint32(i), func(w flow.Waits, i uint32) int { return cmp.Compare(w.Flow, i) })
	if !found {
		return &flow.StallSums{}
	}
	return &b.res.Waits[at].Sums
}

// stallMS is for how long a flow could not move, in both directions.
func stallMS(all *flow.StallSums) (ms uint64) {
	for d := range all {
		for reason, s := range all[d] {
			if flow.StallReason(reason).Held() {
				ms += uint64(s.MS)
			}
		}
	}
	return ms
}

// stallsOf are the longest stalls of flow i.
func (b *builder) stallsOf(i int) []flow.Stall {
	all := b.res.Stalls
	from := sort.Search(len(all), func(k int) bool { return int(all[k].Flow) >= i })
	to := from
	for to < len(all) && int(all[to].Flow) == i {
		to++
	}
	return all[from:to]
}

func (b *builder) stall(x *flow.Stall) Stall {
	f := b.res.Flows[x.Flow]
	ends := [2]string{endpoint(f.Originator, f.Protocol), endpoint(f.Responder, f.Protocol)}
	out := Stall{
		Reason: x.Reason.String(), Src: ends[x.Dir&1], Dst: ends[1-x.Dir&1], MS: milliseconds(x.To - x.From),
		First: timestamp(x.From), Last: timestamp(x.To), Before: b.frame(x.Before),
	}
	if x.End != (flow.FrameRef{}) {
		end := b.frame(x.End)
		out.End = &end
	}
	return out
}

// stalled are the sums of direction d by the names of the reasons.
func stalled(all *flow.StallSums, d int) map[string]Stalled {
	out := map[string]Stalled{}
	for reason, s := range all[d] {
		if s.Count > 0 {
			out[flow.StallReason(reason).String()] = Stalled{uint64(s.Count), uint64(s.MS)}
		}
	}
	return out
}

// stallsByName are the reasons as encoding/json sorts them.
var stallsByName = [...]flow.StallReason{
	flow.StallAck, flow.StallApplication, flow.StallHandshake, flow.StallRecovery, flow.StallWindow, flow.StallSender,
	flow.StallUnknown,
}

// appendStalled appends what stalled makes.
func appendStalled(b []byte, all *flow.StallSums, d int) []byte {
	b = append(b, '{')
	start := len(b)
	for _, reason := range stallsByName {
		s := &all[d][reason]
		if s.Count == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, reason.String()...)
		b = appendField(b, `":{"count":`, uint64(s.Count))
		b = appendField(b, `,"ms":`, uint64(s.MS))
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendStall appends one of the longest stalls.
func (f *flowEncoder) appendStall(b []byte, facts *flow.Facts, x *flow.Stall) []byte {
	ends := [2]flow.Endpoint{facts.Originator, facts.Responder}
	b = appendName(b, `{"reason":`, x.Reason.String())
	b = append(b, `,"src":"`...)
	b = appendEndpoint(b, ends[x.Dir&1], facts.Protocol)
	b = append(b, `","dst":"`...)
	b = appendEndpoint(b, ends[1-x.Dir&1], facts.Protocol)
	b = append(b, `","ms":`...)
	b = appendFloat(b, milliseconds(x.To-x.From))
	b = append(b, `,"first_time":"`...)
	b = f.e.appendTime(b, x.From)
	b = append(b, `","last_time":"`...)
	b = f.e.appendTime(b, x.To)
	b = append(b, `","before":{"file":`...)
	b = f.e.appendFile(b, x.Before.File)
	b = appendField(b, `,"frame":`, x.Before.Number)
	if x.End == (flow.FrameRef{}) {
		return append(b, `},"end":null}`...)
	}
	b = append(b, `},"end":{"file":`...)
	b = f.e.appendFile(b, x.End.File)
	b = appendField(b, `,"frame":`, x.End.Number)
	return append(b, "}}"...)
}

// stallTable is what flows stood still for, with the longest time of each reason.
func (p *printer) stallTable(r *Report) {
	why, times, total := column{name: "waiting for"}, column{name: "times", right: true}, column{name: "time", right: true}
	longest, where := column{name: "longest", right: true}, column{name: "behind frame", right: true}
	reasons := []string{}
	for reason := range flow.NumStallReasons {
		reasons = append(reasons, reason.String())
	}
	for _, reason := range reasons {
		s, ok := r.Stalls.ByReason[reason]
		if !ok {
			continue
		}
		var most *Stall
		for i := range r.Flows.Table {
			for k := range r.Flows.Table[i].Stalls {
				if x := &r.Flows.Table[i].Stalls[k]; x.Reason == reason && (most == nil || x.MS > most.MS) {
					most = x
				}
			}
		}
		why.cells = append(why.cells, cell{reason, plain})
		times.cells = append(times.cells, cell{count(s.Count), plain})
		total.cells = append(total.cells, cell{milli(s.MS), plain})
		if most == nil {
			longest.cells, where.cells = append(longest.cells, cell{}), append(where.cells, cell{})
			continue
		}
		longest.cells = append(longest.cells, cell{duration(int64(most.MS * 1e6)), plain})
		where.cells = append(where.cells, cell{p.frameName(r, most.Before), plain})
	}
	p.section("Stalls", why, times, total, longest, where)
}
