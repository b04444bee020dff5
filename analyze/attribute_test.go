package analyze

import (
	"testing"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

var (
	v4a = decode.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}
	v4b = decode.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 2}
	v6a = decode.Addr{0: 0x20, 1: 1, 15: 1}
)

func tcpFlow() flow.Facts {
	f := flow.Facts{Protocol: decode.ProtoTCP, Handshake: true,
		Originator: flow.Endpoint{Addr: v4a, Port: 40000}, Responder: flow.Endpoint{Addr: v4b, Port: 443}}
	for d := range f.Dir {
		f.Dir[d] = flow.Half{Packets: 100, Data: 50, MinDown: -1, MinUp: -1}
	}
	f.Dir[0].Octets = 100000
	return f
}

func tcpFlowRef() *flow.Facts {
	f := tcpFlow()
	return &f
}

func concluded(f flow.Facts, o Options, in capture.Input, losses ...flow.Lost) *Result {
	res := &Result{Flows: []*flow.Facts{&f}, Inputs: []capture.Input{in}, Ledger: Ledger{Losses: losses}}
	res.Counts.Frames = 200
	conclude(res, o)
	return res
}

func TestAttributionNamesPlaceAndCause(t *testing.T) {
	atSender := Options{At: TapSender}
	atReceiver := Options{At: TapReceiver}
	tests := []struct {
		name  string
		opts  Options
		lost  flow.Lost
		locus cause.Locus
		cause cause.ID
		sure  cause.Confidence
	}{
		{"seen here, SACK skips it", Options{},
			flow.Lost{Place: flow.AfterTap, What: flow.DataPacket, Rule: flow.RuleSACKHole, Proof: flow.Second},
			cause.Downstream, cause.Unknown, cause.Certain},
		{"the same at the receiver", atReceiver,
			flow.Lost{Place: flow.AfterTap, What: flow.DataPacket, Rule: flow.RuleSACKHole, Proof: flow.Second},
			cause.ReceiverHost, cause.Unknown, cause.Certain},
		{"a gap here, repaired", Options{},
			flow.Lost{Place: flow.BeforeTap, What: flow.DataPacket, Rule: flow.RuleGapRepaired, Proof: flow.Single},
			cause.Upstream, cause.Unknown, cause.Likely},
		{"the same at the sender", atSender,
			flow.Lost{Place: flow.BeforeTap, What: flow.DataPacket, Rule: flow.RuleGapRepaired, Proof: flow.Single},
			cause.SenderHost, cause.Unknown, cause.Likely},
		{"acknowledged, never seen", atSender,
			flow.Lost{Place: flow.OnlyCapture, What: flow.DataPacket, Reason: flow.ReasonCaptureDrop, Rule: flow.RuleAckedUnseen, Proof: flow.Second},
			cause.InCapture, cause.CaptureDropped, cause.Certain},
		{"bad checksum", Options{},
			flow.Lost{Place: flow.AfterTap, What: flow.DataPacket, Reason: flow.ReasonChecksumTCP, Rule: flow.RuleBadChecksum, Proof: flow.Second},
			cause.Downstream, cause.TCPChecksum, cause.Certain},
		{"an ACK", Options{},
			flow.Lost{Dir: 1, Place: flow.AfterTap, What: flow.ACKPacket, Rule: flow.RuleAckLost, Proof: flow.Single},
			cause.Downstream, cause.AckLost, cause.Likely},
		{"admin prohibited", Options{},
			flow.Lost{Place: flow.AfterTap, What: flow.DataPacket, Reason: flow.ReasonICMP, ICMPType: 3, ICMPCode: 13, Rule: flow.RuleICMPQuote, Proof: flow.Second},
			cause.Downstream, cause.FirewallReject, cause.Certain},
		{"dropped behind a tap near the receiver", Options{},
			flow.Lost{Place: flow.InReceiver, What: flow.DataPacket, Rule: flow.RuleDroppedAfterTap, Proof: flow.Single},
			cause.Downstream, cause.Unknown, cause.Likely},
		{"dropped behind a tap on the receiver", atReceiver,
			flow.Lost{Place: flow.InReceiver, What: flow.DataPacket, Rule: flow.RuleDroppedAfterTap, Proof: flow.Single},
			cause.ReceiverHost, cause.ReceiverHostDrop, cause.Likely},
		{"too old a timestamp", Options{},
			flow.Lost{Place: flow.InReceiver, What: flow.DataPacket, Reason: flow.ReasonPAWS, Rule: flow.RuleDroppedAfterTap, Proof: flow.Single},
			cause.ReceiverHost, cause.PAWSReject, cause.Likely},
	}
	for _, tt := range tests {
		tt.lost.Packets = 2
		res := concluded(tcpFlow(), tt.opts, capture.Input{}, tt.lost)
		if len(res.Ledger.Charges) != 1 || res.Ledger.Unexplained() != 0 {
			t.Errorf("%s: %d charges, %d unexplained; want 1, 0", tt.name, len(res.Ledger.Charges), res.Ledger.Unexplained())
			continue
		}
		c := res.Ledger.Charges[0]
		if c.Locus != tt.locus || c.Cause != tt.cause || c.Confidence != tt.sure || c.Packets != 2 {
			t.Errorf("%s: %d packets, %v, %v, %v; want 2, %v, %v, %v", tt.name, c.Packets, c.Locus, c.Cause, c.Confidence, tt.locus, tt.cause, tt.sure)
		}
	}
}

