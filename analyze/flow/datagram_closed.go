package flow

import "whydrop/decode"

// Hosts limit how often they say that a port is closed: RFC 1812 §4.3.2.8, RFC
// 4443 §2.4(f); Linux does so once a second and address, after a burst of six
// (icmp(7), icmp_ratelimit; icmp.c:icmpv4_xrlim_allow). What is sent to that
// port while it says nothing meets the same fate, as far as anybody knows.
const (
	// closedRest, ns, is how long after a datagram about which the host spoke it
	// may stay silent about others for that reason.
	closedRest = second

	// closedFew errors must have come: a host that said it once or twice has not
	// met its limit, and what it says nothing about may have been lost elsewhere.
	closedFew = 3

	// maxClosed bounds the datagrams of a direction that are kept for it.
	maxClosed = 512
)

// A closing is what a direction sent to a closed port since the first datagram
// that an ICMP error quotes.
type closing struct {
	list   []closedTo
	router decode.Addr
	typ    uint8
	code   uint8
}

type closedTo struct {
	t      int64
	ref    FrameRef
	octets uint32
	said   Witness // the ICMP error that quotes it; or that about an earlier one
	quoted bool
}

// portClosed reports whether an ICMP error says so: RFC 792, RFC 4443 §3.1.
func portClosed(version, typ, code uint8) bool {
	return version == 4 && typ == 3 && code == 3 || version == 6 && typ == 1 && code == 4
}

// closedPort notes that the ICMP error p says of x that its port is closed.
func (h *stream) closedPort(x *sighting, p *decode.Packet, router decode.Addr) {
	if h.closed == nil {
		h.closed = &closing{router: router, typ: p.ICMPType, code: p.ICMPCode}
		begun := false
		for n := len(h.seen.list) - 1; n >= 0; n-- {
			s := h.seen.back(n)
			if begun = begun || s.ref == x.ref; begun && !s.lost || s.ref == x.ref {
				h.closed.pass(s.t, s.ref, s.octets)
			}
		}
	}
	for i := range h.closed.list {
		if c := &h.closed.list[i]; c.ref == x.ref {
			c.quoted = true
			c.said = Witness{FrameRef{Number: p.Number, File: p.File}, p.Time, SaysICMP, uint64(p.ICMPType), uint64(p.ICMPCode)}
		}
	}
}

// pass notes one more datagram.
func (c *closing) pass(t int64, ref FrameRef, octets uint32) {
	if len(c.list) < maxClosed {
		c.list = append(c.list, closedTo{t: t, ref: ref, octets: octets})
	}
}

// finishClosed charges what nobody spoke of. If anything ever came back, the
// port was open at some time, and nothing is told.
func (t *Talk) finishClosed(h *stream, dir uint8) {
	c := h.closed
	if c == nil || t.Facts.Dir[1-dir].Packets > 0 || h.twins != nil {
		return
	}
	h.closed = nil
	said := 0
	for i := range c.list {
		if c.list[i].quoted {
			said++
		}
	}
	if said < closedFew {
		return
	}
	var last *closedTo
	for i := range c.list {
		x := &c.list[i]
		if x.quoted {
			last = x
			continue
		}
		if last == nil || x.t-last.t > closedRest {
			continue
		}
		t.lose(dir, Lost{
			Place: AfterTap, What: t.what(), Reason: ReasonICMP, Proof: Fits, Rule: RuleSilentICMP,
			ICMPType: c.typ, ICMPCode: c.code, Router: c.router, Packets: 1, Octets: x.octets,
			First: x.t, Last: max(x.t, last.said.Time), Frame: x.ref,
			Witnesses: [5]Witness{{x.ref, x.t, SaysPassed, 0, 0}, last.said},
		})
	}
}
