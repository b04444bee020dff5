package pcapfile

import "whydrop/capture"

// ifaceStats are the counters of the last Interface Statistics Block of an interface.
// They only grow, so what happened between two blocks is their difference.
type ifaceStats struct {
	at                                                     int64 // time of that block; 0 if there was none
	received, interfaceDrops, accepted, osDrops, delivered capture.Counter
}

// statistics reads an Interface Statistics Block: interface:32 time:64 options.
// One that makes no sense is left out: no packet depends on it.
func (n *pcapng) statistics(f *file, body []byte) {
	const fixed = 12
	if len(body) < fixed {
		f.note("interface statistics are too short, and are left out")
		return
	}
	id := n.order.u32(body)
	if uint64(id) >= uint64(len(n.interfaces)) {
		f.note("interface statistics are of an interface that is not described, and are left out")
		return
	}
	i := n.interfaces[id]
	before := i.stats
	now := before
	now.at = i.clock.time(n.ticks(body[4:]))
	from := before.at
	opts := options{order: n.order, rest: body[fixed:]}
	for code, value, ok := opts.next(); ok; code, value, ok = opts.next() {
		if len(value) != 8 {
			continue
		}
		switch code {
		case isbStart:
			if before.at == 0 {
				from = i.clock.time(n.ticks(value))
			}
		case isbEnd:
			now.at = i.clock.time(n.ticks(value))
		default:
			now.set(code, capture.Known(n.order.u64(value)))
		}
	}
	n.tornNote(f, &opts, "interface statistics")
	i.stats = now
	f.addStats(&before, &now, from)
}

// ticks reads a time stamp: the upper 32 bits, then the lower.
func (n *pcapng) ticks(b []byte) uint64 {
	return uint64(n.order.u32(b))<<32 | uint64(n.order.u32(b[4:]))
}

func (s *ifaceStats) set(code uint16, c capture.Counter) {
	switch code {
	case isbReceived:
		s.received = c
	case isbInterfaceDrops:
		s.interfaceDrops = c
	case isbFilterAccepted:
		s.accepted = c
	case isbOSDrops:
		s.osDrops = c
	case isbDelivered:
		s.delivered = c
	}
}

// addStats adds what one interface counted between two statistics blocks to the
// file's totals.
func (f *file) addStats(before, now *ifaceStats, from int64) {
	t := &f.input.Stats
	grow(&t.Received, before.received, now.received)
	grow(&t.FilterAccepted, before.accepted, now.accepted)
	grow(&t.Delivered, before.delivered, now.delivered)
	if n := grow(&t.InterfaceDrops, before.interfaceDrops, now.interfaceDrops); n > 0 {
		f.span(capture.DropSpan{From: from, To: now.at, Packets: n, Kind: "interface"})
	}
	if n := grow(&t.OSDrops, before.osDrops, now.osDrops); n > 0 {
		f.span(capture.DropSpan{From: from, To: now.at, Packets: n, Kind: "os"})
	}
}

// grow adds what a counter grew by to total, and returns it. A counter that went down
// began again.
func grow(total *capture.Counter, before, now capture.Counter) uint64 {
	was, _ := before.Value()
	is, known := now.Value()
	if !known {
		return 0
	}
	delta := is
	if is >= was {
		delta = is - was
	}
	*total = total.Plus(delta)
	return delta
}

// packetDrops notes that n packets were dropped between the last packet of i and the
// one before it.
func (f *file) packetDrops(i *iface, n uint64) {
	f.input.Stats.PacketDrops = f.input.Stats.PacketDrops.Plus(n)
	if n > 0 {
		f.span(capture.DropSpan{From: i.before, To: i.last, Packets: n, Kind: "ring"})
	}
}

func (f *file) span(s capture.DropSpan) {
	t := &f.input.Stats
	if len(t.Spans) >= maxSpans {
		t.SpansOmitted++
		return
	}
	t.Spans = append(t.Spans, s)
}
