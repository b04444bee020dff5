package report

import (
	"net/netip"
	"time"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// t0 is when the captures of these tests begin.
var t0 = time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC).UnixNano()

const ms = int64(time.Millisecond)

func addr(s string) decode.Addr { return netip.MustParseAddr(s).As16() }

func port(s string) flow.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return flow.Endpoint{Addr: ap.Addr().As16(), Port: ap.Port()}
}

// A stage builds a Result as the analysis would.
type stage struct {
	res    *analyze.Result
	frames uint64
}

func newStage(path string, last int64) *stage {
	return &stage{res: &analyze.Result{
		Inputs: []capture.Input{{
			Path: path, Format: "pcapng", LinkTypes: []capture.LinkType{capture.LinkEthernet},
			Frames: 0, SnapLength: 262144, First: t0, Last: t0 + last,
			Stats: capture.Stats{InterfaceDrops: capture.Known(0), OSDrops: capture.Known(0)},
		}},
		First: t0, Last: t0 + last,
	}}
}

// tcp adds a TCP flow of so many data packets and ACKs.
func (s *stage) tcp(from, to string, data, acks uint64) uint32 {
	return s.flow(decode.ProtoTCP, from, to, data, acks)
}

func (s *stage) flow(protocol uint8, from, to string, data, back uint64) uint32 {
	f := flow.Facts{
		Protocol: protocol, Originator: port(from), Responder: port(to), First: s.res.First, Last: s.res.Last,
		FirstFrame: flow.FrameRef{Number: s.frames + 1}, Handshake: protocol == decode.ProtoTCP,
	}
	const segment = 1448
	f.Dir[0] = flow.Half{
		Packets: data, WirePackets: data, Data: data, Octets: data * segment,
		RTTMin: 41 * ms, RTTMed: 42 * ms, RTTMax: 68 * ms, RTTSamples: uint32(back), MinDown: 40 * ms, MinUp: ms,
	}
	f.Dir[1] = flow.Half{Packets: back, WirePackets: back, RTTMin: -1, MinDown: -1, MinUp: -1}
	s.frames += data + back
	s.res.Counts.Frames += data + back
	s.res.Counts.ByProtocol[protocol] += data + back
	s.res.Counts.Checksums[decode.LayerTCP][decode.ChecksumGood] += data + back
	s.res.Counts.Checksums[decode.LayerIPv4][decode.ChecksumGood] += data + back
	s.res.Inputs[0].Frames += data + back
	s.res.Flows = append(s.res.Flows, &f)
	return uint32(len(s.res.Flows) - 1)
}

var placeOf = map[cause.Locus]flow.Place{
	cause.Upstream: flow.BeforeTap, cause.SenderHost: flow.BeforeTap, cause.InCapture: flow.OnlyCapture,
	cause.Downstream: flow.AfterTap, cause.ReceiverHost: flow.InReceiver, cause.LocusUnknown: flow.PlaceUnknown,
}

// lose lets flow i lose one packet at each time, and charges each. Only the
// first has the evidence.
func (s *stage) lose(i uint32, c analyze.Charge, at ...int64) {
	f := s.res.Flows[i]
	c.Flow, c.Protocol, c.Packets, c.Octets = i, f.Protocol, 1, 1448
	ends := [2]flow.Endpoint{f.Originator, f.Responder}
	c.Src, c.Dst = ends[c.Dir], ends[1-c.Dir]
	f.Dir[c.Dir].Missing[placeOf[c.Locus]] += uint32(len(at))
	for n, t := range at {
		c.First, c.Last = t0+t, t0+t
		l := flow.Lost{
			Flow: i, Dir: c.Dir, What: c.What, Rule: c.Rule, Place: placeOf[c.Locus], Protocol: f.Protocol,
			Packets: 1, Octets: 1448, First: t0 + t, Last: t0 + t,
		}
		c.Frames = nil
		if l.Place == flow.AfterTap {
			c.Frames = []flow.FrameRef{{Number: uint64(74 + 13*n)}}
		}
		s.res.Ledger.Losses = append(s.res.Ledger.Losses, l)
		s.res.Ledger.Charges = append(s.res.Ledger.Charges, c)
		c.Evidence, c.Repair = nil, flow.FrameRef{}
	}
}

