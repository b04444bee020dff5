package decode

// RTCP packet types, RFC 3550 §12.1.
const (
	rtcpSenderReport   = 200
	rtcpReceiverReport = 201

	rtcpHeadLen   = 8  // version, count, type, length; who sends it
	rtcpSenderLen = 20 // behind it, in a sender report
	rtcpBlockLen  = 24
	rtcpCount     = 0x1f
	rtcpPadding   = 0x20
	version2      = 2
)

// maxReports bounds the report blocks that are read of one datagram.
const maxReports = 31

// A Report is what the receiver of an RTP source says of it, RFC 3550 §6.4.1.
type Report struct {
	Reporter uint32 // SSRC of who says it
	Source   uint32 // SSRC of what it received
	Lost     int32  // packets since it began to receive; less than 0 if there were more copies than losses
	Highest  uint32 // highest sequence number, with its cycles in the upper half
	Jitter   uint32 // in units of the source's timestamps
	Fraction uint8  // lost since the last report, of 256
}

// rtcp reads the receiver reports of a compound RTCP packet. No port says that
// a datagram is one, so it must pass every check of RFC 3550 A.2: the first
// packet is a report without padding, all are of version 2, and their lengths
// add up to that of the datagram, all of which was captured.
func (w *walk) rtcp() {
	b := w.body
	if uint32(len(b)) != w.p.PayloadLen || b[0]&rtcpPadding != 0 || !compound(b) {
		return
	}
	read := 0
	for len(b) > 0 {
		n := 4 * (int(be16(b[2:4])) + 1)
		one := b[:n]
		b = b[n:]
		at := rtcpHeadLen
		switch one[1] {
		case rtcpSenderReport:
			at += rtcpSenderLen
		case rtcpReceiverReport:
		default:
			continue
		}
		reporter := be32(one[4:8])
		for range one[0] & rtcpCount {
			if at+rtcpBlockLen > len(one) || read == maxReports {
				break
			}
			w.report(reporter, one[at:at+rtcpBlockLen], read == 0)
			at += rtcpBlockLen
			read++
		}
	}
}

// compound reports whether b is RTCP packets one behind the other.
func compound(b []byte) bool {
	for len(b) > 0 {
		if len(b) < rtcpHeadLen || b[0]>>6 != version2 {
			return false
		}
		n := 4 * (int(be16(b[2:4])) + 1)
		if n < rtcpHeadLen || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

// report adds one report block. Those of one datagram follow each other.
func (w *walk) report(reporter uint32, b []byte, first bool) {
	lost := int32(be32(b[4:8])<<8) >> 8 // 24 bits, signed
	c := Control{Kind: ControlReport, More: !first, Report: Report{
		Reporter: reporter, Source: be32(b[0:4]), Fraction: b[4], Lost: lost, Highest: be32(b[8:12]), Jitter: be32(b[12:16]),
	}}
	if first {
		w.control(c)
		return
	}
	w.d.Controls = append(w.d.Controls, c)
}
