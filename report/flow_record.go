package report

import (
	"strconv"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// A flowEncoder writes flow records. There can be a million flows, so it goes
// from the facts to octets without a Flow and its maps in between. The tests
// hold it against encoding/json of the same Flow.
type flowEncoder struct {
	b     *builder
	e     *symptomEncoder // for file names and times
	buf   []byte
	at    int // the flow
	loci  [2][cause.NumLoci]uint64
	other [2]uint64 // missing and unexplained

	waited *flow.StallSums
}

func newFlowEncoder(b *builder) *flowEncoder {
	return &flowEncoder{b: b, e: newSymptomEncoder(b.res)}
}

// line is the record of flow i with its newline, valid until the next call.
func (f *flowEncoder) line(i int) []byte {
	b, facts, t := f.buf[:0], f.b.res.Flows[i], &f.b.perFlow[i]
	f.at = i
	f.sum(i)
	f.waited = f.b.waited(i)
	b = append(b, `{"type":"flow","id":`...)
	b = strconv.AppendUint(b, uint64(i)+1, 10)
	b = appendName(b, `,"protocol":`, protocolName(facts.Protocol))
	b = append(b, `,"originator":"`...)
	b = appendEndpoint(b, facts.Originator, facts.Protocol)
	b = append(b, `","responder":"`...)
	b = appendEndpoint(b, facts.Responder, facts.Protocol)
	b = append(b, `","first_time":"`...)
	b = f.e.appendTime(b, facts.First)
	b = append(b, `","last_time":"`...)
	b = f.e.appendTime(b, facts.Last)
	b = append(b, `","first_frame":{"file":`...)
	b = f.e.appendFile(b, facts.FirstFrame.File)
	b = appendField(b, `,"frame":`, facts.FirstFrame.Number)
	b = appendField(b, `},"packets":`, t.sent)
	b = appendField(b, `,"octets":`, facts.Dir[0].Octets+facts.Dir[1].Octets)
	b = appendField(b, `,"lost":`, t.lost)
	b = appendField(b, `,"capture_only":`, t.only)
	b = append(b, `,"cannot_tell":`...)
	b = strconv.AppendBool(b, f.b.cannotTell(i))
	b = append(b, `,"loss_rate":`...)
	b = appendFloat(b, rate(t.lost, t.sent))
	b = append(b, `,"causes":[`...)
	if len(f.b.chargesOf[uint32(i)]) > 0 {
		for n, name := range f.b.flowCauses(i) {
			if n > 0 {
				b = append(b, ',')
			}
			b = append(b, quoted(name)...)
		}
	}
	b = append(b, `],"handshake":`...)
	b = strconv.AppendBool(b, facts.Handshake)
	b = appendField(b, `,"stall_ms":`, stallMS(f.waited))
	b = append(b, `,"longest_stalls":[`...)
	longest := f.b.stallsOf(i)
	for k := range longest {
		if k > 0 {
			b = append(b, ',')
		}
		b = f.appendStall(b, facts, &longest[k])
	}
	b = append(b, `],"directions":[`...)
	b = f.appendDirection(b, facts, 0)
	b = append(b, ',')
	b = f.appendDirection(b, facts, 1)
	f.buf = append(b, "]}\n"...)
	return f.buf
}

// sum adds up what flow i lacks by direction and locus, as builder.missing does.
func (f *flowEncoder) sum(i int) {
	f.loci, f.other = [2][cause.NumLoci]uint64{}, [2]uint64{}
	for d := range f.other {
		for _, n := range f.b.res.Flows[i].Dir[d].Missing {
			f.other[d] += uint64(n)
		}
	}
	for _, n := range f.b.chargesOf[uint32(i)] {
		c := &f.b.res.Ledger.Charges[n]
		f.loci[c.Dir&1][c.Locus] += c.Packets
		f.other[c.Dir&1] -= min(c.Packets, f.other[c.Dir&1])
	}
}

// inNameOrder are the loci as encoding/json sorts them.
var inNameOrder = [...]cause.Locus{
	cause.InCapture, cause.Downstream, cause.ReceiverHost, cause.SenderHost, cause.LocusUnknown, cause.Upstream,
}

// detailsByName are the details of retransmissions, likewise.
var detailsByName = [...]flow.Detail{flow.Fast, flow.Loss, flow.Other, flow.RTO, flow.SYN, flow.SYNACK, flow.TLP}

func (f *flowEncoder) appendDirection(b []byte, facts *flow.Facts, d int) []byte {
	h := &facts.Dir[d]
	ends := [2]flow.Endpoint{facts.Originator, facts.Responder}
	b = append(b, `{"src":"`...)
	b = appendEndpoint(b, ends[d], facts.Protocol)
	b = append(b, `","dst":"`...)
	b = appendEndpoint(b, ends[1-d], facts.Protocol)
	b = appendName(b, `","protocol":`, protocolName(facts.Protocol))
	b = appendField(b, `,"packets":`, h.Packets)
	b = appendField(b, `,"wire_packets":`, h.WirePackets)
	b = appendField(b, `,"octets":`, h.Octets)
	b = append(b, `,"missing":{`...)
	start := len(b)
	for _, l := range inNameOrder {
		if l == cause.LocusUnknown { // "unexplained" sorts before "unknown"
			b = appendCounted(b, start, "unexplained", f.other[d])
		}
		b = appendCounted(b, start, l.String(), f.loci[d][l])
	}
	b = append(b, `},"retransmissions":{`...)
	start = len(b)
	for _, detail := range detailsByName {
		b = appendCounted(b, start, detail.String(), h.Retransmissions[detail])
	}
	b = appendField(b, `},"unneeded":`, h.Unneeded)
	b = appendField(b, `,"undecided":`, h.UndecidedNeed)
	b = appendField(b, `,"reordered":`, h.Reordered)
	b = appendField(b, `,"duplicates":`, h.Duplicates[0]+h.Duplicates[1])
	b = appendField(b, `,"checksum_bad":`, h.ChecksumBad)
	b = appendField(b, `,"zero_window":{"episodes":`, h.ZeroWindows)
	b = append(b, `,"ms":`...)
	b = appendFloat(b, milliseconds(h.ZeroWindowNS))
	b = append(b, `},"stalls":`...)
	b = appendStalled(b, f.waited, d)
	b = append(b, `,"rtt_ms":`...)
	b = appendRTT(b, h)
	place, onHost := f.b.res.TapOf(f.at, uint8(d))
	b = appendName(b, `,"tap":`, place.String())
	b = append(b, `,"tap_on_host":`...)
	b = strconv.AppendBool(b, onHost)
	if n := hops(h); n != nil {
		b = appendField(b, `,"hops":`, uint64(*n))
	} else {
		b = append(b, `,"hops":null`...)
	}
	b = append(b, `,"rtp":`...)
	b = appendRTP(b, h)
	b = append(b, `,"min_delay_to_receiver_ms":`...)
	b = appendDelay(b, h.MinDown)
	b = append(b, `,"min_delay_to_sender_ms":`...)
	b = appendDelay(b, h.MinUp)
	return append(b, '}')
}

// appendName appends a field whose value is one of our own words.
func appendName(b []byte, field, name string) []byte {
	b = append(b, field...)
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"')
}

func appendField[N uint32 | uint64](b []byte, field string, n N) []byte {
	b = append(b, field...)
	return strconv.AppendUint(b, uint64(n), 10)
}

// appendCounted appends name and n to an object that began at start, if there are any.
func appendCounted[N uint32 | uint64](b []byte, start int, name string, n N) []byte {
	if n == 0 {
		return b
	}
	if len(b) > start {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendUint(b, uint64(n), 10)
}

// appendFloat writes a rounded number. A rate below 1e-6 was rounded to 0, so
// encoding/json would use no exponent either.
func appendFloat(b []byte, x float64) []byte { return strconv.AppendFloat(b, x, 'f', -1, 64) }

func appendRTT(b []byte, h *flow.Half) []byte {
	if h.RTTSamples == 0 || h.RTTMin < 0 {
		return append(b, "null"...)
	}
	b = append(b, `{"min":`...)
	b = appendFloat(b, milliseconds(h.RTTMin))
	b = append(b, `,"median":`...)
	b = appendFloat(b, milliseconds(h.RTTMed))
	b = append(b, `,"max":`...)
	b = appendFloat(b, milliseconds(h.RTTMax))
	return append(b, '}')
}

func appendDelay(b []byte, ns int64) []byte {
	if ns < 0 {
		return append(b, "null"...)
	}
	return appendFloat(b, milliseconds(ns))
}