// TestUnaccountedStaysUnexplained checks that what cannot be told is not charged.
func TestUnaccountedStaysUnexplained(t *testing.T) {
	res := concluded(tcpFlow(), Options{}, capture.Input{},
		flow.Lost{Place: flow.Unaccounted, Packets: 3, Reason: flow.ReasonOneWay, Rule: flow.RuleOneWay},
		flow.Lost{Place: flow.AfterTap, Packets: 1, What: flow.DataPacket, Rule: flow.RuleSACKHole})
	l := &res.Ledger
	if l.Missing() != 4 || l.Unexplained() != 3 || l.Lost() != 1 {
		t.Errorf("missing %d, unexplained %d, lost %d; want 4, 3, 1", l.Missing(), l.Unexplained(), l.Lost())
	}
}

// TestLossyCaptureWeakensAbsence checks that missing IP IDs are no proof when
// the capture itself dropped packets, and that what the receiver asked for
// again stays as sure as it was, unless the capture drops so many of its
// packets that it may well lack one that was lost behind it.
func TestLossyCaptureWeakensAbsence(t *testing.T) {
	for _, tt := range []struct {
		frames uint64
		gap    cause.Confidence
	}{{100_000, cause.Likely}, {200, cause.Possible}} {
		res := &Result{
			Flows: []*flow.Facts{tcpFlowRef()}, Inputs: []capture.Input{{Stats: capture.Stats{InterfaceDrops: capture.Known(7)}}},
			Ledger: Ledger{Losses: []flow.Lost{
				{Place: flow.BeforeTap, Packets: 1, Rule: flow.RuleIDGap, Proof: flow.Single},
				{Place: flow.BeforeTap, Packets: 1, Rule: flow.RuleGapRepaired, Proof: flow.Single},
			}},
		}
		res.Counts.Frames = tt.frames
		conclude(res, Options{})
		if got := res.Ledger.Charges[0].Confidence; got != cause.Possible {
			t.Errorf("missing IDs in a capture that lacks 7 of %d: %v, want possible", tt.frames, got)
		}
		if got := res.Ledger.Charges[1].Confidence; got != tt.gap {
			t.Errorf("a repaired gap in a capture that lacks 7 of %d: %v, want %v", tt.frames, got, tt.gap)
		}
	}
}

