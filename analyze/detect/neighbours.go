package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// neighbours follows ARP (RFC 826) and neighbour discovery (RFC 4861): who
// claims which address, and who asks for one without an answer.
// wire-evidence.md b-28.
type neighbours struct {
	claims map[claimKey]*claim
	asks   map[askKey]*ask
	order  []*claim // and asks, in the order in which they came: maps have none
	asked  []*ask
}

const (
	// maxNeighbours bounds claims and asks, each. A sweep of a whole /16 fills them.
	maxNeighbours = 1 << 14

	// maxRuns of one address and one peer are kept; a conflict shows in three.
	maxRuns = 8

	// askPause, ns, parts attempts: after three requests a second apart a host
	// gives up, and begins anew when there is another packet (arp(7), RFC 4861 §7.2.2).
	askPause = int64(10e9)

	// askCopy, ns: what is asked again so soon is a copy that the capture made.
	askCopy = int64(100e6)

	// askTries is how often a host asks before it gives up: mcast_solicit of
	// arp(7), MAX_MULTICAST_SOLICIT of RFC 4861 §10.
	askTries = 3

	// answerTime, ns, is how long an answer may take: RetransTimer of RFC 4861 §10.
	answerTime = int64(1e9)
)

// claimKey is who claims an address, towards whom.
type claimKey struct{ addr, peer decode.Addr }

type claim struct {
	claimKey
	runs []claimRun
}

// A claimRun is a time during which the same MAC address claimed an address.
type claimRun struct {
	mac         uint64
	first, last int64
	firstFrame  flow.FrameRef
	lastFrame   flow.FrameRef
	claims      uint32
	answers     uint32
	probes      uint32
}

// askKey is who asks for whom.
type askKey struct{ asker, target decode.Addr }

type ask struct {
	askKey
	attempt  flow.Sign // that goes on
	failed   flow.Sign // the first that was given up
	failures uint64    // requests of all that were
}

func macOf(m [6]byte) (n uint64) {
	for _, b := range m {
		n = n<<8 | uint64(b)
	}
	return n
}

// neighbour takes an ARP or neighbour discovery packet.
func (e *Datagrams) neighbour(p *decode.Packet, c *decode.Control) {
	n := e.near
	if n == nil {
		n = &neighbours{claims: map[claimKey]*claim{}, asks: map[askKey]*ask{}}
		e.near = n
	}
	const (
		arpRequest, arpReply = 1, 2
		solicit, advertise   = 135, 136
	)
	switch {
	case c.Kind == decode.ControlARP && c.Op == arpRequest:
		e.request(n, p, c.SenderAddr, c.TargetAddr, macOf(c.SenderMAC))
	case c.Kind == decode.ControlARP && c.Op == arpReply:
		e.claim(n, p, claimKey{c.SenderAddr, c.TargetAddr}, macOf(c.SenderMAC), claimRun{answers: 1})
		n.answered(askKey{c.TargetAddr, c.SenderAddr})
	case c.Kind == decode.ControlND && c.Op == solicit:
		e.request(n, p, c.SenderAddr, c.TargetAddr, macOf(c.SenderMAC))
	case c.Kind == decode.ControlND && c.Op == advertise:
		e.claim(n, p, claimKey{c.TargetAddr, p.Dst}, macOf(c.TargetMAC), claimRun{answers: 1})
		n.answered(askKey{p.Dst, c.TargetAddr})
	}
}