// result balances the ledger, with so many packets that nothing explains.
func (s *stage) result(unexplained uint64) *analyze.Result {
	missing := unexplained
	for i := range s.res.Ledger.Charges {
		missing += s.res.Ledger.Charges[i].Packets
	}
	l := analyze.NewLedger(missing)
	for _, c := range s.res.Ledger.Charges {
		l.Charge(c)
	}
	l.Losses = s.res.Ledger.Losses
	s.res.Ledger = l
	return s.res
}

// every is n times from start on, step apart.
func every(start, step int64, n int) []int64 {
	at := make([]int64, n)
	for i := range at {
		at[i] = start + int64(i)*step
	}
	return at
}

var sackHole = analyze.Charge{
	What: flow.DataPacket, Locus: cause.Downstream, Cause: cause.Unknown, Confidence: cause.Likely, Rule: flow.RuleSACKHole,
	Evidence: []flow.Witness{
		{Frame: flow.FrameRef{Number: 74}, Time: t0 + 131*ms, Says: flow.SaysPassed, A: 71329, B: 72777},
		{Frame: flow.FrameRef{Number: 156}, Time: t0 + 178*ms, Says: flow.SaysSACK, A: 85809, B: 87257},
		{Frame: flow.FrameRef{Number: 160}, Time: t0 + 206*ms + 700_000, Says: flow.SaysRepair, A: 71329, B: 72777},
		{Frame: flow.FrameRef{Number: 194}, Time: t0 + 247*ms, Says: flow.SaysAcked, A: 72777},
	},
	Repair: flow.FrameRef{Number: 160}, RepairTime: t0 + 206*ms,
	Rivals: []analyze.Rival{{Cause: cause.AckLost, Why: "SACK shows what arrived"}, {Cause: cause.Reordering, Why: "a DSACK would follow."}},
}

// situations are the first screens of look/terminal, and some that it lacks.
func situations() map[string]*analyze.Result {
	return map[string]*analyze.Result{
		"downstream":            downstream(),
		"many-causes":           manyCauses(),
		"nothing-lost":          nothingLost(),
		"only-the-capture-lost": onlyTheCapture(),
		"cannot-tell":           oneDirection(),
		"cannot-tell-udp":       unnumbered(),
		"cannot-tell-which":     ambiguous(),
		"datagrams-upstream":    numbered(),
		"too-lossy":             tooLossy(),
		"empty":                 newStage("empty.pcap", 0).result(0),
		"one-packet":            onePacket(),
		"receiver-host":         receiverHost(),
		"both-ways":             bothWays(),
		"cut":                   cutFile(),
	}
}

func downstream() *analyze.Result {
	s := newStage("upload.pcapng", 5200*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 2180, 1210)
	at := append(every(131*ms, 2*ms, 40), every(700*ms, 90*ms, 48)...)
	s.lose(f, sackHole, append(at, every(5100*ms, 3*ms, 15)...)...)
	s.res.Tap = analyze.Tap{Place: analyze.TapSender, Confidence: cause.Likely, Evidence: []string{"ACKs answer in 41.0 ms, data in 0.1 ms"}}
	return s.result(0)
}

