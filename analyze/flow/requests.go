package flow

import "whydrop/decode"

// A Service is a protocol whose requests can be told from their answers, by a
// well-known port and by what its header says: wire-evidence.md b-24, b-25.
type Service uint8

// Services.
const (
	NoService Service = iota
	DNS               // RFC 1035 §4.1.1: an ID, and the bit QR
	NTP               // RFC 5905 §7.3: modes 3 and 4
	RADIUS            // RFC 2865 §3: codes and an identifier
	SIP               // RFC 3261 §7: a method, or a status line
	QUIC              // RFC 9000 §17.2: long headers; behind the handshake it is opaque
	Echo              // ICMP, RFC 792 and RFC 4443 §4: an identifier and a sequence number
	NumServices
)

var serviceNames = [NumServices]string{"", "DNS", "NTP", "RADIUS", "SIP", "QUIC", "echo"}

func (s Service) String() string {
	if s >= NumServices {
		return "invalid"
	}
	return serviceNames[s]
}

// ServiceOf is the service of a well-known port of UDP.
func ServiceOf(port uint16) Service {
	switch port {
	case 53:
		return DNS
	case 123:
		return NTP
	case 1812, 1813, 1645, 1646:
		return RADIUS
	case 5060:
		return SIP
	case 443:
		return QUIC
	}
	return NoService
}

// requests are what one conversation asked and was not told yet.
type requests struct {
	open       []request
	unanswered Sign // N, and the frames of the first; M: answered only when repeated
}

type request struct {
	id    uint32
	t0, t int64 // of the first and the last copy
	n     int
	refs  [4]FrameRef
	times [4]int64
	dir   uint8
}

const (
	maxRequests = 32 // that are open at once; the oldest is given up

	// requestRest, ns: what is asked once and not answered for so long was not
	// answered. Stub resolvers wait five seconds before they ask again (resolv.conf(5)).
	requestRest = 5 * second

	// repeatRest, ns: the same of what was asked again.
	repeatRest = 2 * second

	// quicStart: datagrams of a conversation in which QUIC shows its long headers.
	quicStart = 8
)

// A turn is what a datagram is in a conversation.
type turn uint8

const (
	noTurn turn = iota
	asks
	answers    // the request with its ID
	answersAll // whatever was asked
)

// request follows p, of direction dir, of a conversation with a known service.
func (t *Talk) request(p *decode.Packet, dir uint8) {
	what, id := t.turnOf(p, dir)
	if what == noTurn {
		return
	}
	r := t.requests
	if r == nil {
		r = &requests{unanswered: Sign{Kind: SignRequests, Protocol: t.Facts.Protocol, Flow: t.number, Service: t.service}}
		t.requests = r
	}
	if what == asks {
		r.ask(id, dir, p)
		return
	}
	left := r.open[:0]
	for _, q := range r.open {
		if q.dir == dir || what == answers && q.id != id {
			left = append(left, q)
		} else if q.n > 1 {
			r.unanswered.M++
		}
	}
	r.open = left
}

// turnOf says what p is, and which request it is or answers.
func (t *Talk) turnOf(p *decode.Packet, dir uint8) (turn, uint32) {
	if t.service == Echo {
		return echoTurn(p)
	}
	b := &p.Head
	switch n := p.PayloadCap; {
	case t.service == DNS && n >= 12 && b[4] == 0 && b[5] == 1 && b[2]&0x78 == 0: // one question, opcode 0
		id := uint32(b[0])<<8 | uint32(b[1])
		if b[2]&0x80 != 0 {
			return answers, id
		}
		return asks, id
	case t.service == NTP && n >= 16 && p.PayloadLen >= 48:
		switch b[0] & 7 {
		case 3:
			return asks, 0
		case 4:
			return answersAll, 0
		}
	case t.service == RADIUS && n >= 4 && uint32(b[2])<<8|uint32(b[3]) == p.PayloadLen:
		switch b[0] {
		case 1, 4:
			return asks, uint32(b[1])
		case 2, 3, 5, 11:
			return answers, uint32(b[1])
		}
	case t.service == SIP && n >= 12:
		return sipTurn(b[:], p.PayloadHash)
	case t.service == QUIC:
		return t.quicTurn(p, dir)
	}
	return noTurn, 0
}