// request takes a request of asker for target. One without an asker is a probe,
// RFC 5227 §2.1.1 and RFC 4862 §5.4.2; one for the asker itself is an announcement.
func (e *Datagrams) request(n *neighbours, p *decode.Packet, asker, target decode.Addr, mac uint64) {
	switch {
	case unspecified(asker):
		e.claim(n, p, claimKey{target, asker}, mac, claimRun{probes: 1})
		return
	case asker == target:
		e.claim(n, p, claimKey{asker, asker}, mac, claimRun{claims: 1})
		return
	}
	e.claim(n, p, claimKey{asker, target}, mac, claimRun{claims: 1})
	k := askKey{asker, target}
	a := n.asks[k]
	if a == nil {
		if len(n.asked) >= maxNeighbours {
			e.log.GaveUp.Gaps++
			return
		}
		a = &ask{askKey: k}
		n.asks[k] = a
		n.asked = append(n.asked, a)
	}
	g := &a.attempt
	switch pause := p.Time - g.Last; {
	case g.N > 0 && pause < askCopy:
		return
	case g.N > 0 && pause > askPause:
		a.giveUp()
	}
	if g.N == 0 {
		*g = flow.Sign{Kind: flow.SignUnresolved, Flow: flow.NoFlow, Addr: target, By: asker, First: p.Time}
	}
	if g.N < uint64(len(g.Witnesses)) {
		g.Witnesses[g.N] = flow.Witness{Frame: frameOf(p), Time: p.Time, Says: flow.SaysAsked}
	}
	g.N++
	g.Last = p.Time
}

func unspecified(a decode.Addr) bool {
	return a == decode.Addr{} || a.Is4() && [4]byte(a[12:]) == [4]byte{}
}

func frameOf(p *decode.Packet) flow.FrameRef { return flow.FrameRef{Number: p.Number, File: p.File} }

// giveUp ends an attempt that nobody answered.
func (a *ask) giveUp() {
	if a.attempt.N >= askTries {
		a.failures += a.attempt.N
		if a.failed.N == 0 {
			a.failed = a.attempt
		}
		a.failed.Last = a.attempt.Last
	}
	a.attempt.N = 0
}

// answered ends an attempt that was answered.
func (n *neighbours) answered(k askKey) {
	if a := n.asks[k]; a != nil {
		a.attempt.N = 0
	}
}

// claim notes that mac claims an address; what counts the claim by its kind.
func (e *Datagrams) claim(n *neighbours, p *decode.Packet, k claimKey, mac uint64, what claimRun) {
	if mac == 0 || unspecified(k.addr) {
		return
	}
	c := n.claims[k]
	if c == nil {
		if len(n.order) >= maxNeighbours {
			e.log.GaveUp.Gaps++
			return
		}
		c = &claim{claimKey: k}
		n.claims[k] = c
		n.order = append(n.order, c)
	}
	if i := len(c.runs) - 1; i >= 0 && c.runs[i].mac == mac && c.runs[i].probes == 0 == (what.probes == 0) {
		r := &c.runs[i]
		r.last, r.lastFrame = p.Time, frameOf(p)
		r.claims += what.claims
		r.answers += what.answers
		r.probes += what.probes
		return
	}
	if len(c.runs) == maxRuns {
		return
	}
	what.mac, what.first, what.last = mac, p.Time, p.Time
	what.firstFrame, what.lastFrame = frameOf(p), frameOf(p)
	c.runs = append(c.runs, what)
}

// finish writes the signs. end is the time of the last frame of the capture.
func (n *neighbours) finish(log *flow.Log, end int64) {
	for _, c := range n.order {
		for i := range c.runs {
			r := &c.runs[i]
			says := flow.SaysClaims
			if r.probes > 0 {
				says = flow.SaysProbes
			}
			g := flow.Sign{
				Kind: flow.SignClaim, Flow: flow.NoFlow, Addr: c.addr, By: c.peer, N: r.mac, M: uint64(r.answers), TTL: uint8(min(r.probes, 1)),
				First: r.first, Last: r.last,
				Witnesses: [4]flow.Witness{{Frame: r.firstFrame, Time: r.first, Says: says, A: r.mac}},
			}
			if r.lastFrame != r.firstFrame {
				g.Witnesses[1] = flow.Witness{Frame: r.lastFrame, Time: r.last, Says: says, A: r.mac}
			}
			log.Sign(g)
		}
	}
	for _, a := range n.asked {
		if a.attempt.N > 0 {
			if end-a.attempt.Last < answerTime {
				a.attempt.N-- // the last question may yet be answered; those before it were not
				if n := a.attempt.N; n < uint64(len(a.attempt.Witnesses)) {
					a.attempt.Witnesses[n] = flow.Witness{}
				}
			}
			a.giveUp()
		}
		if a.failed.N > 0 {
			a.failed.N = a.failures
			log.Sign(a.failed)
		}
	}
}