func manyCauses() *analyze.Result {
	s := newStage("wan-edge.pcapng", 8300*ms)
	a := s.tcp("10.20.0.15:51268", "203.0.113.40:873", 2200, 1190)
	b := s.tcp("10.20.0.17:33766", "198.51.100.9:443", 1400, 820)
	c := s.tcp("10.20.0.23:57540", "198.51.100.9:443", 2000, 1272)
	d := s.tcp("[2001:db8:1234:5678:9abc:def0:1234:5678]:39564", "[2001:db8:ffff:5678:9abc:def0:1234:9999]:22", 3500, 2041)
	e := s.tcp("10.20.0.8:40800", "10.30.4.2:445", 1400, 711)
	s.tcp("10.20.0.9:49682", "10.30.4.2:445", 2000, 1249)
	s.flow(decode.ProtoUDP, "10.20.0.31:10050", "192.0.2.65:10050", 799, 0)
	s.lose(a, sackHole, every(131*ms, 40*ms, 103)...)
	up := analyze.Charge{What: flow.DataPacket, Locus: cause.Upstream, Cause: cause.Unknown, Confidence: cause.Likely, Rule: flow.RuleGapRepaired}
	s.lose(b, up, every(200*ms, 300*ms, 15)...)
	s.lose(c, up, every(250*ms, 300*ms, 18)...)
	s.lose(b, analyze.Charge{What: flow.DataPacket, Locus: cause.Downstream, Cause: cause.TCPChecksum, Confidence: cause.Certain, Rule: flow.RuleBadChecksum}, every(0, 500*ms, 12)...)
	s.lose(d, analyze.Charge{What: flow.ACKPacket, Dir: 1, Locus: cause.Upstream, Cause: cause.AckLost, Confidence: cause.Likely, Rule: flow.RuleAckLost}, every(0, 900*ms, 8)...)
	s.lose(d, analyze.Charge{What: flow.DataPacket, Locus: cause.Downstream, Cause: cause.PAWSReject, Confidence: cause.Certain, Rule: flow.RuleDroppedAfterTap}, every(0, 900*ms, 7)...)
	s.lose(c, analyze.Charge{What: flow.DataPacket, Locus: cause.Downstream, Cause: cause.MTUExceeded, Confidence: cause.Certain, Rule: flow.RuleICMPQuote, Router: addr("10.20.0.254")}, 100*ms)
	s.lose(e, analyze.Charge{What: flow.DataPacket, Locus: cause.InCapture, Cause: cause.CaptureDropped, Confidence: cause.Certain, Rule: flow.RuleAckedUnseen}, every(0, 100*ms, 48)...)
	s.res.Flows[0].Dir[0].Unneeded = 3
	s.res.Tap = analyze.Tap{Place: analyze.TapMiddle, Confidence: cause.Likely}
	s.res.Audit = []analyze.AuditFinding{
		{Finding: "capture-dropped", Frames: 48, Detail: "48 ring drops", Lowers: true},
		{Finding: "duplicates", Frames: 1959, Detail: "1 959 frames captured twice, counted once.", Lowers: true},
		{Finding: "offload", Frames: 5, Detail: "5 checksums were not filled in yet."},
	}
	return s.result(4)
}

func nothingLost() *analyze.Result {
	s := newStage("nightly.pcapng", 1400*ms)
	s.tcp("10.20.0.9:49682", "10.30.4.2:445", 2000, 1249)
	s.res.Flows[0].Dir[0].Unneeded, s.res.Flows[0].Dir[0].Reordered = 1, 12
	s.res.Tap = analyze.Tap{Place: analyze.TapReceiver, Confidence: cause.Certain}
	return s.result(0)
}

func onlyTheCapture() *analyze.Result {
	s := newStage("server.pcapng", 1000*ms)
	f := s.tcp("10.20.0.8:40800", "10.30.4.2:445", 1400, 759)
	s.lose(f, analyze.Charge{What: flow.DataPacket, Locus: cause.InCapture, Cause: cause.CaptureDropped, Confidence: cause.Certain, Rule: flow.RuleAckedUnseen}, every(90*ms, 17*ms, 48)...)
	s.res.Tap = analyze.Tap{Place: analyze.TapReceiver, Confidence: cause.Likely}
	s.res.Audit = []analyze.AuditFinding{{Finding: "capture-dropped", Frames: 48, Detail: "2.2 % of the packets are not in this file; the verdict stands without", Lowers: true}}
	return s.result(0)
}

func oneDirection() *analyze.Result {
	s := newStage("half.pcapng", 5200*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 2179, 0)
	s.res.Flows[f].Dir[0].Missing[flow.Unaccounted] = 103
	s.res.Flows[f].Dir[0].Retransmissions[flow.Other] = 103
	s.res.Ledger.Losses = []flow.Lost{{Place: flow.Unaccounted, Reason: flow.ReasonOneWay, Packets: 103}}
	s.res.Tap = analyze.Tap{Place: analyze.TapSender, Confidence: cause.Possible}
	s.res.Audit = []analyze.AuditFinding{{Finding: "one-way", Detail: "0 of 1 flow has both directions (a filter, or a one-way mirror port)", Lowers: true}}
	return s.result(103)
}

func unnumbered() *analyze.Result {
	s := newStage("syslog.pcap", 8300*ms)
	s.flow(decode.ProtoUDP, "[2001:db8:1234:5678:9abc:def0:1234:5678]:10050", "[2001:db8:ffff:5678:9abc:def0:1234:9999]:514", 799, 0)
	s.res.Inputs[0].Stats = capture.Stats{}
	return s.result(0)
}

