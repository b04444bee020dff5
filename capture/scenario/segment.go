package scenario

import (
	"encoding/binary"
	"fmt"
)

const (
	flagFIN = 1
	flagSYN = 2
	flagACK = 16
)

// tcp writes the segment k of h and moves h on.
func (b *builder) tcp(k *packet, h *half, p *sent) ([]byte, error) {
	if k.newISN {
		h.isn, h.next, h.passed = k.isn+b.s.rotate, 0, nil
	}
	lo, ack := k.lo, k.ack
	if k.next {
		lo = h.next
	}
	back := b.half(k.dst, k.src)
	if k.ackAll {
		ack = back.next
	}
	if k.mss > 0 {
		h.mss = int(k.mss)
	}
	end := lo + uint64(k.octets)
	if k.flags&(flagSYN|flagFIN) != 0 {
		end++
	}
	h.next = max(h.next, end)
	options := k.options(back.isn)
	if e := &b.s.endpoints[k.src]; (e.ts || k.ts.hasVal) && !k.ts.none {
		p.mark, p.stamped = mark{end, e.base + uint32(b.now/1e6)}, true
		if k.ts.hasVal {
			p.mark.ts = k.ts.val
		}
		echo := k.ts.echo
		if !k.ts.hasEcho && k.flags&flagACK != 0 {
			echo = back.echo(ack)
		}
		options = append(options, 1, 1, 8, 10)
		options = binary.BigEndian.AppendUint32(options, p.mark.ts)
		options = binary.BigEndian.AppendUint32(options, echo)
	}
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	if len(options) > 40 {
		return nil, fmt.Errorf("%d octets of options; 40 is the most", len(options))
	}
	src, dst := b.s.endpoints[k.src].addr.Port(), b.s.endpoints[k.dst].addr.Port()
	t := binary.BigEndian.AppendUint16(nil, src)
	t = binary.BigEndian.AppendUint16(t, dst)
	t = binary.BigEndian.AppendUint32(t, h.isn+uint32(lo))
	if k.flags&flagACK != 0 {
		t = binary.BigEndian.AppendUint32(t, back.isn+uint32(ack))
	} else {
		t = binary.BigEndian.AppendUint32(t, 0)
	}
	t = append(t, byte((20+len(options))/4<<4), k.flags)
	t = binary.BigEndian.AppendUint16(t, k.window)
	t = append(t, 0, 0, 0, 0) // checksum, urgent pointer
	t = append(t, options...)
	return appendPattern(t, lo, k.octets), nil
}

// echo is the timestamp that the receiver of h echoes when it acknowledges
// ack: the newest of what it has in sequence, RFC 7323 §4.3.
func (h *half) echo(ack uint64) uint32 {
	for i := len(h.passed) - 1; i >= 0; i-- {
		if h.passed[i].end <= ack {
			return h.passed[i].ts
		}
	}
	return 0
}

// options are all but the timestamps, in the order of Linux but padded singly.
func (k *packet) options(peerISN uint32) []byte {
	var o []byte
	if k.mss > 0 {
		o = append(o, 2, 4, byte(k.mss>>8), byte(k.mss))
	}
	if k.sackOK {
		o = append(o, 1, 1, 4, 2)
	}
	if k.scale >= 0 {
		o = append(o, 1, 3, 3, byte(k.scale))
	}
	if n := len(k.sack); n > 0 {
		o = append(o, 1, 1, 5, byte(2+8*n))
	}
	for _, s := range k.sack {
		o = binary.BigEndian.AppendUint32(o, peerISN+uint32(s[0]))
		o = binary.BigEndian.AppendUint32(o, peerISN+uint32(s[1]))
	}
	return o
}

// appendPattern appends n octets that follow from their place: the same place
// always has the same octet, and neighbouring segments differ.
func appendPattern(b []byte, from uint64, n int) []byte {
	for i := range uint64(n) {
		x := (from + i) * 0x9e3779b97f4a7c15
		b = append(b, byte(x>>56))
	}
	return b
}

// udp writes the datagram k of h.
func (b *builder) udp(k *packet, h *half) ([]byte, error) {
	d := make([]byte, 8, 8+k.octets)
	binary.BigEndian.PutUint16(d[0:], b.s.endpoints[k.src].addr.Port())
	binary.BigEndian.PutUint16(d[2:], b.s.endpoints[k.dst].addr.Port())
	binary.BigEndian.PutUint16(d[4:], uint16(8+k.octets))
	d = appendPattern(d, h.count<<20, k.octets)
	if k.report {
		return d, b.report(d[8:], k)
	}
	copy(d[8:], k.head)
	if k.rtp == rtpNone {
		return d, nil
	}
	if k.octets < 12 {
		return nil, fmt.Errorf("RTP needs 12 octets")
	}
	h.rtp++
	if k.rtp != rtpNext {
		h.rtp = uint16(k.rtp)
	}
	d[8], d[9] = 0x80, 0 // version 2, G.711
	binary.BigEndian.PutUint16(d[10:], h.rtp)
	binary.BigEndian.PutUint32(d[12:], 160*uint32(h.rtp))
	binary.BigEndian.PutUint32(d[16:], ssrcOf(h))
	return d, nil
}

// report makes d an RTCP receiver report about what passes the other way.
func (b *builder) report(d []byte, k *packet) error {
	const octets = 32
	if len(d) != octets {
		return fmt.Errorf("a receiver report has %d octets", octets)
	}
	clear(d)
	d[0], d[1], d[3] = 0x81, 201, octets/4-1
	binary.BigEndian.PutUint32(d[8:], ssrcOf(b.half(k.dst, k.src)))
	binary.BigEndian.PutUint32(d[12:], uint32(k.lostSoFar))
	binary.BigEndian.PutUint32(d[16:], uint32(k.highest))
	return nil
}

func ssrcOf(h *half) uint32 { return 0x5eed0000 + uint32(h.index) }

// icmp writes the message k, with a quote if it is an error.
func (b *builder) icmp(k *packet, h *half) ([]byte, error) {
	m := []byte{k.icmpType, k.icmpCode, 0, 0}
	m = binary.BigEndian.AppendUint32(m, k.mtu)
	if k.quotes == "" {
		n := h.count
		if k.icmpType == 0 || k.icmpType == 129 {
			n = b.half(k.dst, k.src).count - 1 // it answers the newest request
		}
		binary.BigEndian.PutUint16(m[6:], uint16(n)) // sequence number of an echo
		return appendPattern(m, n, k.quoted), nil
	}
	p, ok := b.labels[k.quotes]
	if !ok {
		return nil, fmt.Errorf("packet %q was never sent", k.quotes)
	}
	n := k.quoted
	switch {
	case n == 0 && p.ip[0]>>4 == 4:
		n = 28 // RFC 792: the header and 8 octets
	case n == 0:
		n = 1232 // RFC 4443 §2.4 (c): as much as fits the minimum MTU
	}
	return append(m, p.ip[:min(n, len(p.ip))]...), nil
}