// echoTurn tells echo requests from replies: types 8 and 0, and 128 and 129 of ICMPv6.
func echoTurn(p *decode.Packet) (turn, uint32) {
	if p.Kind != decode.KindICMP {
		return noTurn, 0
	}
	switch p.ICMPType {
	case 8, 128:
		return asks, uint32(p.EchoSeq)
	case 0, 129:
		return answers, uint32(p.EchoSeq)
	}
	return noTurn, 0
}

// sipTurn tells requests, which repeat to the octet, from answers. Nobody answers an ACK.
func sipTurn(b []byte, hash uint32) (turn, uint32) {
	const status = "SIP/2.0 "
	if string(b[:len(status)]) == status {
		return answersAll, 0
	}
	switch string(b[:4]) {
	case "INVI", "REGI", "OPTI", "BYE ", "SUBS", "NOTI", "MESS", "INFO", "UPDA", "PRAC", "PUBL", "REFE":
		return asks, hash
	}
	return noTurn, 0
}

// quicTurn takes first packets of the client for one request, and anything that
// comes back for its answer.
func (t *Talk) quicTurn(p *decode.Packet, dir uint8) (turn, uint32) {
	const long, longMask = 0xc0, 0xc0
	f := &t.Facts.Dir[dir]
	if f.Packets > quicStart && t.requests == nil {
		return noTurn, 0
	}
	b := &p.Head
	if p.PayloadCap >= 16 && b[0]&longMask == long && quicVersion(uint32(b[1])<<24|uint32(b[2])<<16|uint32(b[3])<<8|uint32(b[4])) {
		t.Facts.QUIC = true
		if dir == 0 && t.Facts.Dir[1].Packets == 0 {
			return asks, 0
		}
	}
	if t.Facts.QUIC && dir == 1 && f.Packets <= quicStart {
		return answersAll, 0
	}
	return noTurn, 0
}

// quicVersion reports whether v is a version of QUIC: 1 (RFC 9000), 2 (RFC 9369), or a draft of it.
func quicVersion(v uint32) bool { return v == 1 || v == 0x6b3343cf || v>>8 == 0xff0000 }

// ask notes a request, or that it is repeated.
func (r *requests) ask(id uint32, dir uint8, p *decode.Packet) {
	for i := range r.open {
		q := &r.open[i]
		if q.id != id || q.dir != dir {
			continue
		}
		if q.n < len(q.refs) {
			q.refs[q.n], q.times[q.n] = FrameRef{Number: p.Number, File: p.File}, p.Time
		}
		q.n++
		q.t = p.Time
		return
	}
	if len(r.open) == maxRequests {
		r.close(0, p.Time)
	}
	q := request{id: id, t0: p.Time, t: p.Time, n: 1, dir: dir}
	q.refs[0], q.times[0] = FrameRef{Number: p.Number, File: p.File}, p.Time
	r.open = append(r.open, q)
}

// close takes out request i, which was not answered up to end.
func (r *requests) close(i int, end int64) {
	q := &r.open[i]
	rest := requestRest
	if q.n > 1 {
		rest = repeatRest
	}
	if g := &r.unanswered; end-q.t >= rest {
		if g.N == 0 {
			g.First, g.Dir = q.t0, q.dir
			for k := range min(q.n, len(q.refs)) {
				says := SaysRequest
				if k > 0 {
					says = SaysRequestAgain
				}
				g.Witnesses[k] = Witness{Frame: q.refs[k], Time: q.times[k], Says: says}
			}
		}
		g.N++
		g.Last = max(g.Last, q.t)
		if q.n > 1 {
			g.Repeated++
		}
	}
	r.open = r.open[:i+copy(r.open[i:], r.open[i+1:])]
}

// refused takes out the request of a frame that an ICMP error quoted: it was answered.
func (r *requests) refused(ref FrameRef) {
	if r == nil {
		return
	}
	for i := range r.open {
		for _, x := range r.open[i].refs {
			if x == ref {
				r.open = r.open[:i+copy(r.open[i:], r.open[i+1:])]
				return
			}
		}
	}
}

// finishRequests writes what was not answered up to end.
func (t *Talk) finishRequests(end int64) {
	r := t.requests
	if r == nil {
		return
	}
	for len(r.open) > 0 {
		r.close(0, end)
	}
	if g := &r.unanswered; g.N > 0 || g.M > 0 {
		t.log.Sign(*g)
	}
}