// numbered are datagrams of a connected socket at a tap between the hosts: what
// was lost before it is known, and nothing tells of what is behind it.
func numbered() *analyze.Result {
	s := newStage("voice.pcap", 8300*ms)
	f := s.flow(decode.ProtoUDP, "10.9.0.1:40000", "10.9.0.2:5001", 290, 0)
	s.res.Flows[f].Dir[0].IDClass = flow.Yes
	s.lose(f, analyze.Charge{
		What: flow.Datagram, Locus: cause.Upstream, Cause: cause.Unknown, Confidence: cause.Likely, Rule: flow.RuleDatagramID,
	}, every(200*ms, 700*ms, 10)...)
	s.res.Tap = analyze.Tap{Place: analyze.TapMiddle}
	return s.result(0)
}

func ambiguous() *analyze.Result {
	s := newStage("short.pcap", 8300*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 20, 12)
	s.res.Flows[f].Dir[0].Missing[flow.Unaccounted] = 1
	s.res.Ledger.Losses = []flow.Lost{{Place: flow.Unaccounted, Reason: flow.ReasonAmbiguous, Packets: 1}}
	s.res.Tap = analyze.Tap{Place: analyze.TapMiddle}
	return s.result(1)
}

func tooLossy() *analyze.Result {
	s := onlyTheCapture()
	s.Flows[0].Dir[0].WirePackets, s.Flows[0].Dir[1].WirePackets = 200, 152
	s.Counts.Frames = 352
	return s
}

func onePacket() *analyze.Result {
	s := newStage("one.pcap", 812*ms)
	f := s.tcp("[2001:db8:1234:5678:9abc:def0:1234:5678]:51268", "[2001:db8:ffff:5678:9abc:def0:1234:9999]:5001", 500, 311)
	s.lose(f, analyze.Charge{What: flow.DataPacket, Locus: cause.Upstream, Cause: cause.Unknown, Confidence: cause.Possible, Rule: flow.RuleNeverRepaired,
		Rivals: []analyze.Rival{{Cause: cause.CaptureDropped, Why: "the file ends before an ACK could tell"}}}, 400*ms)
	return s.result(0)
}

func receiverHost() *analyze.Result {
	s := newStage("server.pcap", 2000*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 500, 311)
	s.lose(f, analyze.Charge{What: flow.DataPacket, Locus: cause.ReceiverHost, Cause: cause.TCPChecksum, Confidence: cause.Certain, Rule: flow.RuleBadChecksum}, every(0, 100*ms, 9)...)
	s.res.Counts.Checksums[decode.LayerTCP][decode.ChecksumBad] = 9
	s.res.Tap = analyze.Tap{Place: analyze.TapReceiver, Given: true}
	return s.result(0)
}

func bothWays() *analyze.Result {
	s := newStage("client.pcap", 3*3600*1000*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 1_500_000, 700_000)
	s.lose(f, sackHole, every(0, 1000*ms, 9000)...)
	s.lose(f, analyze.Charge{What: flow.ACKPacket, Dir: 1, Locus: cause.Upstream, Cause: cause.AckLost, Confidence: cause.Likely, Rule: flow.RuleAckLost}, every(0, 900*ms, 1234)...)
	s.lose(f, analyze.Charge{What: flow.DataPacket, Locus: cause.LocusUnknown, Cause: cause.ConnectionUnanswered, Confidence: cause.Possible, Rule: flow.RuleSYN}, 5*ms)
	s.res.Tap = analyze.Tap{Place: analyze.TapSender}
	return s.result(0)
}

func cutFile() *analyze.Result {
	s := newStage("cut.pcapng", 1000*ms)
	f := s.tcp("10.77.0.1:51268", "10.77.0.2:5001", 1400, 431)
	s.lose(f, sackHole, every(200*ms, 30*ms, 22)...)
	s.res.Inputs[0].Damage = &capture.Damage{Offset: 1 << 20, Frame: 1832, What: "ends inside a packet record", Cut: true}
	s.res.Audit = []analyze.AuditFinding{{Finding: "truncated", Frames: 1, Detail: "cut.pcapng ends inside frame 1 832", Lowers: true}}
	s.res.Tap = analyze.Tap{Place: analyze.TapMiddle}
	return s.result(0)
}