func TestICMPCodesMeanTheirCause(t *testing.T) {
	tests := []struct {
		v6        bool
		typ, code uint8
		want      cause.ID
	}{
		{false, 3, 0, cause.NoRoute}, {false, 3, 1, cause.HostUnreachable}, {false, 3, 3, cause.PortClosed},
		{false, 3, 4, cause.MTUExceeded}, {false, 3, 9, cause.FirewallReject}, {false, 3, 10, cause.FirewallReject},
		{false, 11, 0, cause.TTLExpired}, {false, 11, 1, cause.FragmentLost}, {false, 5, 0, cause.Unknown},
		{true, 1, 0, cause.NoRoute}, {true, 1, 1, cause.FirewallReject}, {true, 1, 3, cause.HostUnreachable},
		{true, 1, 4, cause.PortClosed}, {true, 2, 0, cause.MTUExceeded}, {true, 3, 0, cause.TTLExpired},
	}
	for _, tt := range tests {
		f := tcpFlow()
		if tt.v6 {
			f.Originator.Addr = v6a
		}
		l := flow.Lost{Reason: flow.ReasonICMP, ICMPType: tt.typ, ICMPCode: tt.code}
		if got := causeOf(&l, &f, cause.Downstream); got != tt.want {
			t.Errorf("v6 %t type %d code %d: %v, want %v", tt.v6, tt.typ, tt.code, got, tt.want)
		}
	}
}

// TestDropCountersAreChargedOnce checks that what the capture's counters say
// and what acknowledgements prove is the same loss of the capture.
func TestDropCountersAreChargedOnce(t *testing.T) {
	in := capture.Input{Stats: capture.Stats{
		InterfaceDrops: capture.Known(7),
		Spans:          []capture.DropSpan{{From: 100, To: 900, Packets: 7, Kind: "interface"}},
	}}
	res := concluded(tcpFlow(), Options{}, in,
		flow.Lost{Place: flow.OnlyCapture, Packets: 5, Reason: flow.ReasonCaptureDrop, Rule: flow.RuleAckedUnseen, Proof: flow.Second})
	l := &res.Ledger
	if l.Missing() != 7 || l.CaptureOnly() != 7 || l.Lost() != 0 || l.Unexplained() != 0 {
		t.Errorf("missing %d, capture only %d, lost %d; want 7, 7, 0", l.Missing(), l.CaptureOnly(), l.Lost())
	}
	c := l.Charges[1]
	if c.Rule != flow.RuleFileCounter || c.Packets != 2 || c.Flow != flow.NoFlow || c.First != 100 || c.Last != 900 {
		t.Errorf("the rest is charged as %+v; want 2 packets by the file's counter, from 100 to 900", c)
	}
}

// TestMissingACKsBesideTheirSender checks that a missing ACK is charged to the
// capture only where the tap is beside its sender and the capture lacks
// packets for certain.
func TestMissingACKsBesideTheirSender(t *testing.T) {
	ack := flow.Lost{Dir: 1, Place: flow.Unaccounted, What: flow.ACKPacket, Packets: 3, Rule: flow.RuleIDGap, Reason: flow.ReasonAmbiguous}
	only := flow.Lost{Place: flow.OnlyCapture, What: flow.DataPacket, Packets: 2, Reason: flow.ReasonCaptureDrop, Rule: flow.RuleAckedUnseen, Proof: flow.Second}
	near := func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 1e6, 20e6 } // the receiver of data sends the ACKs
	far := func(f *flow.Facts) { f.Dir[0].MinDown, f.Dir[0].MinUp = 20e6, 1e6 }
	tests := []struct {
		name   string
		shape  func(f *flow.Facts)
		losses []flow.Lost
		only   uint64
	}{
		{"beside its sender, in a lossy capture", near, []flow.Lost{ack, only}, 5},
		{"beside its sender, in a sound capture", near, []flow.Lost{ack}, 0},
		{"far from its sender, in a lossy capture", far, []flow.Lost{ack, only}, 2},
	}
	for _, tt := range tests {
		f := tcpFlow()
		tt.shape(&f)
		res := concluded(f, Options{}, capture.Input{}, tt.losses...)
		if got := res.Ledger.CaptureOnly(); got != tt.only {
			t.Errorf("%s: %d packets only in the capture, want %d", tt.name, got, tt.only)
		}
		for _, c := range res.Ledger.Charges {
			if c.What == flow.ACKPacket && c.Confidence != cause.Possible {
				t.Errorf("%s: %v, want possible: nearness proves no host", tt.name, c.Confidence)
			}
		}
	}
}
