package netsim

import "encoding/binary"

// A Stream sends datagrams at an even pace, whatever becomes of them.
type Stream struct {
	Count    int
	Interval int64
	Jitter   int64 // up to so much later than the pace says
	Octets   int
	RTP      bool // each begins with an RTP header, RFC 3550 §5.1
}

const (
	udpHeader = 8
	rtpHeader = 12
)

// talker is one end of a flow of datagrams.
type talker struct {
	s    *sim
	flow int
	dir  uint8
	f    *Flow
	send func(segment)
	id   uint16
	rtp  uint32 // where its RTP numbers, stamps and name come from
}

// receive takes a datagram and says nothing.
func (*talker) receive(segment) {}

// speak sends the nth datagram of st and plans the next.
func (t *talker) speak(st *Stream, n int) {
	if n == st.Count {
		return
	}
	start := t.s.begin + t.f.Start + int64(n+1)*st.Interval
	t.s.at(start+t.s.between(0, st.Jitter), func() { t.speak(st, n+1) })
	if n < 0 {
		return
	}
	g := segment{
		flow: t.flow, dir: t.dir, udp: true, rtp: st.RTP, number: uint64(n), octets: st.Octets, v6: t.f.IPv6,
		lo: uint64(n) * uint64(st.Octets), stamps: false, tsval: t.rtp, tsecr: uint32(st.Interval / (125 * Microsecond)),
	}
	if !t.f.IPv6 && !t.f.ZeroID {
		t.id++
		g.id = t.id
	}
	g.truth = len(t.s.trace.Packets)
	t.s.trace.Packets = append(t.s.trace.Packets, Packet{
		Flow: t.flow, Dir: t.dir, Kind: Datagram, Lo: uint64(n), Hi: uint64(n) + 1, Octets: uint32(st.Octets), Sent: t.s.now, CopyOf: -1,
	})
	t.send(g)
}

// appendUDP writes g as a datagram.
func (g *segment) appendUDP(b []byte, ends *Endpoints) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(b, ends[g.dir].Port())
	b = be.AppendUint16(b, ends[1-g.dir].Port())
	b = be.AppendUint16(b, uint16(g.transportLength()))
	b = append(b, 0, 0)
	octets := g.octets
	if g.rtp {
		b = append(b, 0x80, 8) // version 2; PCMA, a clock of 8 kHz
		b = be.AppendUint16(b, uint16(g.tsval)+uint16(g.number))
		b = be.AppendUint32(b, g.tsval>>3+uint32(g.number)*g.tsecr)
		b = be.AppendUint32(b, ^g.tsval)
		octets -= rtpHeader
	}
	return appendPayload(b, g.flow, g.dir, g.lo, octets)
}
