package scenario

import (
	"fmt"

	"whydrop/capture"
)

// build fills in the numbers that the lines leave out and writes the frames.
func build(s *Scenario) (*builder, error) {
	b := &builder{s: s, halves: map[[2]int]*half{}, labels: map[string]sent{}}
	for i := range s.steps {
		st := &s.steps[i]
		if st.when.relative {
			b.now += st.when.ns
		} else if st.what == stepPacket || st.what == stepCopy {
			b.now = st.when.ns
		}
		if err := b.step(st); err != nil {
			return nil, &SyntaxError{s.Name, st.line, err.Error()}
		}
	}
	return b, nil
}

// A builder plays the hosts and the tap.
type builder struct {
	s      *Scenario
	now    int64 // true time since the start, ns
	skew   int64 // what the clock of the tap is ahead of it
	halves map[[2]int]*half
	labels map[string]sent
	frames []capture.Frame
	stats  capture.Stats
	octets int
	random uint32
}

// A half is what a host knows of what it sends to another.
type half struct {
	index  int
	isn    uint32
	next   uint64 // relative number behind everything sent
	id     uint16
	mss    int
	rtp    uint16
	count  uint64 // packets sent
	passed []mark // for the timestamps that the other side echoes
}

// A mark is the end of a segment, relative, and its timestamp.
type mark struct {
	end uint64
	ts  uint32
}

// sent is an IP packet and what is needed to let it pass again.
type sent struct {
	ip       []byte
	src, dst int
	mark     mark
	stamped  bool
}

func (b *builder) half(src, dst int) *half {
	h := b.halves[[2]int{src, dst}]
	if h == nil {
		n := len(b.halves)
		e := &b.s.endpoints[src]
		h = &half{index: n, isn: 1_000_000 * uint32(n+1), id: uint16(1000 * (n + 1))}
		if e.has.isn {
			h.isn = e.isn
		}
		if e.has.id {
			h.id = e.id
		}
		h.isn += b.s.rotate
		b.halves[[2]int{src, dst}] = h
	}
	return h
}

func (b *builder) step(st *step) error {
	switch st.what {
	case stepDrops:
		b.drops(&st.drop)
		return nil
	case stepClock:
		b.skew += st.wait
		return nil
	case stepCopy:
		p, ok := b.labels[st.src]
		if !ok {
			return fmt.Errorf("packet %q was never sent", st.src)
		}
		p.ip = append([]byte(nil), p.ip...)
		if st.frag[1] > 0 {
			ip, err := fragment(p.ip, st.frag[0], st.frag[1])
			if err != nil {
				return err
			}
			p.ip = ip
		}
		if st.mods.ttl >= 0 {
			setTTL(p.ip, uint8(st.mods.ttl))
		}
		return b.pass(p, &st.mods)
	default:
		p, err := b.send(&st.pkt, &st.mods)
		if err != nil {
			return err
		}
		return b.pass(p, &st.mods)
	}
}

func (b *builder) drops(d *dropSpec) {
	switch d.kind {
	case "interface":
		b.stats.InterfaceDrops = b.stats.InterfaceDrops.Plus(d.n)
	case "os":
		b.stats.OSDrops = b.stats.OSDrops.Plus(d.n)
	default:
		b.stats.PacketDrops = b.stats.PacketDrops.Plus(d.n)
	}
	if d.spanned {
		b.stats.Spans = append(b.stats.Spans, capture.DropSpan{
			From: b.clock(d.from), To: b.clock(d.to), Packets: d.n, Kind: d.kind,
		})
	}
}

// clock is what the clock of the tap shows at t.
func (b *builder) clock(t int64) int64 { return epoch + t + b.skew + int64(b.s.shift) }

// send makes the IP packet that k describes.
func (b *builder) send(k *packet, m *mods) (sent, error) {
	p := sent{src: k.src, dst: k.dst}
	if k.proto == protoARP {
		p.ip = b.arp(k, m)
		return p, nil
	}
	h := b.half(k.src, k.dst)
	packets := 1
	var body []byte
	var err error
	switch k.proto {
	case protoTCP:
		body, err = b.tcp(k, h, &p)
		packets = b.wirePackets(k, h)
	case protoUDP:
		body, err = b.udp(k, h)
	default:
		if body, err = b.icmp(k, h); k.op != opNone {
			body = b.neighbour(k, m)
		}
	}
	if err != nil {
		return sent{}, err
	}
	src, dst := &b.s.endpoints[k.src], &b.s.endpoints[k.dst]
	head := ipHeader{src: src.addr.Addr(), dst: dst.addr.Addr(), proto: k.proto, ttl: src.ttl, df: m.df}
	head.id = b.nextID(k, m, h, packets)
	if m.ttl >= 0 {
		head.ttl = uint8(m.ttl)
	}
	h.count++
	if head.proto == protoICMP && src.addr.Addr().Is6() {
		head.proto = protoICMPv6
	}
	fillSum(&head, body, m)
	if m.blank && k.proto == protoTCP {
		clear(body[body[12]>>4*4:])
	}
	p.ip = head.marshal(body)
	if m.badIP && src.addr.Addr().Is4() {
		p.ip[10] ^= 0x01
	}
	if m.flip >= 0 {
		if m.flip >= len(p.ip) {
			return sent{}, fmt.Errorf("flip %d is behind the packet", m.flip)
		}
		p.ip[m.flip] ^= 0x01
	}
	return p, nil
}

// nextID is the IP ID of a packet of h that stands for n on the wire.
//
// Linux numbers what a connected socket sends; a SYN-ACK is sent before there
// is one and has ID 0.
func (b *builder) nextID(k *packet, m *mods, h *half, n int) uint16 {
	switch {
	case m.id >= 0:
		h.id = uint16(m.id + n)
		return uint16(m.id)
	case b.s.endpoints[k.src].ids == idNone, k.proto == protoTCP && k.flags&(flagSYN|flagACK) == flagSYN|flagACK:
		return 0
	case b.s.endpoints[k.src].ids == idRandom:
		b.random = b.random*1664525 + 1013904223
		return uint16(b.random >> 16)
	}
	id := h.id
	h.id += uint16(n)
	return id
}

// wirePackets is how many segments a super-frame becomes on the wire.
func (b *builder) wirePackets(k *packet, h *half) int {
	mss := min(h.mss, b.half(k.dst, k.src).mss)
	if b.s.endpoints[k.src].ts && !k.ts.none {
		mss -= 12 // RFC 9293 §3.7.1: options count against the MSS
	}
	if mss <= 0 || k.octets <= mss {
		return 1
	}
	return (k.octets + mss - 1) / mss
}

// pass lets p pass the tap, unless this capture does not hold it.
func (b *builder) pass(p sent, m *mods) error {
	if b.octets += len(p.ip); b.octets > maxOctets {
		return fmt.Errorf("more than %d octets of packets", maxOctets)
	}
	if m.label != "" {
		b.labels[m.label] = p
	}
	if m.unseen {
		return nil
	}
	if p.stamped {
		h := b.half(p.src, p.dst)
		h.passed = append(h.passed, p.mark)
	}
	link := b.s.link
	src, dst := p.src, p.dst
	ip := p.ip
	if t := m.tunnel; t.kind != "" {
		if src > dst { // back: the first end of a tunnel is with the endpoint named first
			t.src, t.dst = t.dst, t.src
		}
		ip = b.encapsulate(ip, src, dst, t)
		src, dst = t.src, t.dst
	}
	dir := b.direction(src, dst, m)
	data := linkHeader(link, src, dst, ip, m.vlans, dir)
	if m.mac != nil && link == capture.LinkEthernet {
		copy(data[6:12], m.mac)
	}
	data = append(data, ip...)
	if link == capture.LinkEthernet && !m.unpadded && dir != capture.Outbound {
		for len(data) < minFrame {
			data = append(data, 0)
		}
	}
	f := capture.Frame{
		Time: b.clock(b.now), HasTime: true, Number: uint64(len(b.frames) + 1),
		WireLength: uint32(len(data)), Link: link, Direction: dir, Data: data,
	}
	if m.cut > 0 && m.cut < len(data) {
		f.Data = data[:m.cut:m.cut]
	}
	if m.offload {
		f.Offload = capture.OffloadPending
	}
	b.frames = append(b.frames, f)
	return nil
}

// direction is in or out where the tap is on a host.
func (b *builder) direction(src, dst int, m *mods) capture.Direction {
	switch {
	case m.dir != capture.DirectionUnknown:
		return m.dir
	case b.s.endpoints[src].here:
		return capture.Outbound
	case b.s.endpoints[dst].here:
		return capture.Inbound
	}
	return capture.DirectionUnknown
}
